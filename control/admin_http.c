// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The only file that knows libmicrohttpd. It turns a connection's callbacks into one call of a
// handler, or into the four of a stream. A call begins with the header, takes the body as it
// arrives, and ends when the reply is over, whatever became of the client.

#include "admin_http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "admin_routes.h"
#include "log.h"

#define CONNECTIONS_MAX 64
#define IDLE_TIMEOUT_S 60
#define PIPE_BLOCK 65536
#define PIPE_LOOK_MS 250

struct admin_http {
	struct ctl *ctl;
	struct MHD_Daemon *daemon;
	char path[112];
};

struct admin_query {
	struct MHD_Connection *connection;
	char *value[8]; // decoded, freed with the call
	unsigned values;
};

struct call {
	const struct admin_route *route; // NULL: refused at the header
	struct admin_request req;
	struct admin_reply reply;
	struct admin_query query;
	char text[ADMIN_PATH_MAX]; // of the request's arguments
	void *stream; // state, NULL when there is none or it has ended
	bool is_stream_over;
	bool has_body;
	bool is_body_too_large;
	char *body;
	size_t body_len;
};

// --- Query ----------------------------------------------------------------------------------

static const char *query_get(const struct admin_query *query, const char *name)
{
	// Decoded values are kept with the call, so that handlers may hold on to them.
	struct admin_query *q = (struct admin_query *)(uintptr_t)query;
	const char *raw = MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
	size_t size = raw == NULL ? 0 : strlen(raw) + 1;
	char *value;

	if (raw == NULL || q->values == sizeof(q->value) / sizeof(q->value[0]))
		return NULL;
	value = malloc(size);
	if (value == NULL)
		return NULL;
	if (admin_percent_decode(raw, size - 1, value, size) < 0)
		value[0] = '\0';
	q->value[q->values++] = value;
	return value;
}

// --- Body -----------------------------------------------------------------------------------

static void body_add(struct call *call, const char *data, size_t len)
{
	char *grown;

	call->has_body = true;
	if (call->is_body_too_large || call->body_len + len > ADMIN_BODY_MAX) {
		call->is_body_too_large = true;
		return;
	}
	grown = realloc(call->body, call->body_len + len);
	if (grown == NULL) {
		call->is_body_too_large = true;
		return;
	}
	call->body = grown;
	memcpy(call->body + call->body_len, data, len);
	call->body_len += len;
}

static void stream_data(struct call *call, const char *data, size_t len)
{
	const struct admin_stream *stream = call->route->stream;

	if (call->stream != NULL && !call->is_stream_over)
		call->is_stream_over = stream->data(call->stream, data, len) != 0;
}

static void data_take(struct call *call, const char *data, size_t len)
{
	if (call->route == NULL)
		return;
	if (call->route->stream != NULL)
		stream_data(call, data, len);
	else
		body_add(call, data, len);
}

// The body as a JSON object. -EINVAL: the reply holds the error.
static int body_parse(struct call *call)
{
	json_error_t error;

	if (call->is_body_too_large) {
		admin_error(&call->reply, 413, "body-too-large",
			"The body is longer than %d octets.", ADMIN_BODY_MAX);
		return -EINVAL;
	}
	if (!call->has_body) {
		if (!call->route->needs_body)
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

// --- Reply ----------------------------------------------------------------------------------

// A reply that is read from a descriptor while the client listens.
struct pipe_reply {
	int fd; // the call owns it
	int client_fd;
};

static bool client_has_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// Blocks in this connection's thread until there is something, and looks after the client in
// between: libmicrohttpd would not notice that it has gone.
static ssize_t pipe_read(void *arg, uint64_t at, char *buf, size_t size)
{
	struct pipe_reply *pipe = arg;
	struct pollfd p = {.fd = pipe->fd, .events = POLLIN};
	ssize_t n;

	(void)at;
	while (poll(&p, 1, PIPE_LOOK_MS) <= 0)
		if (client_has_gone(pipe->client_fd))
			return MHD_CONTENT_READER_END_WITH_ERROR;
	n = read(pipe->fd, buf, size);
	if (n > 0)
		return n;
	return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *pipe_response(struct MHD_Connection *connection, struct call *call)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pipe_reply *pipe = malloc(sizeof(*pipe));
	struct MHD_Response *response;

	if (pipe == NULL || info == NULL) {
		free(pipe);
		return NULL;
	}
	*pipe = (struct pipe_reply){call->reply.fd, info->connect_fd};
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, PIPE_BLOCK, pipe_read, pipe, free);
	if (response == NULL)
		free(pipe);
	return response;
}

static struct MHD_Response *json_response(struct call *call)
{
	json_t *body = call->reply.body;
	char *text = body == NULL ? strdup("{}")
				  : json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));

	if (text == NULL)
		return NULL;
	return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result reply_send(struct MHD_Connection *connection, struct call *call)
{
	bool is_pipe = call->reply.fd >= 0;
	struct MHD_Response *response =
		is_pipe ? pipe_response(connection, call) : json_response(call);
	enum MHD_Result ret;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		is_pipe ? call->reply.content_type : "application/json");
	ret = MHD_queue_response(connection, call->reply.status, response);
	MHD_destroy_response(response);
	return ret;
}

// --- Calls ----------------------------------------------------------------------------------

static struct call *call_begin(
	struct ctl *ctl, struct MHD_Connection *connection, const char *path, const char *method)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->query.connection = connection;
	call->req =
		(struct admin_request){.ctl = ctl, .query = &call->query, .query_get = query_get};
	call->reply = (struct admin_reply){.status = 200, .fd = -1};
	call->route = admin_route_find(method, path, call->text, &call->req, &call->reply);
	if (call->route != NULL && call->route->stream != NULL) {
		call->stream = call->route->stream->begin(&call->req, &call->reply);
		if (call->stream == NULL)
			call->route = NULL;
	}
	return call;
}

static void call_handle(struct call *call)
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

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct admin_http *http = arg;
	struct call *call = *state;

	(void)version;
	if (call == NULL) {
		call = call_begin(http->ctl, connection, url, method);
		*state = call;
		return call == NULL ? MHD_NO : MHD_YES;
	}
	if (*len > 0) {
		data_take(call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	call_handle(call);
	return reply_send(connection, call);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct admin_http *http = arg;
	struct call *call = *state;

	(void)connection;
	(void)why;
	if (call == NULL)
		return;
	*state = NULL;
	if (call->stream != NULL)
		call->route->stream->cancel(call->stream);
	// Closed first: who fills a pipe that nobody reads must not be waited for.
	if (call->reply.fd >= 0)
		close(call->reply.fd);
	if (call->reply.done != NULL)
		call->reply.done(http->ctl);
	json_decref(call->reply.body);
	json_decref(call->req.body);
	for (unsigned i = 0; i < call->query.values; i++)
		free(call->query.value[i]);
	free(call->body);
	free(call);
}

// Paths and arguments stay as they were sent: an encoded slash is part of a name.
static size_t unescape_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static void on_mhd_message(void *arg, const char *format, va_list args)
{
	char text[256];
	size_t n;

	(void)arg;
	vsnprintf(text, sizeof(text), format, args);
	n = strcspn(text, "\n\"");
	log_debug("http", "text=\"%.*s\"", (int)n, text);
}

int admin_http_start(struct ctl *ctl, const char *path, struct admin_http **out, char why[256])
{
	struct admin_http *http = calloc(1, sizeof(*http));
	int fd = http == NULL ? -ENOMEM : admin_socket_open(path, why);

	if (fd < 0) {
		free(http);
		return fd;
	}
	http->ctl = ctl;
	snprintf(http->path, sizeof(http->path), "%s", path);
	http->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION |
			MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_message, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape_nothing, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_END);
	if (http->daemon == NULL) {
		snprintf(why, 256, "the admin socket cannot be served");
		close(fd);
		unlink(path);
		free(http);
		return -EIO;
	}
	*out = http;
	return 0;
}

void admin_http_stop(struct admin_http *http)
{
	if (http == NULL)
		return;
	unlink(http->path);
	MHD_stop_daemon(http->daemon);
	free(http);
}
