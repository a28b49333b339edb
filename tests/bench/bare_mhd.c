// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The floor under Ua: libmicrohttpd as Ua uses it, answering every request with the same 200 of so
// many octets, and nothing else.
//   bare-mhd PORT OCTETS

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <microhttpd.h>

#define BODY_MAX 65536
#define WAIT_MS 500

static struct MHD_Response *response;

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	static char begun;

	(void)arg;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = &begun;
		return MHD_YES;
	}
	if (*len > 0) {
		*len = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, 200, response);
}

static int wait_ms(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(daemon, &ms) == MHD_YES && ms < WAIT_MS ? (int)ms : WAIT_MS;
}

int main(int argc, char **argv)
{
	static char body[BODY_MAX];
	size_t len = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(argc == 3 ? (uint16_t)atoi(argv[1]) : 0),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon;
	struct epoll_event event;
	int fd;

	if (argc != 3 || at.sin_port == 0 || len > sizeof(body)) {
		fprintf(stderr, "usage: %s PORT OCTETS\n", argv[0]);
		return 2;
	}
	memset(body, 'x', len);
	response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_PERSISTENT);
	daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		on_request, NULL, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT, 10000,
		MHD_OPTION_CONNECTION_TIMEOUT, 60, MHD_OPTION_END);
	if (response == NULL || daemon == NULL) {
		fprintf(stderr, "%s: cannot listen on port %s\n", argv[0], argv[1]);
		return 1;
	}
	fd = epoll_create1(0);
	event = (struct epoll_event){.events = EPOLLIN};
	epoll_ctl(fd, EPOLL_CTL_ADD,
		MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &event);
	for (;;) {
		epoll_wait(fd, &event, 1, wait_ms(daemon));
		MHD_run(daemon);
	}
}
