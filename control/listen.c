// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int port_read(const char *text, uint16_t *port)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value > 65535)
		return -EINVAL;
	*port = htons((uint16_t)value);
	return 0;
}

static int address_read(const char *text, union address *out)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	char host[LISTEN_TEXT];

	memset(out, 0, sizeof(*out));
	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	if (text[0] == '[' && colon[-1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)len - 2, text + 1);
		out->v6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
			return -EINVAL;
		return port_read(colon + 1, &out->v6.sin6_port);
	}
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	out->v4.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) != 1)
		return -EINVAL;
	return port_read(colon + 1, &out->v4.sin_port);
}

static void address_write(const union address *address, char out[LISTEN_TEXT])
{
	char host[INET6_ADDRSTRLEN];

	if (address->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
		snprintf(out, LISTEN_TEXT, "[%s]:%u", host, ntohs(address->v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		snprintf(out, LISTEN_TEXT, "%s:%u", host, ntohs(address->v4.sin_port));
	}
}

bool listen_is_address(const char *text)
{
	union address address;

	return address_read(text, &address) == 0;
}

bool listen_is_loopback(const char *text)
{
	union address address;

	if (address_read(text, &address) != 0)
		return false;
	if (address.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
	return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

// Without is_shared a port that somebody listens on already is refused: another daemon of the same
// user would share it unseen.
static int socket_listen(int fd, union address *address, bool is_shared)
{
	socklen_t len =
		address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
	const int on = 1, shared = is_shared;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof(shared));
	if (address->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &address->any, len) != 0 || listen(fd, BACKLOG) != 0 ||
		getsockname(fd, &address->any, &len) != 0)
		return -errno;
	return 0;
}

int listen_open(
	const char *key, const char *text, bool is_shared, char actual[LISTEN_TEXT], char why[256])
{
	union address address;
	int fd, ret = address_read(text, &address);

	if (ret != 0) {
		snprintf(why, 256,
			"%s: \"%.64s\" is no address with a port, such as 127.0.0.1:8080 or "
			"[::1]:8080",
			key, text);
		return ret;
	}
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ret = fd < 0 ? -errno : socket_listen(fd, &address, is_shared);
	if (ret == 0) {
		address_write(&address, actual);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	snprintf(why, 256, "%s: %.64s cannot be listened on: %s", key, text, strerror(-ret));
	return ret;
}
