// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// libmicrohttpd on Ua: transport only. Each thread has a daemon for each address, of its own: no
// internal thread (that of 0.9.75 stalls when exactly 128 connections are ready), its epoll
// descriptor is waited for here, then MHD_run(). A request becomes a call when its first line is
// there, gets its header, its body, and is run; where it has to wait, its connection is suspended.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "listen.h"
#include "log.h"
#include "ua_http.h"

#define CONNECTION_MEMORY 16384 // of libmicrohttpd: a longer header is refused with 431
#define WAIT_MS 200 // a thread that turns less often counts as stuck (pulse.c)
#define RETRY_MS 1 // with orders that found no room
#define FILES_RESERVED 256 // descriptors that are not for phones

// --- Connections ----------------------------------------------------------------------------

// Each daemon may have all of the room, as long as the others leave it.
static enum MHD_Result on_accept(void *arg, const struct sockaddr *address, socklen_t len)
{
	const struct ua_http *http = arg;

	(void)address;
	(void)len;
	return http->connections.n < http->connections.most ? MHD_YES : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_ConnectionNotificationCode what)
{
	struct ua_http *http = arg;
	struct ua_thread *t = http->thread;
	const union MHD_ConnectionInfo *info;

	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		ua_connections_remove(&http->connections, *state);
		*state = NULL;
		t->stats.connections--;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*state = ua_connections_add(&http->connections, info->connect_fd, t->now_ns);
	t->stats.connections++;
	t->stats.connections_accepted++;
}

static void connections_look_after(struct ua_http *http)
{
	struct ua_thread *t = http->thread;

	t->stats.connections_slow += ua_connections_expire(&http->connections, t->now_ns);
	t->stats.connections_shed += ua_connections_make_room(&http->connections, t->now_ns);
}

// Nothing here looks at the arguments that libmicrohttpd takes out of the target.
static size_t unescape_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static void on_message(void *arg, const char *format, va_list args)
{
	struct ua_http *http = arg;
	char text[256];

	http->thread->stats.http_errors++;
	vsnprintf(text, sizeof(text), format, args);
	log_debug("ua-http", "text=\"%.*s\"", (int)strcspn(text, "\n\""), text);
}

// --- Life -----------------------------------------------------------------------------------

struct MHD_Daemon *ua_http_daemon_start(struct ua_http *http, int fd, const struct pem_pair *tls)
{
	const struct conf *conf = http->thread->ua->conf;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
		(tls->key.text != NULL ? MHD_USE_TLS : 0);
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate.text},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key.text},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, on_accept, http, ua_http_on_request, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_message, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, http->connections.most,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)conf->ua.connections_per_address,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)conf->ua.idle_timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL, MHD_OPTION_URI_LOG_CALLBACK,
		ua_http_on_uri, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, ua_http_on_completed, http, MHD_OPTION_ARRAY,
		tls->key.text != NULL ? secure : secure + 2, MHD_OPTION_END);
}

static int epoll_add(struct ua_http *http, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int ua_http_daemon_watch(struct ua_http *http, struct MHD_Daemon *daemon)
{
	return epoll_add(http, MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
}

static int daemon_add(struct ua_http *http, int fd, const struct pem_pair *tls, char why[256])
{
	struct MHD_Daemon *daemon = ua_http_daemon_start(http, fd, tls);

	if (daemon == NULL) {
		close(fd);
		snprintf(why, 256, "libmicrohttpd does not start%s",
			tls->key.text == NULL ? "" : ": certificate or key cannot be used");
		return -EIO;
	}
	http->listen_fd[http->daemons] = fd;
	http->daemon[http->daemons++] = daemon;
	return ua_http_daemon_watch(http, daemon);
}

static int http_create(struct ua_thread *t, unsigned most, char why[256])
{
	const struct conf *conf = t->ua->conf;
	struct ua_http *http = calloc(1, sizeof(*http));

	snprintf(why, 256, "no memory for the connections of Ua");
	if (http == NULL)
		return -ENOMEM;
	t->http = http;
	http->thread = t;
	ua_connections_init(
		&http->connections, most, conf->ua.request_timeout_s, conf->ua.idle_timeout_s);
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return http->epoll_fd < 0 ? -errno : epoll_add(http, t->wake_fd);
}

// All threads listen on each address; the first one chooses the port where it is 0.
static int address_listen(
	struct ua *ua, const char *text, const struct pem_pair *tls, char why[256])
{
	char actual[LISTEN_TEXT];
	size_t len = strlen(ua->addresses);

	snprintf(actual, sizeof(actual), "%s", text);
	for (unsigned i = 0; i < ua->threads; i++) {
		int fd = listen_open("ua.listen", actual, ua->threads > 1, actual, why), ret;

		if (fd < 0)
			return fd;
		ret = daemon_add(ua->thread[i]->http, fd, tls, why);
		if (ret != 0)
			return ret;
	}
	snprintf(ua->addresses + len, sizeof(ua->addresses) - len, "%s%s", len > 0 ? " " : "",
		actual);
	return 0;
}

// Most connections of a thread: as configured, as far as this process may have descriptors for them
// beside its others.
static unsigned connections_allowed(const struct conf *conf)
{
	uint64_t wanted = conf->ua.connections, others = FILES_RESERVED, allowed = wanted;
	struct rlimit limit;

	if (conf->key_source.url[0] != '\0')
		others += conf->key_source.lookups;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_cur < wanted + others)
			allowed = limit.rlim_cur > 2 * others ? limit.rlim_cur - others
							      : limit.rlim_cur / 2;
	}
	if (allowed < wanted)
		log_warning("ua-connections",
			"wanted=%lu allowed=%lu why=\"no more open files are allowed\"",
			(unsigned long)wanted, (unsigned long)allowed);
	allowed /= conf->ua.threads;
	return allowed > 0 ? (unsigned)allowed : 1;
}

int ua_http_listen(struct ua *ua, char why[256])
{
	const struct conf *conf = ua->conf;
	int ret = pem_pair_read(conf->ua.certificate, conf->ua.private_key, &ua->tls, why);
	unsigned most = connections_allowed(conf);

	for (unsigned i = 0; ret == 0 && i < ua->threads; i++)
		ret = http_create(ua->thread[i], most, why);
	for (unsigned i = 0; ret == 0 && i < conf->ua.listen.n; i++)
		ret = address_listen(ua, conf->ua.listen.value[i], &ua->tls, why);
	return ret;
}

void ua_http_close(struct ua_thread *t)
{
	struct ua_http *http = t->http;

	if (http == NULL)
		return;
	for (unsigned i = 0; i < http->olds; i++)
		MHD_stop_daemon(http->old[i]);
	for (unsigned i = 0; i < http->daemons; i++)
		MHD_stop_daemon(http->daemon[i]);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	ua_http_spares_free(t);
	free(http);
	t->http = NULL;
}

// --- The loop -------------------------------------------------------------------------------

static int daemon_wait_ms(struct MHD_Daemon *daemon, int ms)
{
	MHD_UNSIGNED_LONG_LONG wanted;

	return MHD_get_timeout(daemon, &wanted) == MHD_YES && wanted < (MHD_UNSIGNED_LONG_LONG)ms
		? (int)wanted
		: ms;
}

static int wait_ms(const struct ua_http *http)
{
	int ms = http->thread->orders > 0 ? RETRY_MS : WAIT_MS;

	for (unsigned i = 0; i < http->daemons; i++)
		ms = daemon_wait_ms(http->daemon[i], ms);
	for (unsigned i = 0; i < http->olds; i++)
		ms = daemon_wait_ms(http->old[i], ms);
	return ms;
}

// What a turn's work came to.
static void turn_measure(struct ua_thread *t)
{
	uint64_t busy_ns = ua_clock_ns() - t->now_ns;

	t->stats.busy_ns += busy_ns;
	ua_line_measure(&t->line, t->answered, busy_ns);
	t->answered = 0;
}

static void turn(struct ua_http *http)
{
	struct epoll_event events[CONF_EAL_ARGS_MAX + 1];

	if (epoll_wait(http->epoll_fd, events, CONF_EAL_ARGS_MAX + 1, wait_ms(http)) < 0 &&
		errno != EINTR)
		log_warning("ua-epoll", "errno=%d", errno);
	ua_thread_clock(http->thread);
	ua_thread_follow(http->thread, false);
	ua_http_resume(http);
	for (unsigned i = 0; i < http->daemons; i++)
		MHD_run(http->daemon[i]);
	ua_http_olds_serve(http);
	ua_http_tls_follow(http);
	ua_orders_flush(http->thread);
	atomic_fetch_add_explicit(&http->thread->turns, 1, memory_order_relaxed);
	http->thread->stats.waiting = http->thread->waiting;
	http->thread->stats.bodies_read = ua_bodies_count(http->thread->bodies);
	connections_look_after(http);
	turn_measure(http->thread);
}

void *ua_http_loop(void *arg)
{
	struct ua_thread *t = arg;
	char name[16];

	snprintf(name, sizeof(name), "ua-%u", t->index);
	pthread_setname_np(pthread_self(), name);
	// Calls that wait are answered before the end.
	while (!atomic_load(&t->ua->stop_requested) || t->waiting > 0)
		turn(t->http);
	turn(t->http);
	return NULL;
}
