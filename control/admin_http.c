// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The only file that knows libmicrohttpd: from a connection's callbacks to calls, from replies to
// responses.

#include "admin_http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "admin_call.h"
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
	char *value[8]; // decoded, freed with the request
	unsigned values;
};

struct request {
	struct admin_query query;
	struct admin_call *call;
};

// --- Query ----------------------------------------------------------------------------------

static const char *query_get(const struct admin_query *query, const char *name)
{
	// Decoded values are kept with the request, so that handlers may hold on to them.
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

static struct MHD_Response *pipe_response(
	struct MHD_Connection *connection, const struct admin_reply *reply)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pipe_reply *pipe = malloc(sizeof(*pipe));
	struct MHD_Response *response;

	if (pipe == NULL || info == NULL) {
		free(pipe);
		return NULL;
	}
	*pipe = (struct pipe_reply){reply->fd, info->connect_fd};
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, PIPE_BLOCK, pipe_read, pipe, free);
	if (response == NULL)
		free(pipe);
	return response;
}

static struct MHD_Response *json_response(const struct admin_reply *reply)
{
	json_t *body = reply->body;
	char *text = body == NULL ? strdup("{}")
				  : json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));

	if (text == NULL)
		return NULL;
	return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result reply_send(
	struct MHD_Connection *connection, const struct admin_reply *reply)
{
	bool is_pipe = reply->fd >= 0;
	struct MHD_Response *response =
		is_pipe ? pipe_response(connection, reply) : json_response(reply);
	enum MHD_Result ret;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		is_pipe ? reply->content_type : "application/json");
	ret = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return ret;
}

// --- Requests -------------------------------------------------------------------------------

static struct request *request_begin(
	struct ctl *ctl, struct MHD_Connection *connection, const char *path, const char *method)
{
	struct request *request = calloc(1, sizeof(*request));
	struct admin_request req = {.ctl = ctl, .query_get = query_get};

	if (request == NULL)
		return NULL;
	request->query.connection = connection;
	req.query = &request->query;
	request->call = admin_call_begin(&req, method, path);
	if (request->call == NULL) {
		free(request);
		return NULL;
	}
	return request;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct admin_http *http = arg;
	struct request *request = *state;

	(void)version;
	if (request == NULL) {
		request = request_begin(http->ctl, connection, url, method);
		*state = request;
		return request == NULL ? MHD_NO : MHD_YES;
	}
	if (*len > 0) {
		admin_call_data(request->call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	return reply_send(connection, admin_call_end(request->call));
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct request *request = *state;

	(void)arg;
	(void)connection;
	(void)why;
	if (request == NULL)
		return;
	*state = NULL;
	admin_call_free(request->call);
	for (unsigned i = 0; i < request->query.values; i++)
		free(request->query.value[i]);
	free(request);
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
