// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who may have which name after an import.

#include <errno.h>

#include "support_import.h"

static void doubles_in_the_file_are_refused(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp = test_import_begin(env);
	struct store_import_result result;
	struct store_subscriber none = {.impi = "no muk@home"};
	enum store_row verdict;

	assert_int_equal(test_import_row(imp, 1, 1), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 1, 2), STORE_ROW_IMPI_TWICE);
	assert_int_equal(test_import_row(imp, 2, 1), STORE_ROW_BTID_TWICE);
	assert_int_equal(test_import_row(imp, 2, 2), STORE_ROW_TAKEN);
	// Rows without a MUK have no B-TID in common.
	assert_int_equal(store_import_add(imp, &none, 1, &verdict), 0);
	assert_int_equal(verdict, STORE_ROW_TAKEN);
	strcpy(none.impi, "no muk either@home");
	assert_int_equal(store_import_add(imp, &none, 1, &verdict), 0);
	assert_int_equal(verdict, STORE_ROW_TAKEN);
	none.flags = STORE_HAS_MUK;
	assert_int_equal(store_import_add(imp, &none, 1, &verdict), 0);
	assert_int_equal(verdict, STORE_ROW_MALFORMED);
	result = test_import_finish(imp);
	assert_int_equal(result.added, 4);
	test_range(env, 1, 3, 0);
}

static void btid_of_a_stored_subscriber_is_refused(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;

	test_import_range(env, 0, 10);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 20, 3), STORE_ROW_BTID_OF_ANOTHER);
	assert_int_equal(test_import_row(imp, 4, 3), STORE_ROW_BTID_OF_ANOTHER);
	assert_int_equal(test_import_row(imp, 3, 3), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 21, 21), STORE_ROW_TAKEN);
	test_import_finish(imp);
	test_range(env, 0, 10, 0);
	test_range(env, 21, 22, 0);
	test_no_range(env, 20, 21);
}

// Row 1 takes B-TID 1 away from subscriber 1, row 2 gives it to another.
static void btid_freed_by_a_row_before_can_be_taken(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_reader *r;
	char btid[STORE_NAI_MAX + 1], impi[STORE_NAI_MAX + 1];

	test_import_range(env, 0, 10);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_BTID_OF_ANOTHER);
	assert_int_equal(test_import_row(imp, 1, 100), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 2, 200), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 3, 2), STORE_ROW_TAKEN);
	test_import_finish(imp);
	r = test_reader(env);
	test_btid(1, btid);
	test_impi(20, impi);
	assert_int_equal(store_reader_find_btid(r, btid), store_reader_find_impi(r, impi));
	test_btid(2, btid);
	test_impi(3, impi);
	assert_int_equal(store_reader_find_btid(r, btid), store_reader_find_impi(r, impi));
	store_reader_destroy(r);
	test_range(env, 1, 2, 99);
	test_clean(env);
}

static void btid_that_lives_on_as_previous_is_refused(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;

	test_import_range(env, 0, 10);
	test_verify(env, 1);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 1, 100), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_BTID_OF_ANOTHER);
	test_import_finish(imp);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_BTID_OF_ANOTHER);
	test_import_finish(imp);
}

// The same for one that was the previous one before.
static void previous_btid_of_a_moved_subscriber_is_refused(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_import *imp;

	test_import_range(env, 0, 10);
	test_verify(env, 1);
	test_subscriber(1, 100, &sub);
	test_put(env, &sub);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 1, 200), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_BTID_OF_ANOTHER);
	assert_int_equal(test_import_row(imp, 21, 100), STORE_ROW_TAKEN);
	test_import_finish(imp);
	test_range(env, 1, 2, 199);
	test_range(env, 21, 22, 79);
}

// A verification that arrives between the row and its application would keep the B-TID.
static void taken_btid_does_not_live_on_as_previous(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_reader *r;
	struct store_prev prev;
	char btid[STORE_NAI_MAX + 1], impi[STORE_NAI_MAX + 1];

	test_import_range(env, 0, 10);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 1, 100), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 2, 200), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 3, 2), STORE_ROW_TAKEN);
	test_verify(env, 1);
	test_verify(env, 2);
	test_import_finish(imp);
	r = test_reader(env);
	test_btid(1, btid);
	test_impi(20, impi);
	assert_int_equal(store_reader_find_btid(r, btid), store_reader_find_impi(r, impi));
	assert_int_equal(store_reader_prev(r, 1, &prev), -ENOENT);
	test_btid(2, btid);
	assert_int_equal(store_reader_find_btid(r, btid), 3);
	assert_int_equal(store_reader_prev(r, 2, &prev), -ENOENT);
	assert_false(store_hot_flags(store_reader_hot(r, 2)) & STORE_HAS_PREV);
	store_reader_destroy(r);
	test_clean(env);
}

static void import_moves_verified_btid_to_previous(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_reader *r;
	struct store_prev prev;
	char btid[STORE_NAI_MAX + 1];

	test_import_range(env, 0, 100);
	test_verify(env, 50);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 50, 1050), STORE_ROW_TAKEN);
	test_import_finish(imp);
	r = test_reader(env);
	test_btid(50, btid);
	assert_int_equal(store_reader_prev(r, 50, &prev), 0);
	assert_string_equal(prev.btid, btid);
	store_reader_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENV(doubles_in_the_file_are_refused),
		WITH_ENV(btid_of_a_stored_subscriber_is_refused),
		WITH_ENV(btid_freed_by_a_row_before_can_be_taken),
		WITH_ENV(btid_that_lives_on_as_previous_is_refused),
		WITH_ENV(previous_btid_of_a_moved_subscriber_is_refused),
		WITH_ENV(taken_btid_does_not_live_on_as_previous),
		WITH_ENV(import_moves_verified_btid_to_previous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
