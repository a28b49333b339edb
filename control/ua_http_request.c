// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A request of a phone between libmicrohttpd and its call: first line, header, body, answer; where
// the call has to wait, its connection is suspended.

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "meter.h"
#include "ua_http.h"

#define BODY_STEP 1024
#define SPARES_MAX 64 // calls of a thread that are kept for the next requests
#define EXCESS_MAX (1u << 20) // octets of a body that is too large which are read before giving up

// --- Its connection -------------------------------------------------------------------------

static struct ua_connection *connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static void connection_move(
	struct ua_http *http, struct MHD_Connection *connection, enum ua_connection_place place)
{
	ua_connections_move(
		&http->connections, connection_of(connection), place, http->thread->now_ns);
}

// While a call waits for the key source or the store, the phone has nothing to do.
static void connection_hold(struct MHD_Connection *connection, bool is_held)
{
	struct ua_connection *c = connection_of(connection);

	if (c != NULL)
		c->is_held = is_held;
}

// --- The request ----------------------------------------------------------------------------

static struct ua_call *call_get(struct ua_thread *t)
{
	struct ua_call *call = t->spare;

	if (call == NULL)
		return malloc(sizeof(*call));
	t->spare = call->next_spare;
	t->spares--;
	return call;
}

// Some are kept: the next request needs one.
static void call_put(struct ua_thread *t, struct ua_call *call)
{
	ua_call_fini(call);
	if (t->spares == SPARES_MAX) {
		free(call);
		return;
	}
	call->next_spare = t->spare;
	t->spare = call;
	t->spares++;
}

void ua_http_spares_free(struct ua_thread *t)
{
	struct ua_call *call;

	while ((call = t->spare) != NULL) {
		t->spare = call->next_spare;
		free(call);
	}
}

void *ua_http_on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct ua_http *http = arg;
	struct ua_call *call = call_get(http->thread);
	size_t len = strlen(uri);

	connection_move(http, connection, UA_CONNECTION_BUSY);
	if (call == NULL)
		return NULL;
	memset(call, 0, offsetof(struct ua_call, target));
	call->thread = http->thread;
	call->begun_ns = meter_now_ns();
	call->procedure = UA_NO_PROCEDURE;
	call->id = STORE_ID_NONE;
	call->target_len = len;
	memcpy(call->target, uri, len < sizeof(call->target) ? len : sizeof(call->target));
	return call;
}

static void authorization_take(struct ua_call *call, struct ua_text value)
{
	if (call->authorizations++ == 0)
		call->authorization = value;
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
	// "Content-Length : 5" is read in one way here and in another by whoever stands before us.
	if (!ua_text_is_token(n))
		call->is_header_bad = true;
	else if (ua_token_is(n, "Authorization"))
		authorization_take(call, v);
	else if (ua_token_is(n, "User-Agent"))
		call->user_agent = v;
	else if (ua_token_is(n, "Content-Type"))
		call->content_type = v;
	else if (ua_token_is(n, "Content-Length"))
		content_length_take(call, v);
	else if (ua_token_is(n, "Host"))
		call->hosts++;
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
	char btid[LOG_TEXT_MAX];

	if (call->result == UA_OK || call->result == UA_NO_CREDENTIALS ||
		call->result == UA_STALE || call->result == UA_EXPIRED ||
		call->result == UA_RENEWAL || call->result == UA_REAUTHENTICATE ||
		call->result == UA_SHED)
		return;
	log_warning("ua-refused", "result=%s procedure=%s address=%s btid=\"%s\"",
		ua_result_name(call->result), ua_procedure_name(call->procedure),
		ua_call_address(call),
		log_text(call->auth.username.data, call->auth.username.len, btid));
}

static enum MHD_Result answer_send(struct ua_call *call)
{
	_Static_assert(METER_PROCEDURES == UA_PROCEDURES + 1, "one for each, one for none");
	struct ua_header header[UA_HEADERS_MAX];
	unsigned n = ua_call_headers(call, header);
	struct MHD_Response *response = MHD_create_response_from_buffer(call->reply_len,
		(void *)(uintptr_t)(call->reply_len > 0 ? call->reply : ""), MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	call->thread->stats.result[call->procedure][call->result]++;
	call->thread->answered += ua_result_status(call->result) != 503;
	meter_time(&call->thread->ua->ctl->meters.ua[call->procedure], call->begun_ns);
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

enum MHD_Result ua_http_on_request(void *arg, struct MHD_Connection *connection, const char *url,
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
		return ua_call_is_unframed(call) ? answer_send(call) : MHD_YES;
	}
	if (*len > 0) {
		bool goes_on = body_take(call, data, *len);

		*len = 0;
		return goes_on ? MHD_YES : MHD_NO;
	}
	if (ua_call_run(call))
		return answer_send(call);
	connection_hold(connection, true);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

void ua_http_on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct ua_http *http = arg;
	struct ua_call *call = *state;

	(void)why;
	*state = NULL;
	connection_move(http, connection, UA_CONNECTION_IDLE);
	if (call != NULL)
		call_put(http->thread, call);
}

// --- After a wait ---------------------------------------------------------------------------

void ua_http_resume(struct ua_http *http)
{
	struct ua_call *call = ua_thread_woken(http->thread), *next;
	uint64_t drained;

	if (read(http->thread->wake_fd, &drained, sizeof(drained)) < 0 && call == NULL)
		return;
	for (; call != NULL; call = next) {
		next = call->next_woken;
		connection_hold(call->connection, false);
		MHD_resume_connection(call->connection);
	}
}
