// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a call of the admin API: a line METHOD PATH, then the body. The handlers work on a
// store that is there as long as the process, and on a dataplane without packets. Each call gets a
// status, an error a body that says why, and the campaigns' sums hold.

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

// What would read or write files of this machine, or end the daemon.
static bool is_left_out(const char *path)
{
	static const char *const left_out[] = {
		"/v1/backup", "/v1/key", "/v1/shutdown", "/v1/capture", "/v1/reload"};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strncmp(path, left_out[i], strlen(left_out[i])) == 0)
			return true;
	return false;
}

static void call_run(char *method, char *path, const uint8_t *body, size_t len)
{
	static const struct admin_peer peer = {.name = "fuzz", .roles = ADMIN_ALL};
	struct admin_request req = {.ctl = &site()->ctl, .peer = &peer};
	const struct admin_reply *reply;
	struct admin_call *call;

	call = admin_call_begin(&req, method, path);
	require(call != NULL);
	admin_call_data(call, (const char *)body, len);
	reply = admin_call_end(call);
	require(reply->status >= 200 && reply->status < 600);
	require(reply->status < 400 || json_is_string(json_object_get(reply->body, "message")));
	admin_call_free(call);
	settle_step(req.ctl);
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
