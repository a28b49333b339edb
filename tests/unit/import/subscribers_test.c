// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The admin calls for subscribers and the import, without HTTP.

#include "admin.h"
#include "ctl_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d"
#define HEX_B "1a1b1c1d1a1b1c1d1a1b1c1d1a1b1c1d1a1b1c1d1a1b1c1d1a1b1c1d1a1b1c1d"
#define HEADER "impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n"

struct admin_query {
	const char *name[2];
	const char *value[2];
};

static struct admin_query query;
static struct admin_reply reply;

static const char *query_get(const struct admin_query *q, const char *name)
{
	for (unsigned i = 0; i < 2; i++) {
		if (q->name[i] != NULL && strcmp(q->name[i], name) == 0)
			return q->value[i];
	}
	return NULL;
}

static struct admin_request request(const char *argument)
{
	struct admin_request req = {.ctl = &fake.ctl, .query = &query, .query_get = query_get};

	req.arg[0] = argument;
	req.args = argument != NULL;
	json_decref(reply.body);
	reply = (struct admin_reply){.status = 200, .fd = -1};
	return req;
}

static void call(admin_handler *handler, const char *argument)
{
	struct admin_request req = request(argument);

	handler(&req, &reply);
}

static void csv_import(const char *text)
{
	struct admin_request req = request(NULL);
	void *state = admin_import.begin(&req, &reply);

	assert_non_null(state);
	admin_import.data(state, text, strlen(text));
	admin_import.end(state, &reply);
}

static json_int_t number(const char *name)
{
	const json_t *value = json_object_get(reply.body, name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *text(const char *name)
{
	return json_string_value(json_object_get(reply.body, name));
}

static void expect_error(unsigned status, const char *word)
{
	assert_int_equal(reply.status, status);
	assert_string_equal(text("error"), word);
	assert_non_null(text("message"));
}

static void import_answers_with_its_counts(void **state)
{
	(void)state;
	csv_import("impi\na\nb\n");
	assert_int_equal(reply.status, 200);
	assert_int_equal(number("rows"), 2);
	assert_int_equal(number("added"), 2);
	assert_int_equal(number("changed"), 0);
	assert_int_equal(number("unchanged"), 0);
	assert_int_equal(number("skipped"), 0);
	assert_true(json_is_real(json_object_get(reply.body, "seconds")));
	assert_true(json_is_real(json_object_get(reply.body, "per_s")));
	assert_int_equal(json_array_size(json_object_get(reply.body, "bad")), 0);
}

static void bad_line_is_a_400_that_tells_where(void **state)
{
	(void)state;
	csv_import("impi,port\na,1\nb,0\n");
	expect_error(400, "bad-line");
	assert_int_equal(number("line"), 3);
	assert_string_equal(text("column"), "port");
	assert_non_null(strstr(text("why"), "65535"));
	assert_non_null(strstr(text("message"), "Line 3, column port"));
	csv_import("impi,port\na\n");
	assert_true(json_is_null(json_object_get(reply.body, "column")));
}

static void skipped_lines_are_listed(void **state)
{
	const json_t *bad;

	(void)state;
	query = (struct admin_query){{"skip-bad"}, {"1"}};
	csv_import("impi,port\na,1\nb,0\n");
	assert_int_equal(number("skipped"), 1);
	bad = json_array_get(json_object_get(reply.body, "bad"), 0);
	assert_int_equal(json_integer_value(json_object_get(bad, "line")), 3);
	assert_string_equal(json_string_value(json_object_get(bad, "column")), "port");
}

static void too_many_subscribers_are_a_507(void **state)
{
	(void)state;
	fake.max_subscribers = 1;
	csv_import("impi\na\nb\n");
	expect_error(507, "too-many-subscribers");
}

static void wrong_query_is_a_400(void **state)
{
	struct admin_request req;

	(void)state;
	query = (struct admin_query){{"skip-bad"}, {"maybe"}};
	req = request(NULL);
	assert_null(admin_import.begin(&req, &reply));
	assert_int_equal(reply.status, 400);
}

static void second_import_is_a_409(void **state)
{
	struct admin_request req = request(NULL);
	void *first = admin_import.begin(&req, &reply);

	(void)state;
	assert_null(admin_import.begin(&req, &reply));
	expect_error(409, "import-running");
	admin_import.cancel(first);
}

static void show_tells_all_but_the_keys(void **state)
{
	char *dump;

	(void)state;
	csv_import(
		HEADER "u@ims,b@bsf," HEX_A "," HEX_B ",4000000000,10.0.0.1,99,me,urn:a urn:b,-\n");
	call(admin_subscriber_show, "u@ims");
	assert_int_equal(reply.status, 200);
	assert_int_equal(number("id"), 0);
	assert_string_equal(text("impi"), "u@ims");
	assert_string_equal(text("btid"), "b@bsf");
	assert_string_equal(text("address"), "10.0.0.1");
	assert_int_equal(number("port"), 99);
	assert_string_equal(text("keys_in"), "me");
	assert_string_equal(text("expires"), "2096-10-02T07:06:40Z");
	assert_true(json_is_true(json_object_get(reply.body, "has_muk")));
	assert_true(json_is_true(json_object_get(reply.body, "has_mrk")));
	assert_true(json_is_false(json_object_get(reply.body, "is_expired")));
	assert_int_equal(json_array_size(json_object_get(reply.body, "services")), 2);
	assert_int_equal(json_array_size(json_object_get(reply.body, "registered")), 0);
	assert_true(json_is_null(json_object_get(reply.body, "prev_btid")));
	dump = json_dumps(reply.body, 0);
	assert_null(strcasestr(dump, "0a0b0c0d"));
	assert_null(strcasestr(dump, "1a1b1c1d"));
	free(dump);
	call(admin_subscriber_show, "b@bsf");
	assert_int_equal(number("id"), 0);
}

static void show_of_one_without_keys_has_nulls(void **state)
{
	(void)state;
	csv_import("impi\nu\n");
	call(admin_subscriber_show, "u");
	assert_true(json_is_null(json_object_get(reply.body, "btid")));
	assert_true(json_is_null(json_object_get(reply.body, "expires")));
	assert_true(json_is_null(json_object_get(reply.body, "address")));
	assert_true(json_is_false(json_object_get(reply.body, "is_expired")));
}

static void expired_muk_is_told(void **state)
{
	(void)state;
	csv_import("impi,btid,muk,expires,address\nu,b@bsf," HEX_A ",1000,2001:db8::1\n");
	call(admin_subscriber_show, "u");
	assert_true(json_is_true(json_object_get(reply.body, "is_expired")));
	assert_string_equal(text("address"), "2001:db8::1");
}

static void unknown_subscriber_is_a_404(void **state)
{
	char name[STORE_NAI_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	call(admin_subscriber_show, "nobody");
	expect_error(404, "unknown-subscriber");
	call(admin_subscriber_show, name);
	expect_error(404, "unknown-subscriber");
	call(admin_subscriber_remove, "nobody");
	expect_error(404, "unknown-subscriber");
}

static void list_comes_in_pages(void **state)
{
	(void)state;
	csv_import("impi\na\nb\nc\nd\n");
	call(admin_subscriber_remove, "b");
	assert_int_equal(reply.status, 200);
	query = (struct admin_query){{"limit"}, {"2"}};
	call(admin_subscribers_list, NULL);
	assert_int_equal(json_array_size(json_object_get(reply.body, "subscribers")), 2);
	assert_int_equal(number("next"), 2);
	query = (struct admin_query){{"limit", "after"}, {"2", "2"}};
	call(admin_subscribers_list, NULL);
	assert_int_equal(json_array_size(json_object_get(reply.body, "subscribers")), 1);
	assert_true(json_is_null(json_object_get(reply.body, "next")));
	query = (struct admin_query){{"after"}, {"4294967295"}};
	call(admin_subscribers_list, NULL);
	assert_int_equal(json_array_size(json_object_get(reply.body, "subscribers")), 0);
}

static void list_refuses_wrong_limits(void **state)
{
	static const char *const wrong[] = {"0", "10001", "x", "-1", ""};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		query = (struct admin_query){{"limit"}, {wrong[i]}};
		call(admin_subscribers_list, NULL);
		assert_int_equal(reply.status, 400);
	}
}

static void remove_frees_the_subscriber_and_tells_the_workers(void **state)
{
	(void)state;
	csv_import("impi\na\nb\n");
	fake.changed_from = STORE_ID_NONE;
	fake.changed_to = 0;
	call(admin_subscriber_remove, "b");
	assert_int_equal(reply.status, 200);
	assert_int_equal(fake.changed_from, 1);
	assert_int_equal(fake.changed_to, 2);
	call(admin_subscriber_show, "b");
	expect_error(404, "unknown-subscriber");
}

static void remove_is_a_409_while_a_campaign_holds_it(void **state)
{
	(void)state;
	csv_import("impi\na\n");
	fake.holding_campaign = 7;
	call(admin_subscriber_remove, "a");
	expect_error(409, "campaign-open");
	assert_int_equal(number("campaign"), 7);
	fake.holding_campaign = 0;
	call(admin_subscriber_show, "a");
	assert_int_equal(reply.status, 200);
}

static int begin(void **state)
{
	query = (struct admin_query){0};
	return ctl_fake_begin(state);
}

static int end(void **state)
{
	json_decref(reply.body);
	reply.body = NULL;
	return ctl_fake_end(state);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(import_answers_with_its_counts),
		WITH_STORE(bad_line_is_a_400_that_tells_where),
		WITH_STORE(skipped_lines_are_listed),
		WITH_STORE(too_many_subscribers_are_a_507),
		WITH_STORE(wrong_query_is_a_400),
		WITH_STORE(second_import_is_a_409),
		WITH_STORE(show_tells_all_but_the_keys),
		WITH_STORE(show_of_one_without_keys_has_nulls),
		WITH_STORE(expired_muk_is_told),
		WITH_STORE(unknown_subscriber_is_a_404),
		WITH_STORE(list_comes_in_pages),
		WITH_STORE(list_refuses_wrong_limits),
		WITH_STORE(remove_frees_the_subscriber_and_tells_the_workers),
		WITH_STORE(remove_is_a_409_while_a_campaign_holds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
