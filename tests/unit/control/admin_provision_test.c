// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "client.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ALICE "PUT /v1/subscribers/alice@ims"
#define BOB "PUT /v1/subscribers/bob@ims"

static const char whole[] = "{\"btid\": \"b1@bsf\", \"muk\": \"" KEY "\", \"mrk\": \"" KEY "\", "
			    "\"expires\": \"2090-01-01T00:00:00Z\", \"address\": \"10.0.0.7\", "
			    "\"port\": 2270, \"keys_in\": \"me\", \"services\": [\"tv\"]}";

static unsigned changes(void)
{
	return fake_dp_count(client.site->dp, DP_CMD_STORE_CHANGED);
}

static size_t names(const char *member)
{
	return json_array_size(json_object_get(client.body, member));
}

static void put_adds_and_the_same_call_again_changes_nothing(void **state)
{
	unsigned before;

	(void)state;
	assert_int_equal(call(ALICE, whole), 201);
	assert_string_equal(text("impi"), "alice@ims");
	assert_string_equal(text("btid"), "b1@bsf");
	assert_string_equal(text("address"), "10.0.0.7");
	assert_int_equal(number("port"), 2270);
	assert_int_equal(names("services"), 1);
	assert_int_equal(names("registered"), 1);
	assert_true(json_is_true(json_object_get(client.body, "has_muk")));
	before = changes();
	assert_true(before > 0);
	assert_int_equal(call(ALICE, whole), 200);
	assert_int_equal(changes(), before);
	assert_int_equal(number("id"), 0);
	assert_int_equal(call("GET /v1/subscribers", NULL), 200);
	assert_int_equal(names("subscribers"), 1);
}

static void what_is_absent_is_empty(void **state)
{
	unsigned before;

	(void)state;
	assert_int_equal(call(ALICE, whole), 201);
	before = changes();
	assert_int_equal(call(ALICE, "{\"registered\": []}"), 200);
	assert_true(changes() > before);
	assert_true(json_is_false(json_object_get(client.body, "has_muk")));
	assert_true(json_is_null(json_object_get(client.body, "address")));
	assert_int_equal(number("port"), 2269);
	assert_int_equal(names("services"), 0);
}

static void registered_says_otherwise_than_services(void **state)
{
	(void)state;
	assert_int_equal(call(ALICE, "{\"services\": [\"tv\"], \"registered\": []}"), 201);
	assert_int_equal(names("services"), 1);
	assert_int_equal(names("registered"), 0);
	assert_int_equal(call(ALICE, "{\"services\": [\"tv\"], \"registered\": null}"), 200);
	assert_int_equal(names("registered"), 1);
}

static void wrong_member_is_named(void **state)
{
	static const char *const cases[][2] = {
		{"{\"port\": 0}", "port"},
		{"{\"port\": true}", "port"},
		{"{\"address\": \"10.0.0.256\"}", "address"},
		{"{\"keys_in\": \"pocket\"}", "keys_in"},
		{"{\"services\": \"tv\"}", "services"},
		{"{\"services\": [\"radio\"]}", "services"},
		{"{\"services\": [7]}", "services"},
		{"{\"services\": [\"tv\"], \"registered\": [\"radio\"]}", "registered"},
		{"{\"btid\": \"b1@bsf\"}", "muk"},
		{"{\"btid\": \"b1@bsf\", \"muk\": \"00\", \"expires\": 4000000000}", "muk"},
		{"{\"btid\": \"b1@bsf\", \"muk\": \"" KEY "\", \"expires\": \"soon\"}", "expires"},
		{"{\"btid\": \"no at sign\", \"muk\": \"" KEY "\", \"expires\": 4000000000}",
			"btid"},
		{"{\"mrk\": \"" KEY "\"}", "mrk"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_error(ALICE, cases[i][0], 400, "bad-value");
		assert_string_equal(text("column"), cases[i][1]);
		// No octet of what may be a key comes back.
		assert_null(strstr(text("message"), "0102030405"));
	}
	expect_error(ALICE, "{\"impi\": \"alice@ims\"}", 400, "unknown-member");
	expect_error(ALICE, "{\"imsi\": \"1\"}", 400, "unknown-member");
	expect_error(ALICE, NULL, 411, "no-body");
	expect_error("PUT /v1/subscribers/two%20words", "{}", 400, "bad-value");
	assert_int_equal(changes(), 0);
}

static void btid_of_another_is_refused(void **state)
{
	(void)state;
	assert_int_equal(call(ALICE, whole), 201);
	expect_error(BOB, whole, 409, "btid-of-another");
	assert_int_equal(call("GET /v1/subscribers/bob@ims", NULL), 404);
}

static void message_that_would_not_fit_the_uicc_is_refused(void **state)
{
	char body[600], btid[201];

	(void)state;
	memset(btid, 'b', 200);
	btid[100] = '@';
	btid[200] = '\0';
	snprintf(body, sizeof(body),
		"{\"btid\": \"%s\", \"muk\": \"" KEY "\", \"expires\": 4000000000, "
		"\"keys_in\": \"uicc\", \"services\": [\"tv\"]}",
		btid);
	expect_error(ALICE, body, 400, "bad-value");
	assert_string_equal(text("column"), "btid");
	assert_non_null(strstr(text("message"), "253"));
}

static void more_than_there_is_room_for_is_refused_and_not_kept(void **state)
{
	(void)state;
	client.site->conf.store.max_subscribers = 1;
	assert_int_equal(call(ALICE, "{}"), 201);
	expect_error(BOB, "{}", 507, "too-many-subscribers");
	assert_int_equal(call("GET /v1/subscribers/bob@ims", NULL), 404);
}

static void stream_of_subscribers_may_be_put_as_well(void **state)
{
	(void)state;
	assert_int_equal(call("PUT /v1/subscribers", "impi,services\na@x,tv\nb@x,tv\n"), 200);
	assert_int_equal(number("added"), 2);
	assert_int_equal(call("PUT /v1/subscribers", "impi,services\na@x,tv\nb@x,tv\n"), 200);
	assert_int_equal(number("unchanged"), 2);
}

static void audit_knows_of_it_and_of_no_key(void **state)
{
	char path[100], line[2048] = "", why[256];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/audit.log", client.site->dir);
	assert_int_equal(audit_open(path, &client.site->ctl.audit, why), 0);
	call(ALICE, whole);
	file = fopen(path, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	audit_close(client.site->ctl.audit);
	client.site->ctl.audit = NULL;
	assert_non_null(strstr(line, "/v1/subscribers/alice@ims"));
	assert_null(strstr(line, "0001020304"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(put_adds_and_the_same_call_again_changes_nothing),
		WITH_CLIENT(what_is_absent_is_empty),
		WITH_CLIENT(registered_says_otherwise_than_services),
		WITH_CLIENT(wrong_member_is_named),
		WITH_CLIENT(btid_of_another_is_refused),
		WITH_CLIENT(message_that_would_not_fit_the_uicc_is_refused),
		WITH_CLIENT(more_than_there_is_room_for_is_refused_and_not_kept),
		WITH_CLIENT(stream_of_subscribers_may_be_put_as_well),
		WITH_CLIENT(audit_knows_of_it_and_of_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
