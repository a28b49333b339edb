// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A connection is closed, idle, or busy with a phone's request. What is received goes into one
// buffer that all share; only an answer that comes in pieces is kept with its connection, as is
// what could not be sent at once. So thousands of idle connections cost next to nothing.

#include "ua_pool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STARTS_PER_TURN 256 // so that packets get their turn as well
#define REQUEST_MAX_BYTES 20480

enum which {
	CLOSED,
	IDLE,
	BUSY, // the one that has waited longest is first
	LISTS,
};

struct connection {
	int fd; // -1 when closed
	uint8_t which; // list it is in
	bool is_used; // an answer came over it
	bool has_octets; // of the answer to this request
	uint32_t before; // in its list
	uint32_t behind;
	uint32_t phone; // of the request; UE_NONE when idle
	int64_t deadline;
	struct ue_response response;
	char *in; // what has come of the answer so far; UE_RESPONSE_MAX_BYTES, NULL for nothing
	size_t in_len;
	char *out; // what is still to be sent; NULL for nothing
	size_t out_len;
};

struct list {
	uint32_t first;
	uint32_t last;
	uint32_t count;
};

struct ue_pool {
	struct ue_pool_conf conf;
	struct ue_ua *ua;
	int epoll;
	struct connection *connections;
	struct list lists[LISTS];
	uint64_t opened;
	char request[REQUEST_MAX_BYTES];
	char answer[UE_RESPONSE_MAX_BYTES];
};

// --- Lists ----------------------------------------------------------------------------------

static void list_remove(struct ue_pool *pool, uint32_t at)
{
	struct connection *c = &pool->connections[at];
	struct list *list = &pool->lists[c->which];

	if (c->before != UE_NONE)
		pool->connections[c->before].behind = c->behind;
	else
		list->first = c->behind;
	if (c->behind != UE_NONE)
		pool->connections[c->behind].before = c->before;
	else
		list->last = c->before;
	list->count--;
}

static void list_append(struct ue_pool *pool, uint32_t at, enum which which)
{
	struct connection *c = &pool->connections[at];
	struct list *list = &pool->lists[which];

	c->which = (uint8_t)which;
	c->before = list->last;
	c->behind = UE_NONE;
	if (list->last != UE_NONE)
		pool->connections[list->last].behind = at;
	else
		list->first = at;
	list->last = at;
	list->count++;
}

static void list_move(struct ue_pool *pool, uint32_t at, enum which which)
{
	list_remove(pool, at);
	list_append(pool, at, which);
}

// --- Opening and closing --------------------------------------------------------------------

static void buffer_drop(char **buffer, size_t *len)
{
	free(*buffer);
	*buffer = NULL;
	*len = 0;
}

static void connection_close(struct ue_pool *pool, uint32_t at)
{
	struct connection *c = &pool->connections[at];

	close(c->fd);
	c->fd = -1;
	c->phone = UE_NONE;
	buffer_drop(&c->in, &c->in_len);
	buffer_drop(&c->out, &c->out_len);
	list_move(pool, at, CLOSED);
}

// Closes a connection whose request gets no answer, and tells its phone.
static void connection_fail(
	struct ue_pool *pool, uint32_t at, enum ue_ua_event event, const struct ue_now *now)
{
	uint32_t phone = pool->connections[at].phone;

	connection_close(pool, at);
	if (phone != UE_NONE)
		ue_ua_fail(pool->ua, phone, event, now);
}

static int source_bind(const struct ue_pool *pool, int fd)
{
	const struct ue_pool_conf *conf = &pool->conf;
	uint32_t address = conf->source + (uint32_t)(pool->opened % conf->source_count);
	struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	const int on = 1;

	// The port is chosen with the destination: each address has all of them.
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&source, sizeof(source));
}

static bool connection_open(struct ue_pool *pool, uint32_t at)
{
	const struct ue_pool_conf *conf = &pool->conf;
	struct connection *c = &pool->connections[at];
	struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u64 = at}};
	const int on = 1;
	int fd = socket(
		conf->server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((conf->source_count > 0 && source_bind(pool, fd) != 0) ||
		(connect(fd, (const struct sockaddr *)&conf->server, conf->server_len) != 0 &&
			errno != EINPROGRESS) ||
		epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		return false;
	}
	c->fd = fd;
	c->is_used = false;
	pool->opened++;
	return true;
}

// --- Sending --------------------------------------------------------------------------------

// Sends what it can; keeps the rest. False when the connection is broken.
static bool octets_send(struct connection *c, const char *data, size_t len)
{
	ssize_t sent = send(c->fd, data, len, MSG_NOSIGNAL);
	char *rest;

	if (sent < 0 && errno != EAGAIN && errno != ENOTCONN)
		return false;
	if (sent < 0)
		sent = 0;
	len -= (size_t)sent;
	data += sent;
	if (len == 0) {
		buffer_drop(&c->out, &c->out_len);
		return true;
	}
	rest = malloc(len);
	if (rest == NULL)
		return false;
	memcpy(rest, data, len);
	free(c->out);
	c->out = rest;
	c->out_len = len;
	return true;
}

// Why a connection that broke was of no use.
static enum ue_ua_event failure_of(const struct connection *c)
{
	if (c->is_used)
		return c->has_octets ? UE_UA_CLOSED : UE_UA_REOPENED;
	return c->has_octets ? UE_UA_CLOSED : UE_UA_CONNECT;
}

// Sends the request that a phone has to make, over an open connection.
static void request_send(
	struct ue_pool *pool, uint32_t at, uint32_t phone, const struct ue_now *now)
{
	struct connection *c = &pool->connections[at];
	size_t len = ue_ua_request(pool->ua, phone, now, pool->request, sizeof(pool->request));

	if (len == 0) {
		c->phone = UE_NONE;
		list_move(pool, at, IDLE);
		return;
	}
	c->phone = phone;
	c->has_octets = false;
	c->response = (struct ue_response){.status = 0};
	c->deadline = now->mono + pool->conf.timeout_us;
	list_move(pool, at, BUSY);
	if (!octets_send(c, pool->request, len))
		connection_fail(pool, at, failure_of(c), now);
}

// Gives a phone a connection; there is one that is idle or closed.
static void phone_start(struct ue_pool *pool, uint32_t phone, const struct ue_now *now)
{
	// The last one that became idle is the least likely to be closed by the other side.
	uint32_t at = pool->lists[IDLE].last;

	if (at == UE_NONE) {
		at = pool->lists[CLOSED].first;
		if (!connection_open(pool, at)) {
			// It wanted something; that it could not ask is a failure of its request.
			if (ue_ua_request(pool->ua, phone, now, pool->request,
				    sizeof(pool->request)) != 0)
				ue_ua_fail(pool->ua, phone, UE_UA_CONNECT, now);
			return;
		}
	}
	request_send(pool, at, phone, now);
}

// --- Receiving ------------------------------------------------------------------------------

// Hands a whole answer to the phone; goes on with the connection, or without it.
static void answer_take(struct ue_pool *pool, uint32_t at, char *data, size_t len, bool is_end,
	const struct ue_now *now)
{
	struct connection *c = &pool->connections[at];
	struct ue_response response = c->response;
	uint32_t phone = c->phone;
	bool has_more = len > response.len;
	bool is_over = is_end || has_more || response.is_last || c->out_len > 0;
	bool is_again = ue_ua_answer(pool->ua, phone, &response, data, now);

	if (has_more)
		ue_ua_count_refused(pool->ua, UE_UA_REFUSED_UNSOLICITED);
	c->is_used = true;
	buffer_drop(&c->in, &c->in_len);
	if (is_over)
		connection_close(pool, at);
	if (is_again && is_over) {
		phone_start(pool, phone, now);
	} else if (is_again) {
		request_send(pool, at, phone, now);
	} else if (!is_over) {
		c->phone = UE_NONE;
		list_move(pool, at, IDLE);
	}
}

static void answer_refuse(struct ue_pool *pool, uint32_t at, const struct ue_now *now)
{
	uint32_t phone = pool->connections[at].phone;

	connection_close(pool, at);
	ue_ua_refuse(pool->ua, phone, UE_UA_REFUSED_FRAMING, now);
}

// Keeps what has come of an answer.
static bool answer_keep(struct connection *c, const char *data, size_t len)
{
	if (c->in == NULL) {
		c->in = malloc(UE_RESPONSE_MAX_BYTES);
		if (c->in == NULL)
			return false;
		memcpy(c->in, data, len);
	}
	c->in_len = len;
	return true;
}

// Goes on with an answer of which len octets are there.
static void octets_take(struct ue_pool *pool, uint32_t at, char *data, size_t len, bool is_end,
	const struct ue_now *now)
{
	struct connection *c = &pool->connections[at];

	switch (ue_response_parse(&c->response, data, len, is_end)) {
	case UE_RESPONSE_WHOLE:
		answer_take(pool, at, data, len, is_end, now);
		break;
	case UE_RESPONSE_MORE:
		if (!answer_keep(c, data, len))
			connection_fail(pool, at, UE_UA_MEMORY, now);
		break;
	case UE_RESPONSE_BAD:
		// Cut off by the end of the connection is no fault of what came before.
		if (is_end && len < UE_RESPONSE_MAX_BYTES && c->response.status != 0)
			connection_fail(pool, at, UE_UA_CLOSED, now);
		else
			answer_refuse(pool, at, now);
		break;
	}
}

// The connection has ended.
static void end_take(struct ue_pool *pool, uint32_t at, const struct ue_now *now)
{
	struct connection *c = &pool->connections[at];

	if (c->phone == UE_NONE)
		connection_close(pool, at);
	else if (c->in_len > 0)
		octets_take(pool, at, c->in, c->in_len, true, now);
	else
		connection_fail(pool, at, c->is_used ? UE_UA_REOPENED : UE_UA_CLOSED, now);
}

// Receives once. True when there may be more: the buffer was full, or the end is known to follow.
static bool octets_receive(
	struct ue_pool *pool, uint32_t at, bool has_ended, const struct ue_now *now)
{
	struct connection *c = &pool->connections[at];
	char *data = c->in != NULL ? c->in : pool->answer;
	size_t room = UE_RESPONSE_MAX_BYTES - c->in_len;
	ssize_t n = recv(c->fd, data + c->in_len, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n < 0) {
		connection_fail(pool, at, failure_of(c), now);
		return false;
	}
	if (n == 0) {
		end_take(pool, at, now);
		return false;
	}
	if (c->phone == UE_NONE) {
		ue_ua_count_refused(pool->ua, UE_UA_REFUSED_UNSOLICITED);
		connection_close(pool, at);
		return false;
	}
	c->has_octets = true;
	octets_take(pool, at, data, c->in_len + (size_t)n, false, now);
	return has_ended || (size_t)n == room;
}

void ue_pool_event(struct ue_pool *pool, uint64_t number, uint32_t events, const struct ue_now *now)
{
	struct connection *c = &pool->connections[number];
	uint32_t at = (uint32_t)number;
	// Edge-triggered: when the end has come along, it has to be read up to there now.
	bool has_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	int fd = c->fd;

	if (fd >= 0 && (events & EPOLLOUT) != 0 && c->out_len > 0 &&
		!octets_send(c, c->out, c->out_len)) {
		connection_fail(pool, at, failure_of(c), now);
		return;
	}
	if ((events & EPOLLIN) == 0 && !has_ended)
		return;
	while (fd >= 0 && c->fd == fd && octets_receive(pool, at, has_ended, now))
		continue;
}

// --- Turns ----------------------------------------------------------------------------------

static bool late_end(struct ue_pool *pool, const struct ue_now *now)
{
	const struct list *busy = &pool->lists[BUSY];
	bool is_any = false;

	while (busy->first != UE_NONE && pool->connections[busy->first].deadline <= now->mono) {
		connection_fail(pool, busy->first, UE_UA_TIMEOUT, now);
		is_any = true;
	}
	return is_any;
}

static bool has_room(const struct ue_pool *pool)
{
	return pool->lists[IDLE].count > 0 || pool->lists[CLOSED].count > 0;
}

bool ue_pool_turn(struct ue_pool *pool, const struct ue_now *now)
{
	bool is_any = late_end(pool, now);

	for (int i = 0; i < STARTS_PER_TURN && has_room(pool); i++) {
		uint32_t phone = ue_ua_take(pool->ua, now);

		if (phone == UE_NONE)
			break;
		phone_start(pool, phone, now);
		is_any = true;
	}
	return is_any;
}

json_t *ue_pool_report(const struct ue_pool *pool)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "limit", (json_int_t)pool->conf.connections,
		"open", (json_int_t)(pool->lists[IDLE].count + pool->lists[BUSY].count), "busy",
		(json_int_t)pool->lists[BUSY].count, "opened", (json_int_t)pool->opened);
}

int ue_pool_create(
	struct ue_pool **out, const struct ue_pool_conf *conf, struct ue_ua *ua, int epoll)
{
	struct ue_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return -ENOMEM;
	pool->conf = *conf;
	pool->ua = ua;
	pool->epoll = epoll;
	pool->connections = calloc(conf->connections, sizeof(*pool->connections));
	if (pool->connections == NULL) {
		free(pool);
		return -ENOMEM;
	}
	for (int i = 0; i < LISTS; i++)
		pool->lists[i] = (struct list){UE_NONE, UE_NONE, 0};
	for (uint32_t i = 0; i < conf->connections; i++) {
		pool->connections[i].fd = -1;
		pool->connections[i].phone = UE_NONE;
		list_append(pool, i, CLOSED);
	}
	*out = pool;
	return 0;
}

void ue_pool_destroy(struct ue_pool *pool)
{
	if (pool == NULL)
		return;
	for (uint32_t i = 0; i < pool->conf.connections; i++) {
		if (pool->connections[i].fd >= 0)
			connection_close(pool, i);
	}
	free(pool->connections);
	free(pool);
}
