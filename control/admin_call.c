// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "admin_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_routes.h"
#include "audit.h"

#define BODY_ROOM 4096 // of a body at first

struct admin_call {
	const struct admin_route *route; // NULL: refused at the header
	struct admin_request req;
	struct admin_reply reply;
	const char *method;
	char *path; // as it was sent, for the audit
	bool is_audited; // a line has been written
	uint64_t begun_ns;
	char text[ADMIN_PATH_MAX]; // of the request's arguments
	void *stream; // state, NULL when there is none or it has ended
	bool is_stream_over;
	bool has_body;
	bool is_body_too_large;
	char *body;
	size_t body_len;
	size_t body_room;
};

// --- Body -----------------------------------------------------------------------------------

static bool body_make_room(struct admin_call *call, size_t len)
{
	size_t room = call->body_room != 0 ? call->body_room : BODY_ROOM;
	char *grown;

	if (call->body_len + len > ADMIN_BODY_MAX)
		return false;
	while (room < call->body_len + len)
		room *= 2;
	if (room == call->body_room)
		return true;
	grown = realloc(call->body, room);
	if (grown == NULL)
		return false;
	call->body = grown;
	call->body_room = room;
	return true;
}

static void body_add(struct admin_call *call, const char *data, size_t len)
{
	call->has_body = true;
	if (call->is_body_too_large || !body_make_room(call, len)) {
		call->is_body_too_large = true;
		return;
	}
	memcpy(call->body + call->body_len, data, len);
	call->body_len += len;
}

static void stream_data(struct admin_call *call, const char *data, size_t len)
{
	const struct admin_stream *stream = call->route->stream;

	if (call->stream != NULL && !call->is_stream_over)
		call->is_stream_over = stream->data(call->stream, data, len) != 0;
}

void admin_call_data(struct admin_call *call, const char *data, size_t len)
{
	if (call->route == NULL)
		return;
	if (call->route->stream != NULL)
		stream_data(call, data, len);
	else
		body_add(call, data, len);
}

// The body as a JSON object. -EINVAL: the reply holds the error.
static int body_parse(struct admin_call *call)
{
	json_error_t error;

	if (call->is_body_too_large) {
		admin_error(&call->reply, 413, "body-too-large",
			"The body is longer than %d octets.", ADMIN_BODY_MAX);
		return -EINVAL;
	}
	if (!call->has_body) {
		if (!(call->route->flags & ADMIN_NEEDS_BODY))
			return 0;
		admin_error(&call->reply, 411, "no-body", "This call needs a body.");
		return -EINVAL;
	}
	call->req.body = json_loadb(call->body, call->body_len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(call->req.body))
		return 0;
	if (call->req.body != NULL)
		admin_error(&call->reply, 400, "bad-json", "The body is to be a JSON object.");
	else
		admin_error(&call->reply, 400, "bad-json", "Not JSON: line %d, column %d: %s.",
			error.line, error.column, error.text);
	return -EINVAL;
}

// --- Audit ------------------------------------------------------------------------------------

// Whoever changes something or is shown keys is written down, and whoever was not allowed to do
// what they tried.
static bool is_of_interest(const struct admin_call *call)
{
	return (call->route != NULL && call->route->role == ADMIN_KEYS) ||
		strcmp(call->method, "GET") != 0 || call->reply.status == 401 ||
		call->reply.status == 403;
}

static void audit_note(struct admin_call *call, unsigned status)
{
	const json_t *body = call->reply.body;
	struct audit_entry entry = {
		.peer = call->req.peer,
		.method = call->method,
		.path = call->path,
		.status = status,
		.error = json_string_value(json_object_get(body, "error")),
		.id = json_integer_value(json_object_get(body, "id")),
	};

	if (call->req.ctl->audit == NULL || call->is_audited || !is_of_interest(call))
		return;
	if (call->route != NULL && !(call->route->flags & ADMIN_SECRET_BODY))
		entry.body = call->req.body;
	audit_write(call->req.ctl->audit, &entry);
	call->is_audited = true;
}

// --- The call ---------------------------------------------------------------------------------

// Refuses before anything of the body is looked at.
static void route_enter(struct admin_call *call)
{
	const struct admin_route *route = call->route;

	if (route == NULL)
		return;
	if (admin_role_check(&call->req, &call->reply, route->role) != 0) {
		call->route = NULL;
		return;
	}
	if (route->stream == NULL)
		return;
	call->stream = route->stream->begin(&call->req, &call->reply);
	if (call->stream == NULL)
		call->route = NULL;
}

struct admin_call *admin_call_begin(
	const struct admin_request *req, const char *method, const char *path)
{
	struct admin_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->req = *req;
	call->reply = (struct admin_reply){.status = 200, .fd = -1};
	call->begun_ns = meter_now_ns();
	call->method = method;
	call->path = strdup(path);
	if (call->path == NULL) {
		free(call);
		return NULL;
	}
	call->route = admin_route_find(method, path, call->text, &call->req, &call->reply);
	route_enter(call);
	return call;
}

static void call_handle(struct admin_call *call)
{
	if (call->route == NULL)
		return;
	if (call->route->stream != NULL) {
		call->route->stream->end(call->stream, &call->reply);
		call->stream = NULL;
	} else if (body_parse(call) == 0) {
		call->route->handle(&call->req, &call->reply);
	}
}

static void call_meter(const struct admin_call *call)
{
	struct meters *meters = &call->req.ctl->meters;
	unsigned first_digit = call->reply.status / 100;

	if (first_digit < sizeof(meters->admin_answers) / sizeof(meters->admin_answers[0]))
		atomic_fetch_add(&meters->admin_answers[first_digit], 1);
	meter_time(&meters->admin, call->begun_ns);
}

const struct admin_reply *admin_call_end(struct admin_call *call)
{
	call_handle(call);
	call_meter(call);
	audit_note(call, call->reply.status);
	return &call->reply;
}

void admin_call_free(struct admin_call *call)
{
	audit_note(call, 0);
	if (call->stream != NULL)
		call->route->stream->cancel(call->stream);
	// Closed first: who fills a pipe that nobody reads must not be waited for.
	if (call->reply.fd >= 0)
		close(call->reply.fd);
	if (call->reply.done != NULL)
		call->reply.done(call->req.ctl);
	json_decref(call->reply.body);
	json_decref(call->req.body);
	free(call->reply.text);
	if (call->body != NULL)
		explicit_bzero(call->body, call->body_len);
	free(call->body);
	free(call->path);
	free(call);
}
