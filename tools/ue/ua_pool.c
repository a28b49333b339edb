// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A connection is closed, idle, or busy with a phone's request. What is received goes into one
// buffer that all share; only an answer that comes in pieces is kept with its connection, as is
// what could not be sent at once. So thousands of idle connections cost next to nothing.

#include "ua_pool_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define STARTS_PER_TURN 256 // so that packets get their turn as well

// Closes a connection whose request gets no answer, and tells its phone.
static void connection_fail(
	struct ue_pool *pool, uint32_t at, enum ue_ua_event event, const struct ue_now *now)
{
	uint32_t phone = pool->connections[at].phone;

	ue_connection_close(pool, at);
	if (phone != UE_NONE)
		ue_ua_fail(pool->ua, phone, event, now);
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
		ue_buffer_drop(&c->out, &c->out_len);
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
		ue_connection_move(pool, at, IDLE);
		return;
	}
	c->phone = phone;
	c->has_octets = false;
	c->response = (struct ue_response){.status = 0};
	c->deadline = now->mono + pool->conf.timeout_us;
	ue_connection_move(pool, at, BUSY);
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
		if (!ue_connection_open(pool, at, phone)) {
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
	ue_buffer_drop(&c->in, &c->in_len);
	// What is left idle would be the next phone's.
	is_over |= pool->conf.is_from_phone && !is_again;
	if (is_over)
		ue_connection_close(pool, at);
	if (is_again && is_over) {
		phone_start(pool, phone, now);
	} else if (is_again) {
		request_send(pool, at, phone, now);
	} else if (!is_over) {
		c->phone = UE_NONE;
		ue_connection_move(pool, at, IDLE);
	}
}

static void answer_refuse(struct ue_pool *pool, uint32_t at, const struct ue_now *now)
{
	uint32_t phone = pool->connections[at].phone;

	ue_connection_close(pool, at);
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
		ue_connection_close(pool, at);
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
		ue_connection_close(pool, at);
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
	if (ue_connections_create(pool) != 0) {
		free(pool);
		return -ENOMEM;
	}
	*out = pool;
	return 0;
}

void ue_pool_destroy(struct ue_pool *pool)
{
	if (pool == NULL)
		return;
	ue_connections_destroy(pool);
	free(pool);
}
