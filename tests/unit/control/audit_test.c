// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "test.h"

static struct audit *audit;
static char path[64], moved[80], why[256];
static const struct admin_peer alice = {.uid = 1000, .pid = 77, .name = "alice"};

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/mskpush-audit-%d", (int)getpid());
	snprintf(moved, sizeof(moved), "%s.1", path);
	unlink(path);
	return audit_open(path, &audit, why);
}

static int end(void **state)
{
	(void)state;
	audit_close(audit);
	unlink(path);
	unlink(moved);
	return 0;
}

static void note(const char *what, unsigned status)
{
	struct audit_entry entry = {
		.peer = &alice, .method = "POST", .path = what, .status = status};

	audit_write(audit, &entry);
}

// The nth line of a file as JSON, NULL when it has fewer. Owned by the caller.
static json_t *line_read(const char *name, int nth)
{
	static char line[8192];
	FILE *file = fopen(name, "r");
	json_t *json = NULL;

	while (file != NULL && nth >= 0 && fgets(line, sizeof(line), file) != NULL)
		if (nth-- == 0)
			json = json_loads(line, 0, NULL);
	if (file != NULL)
		fclose(file);
	return json;
}

static const char *member(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

static void line_tells_who_did_what_and_what_came_of_it(void **state)
{
	json_t *body = json_pack("{s:s, s:b}", "group", "001-01/0001", "new", 1), *line;
	struct audit_entry entry = {
		.peer = &alice,
		.method = "POST",
		.path = "/v1/campaigns",
		.status = 201,
		.body = body,
		.id = 7,
	};
	struct stat st;

	(void)state;
	audit_write(audit, &entry);
	line = line_read(path, 0);
	assert_non_null(line);
	assert_string_equal(member(line, "who"), "alice");
	assert_string_equal(member(line, "via"), "socket");
	assert_string_equal(member(line, "method"), "POST");
	assert_string_equal(member(line, "path"), "/v1/campaigns");
	assert_int_equal(strlen(member(line, "time")), strlen("2026-01-01T00:00:00.000Z"));
	assert_int_equal(json_integer_value(json_object_get(line, "uid")), 1000);
	assert_int_equal(json_integer_value(json_object_get(line, "pid")), 77);
	assert_int_equal(json_integer_value(json_object_get(line, "status")), 201);
	assert_int_equal(json_integer_value(json_object_get(line, "id")), 7);
	assert_true(json_equal(json_object_get(line, "body"), body));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	json_decref(line);
	json_decref(body);
}

static void hostile_texts_stay_within_their_line(void **state)
{
	char huge[5000];
	json_t *line, *body;
	struct audit_entry entry = {.peer = &alice, .method = "PUT", .path = huge, .status = 400};

	(void)state;
	note("/v1/services/a\"}\n{\"who\":\"root", 404);
	note("/v1/services/\xff\xfe", 404);
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	body = json_pack("{s:s}", "name", huge);
	entry.body = body;
	audit_write(audit, &entry);
	line = line_read(path, 0);
	assert_string_equal(member(line, "path"), "/v1/services/a\"}\n{\"who\":\"root");
	json_decref(line);
	line = line_read(path, 1);
	assert_string_equal(member(line, "path"), "(no UTF-8)");
	json_decref(line);
	line = line_read(path, 2);
	assert_int_equal(strlen(member(line, "path")), 1024);
	assert_string_equal(member(line, "body"), "(too long)");
	json_decref(line);
	assert_null(line_read(path, 3));
	json_decref(body);
}

static void opening_again_appends_and_reopening_follows_a_rotation(void **state)
{
	json_t *line;

	(void)state;
	note("/first", 200);
	audit_close(audit);
	assert_int_equal(audit_open(path, &audit, why), 0);
	note("/second", 200);
	assert_int_equal(rename(path, moved), 0);
	note("/third", 200);
	assert_int_equal(audit_reopen(audit), 0);
	note("/fourth", 200);
	line = line_read(moved, 2);
	assert_string_equal(member(line, "path"), "/third");
	json_decref(line);
	line = line_read(path, 0);
	assert_string_equal(member(line, "path"), "/fourth");
	json_decref(line);
}

static void full_disk_is_counted_and_leaves_no_half_line(void **state)
{
	struct audit_counts counts;
	struct audit *full;

	(void)state;
	assert_int_equal(audit_open("/dev/full", &full, why), 0);
	struct audit_entry entry = {.peer = &alice, .method = "POST", .path = "/x", .status = 200};

	audit_write(full, &entry);
	audit_counts_read(full, &counts);
	assert_int_equal(counts.written, 0);
	assert_int_equal(counts.lost, 1);
	audit_close(full);
	note("/x", 200);
	audit_counts_read(audit, &counts);
	assert_int_equal(counts.written, 1);
	audit_counts_read(NULL, &counts);
	assert_int_equal(counts.written, 0);
}

static void file_that_cannot_be_opened_is_named(void **state)
{
	struct audit *none;
	char link_name[80];

	(void)state;
	assert_int_equal(audit_open("/nonexistent/audit.log", &none, why), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/audit.log: No such file"));
	snprintf(link_name, sizeof(link_name), "%s.link", path);
	unlink(link_name);
	assert_int_equal(symlink("/etc/passwd", link_name), 0);
	assert_int_equal(audit_open(link_name, &none, why), -ELOOP);
	unlink(link_name);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(line_tells_who_did_what_and_what_came_of_it),
		T(hostile_texts_stay_within_their_line),
		T(opening_again_appends_and_reopening_follows_a_rotation),
		T(full_disk_is_counted_and_leaves_no_half_line),
		T(file_that_cannot_be_opened_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
