// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin socket as a client sees it: bytes of HTTP in, bytes of HTTP out.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "admin_http.h"
#include "site.h"
#include "test.h"

struct client {
	struct admin_http *http;
	struct site *site;
	char path[100];
	unsigned status; // of the last answer
	json_t *body;
};
static struct client client;

static int up(void **state)
{
	char why[256];
	int ret = site_up(state);

	client.site = *state;
	snprintf(client.path, sizeof(client.path), "%s/run/admin.sock", client.site->dir);
	return ret != 0 ? ret : admin_http_start(&client.site->ctl, client.path, &client.http, why);
}

static int down(void **state)
{
	admin_http_stop(client.http);
	json_decref(client.body);
	client.body = NULL;
	return site_down(state);
}

static int client_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", client.path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void client_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static char *client_read(int fd)
{
	char *text = calloc(1, 1 << 20);
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, text + at, (1 << 20) - 1 - at)) > 0)
		at += (size_t)n;
	return text;
}

static unsigned call_body(const char *line, const char *body, size_t len, bool has_body)
{
	char head[2048];
	char *answer, *text;
	int fd = client_connect();

	snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", line);
	client_write(fd, head, strlen(head));
	snprintf(head, sizeof(head), "Content-Length: %zu\r\n", len);
	if (has_body)
		client_write(fd, head, strlen(head));
	client_write(fd, "\r\n", 2);
	client_write(fd, body, len);
	answer = client_read(fd);
	close(fd);
	assert_int_equal(sscanf(answer, "HTTP/1.1 %u", &client.status), 1);
	text = strstr(answer, "\r\n\r\n");
	assert_non_null(text);
	json_decref(client.body);
	client.body = json_loads(text + 4, 0, NULL);
	assert_non_null(client.body);
	free(answer);
	return client.status;
}

static unsigned call(const char *line, const char *body)
{
	return call_body(
		line, body == NULL ? "" : body, body == NULL ? 0 : strlen(body), body != NULL);
}

static const char *text(const char *name)
{
	return json_string_value(json_object_get(client.body, name));
}

static json_int_t number(const char *name)
{
	return json_integer_value(json_object_get(client.body, name));
}

static void expect_error(const char *line, const char *body, unsigned status, const char *word)
{
	assert_int_equal(call(line, body), status);
	assert_string_equal(text("error"), word);
	assert_true(strlen(text("message")) > 10);
}

// --- The socket -----------------------------------------------------------------------------

static void socket_is_for_its_owner_only(void **state)
{
	struct stat st;
	char dir[100];

	(void)state;
	assert_int_equal(stat(client.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(dir, sizeof(dir), "%s/run", client.site->dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void second_daemon_does_not_take_the_socket(void **state)
{
	char why[256];

	(void)state;
	assert_int_equal(admin_socket_open(client.path, why), -EADDRINUSE);
	assert_non_null(strstr(why, "another daemon listens on"));
	assert_int_equal(call("GET /v1/status", NULL), 200);
}

static void stale_socket_is_replaced_but_no_other_file(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), again;
	char why[256], path[200];
	FILE *file;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/stale", client.site->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	again = admin_socket_open(address.sun_path, why);
	assert_true(again >= 0);
	close(again);
	snprintf(path, sizeof(path), "%s/file", client.site->dir);
	file = fopen(path, "w");
	fclose(file);
	assert_int_equal(admin_socket_open(path, why), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	memset(path, 'a', 120);
	path[0] = '/';
	path[120] = '\0';
	assert_int_equal(admin_socket_open(path, why), -ENAMETOOLONG);
	assert_string_equal(why, "a socket path has at most 107 octets, this one has 120");
}

// --- Bodies ---------------------------------------------------------------------------------

static void bodies_that_are_no_json_objects_are_refused(void **state)
{
	(void)state;
	expect_error("POST /v1/campaigns", NULL, 411, "no-body");
	expect_error("POST /v1/campaigns", "{\"kind\":", 400, "bad-json");
	expect_error("POST /v1/campaigns", "[1]", 400, "bad-json");
	expect_error(
		"POST /v1/campaigns", "{\"kind\":\"push\",\"kind\":\"push\"}", 400, "bad-json");
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"knid\":1}", 400, "unknown-member");
	expect_error("POST /v1/campaigns", "{\"kind\":\"\xff\"}", 400, "bad-json");
}

static void body_over_the_limit_is_413(void **state)
{
	size_t len = (1 << 20) + 1;
	char *big = malloc(len);

	(void)state;
	memset(big, ' ', len);
	assert_int_equal(call_body("PUT /v1/services/a", big, len, true), 413);
	assert_string_equal(text("error"), "body-too-large");
	assert_int_equal(call_body("PUT /v1/services/a", big, len - 1, true), 400);
	assert_string_equal(text("error"), "bad-json");
	free(big);
}

static void client_that_leaves_in_the_middle_harms_nobody(void **state)
{
	static const char half[] = "PUT /v1/services/a HTTP/1.1\r\nHost: x\r\n"
				   "Content-Length: 100\r\n\r\n{\"groups\"";
	int fd = client_connect();

	(void)state;
	client_write(fd, half, sizeof(half) - 1);
	close(fd);
	assert_int_equal(call("GET /v1/services", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "services")), 1);
}

// --- Groups, services, MSKs -----------------------------------------------------------------

static void group_is_made_once_and_keeps_its_profile(void **state)
{
	(void)state;
	assert_int_equal(call("PUT /v1/groups/310-410/00Ab", "{\"profile\":\"v600\"}"), 201);
	assert_string_equal(text("group"), "310-410/00ab");
	assert_string_equal(text("profile"), "v600");
	assert_int_equal(call("PUT /v1/groups/310-410/00ab", "{\"profile\":\"v600\"}"), 200);
	expect_error("PUT /v1/groups/310-410/00ab", "{}", 409, "other-profile");
	expect_error("PUT /v1/groups/310-410/00ab", "{\"profile\":\"x\"}", 400, "bad-profile");
	expect_error("PUT /v1/groups/310-410/00ab", "{\"profile\":7}", 400, "bad-profile");
	expect_error("PUT /v1/groups/31-410/00ab", "{}", 400, "bad-group");
	assert_int_equal(call("DELETE /v1/groups/310-410/00ab", NULL), 200);
	expect_error("DELETE /v1/groups/310-410/00ab", NULL, 404, "not-found");
	expect_error("DELETE /v1/groups/001-01/0001", NULL, 409, "in-use");
}

static void service_needs_known_groups_and_a_plain_name(void **state)
{
	(void)state;
	assert_int_equal(
		call("PUT /v1/services/urn%3Aa%2Fb", "{\"groups\":[\"001-01/0001\"]}"), 201);
	assert_string_equal(text("name"), "urn:a/b");
	assert_int_equal(call("PUT /v1/services/urn%3Aa%2Fb", "{\"groups\":[]}"), 200);
	expect_error("PUT /v1/services/a", "{\"groups\":[\"001-01/0002\"]}", 404, "unknown-group");
	expect_error("PUT /v1/services/a", "{\"groups\":[7]}", 400, "bad-group");
	expect_error("PUT /v1/services/a", "{}", 400, "bad-value");
	expect_error("PUT /v1/services/a%20b", "{\"groups\":[]}", 400, "bad-name");
	expect_error("PUT /v1/services/-", "{\"groups\":[]}", 400, "bad-name");
	expect_error("DELETE /v1/services/nix", NULL, 404, "not-found");
	assert_int_equal(call("DELETE /v1/services/urn:a%2fb", NULL), 200);
	site_subscribers(client.site, 1);
	expect_error("DELETE /v1/services/tv", NULL, 409, "in-use");
}

static void service_that_would_overflow_a_uicc_is_refused_with_the_arithmetic(void **state)
{
	// A message of 184 octets has an IDi of 14 and a B-TID of 62: 108 beside them (vector F).
	struct site *s = client.site;

	(void)state;
	site_subscribers(s, 1);
	assert_int_equal(call("PUT /v1/services/tv", "{\"groups\":[\"001-01/0001\"]}"), 200);
	site_uicc_subscriber(s, 200);
	expect_error(
		"PUT /v1/services/tv", "{\"groups\":[\"001-01/0001\"]}", 409, "too-long-for-uicc");
	assert_non_null(strstr(text("message"), "would have 324: 108 + IDi 16 + B-TID 200"));
}

static void msk_shows_its_check_value_and_never_its_key(void **state)
{
	char *dump;

	(void)state;
	assert_int_equal(
		call("POST /v1/groups/001-01/0001/msks", "{\"seq_l\":1,\"seq_u\":2}"), 201);
	assert_string_equal(text("state"), "next");
	assert_string_equal(text("number"), "0002");
	assert_string_equal(text("msk_id"), "00010002");
	assert_int_equal(strlen(text("check")), 6);
	assert_int_equal(number("seq_u"), 2);
	assert_null(json_object_get(client.body, "key"));
	expect_error("POST /v1/groups/001-01/0001/msks", NULL, 409, "next-lives");
	expect_error("POST /v1/groups/001-01/0001/msks", "{\"seq_l\":65536}", 400, "bad-value");
	expect_error("POST /v1/groups/001-01/0001/msks", "{\"seq_l\":-1}", 400, "bad-value");
	expect_error(
		"POST /v1/groups/001-01/0001/msks", "{\"seq_l\":9,\"seq_u\":8}", 400, "bad-value");
	expect_error("POST /v1/groups/001-01/0001/msks", "{\"seq_l\":1.5}", 400, "bad-value");
	expect_error("POST /v1/groups/001-01/0009/msks", NULL, 404, "unknown-group");
	expect_error("POST /v1/groups/001-01/0001/msks/2/activate", NULL, 400, "bad-number");
	expect_error("POST /v1/groups/001-01/0001/msks/0001/activate", NULL, 409, "not-next");
	assert_int_equal(call("POST /v1/groups/001-01/0001/msks/0002/activate", NULL), 200);
	assert_int_equal(call("GET /v1/groups/001-01/0001/msks", NULL), 200);
	dump = json_dumps(client.body, 0);
	assert_non_null(strstr(dump, "retired"));
	assert_null(strstr(dump, "\"key\""));
	free(dump);
}

// --- Campaigns ------------------------------------------------------------------------------

static void campaign_is_started_steered_and_reported(void **state)
{
	struct site *s = client.site;
	struct dp_campaign *c;

	(void)state;
	site_subscribers(s, 3);
	assert_int_equal(
		call("POST /v1/campaigns",
			"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"rate\":5,\"sends\":2,"
			"\"waits\":[3]}"),
		201);
	assert_int_equal(number("members"), 3);
	assert_int_equal(number("pending"), 3);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->wait_ms[1], 3000);
	assert_int_equal(c->rate, 5);
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0001\"}", 409,
		"campaign-running");
	assert_int_equal(number("campaign"), 1);
	assert_int_equal(call("POST /v1/campaigns/1/pause", NULL), 200);
	assert_string_equal(text("state"), "paused");
	assert_string_equal(text("stall"), "paused");
	assert_int_equal(call("POST /v1/campaigns/1/resume", NULL), 200);
	assert_string_equal(text("state"), "running");
	assert_int_equal(call("PATCH /v1/campaigns/1", "{\"rate\":9}"), 200);
	assert_int_equal(number("rate"), 9);
	fake_dp_refused(c, 1, DP_REFUSED_NO_ADDRESS);
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 2, 2);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_through(s->dp, c);
	settle_step(&s->ctl);
	settle_step(&s->ctl);
	assert_int_equal(call("GET /v1/campaigns/1", NULL), 200);
	assert_string_equal(text("state"), "done");
	assert_int_equal(number("verified"), 1);
	assert_int_equal(number("given_up"), 1);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(client.body, "refused_by"), "no-address")),
		1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(client.body, "msk"), "number")),
		"0001");
	expect_error("POST /v1/campaigns/1/pause", NULL, 409, "campaign-closed");
	expect_error("PATCH /v1/campaigns/1", "{\"rate\":9}", 409, "campaign-closed");
	expect_error("GET /v1/campaigns/2", NULL, 404, "not-found");
	expect_error("GET /v1/campaigns/0", NULL, 400, "bad-id");
	expect_error("GET /v1/campaigns/1x", NULL, 400, "bad-id");
}

static void undelivered_members_come_page_by_page(void **state)
{
	struct site *s = client.site;
	struct dp_campaign *c;
	json_t *member;

	(void)state;
	site_subscribers(s, 4);
	site_push(s, 2);
	c = fake_dp_opened(s->dp, 0);
	fake_dp_refused(c, 0, DP_REFUSED_NO_MUK);
	fake_dp_sent(c, 1, 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	fake_dp_sent(c, 2, 2);
	assert_int_equal(call("GET /v1/campaigns/1/undelivered?limit=2", NULL), 200);
	assert_int_equal(number("next"), 2);
	member = json_array_get(json_object_get(client.body, "members"), 0);
	assert_string_equal(json_string_value(json_object_get(member, "state")), "refused");
	assert_string_equal(json_string_value(json_object_get(member, "why")), "no-muk");
	assert_string_equal(json_string_value(json_object_get(member, "impi")), "100000@x");
	member = json_array_get(json_object_get(client.body, "members"), 1);
	assert_string_equal(json_string_value(json_object_get(member, "state")), "pending");
	assert_int_equal(json_integer_value(json_object_get(member, "sends")), 2);
	assert_int_equal(call("GET /v1/campaigns/1/undelivered?limit=2&after=2", NULL), 200);
	assert_int_equal(json_array_size(json_object_get(client.body, "members")), 1);
	assert_true(json_is_null(json_object_get(client.body, "next")));
	expect_error("GET /v1/campaigns/1/undelivered?limit=0", NULL, 400, "bad-value");
	expect_error("GET /v1/campaigns/1/undelivered?limit=10001", NULL, 400, "bad-query");
	expect_error("GET /v1/campaigns/1/undelivered?after=-1", NULL, 400, "bad-query");
	expect_error("GET /v1/campaigns/9/undelivered", NULL, 404, "not-found");
}

static void order_that_cannot_be_is_refused_by_name(void **state)
{
	(void)state;
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\"}", 400, "bad-group");
	expect_error("POST /v1/campaigns", "{\"kind\":\"solicit\",\"group\":\"001-01/0001\"}", 400,
		"bad-value");
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0009\"}", 404,
		"unknown-group");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"sends\":32}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"sends\":0}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"waits\":[]}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"waits\":[\"1\"]}", 400,
		"bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"new\":1}", 400, "bad-value");
	expect_error("POST /v1/campaigns",
		"{\"kind\":\"push\",\"group\":\"001-01/0001\",\"subscriber\":\"nix\"}", 404,
		"unknown-subscriber");
	assert_int_equal(call("PUT /v1/groups/001-01/0002", NULL), 201);
	expect_error("POST /v1/campaigns", "{\"kind\":\"push\",\"group\":\"001-01/0002\"}", 409,
		"no-msk");
	assert_int_equal(call("POST /v1/campaigns",
				 "{\"kind\":\"push\",\"group\":\"001-01/0002\",\"new\":true}"),
		201);
}

// --- The daemon -----------------------------------------------------------------------------

static void status_and_stats_have_what_the_contract_names(void **state)
{
	static const char *const names[] = {"version", "pid", "started", "uptime_s", "clock",
		"crypto", "cpus", "port", "store", "memory", "campaigns"};

	(void)state;
	assert_int_equal(call("GET /v1/status", NULL), 200);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(json_object_get(client.body, names[i]));
	assert_int_equal(call("GET /v1/stats", NULL), 200);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(client.body, "counters"), "pushes")),
		7);
	assert_non_null(json_object_get(json_object_get(client.body, "drops"), "bad-mac"));
	assert_int_equal(call("POST /v1/stats/stages", "{\"measure\":true}"), 200);
	expect_error("POST /v1/stats/stages", "{\"measure\":1}", 400, "bad-value");
}

static void capture_ends_when_the_client_leaves(void **state)
{
	static const char request[] = "POST /v1/capture HTTP/1.1\r\nHost: x\r\n\r\n";
	const struct timespec nap = {.tv_nsec = 10000000};
	struct dp *dp = client.site->dp;
	char buf[4096];
	int fd = client_connect();

	(void)state;
	client_write(fd, request, sizeof(request) - 1);
	while (dp->capture_fd < 0)
		nanosleep(&nap, NULL);
	assert_int_equal(write(dp->capture_fd, "frames", 6), 6);
	memset(buf, 0, sizeof(buf));
	for (size_t at = 0; strstr(buf, "frames") == NULL;) {
		ssize_t n = read(fd, buf + at, sizeof(buf) - 1 - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_non_null(strstr(buf, "application/x-pcapng"));
	expect_error("POST /v1/capture", NULL, 409, "capture-running");
	close(fd);
	for (int i = 0; i < 500 && dp->capture_fd >= 0; i++)
		nanosleep(&nap, NULL);
	assert_int_equal(dp->capture_fd, -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(socket_is_for_its_owner_only),
		T(second_daemon_does_not_take_the_socket),
		T(stale_socket_is_replaced_but_no_other_file),
		T(bodies_that_are_no_json_objects_are_refused),
		T(body_over_the_limit_is_413),
		T(client_that_leaves_in_the_middle_harms_nobody),
		T(group_is_made_once_and_keeps_its_profile),
		T(service_needs_known_groups_and_a_plain_name),
		T(service_that_would_overflow_a_uicc_is_refused_with_the_arithmetic),
		T(msk_shows_its_check_value_and_never_its_key),
		T(campaign_is_started_steered_and_reported),
		T(undelivered_members_come_page_by_page),
		T(order_that_cannot_be_is_refused_by_name),
		T(status_and_stats_have_what_the_contract_names),
		T(capture_ends_when_the_client_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
