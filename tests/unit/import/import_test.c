// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The import on a real store: which rows it takes, and what becomes of them.

#include "import_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define HEX_B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define HEADER "impi,btid,muk,expires,services\n"

static void fresh_rows_are_added(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(
		text_import(HEADER "a,x@y," HEX_A ",100,urn:a urn:b\nb,,,,\n", &all_or_nothing), 0);
	expect_counts(2, 0, 0, 0);
	assert_int_equal(subscriber_get("a", &sub), 0);
	assert_string_equal(sub.btid, "x@y");
	assert_int_equal(sub.expires, 100);
	assert_int_equal(sub.flags & STORE_HAS_MUK, STORE_HAS_MUK);
	assert_int_equal(((uint8_t *)&sub.muk_state)[31], 0xf5);
	expect_services(sub.authorised, 2);
	expect_services(sub.registered, 2);
	assert_int_equal(subscriber_get("b", &sub), 1);
	assert_int_equal(((uint8_t *)&sub.muk_state)[31], 0);
	expect_services(sub.authorised, 0);
	assert_int_equal(fake.changed_from, 0);
	assert_int_equal(fake.changed_to, 2);
}

static void registered_column_decides_when_it_is_filled(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(text_import("impi,services,registered\na,urn:a urn:b,urn:b\n"
				     "b,urn:a urn:b,-\nc,urn:a urn:b,\n",
				 &all_or_nothing),
		0);
	subscriber_get("a", &sub);
	expect_services(sub.authorised, 2);
	expect_services(sub.registered, 1);
	subscriber_get("b", &sub);
	expect_services(sub.authorised, 2);
	expect_services(sub.registered, 0);
	subscriber_get("c", &sub);
	expect_services(sub.registered, 2);
}

static void equal_cells_in_any_order_are_one_set(void **state)
{
	struct store_subscriber a, b, c;

	(void)state;
	assert_int_equal(text_import("impi,services\na,urn:a urn:b\nb, urn:b  urn:a \n"
				     "c,urn:b urn:a urn:b\n",
				 &all_or_nothing),
		0);
	subscriber_get("a", &a);
	subscriber_get("b", &b);
	subscriber_get("c", &c);
	assert_int_equal(a.authorised, b.authorised);
	assert_int_equal(a.authorised, c.authorised);
}

static void known_impi_is_an_update(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(text_import(HEADER "a,x@y," HEX_A ",100,\nb,,,,\nc,,,,\n", &skipping), 0);
	fake.changed_from = STORE_ID_NONE;
	fake.changed_to = 0;
	assert_int_equal(text_import(HEADER "b,z@y," HEX_B ",200,\na,x@y," HEX_A ",100,\nd,,,,\n",
				 &all_or_nothing),
		0);
	expect_counts(1, 1, 1, 0);
	assert_int_equal(subscriber_get("b", &sub), 1);
	assert_string_equal(sub.btid, "z@y");
	assert_int_equal(sub.muk.byte[0], 0x0b);
	assert_int_equal(fake.changed_from, 1);
	assert_int_equal(fake.changed_to, 4);
	assert_int_equal(subscribers(), 4);
}

static void skip_bad_keeps_the_good_lines(void **state)
{
	(void)state;
	assert_int_equal(
		text_import(HEADER "a,,,,\nb,x,,,\na,,,,\nc,,,,urn:z\nd,,,,\n", &skipping), 0);
	expect_counts(2, 0, 0, 3);
	assert_int_equal(report.kept, 3);
	expect_bad(0, 3, "btid", "'@'");
	expect_bad(1, 4, "impi", "stands in an earlier line");
	expect_bad(2, 5, "services", "no service \"urn:z\"");
	assert_int_equal(subscribers(), 2);
}

static void same_btid_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
		text_import(HEADER "a,x@y," HEX_A ",1,\nb,x@y," HEX_B ",1,\n", &all_or_nothing),
		-EINVAL);
	expect_bad(0, 3, "btid", "stands in an earlier line");
	assert_int_equal(subscribers(), 0);
}

static void btid_of_another_subscriber_is_refused(void **state)
{
	(void)state;
	assert_int_equal(text_import(HEADER "a,x@y," HEX_A ",1,\n", &all_or_nothing), 0);
	assert_int_equal(text_import(HEADER "b,x@y," HEX_B ",1,\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 2, "btid", "belongs to subscriber a");
	assert_int_equal(subscribers(), 1);
}

static void unknown_services_are_named_but_keys_are_not(void **state)
{
	(void)state;
	assert_int_equal(
		text_import("impi,services\na,urn:a urn:\x01q\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 2, "services", "no service \"urn:?q\"");
	assert_int_equal(
		text_import("impi,services,registered\na,urn:a,nope\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 2, "registered", "no service \"nope\"");
	assert_int_equal(text_import("impi,services\na," HEX_A "\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 2, "services", "looks like a key");
	assert_null(strstr(report.error[0].why, "0a0a"));
}

// A batch holds 8,192 rows: the store finds the duplicate after the parser has gone on.
static void first_bad_line_of_the_file_is_the_one_named(void **state)
{
	size_t size = 2 << 20, at;
	char *text = malloc(size);

	(void)state;
	at = (size_t)sprintf(text, "impi,port\nsame,\nsame,\n");
	for (unsigned i = 0; i < 9000; i++)
		at += (size_t)sprintf(text + at, "user%u,\n", i);
	sprintf(text + at, "last,0\n");
	assert_int_equal(text_import(text, &all_or_nothing), -EINVAL);
	expect_bad(0, 3, "impi", "earlier line");
	assert_int_equal(subscribers(), 0);
	assert_int_equal(text_import("impi,port\na,\na,\nb,0\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 3, "impi", "earlier line");
	assert_int_equal(text_import(text, &skipping), 0);
	expect_counts(9001, 0, 0, 2);
	expect_bad(0, 3, "impi", "earlier line");
	expect_bad(1, 9004, "port", "65535");
	free(text);
}

static void report_keeps_the_first_hundred(void **state)
{
	char text[4096];
	size_t at = (size_t)sprintf(text, "impi,port\n");

	(void)state;
	for (unsigned i = 0; i < 150; i++)
		at += (size_t)sprintf(text + at, "u%u,%s\n", i, i % 10 == 9 ? "" : "0");
	assert_int_equal(text_import(text, &skipping), 0);
	expect_counts(15, 0, 0, 135);
	assert_int_equal(report.kept, IMPORT_BAD_MAX);
	expect_bad(0, 2, "port", "");
	expect_bad(99, 112, "port", "");
}

static void messages_too_long_for_the_uicc_are_refused(void **state)
{
	char text[1024];

	(void)state;
	for (int len = CTL_FAKE_BTID_MAX; len <= CTL_FAKE_BTID_MAX + 1; len++) {
		snprintf(text, sizeof(text),
			"impi,btid,muk,expires,services,keys_in\nu%d,%0*d@y," HEX_A
			",1,urn:a,uicc\nme%d,m%0*d@y," HEX_A ",1,urn:a,me\n"
			"v600-%d,v%0*d@y," HEX_A ",1,urn:c,uicc\n",
			len, len - 2, 0, len, len, 0, len, len, 0);
		assert_int_equal(text_import(text, &skipping), 0);
		assert_int_equal(outcome.skipped, len > CTL_FAKE_BTID_MAX ? 1 : 0);
	}
	expect_bad(0, 2, "btid", "too many for the UICC");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, ctl_fake_begin, ctl_fake_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(fresh_rows_are_added),
		WITH_STORE(registered_column_decides_when_it_is_filled),
		WITH_STORE(equal_cells_in_any_order_are_one_set),
		WITH_STORE(known_impi_is_an_update),
		WITH_STORE(skip_bad_keeps_the_good_lines),
		WITH_STORE(same_btid_twice_is_refused),
		WITH_STORE(btid_of_another_subscriber_is_refused),
		WITH_STORE(unknown_services_are_named_but_keys_are_not),
		WITH_STORE(first_bad_line_of_the_file_is_the_one_named),
		WITH_STORE(report_keeps_the_first_hundred),
		WITH_STORE(messages_too_long_for_the_uicc_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
