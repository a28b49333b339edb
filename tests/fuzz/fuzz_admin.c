// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a call of the admin API: a line METHOD PATH, then the body. The handlers work on a
// store that is there as long as the process, and on a dataplane without packets. Each call gets a
// status, an error a body that says why and is no failure of the daemon, and the sums of all
// campaigns hold after it.

#include <stdlib.h>
#include <string.h>

#include "admin_access.h"
#include "admin_call.h"
#include "site.h"
#include "test.h"

#define LINE_MAX_BYTES 300
#define PHONES 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static struct site *site(void)
{
	static void *state;

	if (state == NULL) {
		require(site_up(&state) == 0);
		site_subscribers(state, PHONES);
	}
	return state;
}

// What would read or write files of this machine, or end the daemon; and what tells of servers and
// bearers, which the site does not have.
static bool is_left_out(const char *path)
{
	static const char *const left_out[] = {"/v1/backup", "/v1/key", "/v1/shutdown",
		"/v1/capture", "/v1/reload", "/v1/status", "/v1/mtks"};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strncmp(path, left_out[i], strlen(left_out[i])) == 0)
			return true;
	return false;
}

// What stood behind the path: texts "name=value", one after the other. Values are not decoded.
struct admin_query {
	const char *begin;
	const char *end;
};

static struct admin_query query_split(char *path)
{
	char *end = path + strlen(path), *begin = strchr(path, '?');

	if (begin == NULL)
		return (struct admin_query){end, end};
	*begin++ = '\0';
	for (char *at = begin; at < end; at++)
		if (*at == '&')
			*at = '\0';
	return (struct admin_query){begin, end};
}

static const char *query_get(const struct admin_query *query, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = query->begin; at < query->end; at += strlen(at) + 1)
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return at + len + 1;
	return NULL;
}

// Whatever is asked for, only these are the server's reasons not to do it.
static bool is_server_reason(const char *word)
{
	static const char *const reasons[] = {"busy", "store-full", "too-many-subscribers"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(word, reasons[i]) == 0)
			return true;
	return false;
}

static void reply_check(const struct admin_reply *reply)
{
	const char *word = json_string_value(json_object_get(reply->body, "error"));

	require(reply->status >= 200 && reply->status < 600);
	if (reply->status < 400)
		return;
	require(word != NULL && json_is_string(json_object_get(reply->body, "message")));
	require(reply->status < 500 || is_server_reason(word));
}

static void sum_check(const json_t *campaign)
{
	json_int_t members, verified, given_up, refused, pending;

	require(json_unpack((json_t *)campaign, "{s:I, s:I, s:I, s:I, s:I}", "members", &members,
			"verified", &verified, "given_up", &given_up, "refused", &refused,
			"pending", &pending) == 0);
	require(verified + given_up + refused + pending == members);
}

static void sums_check(struct admin_request req)
{
	struct admin_query none = {NULL, NULL};
	struct admin_call *call;
	const struct admin_reply *reply;
	const json_t *campaigns;

	req.query = &none;
	call = admin_call_begin(&req, "GET", "/v1/campaigns");
	require(call != NULL);
	reply = admin_call_end(call);
	campaigns = json_object_get(reply->body, "campaigns");
	require(reply->status == 200 && json_is_array(campaigns));
	for (size_t i = 0; i < json_array_size(campaigns); i++)
		sum_check(json_array_get(campaigns, i));
	admin_call_free(call);
}

static void call_run(char *method, char *path, const uint8_t *body, size_t len)
{
	static const struct admin_peer peer = {.name = "fuzz", .roles = ADMIN_ALL};
	struct admin_request req = {.ctl = &site()->ctl, .peer = &peer, .query_get = query_get};
	struct admin_query query = query_split(path);
	struct admin_call *call;

	req.query = &query;
	call = admin_call_begin(&req, method, path);
	require(call != NULL);
	// What has no body is told of none.
	if (len > 0)
		admin_call_data(call, (const char *)body, len);
	reply_check(admin_call_end(call));
	admin_call_free(call);
	settle_step(req.ctl);
	sums_check(req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	char line[LINE_MAX_BYTES], *path;
	size_t len = end != NULL ? (size_t)(end - data) : 0;

	if (len == 0 || len >= sizeof(line) || memchr(data, '\0', len) != NULL)
		return 0;
	memcpy(line, data, len);
	line[len] = '\0';
	path = strchr(line, ' ');
	if (path == NULL)
		return 0;
	*path++ = '\0';
	if (path[0] == '/' && !is_left_out(path))
		call_run(line, path, end + 1, size - len - 1);
	return 0;
}
