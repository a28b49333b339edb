// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// libmicrohttpd on Ua: transport only. Each thread has a daemon for each address, of its own: no
// internal thread (that of 0.9.75 stalls when exactly 128 connections are ready), its epoll
// descriptor is waited for here, then MHD_run(). A request becomes a call when its first line is
// there, gets its header, its body, and is run; where it has to wait, its connection is suspended.

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "listen.h"
#include "log.h"
#include "ua_server.h"

#define CONNECTION_MEMORY 16384 // of libmicrohttpd: a longer header is refused with 431
#define BODY_STEP 4096
#define EXCESS_MAX (1u << 20) // octets of a body that is too large which are read before giving up
#define WAIT_MS 200 // a thread that turns less often counts as stuck (pulse.c)
#define RETRY_MS 1 // with orders that found no room
#define EXPIRE_NS 500000000u // between two looks at connections that are slow
#define OLD_MAX (4 * CONF_EAL_ARGS_MAX)

// A connection, to close it when a request takes too long to arrive.
struct connection {
	TAILQ_ENTRY(connection) in_list;
	uint64_t since_ns; // of the request that arrives, or of the end of the last one
	int fd;
	bool is_busy; // a request arrives
};
TAILQ_HEAD(connection_list, connection);

struct ua_http {
	struct ua_thread *thread;
	struct MHD_Daemon *daemon[CONF_EAL_ARGS_MAX];
	int listen_fd[CONF_EAL_ARGS_MAX]; // of each, closed with it
	unsigned daemons;
	struct MHD_Daemon *old[OLD_MAX]; // under an earlier certificate, till their connections end
	unsigned olds;
	unsigned tls_version; // of the certificate that is in force here
	int epoll_fd; // of the daemons and of the thread's wake_fd
	struct connection_list busy, idle; // in order of time
	uint64_t expired_ns; // when they were last looked at
};

// --- Connections ----------------------------------------------------------------------------

static void connection_leave(struct ua_http *http, struct connection *c)
{
	TAILQ_REMOVE(c->is_busy ? &http->busy : &http->idle, c, in_list);
}

static void connection_enter(struct ua_http *http, struct connection *c, bool is_busy)
{
	c->is_busy = is_busy;
	c->since_ns = http->thread->now_ns;
	TAILQ_INSERT_TAIL(is_busy ? &http->busy : &http->idle, c, in_list);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_ConnectionNotificationCode what)
{
	struct ua_http *http = arg;
	struct ua_stats *stats = &http->thread->stats;
	struct connection *c = *state;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return;
		c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		connection_enter(http, c, true);
		*state = c;
		stats->connections++;
		stats->connections_accepted++;
	} else if (c != NULL) {
		connection_leave(http, c);
		free(c);
		*state = NULL;
		stats->connections--;
	}
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static void connection_mark(struct ua_http *http, struct MHD_Connection *connection, bool is_busy)
{
	struct connection *c = connection_of(connection);

	if (c == NULL)
		return;
	connection_leave(http, c);
	connection_enter(http, c, is_busy);
}

// libmicrohttpd's own timeout begins anew with each octet. An idle connection may have begun a
// request whose first line is not complete.
static void list_expire(struct ua_http *http, struct connection_list *list, uint64_t life_ns)
{
	struct connection *c;

	while ((c = TAILQ_FIRST(list)) != NULL && http->thread->now_ns - c->since_ns > life_ns) {
		// It goes when libmicrohttpd sees the end of it.
		shutdown(c->fd, SHUT_RDWR);
		http->thread->stats.connections_slow++;
		connection_leave(http, c);
		connection_enter(http, c, c->is_busy);
	}
}

static void connections_expire(struct ua_http *http)
{
	const struct conf *conf = http->thread->ua->conf;
	uint64_t request_ns = conf->ua.request_timeout_s * 1000000000u;

	if (http->thread->now_ns - http->expired_ns < EXPIRE_NS)
		return;
	http->expired_ns = http->thread->now_ns;
	list_expire(http, &http->busy, request_ns);
	list_expire(http, &http->idle, request_ns + conf->ua.idle_timeout_s * 1000000000u);
}

// --- The request ----------------------------------------------------------------------------

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct ua_http *http = arg;
	struct ua_call *call = malloc(sizeof(*call));
	size_t len = strlen(uri);

	connection_mark(http, connection, true);
	if (call == NULL)
		return NULL;
	memset(call, 0, offsetof(struct ua_call, target));
	call->thread = http->thread;
	call->procedure = UA_NO_PROCEDURE;
	call->id = STORE_ID_NONE;
	call->target_len = len;
	memcpy(call->target, uri, len < sizeof(call->target) ? len : sizeof(call->target));
	return call;
}

static void authorization_take(struct ua_call *call, struct ua_text value)
{
	if (call->authorizations++ > 0)
		return;
	call->authorization = value;
	call->scratch = malloc(UA_AUTHORIZATION_MAX);
}

static void content_length_take(struct ua_call *call, struct ua_text value)
{
	call->content_lengths++;
	// Libmicrohttpd refuses what is no number.
	call->content_length = strtoull(value.data, NULL, 10);
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct ua_call *call = arg;
	struct ua_text n = {name, name_len}, v = {value == NULL ? "" : value, value_len};

	(void)kind;
	if (ua_token_is(n, "Authorization"))
		authorization_take(call, v);
	else if (ua_token_is(n, "User-Agent"))
		call->user_agent = v;
	else if (ua_token_is(n, "Content-Type"))
		call->content_type = v;
	else if (ua_token_is(n, "Content-Length"))
		content_length_take(call, v);
	else if (ua_token_is(n, "Transfer-Encoding"))
		call->transfer_coding = call->transfer_coding.data == NULL ? v : n;
	return MHD_YES;
}

static void peer_take(struct ua_call *call, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info == NULL ? NULL : info->client_addr;

	if (peer == NULL)
		return;
	memcpy(&call->peer, peer,
		peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					    : sizeof(struct sockaddr_in));
}

static void call_header(struct ua_call *call, struct MHD_Connection *connection, const char *method)
{
	call->connection = connection;
	call->method = ua_text_of(method);
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, call);
	peer_take(call, connection);
	if (call->authorizations > 0 && call->scratch == NULL)
		call->result = UA_INTERNAL;
	else
		ua_call_header(call);
}

// Makes room for len octets more, in steps, so that a header that promises much gets nothing.
static bool body_grow(struct ua_call *call, size_t len)
{
	size_t size = (call->body_len + len + BODY_STEP - 1) / BODY_STEP * BODY_STEP;
	char *grown;

	if (size <= call->body_size)
		return true;
	if (call->thread->bodies_held + size - call->body_size > UA_BODIES_HELD_MAX)
		return false;
	grown = realloc(call->body, size);
	if (grown == NULL)
		return false;
	call->thread->bodies_held += size - call->body_size;
	call->body = grown;
	call->body_size = size;
	return true;
}

// False: the connection is not worth reading any more of.
static bool body_take(struct ua_call *call, const char *data, size_t len)
{
	call->body_read += len;
	if (call->body_read > UA_BODY_MAX && call->result != UA_BODY_TOO_LARGE) {
		call->result = UA_BODY_TOO_LARGE;
		call->is_body_wanted = false;
	}
	if (call->body_read > UA_BODY_MAX + EXCESS_MAX)
		return false;
	if (!call->is_body_wanted)
		return true;
	if (!body_grow(call, len)) {
		call->result = UA_OVERLOADED;
		call->is_body_wanted = false;
		return true;
	}
	memcpy(call->body + call->body_len, data, len);
	call->body_len += len;
	return true;
}

// --- The answer -----------------------------------------------------------------------------

// What is worth a line: not what every phone does now and then.
static void call_log(struct ua_call *call)
{
	if (call->result == UA_OK || call->result == UA_NO_CREDENTIALS ||
		call->result == UA_STALE || call->result == UA_EXPIRED ||
		call->result == UA_RENEWAL || call->result == UA_REAUTHENTICATE ||
		call->result == UA_SHED)
		return;
	log_warning("ua-refused", "result=%s procedure=%s address=%s btid=\"%.*s\"",
		ua_result_name(call->result), ua_procedure_name(call->procedure),
		ua_call_address(call), (int)call->auth.username.len,
		call->auth.username.len > 0 ? call->auth.username.data : "");
}

static enum MHD_Result answer_send(struct ua_call *call)
{
	struct ua_header header[UA_HEADERS_MAX];
	unsigned n = ua_call_headers(call, header);
	struct MHD_Response *response = MHD_create_response_from_buffer(call->reply_len,
		(void *)(uintptr_t)(call->reply_len > 0 ? call->reply : ""), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	call->thread->stats.result[call->procedure][call->result]++;
	ua_latency_note(call);
	ua_note_write(call);
	call_log(call);
	if (response == NULL)
		return MHD_NO;
	for (unsigned i = 0; i < n; i++)
		MHD_add_response_header(response, header[i].name, header[i].value);
	ret = MHD_queue_response(call->connection, ua_result_status(call->result), response);
	MHD_destroy_response(response);
	return ret;
}

static bool is_answered_at_once(const struct ua_call *call)
{
	return call->result == UA_BODY_TOO_LARGE || call->result == UA_BAD_LENGTH ||
		call->result == UA_TRANSFER_CODING;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct ua_call *call = *state;

	(void)arg;
	(void)url;
	(void)version;
	if (call == NULL)
		return MHD_NO;
	if (call->connection == NULL) {
		call_header(call, connection, method);
		return is_answered_at_once(call) ? answer_send(call) : MHD_YES;
	}
	if (*len > 0) {
		bool goes_on = body_take(call, data, *len);

		*len = 0;
		return goes_on ? MHD_YES : MHD_NO;
	}
	if (ua_call_run(call))
		return answer_send(call);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct ua_http *http = arg;
	struct ua_call *call = *state;

	(void)why;
	*state = NULL;
	connection_mark(http, connection, false);
	if (call == NULL)
		return;
	ua_call_fini(call);
	free(call);
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

static struct MHD_Daemon *daemon_start(struct ua_http *http, int fd, const struct pem_pair *tls)
{
	const struct conf *conf = http->thread->ua->conf;
	unsigned limit = (unsigned)(conf->ua.connections / conf->ua.threads / conf->ua.listen.n);
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
		(tls->key.text != NULL ? MHD_USE_TLS : 0);
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate.text},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key.text},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
		on_message, http, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		limit == 0 ? 1 : limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)conf->ua.connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)conf->ua.idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_ARRAY, tls->key.text != NULL ? secure : secure + 2, MHD_OPTION_END);
}

static int epoll_add(struct ua_http *http, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int daemon_epoll_fd(struct MHD_Daemon *daemon)
{
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static int daemon_add(struct ua_http *http, int fd, const struct pem_pair *tls, char why[256])
{
	struct MHD_Daemon *daemon = daemon_start(http, fd, tls);

	if (daemon == NULL) {
		close(fd);
		snprintf(why, 256, "libmicrohttpd does not start%s",
			tls->key.text == NULL ? "" : ": certificate or key cannot be used");
		return -EIO;
	}
	http->listen_fd[http->daemons] = fd;
	http->daemon[http->daemons++] = daemon;
	return epoll_add(http, daemon_epoll_fd(daemon));
}

static int http_create(struct ua_thread *t, char why[256])
{
	struct ua_http *http = calloc(1, sizeof(*http));

	snprintf(why, 256, "no memory for the connections of Ua");
	if (http == NULL)
		return -ENOMEM;
	t->http = http;
	http->thread = t;
	TAILQ_INIT(&http->busy);
	TAILQ_INIT(&http->idle);
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

// As many descriptors as this process may have: one a connection.
static void files_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int ua_http_listen(struct ua *ua, char why[256])
{
	const struct conf *conf = ua->conf;
	int ret = pem_pair_read(conf->ua.certificate, conf->ua.private_key, &ua->tls, why);

	files_allow();
	for (unsigned i = 0; ret == 0 && i < ua->threads; i++)
		ret = http_create(ua->thread[i], why);
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
	free(http);
	t->http = NULL;
}

// --- Another certificate --------------------------------------------------------------------

static int tls_try(const struct pem_pair *tls, char why[256])
{
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_HTTPS_MEM_CERT, tls->certificate.text,
		MHD_OPTION_HTTPS_MEM_KEY, tls->key.text, MHD_OPTION_END);

	if (daemon == NULL) {
		snprintf(why, 256, "ua.certificate and ua.private_key do not do");
		return -EINVAL;
	}
	MHD_stop_daemon(daemon);
	return 0;
}

int ua_reload(struct ua *ua, const struct conf *conf, char why[256])
{
	struct pem_pair fresh, before;
	int ret;

	if (ua == NULL || ua->tls.key.text == NULL)
		return 0;
	ret = pem_pair_read(conf->ua.certificate, conf->ua.private_key, &fresh, why);
	if (ret == 0 && !pem_pair_is_same(&fresh, &ua->tls))
		ret = tls_try(&fresh, why);
	if (ret != 0 || pem_pair_is_same(&fresh, &ua->tls)) {
		pem_pair_wipe(&fresh);
		return ret;
	}
	pthread_mutex_lock(&ua->tls_lock);
	before = ua->tls;
	ua->tls = fresh;
	pthread_mutex_unlock(&ua->tls_lock);
	pem_pair_wipe(&before);
	atomic_fetch_add(&ua->tls_version, 1);
	log_info("ua-certificate", "file=\"%s\"", conf->ua.certificate);
	return 0;
}

// The old daemon takes no connections any more and serves those it has.
static void daemon_replace(struct ua_http *http, unsigned i, const struct pem_pair *tls)
{
	struct MHD_Daemon *daemon = daemon_start(http, http->listen_fd[i], tls);

	if (daemon == NULL || epoll_add(http, daemon_epoll_fd(daemon)) != 0) {
		log_error("ua-not-reloaded", "why=\"libmicrohttpd does not start\"");
		if (daemon != NULL) {
			MHD_quiesce_daemon(daemon);
			MHD_stop_daemon(daemon);
		}
		return;
	}
	MHD_quiesce_daemon(http->daemon[i]);
	http->old[http->olds++] = http->daemon[i];
	http->daemon[i] = daemon;
}

static void tls_follow(struct ua_http *http)
{
	struct ua *ua = http->thread->ua;
	unsigned version = atomic_load(&ua->tls_version);

	// Where too many wait for their end, the new one has to wait for them.
	if (version == http->tls_version || http->olds + http->daemons > OLD_MAX)
		return;
	http->tls_version = version;
	pthread_mutex_lock(&ua->tls_lock);
	for (unsigned i = 0; i < http->daemons; i++)
		daemon_replace(http, i, &ua->tls);
	pthread_mutex_unlock(&ua->tls_lock);
}

static unsigned connections_of(struct MHD_Daemon *daemon)
{
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

static void olds_end(struct ua_http *http)
{
	for (unsigned i = http->olds; i-- > 0;) {
		struct MHD_Daemon *old = http->old[i];

		MHD_run(old);
		if (connections_of(old) > 0)
			continue;
		MHD_stop_daemon(old);
		http->old[i] = http->old[--http->olds];
	}
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

static void woken_resume(struct ua_http *http)
{
	struct ua_call *call = ua_thread_woken(http->thread), *next;
	uint64_t drained;

	if (read(http->thread->wake_fd, &drained, sizeof(drained)) < 0 && call == NULL)
		return;
	for (; call != NULL; call = next) {
		next = call->next_woken;
		MHD_resume_connection(call->connection);
	}
}

static void turn(struct ua_http *http)
{
	struct epoll_event events[CONF_EAL_ARGS_MAX + 1];

	if (epoll_wait(http->epoll_fd, events, CONF_EAL_ARGS_MAX + 1, wait_ms(http)) < 0 &&
		errno != EINTR)
		log_warning("ua-epoll", "errno=%d", errno);
	ua_thread_clock(http->thread);
	ua_thread_follow(http->thread, false);
	woken_resume(http);
	for (unsigned i = 0; i < http->daemons; i++)
		MHD_run(http->daemon[i]);
	olds_end(http);
	tls_follow(http);
	ua_orders_flush(http->thread);
	atomic_fetch_add_explicit(&http->thread->turns, 1, memory_order_relaxed);
	http->thread->stats.waiting = http->thread->waiting;
	http->thread->stats.bodies_read = ua_bodies_count(http->thread->bodies);
	connections_expire(http);
	http->thread->stats.busy_ns += ua_clock_ns() - http->thread->now_ns;
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
