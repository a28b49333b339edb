// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From replies to libmicrohttpd's responses: JSON, text, a part of the page, or what a descriptor
// yields while the client listens.

#include "admin_http_reply.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPE_BLOCK 65536

// What a browser is told of everything that the console's listener says: nothing of the page comes
// from elsewhere, nobody frames it, and a body is what its type says. There are no cookies, so that
// no other site can make a browser act in somebody's name.
static const char *const browser_headers[][2] = {
	{"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors "
		"'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
};

// A reply that is read from a descriptor while the client listens.
struct pipe_reply {
	int fd; // the call owns it
	int client_fd;
};

// Blocks in this connection's thread until there is something, and looks after the client
// meanwhile: libmicrohttpd would not notice that it has gone.
static ssize_t pipe_read(void *arg, uint64_t at, char *buf, size_t size)
{
	struct pipe_reply *pipe = arg;
	struct pollfd p[] = {
		{.fd = pipe->fd, .events = POLLIN}, {.fd = pipe->client_fd, .events = POLLRDHUP}};
	ssize_t n;

	(void)at;
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents == 0)
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

static struct MHD_Response *text_response(const struct admin_reply *reply)
{
	json_t *body = reply->body;
	char *text;

	if (reply->text != NULL)
		text = strdup(reply->text);
	else
		text = body == NULL ? strdup("{}")
				    : json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));
	if (text == NULL)
		return NULL;
	return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result response_send(enum admin_via via, struct MHD_Connection *connection,
	unsigned status, struct MHD_Response *response)
{
	size_t n = sizeof(browser_headers) / sizeof(browser_headers[0]);
	enum MHD_Result ret;

	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	for (size_t i = 0; i < n && via == ADMIN_BY_CONSOLE; i++)
		MHD_add_response_header(response, browser_headers[i][0], browser_headers[i][1]);
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

enum MHD_Result admin_http_file_send(
	enum admin_via via, struct MHD_Connection *connection, const struct console_file *file)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		file->len, (void *)(uintptr_t)file->data, MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
	return response_send(via, connection, MHD_HTTP_OK, response);
}

enum MHD_Result admin_http_reply_send(
	enum admin_via via, struct MHD_Connection *connection, const struct admin_reply *reply)
{
	struct MHD_Response *response =
		reply->fd >= 0 ? pipe_response(connection, reply) : text_response(reply);
	bool is_json = reply->fd < 0 && reply->text == NULL;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		is_json ? "application/json" : reply->content_type);
	if (reply->status == 401)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	return response_send(via, connection, reply->status, response);
}
