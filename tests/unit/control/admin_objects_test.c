// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Groups, services and MSKs over the admin socket.

#include <stdlib.h>
#include <string.h>

#include "client.h"

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
	expect_error("POST /v1/groups/001-01/0001/msks/0002/activate", "{\"cancel\": true}", 409,
		"not-waiting");
	assert_int_equal(call("POST /v1/groups/001-01/0001/msks/0002/activate", NULL), 200);
	assert_int_equal(call("GET /v1/groups/001-01/0001/msks", NULL), 200);
	dump = json_dumps(client.body, 0);
	assert_non_null(strstr(dump, "retired"));
	assert_null(strstr(dump, "\"key\""));
	free(dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(group_is_made_once_and_keeps_its_profile),
		WITH_CLIENT(service_needs_known_groups_and_a_plain_name),
		WITH_CLIENT(service_that_would_overflow_a_uicc_is_refused_with_the_arithmetic),
		WITH_CLIENT(msk_shows_its_check_value_and_never_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
