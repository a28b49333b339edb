// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin socket itself, bodies, and what the daemon tells of itself.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin.h"
#include "client.h"

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
	assert_int_equal(admin_socket_open(client.path, (gid_t)-1, why), -EADDRINUSE);
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
	again = admin_socket_open(address.sun_path, (gid_t)-1, why);
	assert_true(again >= 0);
	close(again);
	snprintf(path, sizeof(path), "%s/file", client.site->dir);
	file = fopen(path, "w");
	fclose(file);
	assert_int_equal(admin_socket_open(path, (gid_t)-1, why), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	memset(path, 'a', 120);
	path[0] = '/';
	path[120] = '\0';
	assert_int_equal(admin_socket_open(path, (gid_t)-1, why), -ENAMETOOLONG);
	assert_string_equal(why, "a socket path has at most 107 octets, this one has 120");
}

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
	size_t len = ADMIN_BODY_MAX + 1;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(socket_is_for_its_owner_only),
		WITH_CLIENT(second_daemon_does_not_take_the_socket),
		WITH_CLIENT(stale_socket_is_replaced_but_no_other_file),
		WITH_CLIENT(bodies_that_are_no_json_objects_are_refused),
		WITH_CLIENT(body_over_the_limit_is_413),
		WITH_CLIENT(client_that_leaves_in_the_middle_harms_nobody),
		WITH_CLIENT(status_and_stats_have_what_the_contract_names),
		WITH_CLIENT(capture_ends_when_the_client_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
