// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"

#include <curl/curl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define CALL_TIMEOUT_S 60L
#define HOST "http://mskpushd" // any name: the connection goes to the socket

// One handle, so that the connection stays open between calls. The rest is of the call that runs.
struct http {
	CURL *curl;
	char *body; // what has arrived of the answer
	size_t len, room;
	bool is_too_large;
	const struct http_upload *upload;
	bool is_read_error;
	bool is_all_sent; // of the upload
	const char *file_name; // of a download, NULL: the answer goes to body
	FILE *file;
	uint64_t file_bytes;
	int file_errno;
};

int http_create(struct cli *cli)
{
	struct http *http = calloc(1, sizeof(*http));

	cli->http = http;
	if (http == NULL)
		cli_out_of_memory();
	http->curl = curl_easy_init();
	if (http->curl == NULL)
		cli_out_of_memory();
	return 0;
}

void http_destroy(struct cli *cli)
{
	curl_easy_cleanup(cli->http->curl);
	free(cli->http->body);
	free(cli->http);
}

bool http_query_add(char path[HTTP_PATH_MAX], const char *name, const char *value)
{
	char *encoded = curl_easy_escape(NULL, value, 0);
	size_t used = strlen(path);
	int n;

	if (encoded == NULL)
		cli_out_of_memory();
	n = snprintf(path + used, HTTP_PATH_MAX - used, "%c%s=%s",
		strchr(path, '?') == NULL ? '?' : '&', name, encoded);
	curl_free(encoded);
	return n >= 0 && (size_t)n < HTTP_PATH_MAX - used;
}

bool http_path_add(char path[HTTP_PATH_MAX], const char *segment)
{
	char *encoded = curl_easy_escape(NULL, segment, 0);
	size_t used = strlen(path);
	int n;

	if (encoded == NULL)
		cli_out_of_memory();
	n = snprintf(path + used, HTTP_PATH_MAX - used, "/%s", encoded);
	curl_free(encoded);
	return n >= 0 && (size_t)n < HTTP_PATH_MAX - used;
}

static bool body_append(struct http *http, const char *data, size_t n)
{
	if (http->len + n > HTTP_ANSWER_MAX) {
		http->is_too_large = true;
		return false;
	}
	if (http->len + n > http->room) {
		http->room = 2 * (http->len + n);
		http->body = realloc(http->body, http->room);
		if (http->body == NULL)
			cli_out_of_memory();
	}
	memcpy(http->body + http->len, data, n);
	http->len += n;
	return true;
}

// Frames hold keys under keys, and addresses: the file is the owner's alone.
static bool file_open(struct http *http)
{
	int fd;

	if (strcmp(http->file_name, "-") == 0) {
		http->file = stdout;
		return true;
	}
	fd = open(http->file_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	http->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	http->file_errno = errno;
	return http->file != NULL;
}

static size_t body_write(char *data, size_t size, size_t n, void *arg)
{
	struct http *http = arg;
	long status = 0;

	(void)size; // always 1
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (http->file_name == NULL || status != 200)
		return body_append(http, data, n) ? n : 0;
	if (http->file == NULL && !file_open(http))
		return 0;
	if (fwrite(data, 1, n, http->file) != n || fflush(http->file) != 0) {
		http->file_errno = errno;
		return 0;
	}
	http->file_bytes += n;
	return n;
}

static size_t file_read(char *data, size_t size, size_t n, void *arg)
{
	struct http *http = arg;
	size_t got = is_interrupted() ? 0 : fread(data, 1, size * n, http->upload->file);

	if (is_interrupted())
		return CURL_READFUNC_ABORT;
	if (got == 0 && ferror(http->upload->file)) {
		http->is_read_error = true;
		return CURL_READFUNC_ABORT;
	}
	http->is_all_sent = got == 0;
	return got;
}

// Called by libcurl several times a second; other than 0 ends the call.
static int call_progress(
	void *arg, curl_off_t to_get, curl_off_t got, curl_off_t to_send, curl_off_t sent)
{
	struct http *http = arg;

	(void)to_get;
	(void)got;
	(void)to_send;
	if (http->upload != NULL) {
		http->upload->progress(http->upload->arg, sent);
		http->is_all_sent |= sent == http->upload->size;
	}
	return (http->file_name != NULL || http->upload != NULL) && is_interrupted();
}

static void call_prepare(struct cli *cli, const char *path, long timeout_s)
{
	struct http *http = cli->http;
	char url[sizeof(HOST) + HTTP_PATH_MAX];

	snprintf(url, sizeof(url), HOST "%s", path);
	curl_easy_reset(http->curl);
	curl_easy_setopt(http->curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(http->curl, CURLOPT_URL, url);
	curl_easy_setopt(http->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, timeout_s);
	curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, body_write);
	curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(http->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(http->curl, CURLOPT_XFERINFOFUNCTION, call_progress);
	curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, http);
	http->len = 0;
	http->is_too_large = false;
}

static int upload_interrupted(struct cli *cli)
{
	const char *name = cli->http->upload->name;

	if (!cli->http->is_all_sent)
		return cli_fail(cli, CLI_FAILED, "interrupted",
			"nothing was kept: not all of %s had been sent", name);
	return cli_fail(cli, CLI_FAILED, "interrupted",
		"all of %s had been sent, and is kept if the daemon had read it by then; to "
		"import it again does no harm",
		name);
}

static int call_fail(struct cli *cli, CURLcode code)
{
	long os_errno = 0;

	curl_easy_getinfo(cli->http->curl, CURLINFO_OS_ERRNO, &os_errno);
	if (cli->http->is_too_large)
		return cli_fail(cli, CLI_FAILED, "bad-answer",
			"the daemon's answer is larger than %d octets", HTTP_ANSWER_MAX);
	if (code == CURLE_ABORTED_BY_CALLBACK && cli->http->upload != NULL && is_interrupted())
		return upload_interrupted(cli);
	if (cli->http->is_read_error)
		return cli_fail(
			cli, CLI_USAGE, "bad-file", "cannot read %s", cli->http->upload->name);
	if (cli->http->file_errno != 0)
		return cli_fail(cli, CLI_FAILED, "bad-file", "cannot write %s: %s",
			cli->http->file_name, strerror(cli->http->file_errno));
	if (code == CURLE_COULDNT_CONNECT)
		return cli_fail(cli, CLI_NO_DAEMON, "no-daemon", "no daemon answers at %s: %s",
			cli->socket, strerror((int)os_errno));
	if (code == CURLE_OPERATION_TIMEDOUT)
		return cli_fail(cli, CLI_NO_DAEMON, "no-daemon",
			"the daemon at %s does not answer in time", cli->socket);
	return cli_fail(cli, CLI_NO_DAEMON, "no-daemon",
		"the daemon at %s went away before it had answered (%s)", cli->socket,
		curl_easy_strerror(code));
}

// Makes an answer of what arrived. Errors may come without JSON, all else may not.
static int answer_read(struct cli *cli, struct http_answer *answer)
{
	struct http *http = cli->http;

	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->json = json_loadb(http->len > 0 ? http->body : "", http->len, 0, NULL);
	if (!json_is_object(answer->json)) {
		json_decref(answer->json);
		answer->json = NULL;
	}
	if (answer->json != NULL || answer->status >= 400)
		return 0;
	return cli_fail(cli, CLI_FAILED, "bad-answer",
		"the daemon's answer is no JSON object; is it mskpushd that listens at %s?",
		cli->socket);
}

// A daemon that refuses an upload early stops reading: its answer counts, not the broken pipe.
static bool is_refused_early(struct http *http, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	return code == CURLE_SEND_ERROR && status >= 400;
}

static int call_perform(struct cli *cli, struct curl_slist *headers, struct http_answer *answer)
{
	CURLcode code;

	curl_easy_setopt(cli->http->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(cli->http->curl);
	curl_slist_free_all(headers);
	if (code == CURLE_OK || is_refused_early(cli->http, code))
		return answer_read(cli, answer);
	return call_fail(cli, code);
}

int http_exchange(struct cli *cli, const char *method, const char *path, json_t *body,
	struct http_answer *answer)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct curl_slist *headers = NULL;
	int err;

	*answer = (struct http_answer){0};
	call_prepare(cli, path, CALL_TIMEOUT_S);
	if (strcmp(method, "GET") != 0) {
		headers = curl_slist_append(headers, "Content-Type: application/json");
		curl_easy_setopt(cli->http->curl, CURLOPT_POSTFIELDS, text != NULL ? text : "");
		curl_easy_setopt(cli->http->curl, CURLOPT_CUSTOMREQUEST, method);
	}
	err = call_perform(cli, headers, answer);
	json_decref(body);
	free(text);
	return err;
}

int http_call(struct cli *cli, const char *method, const char *path, json_t *body, json_t **out)
{
	struct http_answer answer;
	int err = http_exchange(cli, method, path, body, &answer);

	if (err == 0 && answer.status >= 400) {
		err = cli_fail_answer(cli, answer.status, answer.json);
		json_decref(answer.json);
		answer.json = NULL;
	}
	*out = answer.json;
	return err;
}

int http_show(struct cli *cli, const char *method, const char *path, json_t *body,
	void (*print)(const json_t *answer))
{
	json_t *answer;
	int err = http_call(cli, method, path, body, &answer);

	if (err != 0)
		return err;
	if (cli->is_json)
		cli_print_json(answer);
	else if (print != NULL)
		print(answer);
	json_decref(answer);
	return CLI_DONE;
}

int http_upload(struct cli *cli, const char *path, const struct http_upload *upload,
	struct http_answer *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: text/csv");
	struct http *http = cli->http;
	int err;

	*answer = (struct http_answer){0};
	// No time limit: a large file takes as long as it takes, and a lost daemon ends the call.
	call_prepare(cli, path, 0);
	http->upload = upload;
	http->is_all_sent = false;
	curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(http->curl, CURLOPT_READFUNCTION, file_read);
	curl_easy_setopt(http->curl, CURLOPT_READDATA, http);
	curl_easy_setopt(http->curl, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
	if (upload->size >= 0)
		curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->size);
	else
		headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
	err = call_perform(cli, headers, answer);
	http->upload = NULL;
	return err;
}

int http_download(struct cli *cli, const char *path, const char *file_name, uint64_t *bytes)
{
	struct http *http = cli->http;
	struct http_answer answer = {0};
	CURLcode code;
	int err = 0;

	call_prepare(cli, path, 0);
	http->file_name = file_name;
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, "");
	code = curl_easy_perform(http->curl);
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer.status);
	if (http->file != NULL && http->file != stdout && fclose(http->file) != 0)
		http->file_errno = errno;
	*bytes = http->file_bytes;
	if (code == CURLE_OK && answer.status != 200) {
		err = answer_read(cli, &answer);
		if (err == 0)
			err = cli_fail_answer(cli, answer.status, answer.json);
		json_decref(answer.json);
	} else if (http->file_errno != 0) {
		err = call_fail(cli, code);
	} else if (code != CURLE_OK && !(code == CURLE_ABORTED_BY_CALLBACK && is_interrupted())) {
		err = call_fail(cli, code);
	}
	return err;
}
