// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin_routes.h"
#include "test.h"

static struct admin_request req;
static struct admin_reply reply;
static char text[ADMIN_PATH_MAX];

static const struct admin_route *find(const char *method, const char *path)
{
	json_decref(reply.body);
	req = (struct admin_request){0};
	reply = (struct admin_reply){.status = 200, .fd = -1};
	return admin_route_find(method, path, text, &req, &reply);
}

static void expect_error(const char *method, const char *path, unsigned status, const char *word)
{
	assert_null(find(method, path));
	assert_int_equal(reply.status, status);
	assert_string_equal(json_string_value(json_object_get(reply.body, "error")), word);
	json_decref(reply.body);
	reply.body = NULL;
}

static void wildcards_are_decoded_segments(void **state)
{
	(void)state;
	assert_ptr_equal(find("POST", "/v1/groups/001-01/00aF/msks/0002/activate")->handle,
		admin_msk_activate);
	assert_int_equal(req.args, 3);
	assert_string_equal(req.arg[0], "001-01");
	assert_string_equal(req.arg[1], "00aF");
	assert_string_equal(req.arg[2], "0002");
	assert_ptr_equal(find("PUT", "/v1/services/http%3A%2f%2Fa%2Fb")->handle, admin_service_put);
	assert_string_equal(req.arg[0], "http://a/b");
}

static void method_chooses_among_routes_of_one_path(void **state)
{
	(void)state;
	assert_ptr_equal(find("GET", "/v1/campaigns/7")->handle, admin_campaign_show);
	assert_ptr_equal(find("PATCH", "/v1/campaigns/7")->handle, admin_campaign_change);
	assert_ptr_equal(find("POST", "/v1/campaigns")->handle, admin_campaign_start);
	assert_ptr_equal(find("POST", "/v1/import")->stream, &admin_import);
}

static void unknown_path_and_method_are_told_apart(void **state)
{
	(void)state;
	expect_error("GET", "/", 404, "unknown-path");
	expect_error("GET", "/v1", 404, "unknown-path");
	expect_error("GET", "/v1/status/", 404, "unknown-path");
	expect_error("GET", "/v1/statusx", 404, "unknown-path");
	expect_error("GET", "v1/status", 404, "unknown-path");
	expect_error("GET", "/v1/services/", 404, "unknown-path");
	expect_error("DELETE", "/v1/status", 405, "bad-method");
}

static void bad_percent_encoding_is_refused(void **state)
{
	char out[8];

	(void)state;
	expect_error("DELETE", "/v1/services/a%", 400, "bad-path");
	expect_error("DELETE", "/v1/services/a%4", 400, "bad-path");
	expect_error("DELETE", "/v1/services/a%4g", 400, "bad-path");
	expect_error("DELETE", "/v1/services/a%00b", 400, "bad-path");
	assert_int_equal(admin_percent_decode("%41%42", 6, out, sizeof(out)), 2);
	assert_string_equal(out, "AB");
	assert_int_equal(admin_percent_decode("1234567", 7, out, sizeof(out)), 7);
	assert_int_equal(admin_percent_decode("12345678", 8, out, sizeof(out)), -EINVAL);
	assert_int_equal(admin_percent_decode("%4", 2, out, sizeof(out)), -EINVAL);
}

static void path_longer_than_the_text_is_refused(void **state)
{
	char path[2 * ADMIN_PATH_MAX];

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "/v1/services/", 13);
	path[sizeof(path) - 1] = '\0';
	expect_error("DELETE", path, 400, "bad-path");
}

static void every_route_has_one_way_to_be_handled(void **state)
{
	(void)state;
	for (size_t i = 0; i < admin_routes_count; i++)
		assert_true((admin_routes[i].handle == NULL) != (admin_routes[i].stream == NULL));
}

static void groups_are_coded_as_plmn_identities(void **state)
{
	struct store_group_id id;
	char out[ADMIN_GROUP_TEXT];

	(void)state;
	// 001/01 -> 00 F1 10; 310/410 -> 13 00 14 as TS 24.008 has it.
	assert_int_equal(admin_group_text_parse("001-01/0001", &id), 0);
	assert_memory_equal(id.kdi, "\x00\xf1\x10", 3);
	assert_int_equal(id.group, 1);
	admin_group_text(&id, out);
	assert_string_equal(out, "001-01/0001");
	assert_int_equal(admin_group_text_parse("310-410/ABcd", &id), 0);
	assert_memory_equal(id.kdi, "\x13\x00\x14", 3);
	admin_group_text(&id, out);
	assert_string_equal(out, "310-410/abcd");
}

static void other_texts_are_no_groups(void **state)
{
	static const char *const bad[] = {"", "/", "001-01", "001-01/", "001-1/0001",
		"001-0101/0001", "00a-01/0001", "001_01/0001", "001-01/001", "001-01/00001",
		"001-01/000g", "001-01/ 001", "001-01/+001", "001-01/0x01", "001-01/0001 "};
	struct store_group_id id;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(admin_group_text_parse(bad[i], &id), -EINVAL);
}

// --- docs/admin-api.md ------------------------------------------------------------------------

static const char *page; // its path

// A row of the page's table: "| `GET /v1/groups/MCC-MNC/GROUP?x=1` | read | ...". Names in capitals
// become wildcards.
static bool row_read(const char *line, char method[8], char path[256], char role[16])
{
	char raw[256], *segment, *save = NULL;

	if (sscanf(line, "| `%7[A-Z] %255[^`]` | %15[a-z] |", method, raw, role) != 3)
		return false;
	raw[strcspn(raw, "?")] = '\0';
	path[0] = '\0';
	for (segment = strtok_r(raw, "/", &save); segment != NULL;
		segment = strtok_r(NULL, "/", &save)) {
		bool is_name = strspn(segment, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(segment);

		strcat(path, "/");
		strcat(path, is_name ? "*" : segment);
	}
	return true;
}

static unsigned rows_of(const char *method, const char *path, const char *role)
{
	char line[4096], seen[8], where[256], needs[16];
	FILE *file = fopen(page, "r");
	unsigned n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		n += row_read(line, seen, where, needs) &&
			(method == NULL ||
				(strcmp(seen, method) == 0 && strcmp(where, path) == 0 &&
					strcmp(needs, role) == 0));
	fclose(file);
	return n;
}

static void every_call_has_one_row_of_the_page_with_its_role(void **state)
{
	(void)state;
	for (size_t i = 0; i < admin_routes_count; i++) {
		const struct admin_route *route = &admin_routes[i];

		if (rows_of(route->method, route->path, admin_role_name(route->role)) != 1)
			fail_msg("%s has not one row | `%s %s` | %s |", page, route->method,
				route->path, admin_role_name(route->role));
		assert_true(strlen(route->text) > 5);
	}
	assert_int_equal(rows_of(NULL, NULL, NULL), admin_routes_count);
}

static void page_tells_the_version_of_the_table(void **state)
{
	char line[4096];
	FILE *file = fopen(page, "r");
	bool is_told = false;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		is_told |= strncmp(line, "Version " ADMIN_API_VERSION ".", 12) == 0;
	fclose(file);
	assert_true(is_told);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcards_are_decoded_segments),
		cmocka_unit_test(method_chooses_among_routes_of_one_path),
		cmocka_unit_test(unknown_path_and_method_are_told_apart),
		cmocka_unit_test(bad_percent_encoding_is_refused),
		cmocka_unit_test(path_longer_than_the_text_is_refused),
		cmocka_unit_test(every_route_has_one_way_to_be_handled),
		cmocka_unit_test(groups_are_coded_as_plmn_identities),
		cmocka_unit_test(other_texts_are_no_groups),
		cmocka_unit_test(every_call_has_one_row_of_the_page_with_its_role),
		cmocka_unit_test(page_tells_the_version_of_the_table),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s ADMIN-API.MD\n", argv[0]);
		return 2;
	}
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
