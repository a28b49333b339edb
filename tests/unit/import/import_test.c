// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The import on a real store.

#include "ctl_fake.h"
#include "import_run.h"

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

static const struct import_order all_or_nothing, skipping = {.is_skipping = true},
						 dry = {.is_dry = true};
static struct import_outcome outcome;
static struct import_report report; // of the last import; its lock is not used

// Imports a text in pieces that cut lines.
static int text_import(const char *text, const struct import_order *order)
{
	size_t len = strlen(text), piece = len > 100000 ? 65536 : 7;
	struct import *imp;
	int fed = 0, finished;

	assert_int_equal(import_begin(&fake.ctl, order, &imp), 0);
	for (size_t at = 0; at < len && fed == 0; at += piece)
		fed = import_feed(imp, text + at, len - at < piece ? len - at : piece);
	finished = import_finish(imp, &outcome);
	if (fed != 0)
		assert_int_equal(finished, fed);
	report = *import_report(imp);
	import_destroy(imp);
	return finished;
}

static uint32_t subscribers(void)
{
	struct store_reader *r;
	uint32_t n;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	n = store_reader_subscriber_count(r);
	store_reader_destroy(r);
	return n;
}

static void expect_counts(uint32_t added, uint32_t changed, uint32_t unchanged, uint64_t skipped)
{
	assert_int_equal(outcome.added, added);
	assert_int_equal(outcome.changed, changed);
	assert_int_equal(outcome.unchanged, unchanged);
	assert_int_equal(outcome.skipped, skipped);
	assert_int_equal(outcome.rows, added + changed + unchanged + skipped);
}

// Reads one back; STORE_ID_NONE when it is not there.
static store_id subscriber_get(const char *impi, struct store_subscriber *sub)
{
	struct store_reader *r;
	store_id id;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	id = store_reader_find_impi(r, impi);
	if (id != STORE_ID_NONE)
		assert_int_equal(store_reader_subscriber(r, id, sub), 0);
	store_reader_destroy(r);
	return id;
}

static void expect_services(store_set set, unsigned n)
{
	store_service_id ids[STORE_SET_MAX];
	struct store_reader *r;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	assert_int_equal(store_reader_set(r, set, ids), n);
	store_reader_destroy(r);
}

static void expect_bad(unsigned i, uint64_t line, const char *column, const char *why)
{
	assert_true(i < report.kept);
	assert_int_equal(report.error[i].line, line);
	assert_string_equal(report.error[i].column, column);
	if (strstr(report.error[i].why, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", report.error[i].why, why);
}

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
	assert_int_equal(((uint8_t *)&sub.muk_state)[31], 0x0a);
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

static void bad_line_keeps_nothing(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(text_import(HEADER "a,,,,\nb,x,,,\nc,,,,\n", &all_or_nothing), -EINVAL);
	expect_bad(0, 3, "btid", "'@'");
	assert_int_equal(subscribers(), 0);
	assert_int_equal(subscriber_get("a", &sub), STORE_ID_NONE);
	assert_int_equal(fake.changed_to, 0);
	assert_int_equal(text_import(HEADER "a,,,,\n", &all_or_nothing), 0);
	assert_int_equal(subscriber_get("a", &sub), 0);
}

static void bad_line_leaves_updates_undone(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(text_import(HEADER "a,x@y," HEX_A ",100,\n", &all_or_nothing), 0);
	assert_int_equal(
		text_import(HEADER "a,x@y," HEX_A ",300,\nb,x,,,\n", &all_or_nothing), -EINVAL);
	subscriber_get("a", &sub);
	assert_int_equal(sub.expires, 100);
}

static void bad_header_keeps_nothing_even_with_skip_bad(void **state)
{
	(void)state;
	assert_int_equal(text_import("impi,foo\na,b\n", &skipping), -EINVAL);
	expect_bad(0, 1, "foo", "no such column");
	assert_int_equal(text_import("", &skipping), -EINVAL);
	expect_bad(0, 1, "", "header");
}

static void skip_bad_keeps_the_good_lines(void **state)
{
	(void)state;
	assert_int_equal(
		text_import(HEADER "a,,,,\nb,x,,,\na,,,,\nc,,,,urn:z\nd,,,,\n", &skipping), 0);
	expect_counts(2, 0, 0, 3);
	assert_int_equal(report.kept, 3);
	expect_bad(0, 3, "btid", "'@'");
	expect_bad(1, 4, "", "stands in an earlier line");
	expect_bad(2, 5, "services", "no service \"urn:z\"");
	assert_int_equal(subscribers(), 2);
}

static void same_btid_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
		text_import(HEADER "a,x@y," HEX_A ",1,\nb,x@y," HEX_B ",1,\n", &all_or_nothing),
		-EINVAL);
	expect_bad(0, 3, "", "stands in an earlier line");
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
	expect_bad(0, 3, "", "earlier line");
	assert_int_equal(subscribers(), 0);
	assert_int_equal(text_import(text, &skipping), 0);
	expect_counts(9001, 0, 0, 2);
	expect_bad(0, 3, "", "earlier line");
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

static void dry_run_counts_and_keeps_nothing(void **state)
{
	struct store_subscriber sub;

	(void)state;
	assert_int_equal(text_import(HEADER "a,,,,\nb,,,,\n", &all_or_nothing), 0);
	assert_int_equal(text_import(HEADER "a,x@y," HEX_A ",1,\nb,,,,\nc,,,,\n", &dry), 0);
	expect_counts(1, 1, 1, 0);
	assert_int_equal(subscribers(), 2);
	subscriber_get("a", &sub);
	assert_string_equal(sub.btid, "");
	assert_int_equal(text_import(HEADER "c,,,,\nc,,,,\n", &dry), -EINVAL);
}

static void lost_client_leaves_nothing(void **state)
{
	const char *text = HEADER "a,,,,\nb,,,,\n";
	struct import *imp;

	(void)state;
	assert_int_equal(import_begin(&fake.ctl, &all_or_nothing, &imp), 0);
	assert_int_equal(import_feed(imp, text, strlen(text)), 0);
	import_destroy(imp);
	assert_int_equal(subscribers(), 0);
	assert_int_equal(text_import(text, &all_or_nothing), 0);
	assert_int_equal(subscribers(), 2);
}

static void second_import_at_once_is_refused(void **state)
{
	struct import *imp, *second;

	(void)state;
	assert_int_equal(import_begin(&fake.ctl, &all_or_nothing, &imp), 0);
	assert_int_equal(import_begin(&fake.ctl, &all_or_nothing, &second), -EBUSY);
	import_destroy(imp);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
	(void)state;
	fake.max_subscribers = 2;
	assert_int_equal(text_import(HEADER "a,,,,\nb,,,,\nc,,,,\n", &all_or_nothing), -EDQUOT);
	assert_int_equal(subscribers(), 0);
	assert_int_equal(text_import(HEADER "a,,,,\nb,,,,\n", &all_or_nothing), 0);
	assert_int_equal(text_import(HEADER "a,x@y," HEX_A ",1,\n", &all_or_nothing), 0);
	assert_int_equal(text_import(HEADER "c,,,,\n", &all_or_nothing), -EDQUOT);
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

static void header_alone_imports_nothing(void **state)
{
	(void)state;
	assert_int_equal(text_import("impi", &all_or_nothing), 0);
	expect_counts(0, 0, 0, 0);
}

// Whichever step fails, what was there before is there and the next import works.
static void failing_store_keeps_nothing(void **state)
{
	struct import *imp;
	bool has_failed = true;

	(void)state;
	for (unsigned job = 1; has_failed; job++) {
		int ret;

		fake.jobs = 0;
		fake.failing_job = job;
		ret = import_begin(&fake.ctl, &all_or_nothing, &imp);
		if (ret == 0) {
			const char *text = HEADER "a,x@y," HEX_A ",1,urn:a\n";

			import_feed(imp, text, strlen(text));
			ret = import_finish(imp, &outcome);
			import_destroy(imp);
		}
		has_failed = ret != 0;
		assert_int_equal(ret, has_failed ? -ENOSPC : 0);
		fake.failing_job = 0;
		if (has_failed)
			assert_int_equal(subscribers(), 0);
		assert_true(job < 20);
	}
	assert_int_equal(subscribers(), 1);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, ctl_fake_begin, ctl_fake_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(fresh_rows_are_added),
		WITH_STORE(registered_column_decides_when_it_is_filled),
		WITH_STORE(equal_cells_in_any_order_are_one_set),
		WITH_STORE(known_impi_is_an_update),
		WITH_STORE(bad_line_keeps_nothing),
		WITH_STORE(bad_line_leaves_updates_undone),
		WITH_STORE(bad_header_keeps_nothing_even_with_skip_bad),
		WITH_STORE(skip_bad_keeps_the_good_lines),
		WITH_STORE(same_btid_twice_is_refused),
		WITH_STORE(btid_of_another_subscriber_is_refused),
		WITH_STORE(unknown_services_are_named_but_keys_are_not),
		WITH_STORE(first_bad_line_of_the_file_is_the_one_named),
		WITH_STORE(report_keeps_the_first_hundred),
		WITH_STORE(dry_run_counts_and_keeps_nothing),
		WITH_STORE(lost_client_leaves_nothing),
		WITH_STORE(second_import_at_once_is_refused),
		WITH_STORE(more_than_there_is_room_for_is_refused),
		WITH_STORE(messages_too_long_for_the_uicc_are_refused),
		WITH_STORE(header_alone_imports_nothing),
		WITH_STORE(failing_store_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
