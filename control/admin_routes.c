// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "admin_routes.h"

#include <errno.h>
#include <string.h>

const struct admin_route admin_routes[] = {
	{"GET", "/metrics", ADMIN_METRICS, 0, admin_metrics, NULL, "metrics for Prometheus"},
	{"GET", "/v1/api", ADMIN_READ, 0, admin_api, NULL, "the calls there are"},
	{"GET", "/v1/status", ADMIN_READ, 0, admin_status, NULL, "how the daemon is"},
	{"GET", "/v1/stats", ADMIN_READ, 0, admin_stats, NULL, "the counters"},
	{"POST", "/v1/stats/stages", ADMIN_OPERATE, ADMIN_NEEDS_BODY, admin_stats_stages, NULL,
		"measure the stages of the pipeline, or stop it"},
	{"POST", "/v1/shutdown", ADMIN_OPERATE, 0, admin_shutdown, NULL, "end the daemon"},
	{"GET", "/v1/key", ADMIN_READ, 0, admin_key_show, NULL, "how keys are wrapped at rest"},
	{"POST", "/v1/key/rotate", ADMIN_KEYS, 0, admin_key_rotate, NULL,
		"wrap the data keys with another key"},
	{"POST", "/v1/backup", ADMIN_OPERATE, ADMIN_NEEDS_BODY, admin_backup, NULL,
		"write a consistent copy of the store"},
	{"GET", "/v1/services", ADMIN_READ, 0, admin_services_list, NULL, "list services"},
	{"PUT", "/v1/services/*", ADMIN_KEYS, ADMIN_NEEDS_BODY, admin_service_put, NULL,
		"make or change a service"},
	{"DELETE", "/v1/services/*", ADMIN_KEYS, 0, admin_service_remove, NULL, "remove a service"},
	{"POST", "/v1/services/*/announcement", ADMIN_READ, 0, admin_service_announce, NULL,
		"make the announcement of a service"},
	{"GET", "/v1/groups", ADMIN_READ, 0, admin_groups_list, NULL, "list key groups"},
	{"PUT", "/v1/groups/*/*", ADMIN_KEYS, 0, admin_group_put, NULL, "make a key group"},
	{"DELETE", "/v1/groups/*/*", ADMIN_KEYS, 0, admin_group_remove, NULL, "remove a key group"},
	{"GET", "/v1/groups/*/*/msks", ADMIN_READ, 0, admin_msks_list, NULL,
		"list the MSKs of a key group"},
	{"POST", "/v1/groups/*/*/msks", ADMIN_KEYS, 0, admin_msk_new, NULL, "make an MSK"},
	{"POST", "/v1/groups/*/*/msks/*/activate", ADMIN_KEYS, 0, admin_msk_activate, NULL,
		"make the next MSK the current one"},
	{"POST", "/v1/import", ADMIN_KEYS, 0, NULL, &admin_import, "read subscribers from CSV"},
	{"GET", "/v1/subscribers", ADMIN_READ, 0, admin_subscribers_list, NULL, "list subscribers"},
	{"GET", "/v1/subscribers/*", ADMIN_READ, 0, admin_subscriber_show, NULL,
		"show a subscriber"},
	{"GET", "/v1/subscribers/*/trace", ADMIN_READ, 0, admin_subscriber_trace, NULL,
		"tell the story of a subscriber"},
	{"PUT", "/v1/subscribers", ADMIN_KEYS, 0, NULL, &admin_import, "as POST /v1/import"},
	{"PUT", "/v1/subscribers/*", ADMIN_KEYS, ADMIN_NEEDS_BODY | ADMIN_SECRET_BODY,
		admin_subscriber_put, NULL, "add or change a subscriber"},
	{"DELETE", "/v1/subscribers/*", ADMIN_KEYS, 0, admin_subscriber_remove, NULL,
		"remove a subscriber"},
	{"GET", "/v1/campaigns", ADMIN_READ, 0, admin_campaigns_list, NULL, "list campaigns"},
	{"POST", "/v1/campaigns", ADMIN_OPERATE, ADMIN_NEEDS_BODY, admin_campaign_start, NULL,
		"start a campaign"},
	{"GET", "/v1/campaigns/*", ADMIN_READ, 0, admin_campaign_show, NULL, "show a campaign"},
	{"PATCH", "/v1/campaigns/*", ADMIN_OPERATE, ADMIN_NEEDS_BODY, admin_campaign_change, NULL,
		"change the rate of a campaign"},
	{"GET", "/v1/campaigns/*/undelivered", ADMIN_READ, 0, admin_campaign_undelivered, NULL,
		"list the members without the key"},
	{"GET", "/v1/campaigns/*/areas", ADMIN_READ, 0, admin_campaign_areas, NULL,
		"how far a campaign is in each area"},
	{"POST", "/v1/campaigns/*/pause", ADMIN_OPERATE, 0, admin_campaign_pause, NULL,
		"send nothing until resumed"},
	{"POST", "/v1/campaigns/*/resume", ADMIN_OPERATE, 0, admin_campaign_resume, NULL,
		"go on with a paused campaign"},
	{"POST", "/v1/campaigns/*/fire", ADMIN_OPERATE, 0, admin_campaign_fire, NULL,
		"send an armed campaign"},
	{"POST", "/v1/campaigns/*/abort", ADMIN_OPERATE, 0, admin_campaign_abort, NULL,
		"end a campaign"},
	{"PATCH", "/v1/areas/*", ADMIN_OPERATE, ADMIN_NEEDS_BODY, admin_area_change, NULL,
		"change the limit of an area"},
	{"POST", "/v1/capture", ADMIN_OPERATE, 0, admin_capture, NULL,
		"stream what the port sends and receives"},
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
