// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// libmicrohttpd without a thread of its own: its epoll descriptor is watched by the port loop,
// which owns the phones, so no question has to wait for a lock.

#include "key_source.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "program.h"

#define CONNECTIONS_MAX 4096
#define IDLE_TIMEOUT_S 120
#define QUESTION_MAX_BYTES 4096

struct key_source {
	struct MHD_Daemon *daemon;
	struct ue_bsf *bsf;
	const char *path;
	int epoll;
	int64_t wall_s;
};

struct question {
	size_t len; // more than QUESTION_MAX_BYTES: too long
	char body[QUESTION_MAX_BYTES];
};

static enum MHD_Result text_queue(struct MHD_Connection *connection, unsigned status, char *text,
	enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, "Retry-After", "1");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result error_queue(
	struct MHD_Connection *connection, unsigned status, const char *text)
{
	return text_queue(connection, status, (char *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result question_answer(struct key_source *source, struct MHD_Connection *connection,
	const struct question *question)
{
	unsigned status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	json_t *answer;
	char *text;

	if (question->len > sizeof(question->body))
		return error_queue(
			connection, MHD_HTTP_CONTENT_TOO_LARGE, "{\"error\":\"too-long\"}");
	answer = ue_bsf_answer(source->bsf, question->body, question->len, source->wall_s, &status);
	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (text == NULL)
		return MHD_NO;
	return text_queue(connection, status, text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result question_take(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct key_source *source = arg;
	struct question *question = *state;

	(void)version;
	if (question == NULL) {
		*state = calloc(1, sizeof(*question));
		return *state != NULL ? MHD_YES : MHD_NO;
	}
	if (*len > 0) {
		if (question->len + *len <= sizeof(question->body))
			memcpy(question->body + question->len, data, *len);
		else
			question->len = sizeof(question->body) + 1 - *len;
		question->len += *len;
		*len = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/v1/bootstrapping-info") != 0)
		return error_queue(
			connection, MHD_HTTP_NOT_FOUND, "{\"error\":\"no-such-target\"}");
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return error_queue(
			connection, MHD_HTTP_METHOD_NOT_ALLOWED, "{\"error\":\"no-such-method\"}");
	return question_answer(source, connection, question);
}

static void question_end(void *arg, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)connection;
	(void)why;
	free(*state);
	*state = NULL;
}

static int daemon_start(struct key_source *source, int fd)
{
	const union MHD_DaemonInfo *info;

	source->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, question_take, source,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, question_end, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (source->daemon == NULL)
		return -EIO;
	info = MHD_get_daemon_info(source->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	source->epoll = info != NULL ? info->epoll_fd : -1;
	if (source->epoll >= 0)
		return 0;
	MHD_stop_daemon(source->daemon);
	return -EIO;
}

int key_source_open(struct key_source **out, const char *path, struct ue_bsf *bsf)
{
	struct key_source *source = calloc(1, sizeof(*source));
	int fd, rc;

	if (source == NULL)
		return -ENOMEM;
	source->bsf = bsf;
	source->path = path;
	fd = socket_listen(path);
	rc = fd < 0 ? fd : daemon_start(source, fd);
	if (rc != 0) {
		// A socket that libmicrohttpd did not take is still ours.
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		free(source);
		return rc;
	}
	*out = source;
	return 0;
}

void key_source_close(struct key_source *source)
{
	if (source == NULL)
		return;
	MHD_stop_daemon(source->daemon);
	unlink(source->path);
	free(source);
}

int key_source_fd(const struct key_source *source)
{
	return source->epoll;
}

bool key_source_run(struct key_source *source, int64_t wall_s)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	source->wall_s = wall_s;
	MHD_run(source->daemon);
	return MHD_get_timeout(source->daemon, &wait_ms) == MHD_YES && wait_ms == 0;
}
