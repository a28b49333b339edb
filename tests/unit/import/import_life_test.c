// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The import on a real store: all of it or nothing, however it ends.

#include "import_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define HEADER "impi,btid,muk,expires,services\n"

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

static void somebody_remove(const char *impi)
{
	struct store_reader *r;
	struct store_txn *txn;

	assert_int_equal(ctl_reader_get(&fake.ctl, &r), 0);
	assert_int_equal(store_txn_begin(fake.ctl.env, &txn), 0);
	assert_int_equal(store_subscriber_remove(txn, store_reader_find_impi(r, impi)), 0);
	assert_int_equal(store_txn_commit(txn), 0);
	ctl_reader_put(&fake.ctl, r);
}

// Workers are told of the place: another subscriber has it.
static void who_left_makes_room_while_no_campaign_is_open(void **state)
{
	(void)state;
	fake.max_subscribers = 2;
	assert_int_equal(text_import(HEADER "a,,,,\nb,,,,\n", &all_or_nothing), 0);
	somebody_remove("a");
	assert_int_equal(text_import(HEADER "c,,,,\n", &all_or_nothing), -EDQUOT);
	fake.may_reuse_ids = true;
	fake.changed_from = STORE_ID_NONE;
	fake.changed_to = 0;
	assert_int_equal(text_import(HEADER "c,,,,\n", &all_or_nothing), 0);
	expect_counts(1, 0, 0, 0);
	assert_int_equal(subscribers(), 2);
	assert_int_equal(fake.changed_from, 0);
	assert_int_equal(fake.changed_to, 1);
	assert_int_equal(text_import(HEADER "d,,,,\n", &all_or_nothing), -EDQUOT);
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
		WITH_STORE(bad_line_keeps_nothing),
		WITH_STORE(bad_line_leaves_updates_undone),
		WITH_STORE(bad_header_keeps_nothing_even_with_skip_bad),
		WITH_STORE(dry_run_counts_and_keeps_nothing),
		WITH_STORE(lost_client_leaves_nothing),
		WITH_STORE(second_import_at_once_is_refused),
		WITH_STORE(more_than_there_is_room_for_is_refused),
		WITH_STORE(who_left_makes_room_while_no_campaign_is_open),
		WITH_STORE(header_alone_imports_nothing),
		WITH_STORE(failing_store_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
