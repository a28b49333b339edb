// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "admin_routes.h"

#include <errno.h>
#include <string.h>

const struct admin_route admin_routes[] = {
	{"GET", "/v1/status", admin_status, NULL, false},
	{"GET", "/v1/stats", admin_stats, NULL, false},
	{"POST", "/v1/stats/stages", admin_stats_stages, NULL, true},
	{"POST", "/v1/shutdown", admin_shutdown, NULL, false},
	{"GET", "/v1/services", admin_services_list, NULL, false},
	{"PUT", "/v1/services/*", admin_service_put, NULL, true},
	{"DELETE", "/v1/services/*", admin_service_remove, NULL, false},
	{"POST", "/v1/services/*/announcement", admin_service_announce, NULL, false},
	{"GET", "/v1/groups", admin_groups_list, NULL, false},
	{"PUT", "/v1/groups/*/*", admin_group_put, NULL, false},
	{"DELETE", "/v1/groups/*/*", admin_group_remove, NULL, false},
	{"GET", "/v1/groups/*/*/msks", admin_msks_list, NULL, false},
	{"POST", "/v1/groups/*/*/msks", admin_msk_new, NULL, false},
	{"POST", "/v1/groups/*/*/msks/*/activate", admin_msk_activate, NULL, false},
	{"POST", "/v1/import", NULL, &admin_import, false},
	{"GET", "/v1/subscribers", admin_subscribers_list, NULL, false},
	{"GET", "/v1/subscribers/*", admin_subscriber_show, NULL, false},
	{"DELETE", "/v1/subscribers/*", admin_subscriber_remove, NULL, false},
	{"GET", "/v1/campaigns", admin_campaigns_list, NULL, false},
	{"POST", "/v1/campaigns", admin_campaign_start, NULL, true},
	{"GET", "/v1/campaigns/*", admin_campaign_show, NULL, false},
	{"PATCH", "/v1/campaigns/*", admin_campaign_change, NULL, true},
	{"GET", "/v1/campaigns/*/undelivered", admin_campaign_undelivered, NULL, false},
	{"POST", "/v1/campaigns/*/pause", admin_campaign_pause, NULL, false},
	{"POST", "/v1/campaigns/*/resume", admin_campaign_resume, NULL, false},
	{"POST", "/v1/campaigns/*/fire", admin_campaign_fire, NULL, false},
	{"POST", "/v1/campaigns/*/abort", admin_campaign_abort, NULL, false},
	{"POST", "/v1/capture", admin_capture, NULL, false},
};
const size_t admin_routes_count = sizeof(admin_routes) / sizeof(admin_routes[0]);

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int admin_percent_decode(const char *from, size_t len, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low, c = (unsigned char)from[i];

		if (n + 1 >= size)
			return -EINVAL;
		if (c == '%') {
			if (len - i < 3)
				return -EINVAL;
			high = hex_digit(from[i + 1]);
			low = hex_digit(from[i + 2]);
			if (high < 0 || low < 0)
				return -EINVAL;
			c = high << 4 | low;
			i += 2;
		}
		if (c == 0)
			return -EINVAL;
		to[n++] = (char)c;
	}
	if (size == 0)
		return -EINVAL;
	to[n] = '\0';
	return (int)n;
}

// Walks pattern and path segment by segment. The wildcards' raw texts go to raw[].
struct match {
	const char *raw[ADMIN_ARGS_MAX];
	size_t len[ADMIN_ARGS_MAX];
	unsigned n;
};

static bool path_matches(const char *pattern, const char *path, struct match *m)
{
	m->n = 0;
	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), have = strcspn(++path, "/");

		if (want == 1 && *pattern == '*') {
			if (have == 0 || m->n == ADMIN_ARGS_MAX)
				return false;
			m->raw[m->n] = path;
			m->len[m->n++] = have;
		} else if (want != have || memcmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
	}
	return *pattern == '\0' && *path == '\0';
}

static int args_decode(const struct match *m, char *text, struct admin_request *req)
{
	size_t at = 0;

	for (unsigned i = 0; i < m->n; i++) {
		int n = admin_percent_decode(m->raw[i], m->len[i], text + at, ADMIN_PATH_MAX - at);

		if (n < 0)
			return n;
		req->arg[i] = text + at;
		at += (size_t)n + 1;
	}
	req->args = m->n;
	return 0;
}

const struct admin_route *admin_route_find(const char *method, const char *path,
	char text[ADMIN_PATH_MAX], struct admin_request *req, struct admin_reply *reply)
{
	bool is_path_known = false;
	struct match m;

	for (size_t i = 0; i < admin_routes_count; i++) {
		if (!path_matches(admin_routes[i].path, path, &m))
			continue;
		is_path_known = true;
		if (strcmp(admin_routes[i].method, method) != 0)
			continue;
		if (args_decode(&m, text, req) == 0)
			return &admin_routes[i];
		admin_error(
			reply, 400, "bad-path", "The path is not percent-encoded as it should be.");
		return NULL;
	}
	if (is_path_known)
		admin_error(reply, 405, "bad-method", "This path does not take %.16s.", method);
	else
		admin_error(reply, 404, "unknown-path", "There is no such call.");
	return NULL;
}
