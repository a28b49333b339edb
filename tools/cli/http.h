// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Calls of the daemon's admin API (docs/admin-api.md) over its UNIX socket. Functions return 0 or
// the exit code after they have said what is wrong.

#pragma once

#include <stdio.h>

#include "cli.h"

#define HTTP_ANSWER_MAX (64 << 20) // octets of a JSON answer
#define HTTP_PATH_MAX 1024

struct http_answer {
	long status;
	json_t *json; // an object, NULL when an error came without one; owned by the caller
};

// Opens nothing yet: the socket is connected by the first call.
int http_create(struct cli *cli);
void http_destroy(struct cli *cli);

// One call with a JSON body (stolen, NULL = none). Errors of the daemon are answers here.
int http_exchange(struct cli *cli, const char *method, const char *path, json_t *body,
	struct http_answer *answer);
// The same for callers who can do nothing about an error of the daemon: it has been reported.
// *out is an object, owned by the caller.
int http_call(struct cli *cli, const char *method, const char *path, json_t *body, json_t **out);
// The same, and the answer goes out: as it came with --json, else through print (NULL: it says
// nothing to people).
int http_show(struct cli *cli, const char *method, const char *path, json_t *body,
	void (*print)(const json_t *answer));

// Sends a file as the body of a POST. size < 0: not known. progress is called now and then with
// the octets sent so far (NULL = not).
struct http_upload {
	FILE *file;
	const char *name;
	int64_t size;
	void (*progress)(void *arg, int64_t sent);
	void *arg;
};
int http_upload(struct cli *cli, const char *path, const struct http_upload *upload,
	struct http_answer *answer);

// Writes the body of the answer to a file that is created when the first octets arrive ("-" is
// stdout). Ends well when Ctrl-C was pressed. *bytes: how many were written.
int http_download(struct cli *cli, const char *path, const char *file_name, uint64_t *bytes);

// Appends a path segment, or a parameter of the query, percent-encoded. false: it does not fit.
bool http_query_add(char path[HTTP_PATH_MAX], const char *name, const char *value);
bool http_path_add(char path[HTTP_PATH_MAX], const char *segment);
