// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>

#include "support_import.h"

static void fresh_import_is_found_by_both_keys(void **state)
{
	struct store_env *env = *state;
	struct store_import_result result = test_import_range(env, 0, 100000);
	struct store_reader *r = test_reader(env);

	assert_int_equal(result.added, 100000);
	assert_int_equal(result.changed, 0);
	assert_int_equal(result.first_new, 0);
	assert_int_equal(store_reader_span(r), 100000);
	assert_int_equal(store_reader_subscriber_count(r), 100000);
	store_reader_destroy(r);
	test_range(env, 0, 100000, 0);
	test_no_range(env, 100000, 101000);
	test_clean(env);
}

static void rows_are_unseen_until_published(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;

	test_import_range(env, 0, 100);
	imp = test_import_begin(env);
	test_import_many(imp, 100, 400, 0);
	assert_int_equal(test_import_row(imp, 5, 1005), STORE_ROW_TAKEN);
	assert_int_equal(store_import_publish(imp), 1);
	test_no_range(env, 100, 400);
	test_range(env, 0, 100, 0);
	test_import_finish(imp);
	test_range(env, 100, 400, 0);
	test_range(env, 5, 6, 1000);
	test_clean(env);
}

// Blocks hold 45 and 54 records: each import begins in the middle of both, of one, of none.
static void imports_of_any_size_follow_each_other(void **state)
{
	static const uint32_t sizes[] = {1, 44, 45, 1, 53, 54, 100, 2, 1330, 0, 3, 2430 - 1633, 1};
	struct store_env *env = *state;
	uint32_t at = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct store_import_result result = test_import_range(env, at, at + sizes[i]);

		assert_int_equal(result.added, sizes[i]);
		assert_int_equal(result.first_new, at);
		at += sizes[i];
		test_range(env, 0, at, 0);
		test_clean(env);
	}
}

static void update_changes_what_differs_only(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_import_result result;
	const store_id *changed;
	size_t n;

	test_import_range(env, 0, 3000);
	imp = test_import_begin(env);
	test_import_many(imp, 0, 2500, 10000);
	test_import_many(imp, 2500, 3000, 0);
	assert_int_equal(test_import_row(imp, 3000, 3000), STORE_ROW_TAKEN);
	store_import_counts(imp, &result);
	assert_int_equal(result.changed, 2500);
	changed = store_import_changed(imp, &n);
	assert_int_equal(n, 2500);
	assert_int_equal(changed[2499], 2499);
	result = test_import_finish(imp);
	assert_int_equal(result.changed, 2500);
	assert_int_equal(result.unchanged, 500);
	assert_int_equal(result.added, 1);
	assert_int_equal(result.first_new, 3000);
	test_range(env, 0, 2500, 10000);
	test_range(env, 2500, 3001, 0);
	test_clean(env);
}

static void unchanged_import_writes_no_record(void **state)
{
	struct store_env *env = *state;
	struct store_import_result result;
	struct store_reader *r;

	test_import_range(env, 0, 1000);
	r = test_reader(env);
	result = test_import_range(env, 0, 1000);
	assert_int_equal(result.unchanged, 1000);
	assert_int_equal(result.added + result.changed, 0);
	store_reader_destroy(r);
	test_clean(env);
}

static void ids_above_the_span_cannot_be_verified(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_reader *r;
	store_id id = 100;

	imp = test_import_begin(env);
	test_import_many(imp, 0, 200, 0);
	test_verify(env, id);
	test_import_finish(imp);
	r = test_reader(env);
	assert_false(store_hot_flags(store_reader_hot(r, id)) & STORE_MUK_VERIFIED);
	store_reader_destroy(r);
}

static void aborted_import_leaves_nothing(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_subscriber sub = {.impi = "raw", .btid = "raw btid", .flags = STORE_HAS_MUK};

	test_import_range(env, 0, 100);
	for (unsigned publish = 0; publish < 3; publish++) {
		imp = test_import_begin(env);
		test_import_many(imp, 50, 1000, 5000);
		test_import_rows(imp, &sub, 1);
		for (unsigned i = 0; i < publish; i++)
			assert_int_equal(store_import_publish(imp), 1);
		test_import_abort(imp);
		test_clean(env);
		test_range(env, 0, 100, 0);
		test_no_range(env, 100, 1000);
	}
	test_import_range(env, 100, 1000);
	test_range(env, 0, 1000, 0);
}

static void one_import_at_a_time(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp = test_import_begin(env), *second;

	assert_int_equal(store_import_begin(env, 0, &second), -EBUSY);
	test_import_finish(imp);
	imp = test_import_begin(env);
	store_import_end(imp, NULL);
	imp = test_import_begin(env);
	test_import_abort(imp);
}

static void open_import_keeps_ids_and_btids_to_itself(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_subscriber sub;
	struct store_txn *txn;
	store_id id;

	test_import_range(env, 0, 100);
	imp = test_import_begin(env);
	assert_int_equal(test_import_row(imp, 100, 100), STORE_ROW_TAKEN);
	test_subscriber(101, 101, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), -EBUSY);
	test_subscriber(1, 100, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), -EBUSY);
	test_subscriber(1, 500, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), 0);
	txn = test_begin(env);
	assert_int_equal(store_subscriber_remove(txn, 2), -EBUSY);
	store_txn_abort(txn);
	test_import_finish(imp);
	test_range(env, 1, 2, 499);
	test_range(env, 100, 101, 0);
	test_clean(env);
}

// Blocks that the import has in hand are shared with subscribers in use.
static void changes_during_an_import_are_kept(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;

	test_import_range(env, 0, 100);
	imp = test_import_begin(env);
	test_import_many(imp, 100, 103, 0);
	for (uint32_t i = 90; i < 100; i++) {
		struct store_subscriber sub;

		test_subscriber(i, i + 1000, &sub);
		test_put(env, &sub);
	}
	test_import_many(imp, 103, 300, 0);
	test_import_finish(imp);
	test_range(env, 0, 90, 0);
	test_range(env, 90, 100, 1000);
	test_range(env, 100, 300, 0);
}

static void sets_can_be_made_during_an_import(void **state)
{
	struct store_env *env = *state;
	struct store_service service = {.name = "service"};
	struct store_subscriber sub, out;
	struct store_import *imp;
	struct store_reader *r;
	struct store_txn *txn = test_begin(env);
	store_service_id none = 9;
	store_set set, again;
	uint64_t version;

	assert_int_equal(store_service_put(txn, &service), 0);
	test_commit(txn);
	imp = test_import_begin(env);
	assert_int_equal(store_import_set(imp, &service.id, 1, &set), 0);
	r = test_reader(env);
	version = store_reader_version(r);
	assert_int_equal(store_import_set(imp, &service.id, 1, &again), 0);
	assert_int_equal(again, set);
	assert_int_equal(store_reader_renew(r), 0);
	assert_true(store_reader_version(r) == version);
	assert_int_equal(store_import_set(imp, &none, 1, &again), -ENOENT);
	test_subscriber(1, 1, &sub);
	sub.authorised = set;
	test_import_rows(imp, &sub, 1);
	txn = test_begin(env);
	assert_int_equal(store_service_remove(txn, service.id), -EINPROGRESS);
	store_txn_abort(txn);
	test_import_finish(imp);
	assert_int_equal(store_reader_renew(r), 1);
	assert_int_equal(store_reader_subscriber(r, 0, &out), 0);
	assert_int_equal(out.authorised, set);
	store_reader_destroy(r);
}

static void chunk_over_the_limit_is_refused(void **state)
{
	struct store_import *imp = test_import_begin(*state);
	struct store_subscriber sub;
	enum store_row verdict;

	test_subscriber(1, 1, &sub);
	assert_int_equal(store_import_add(imp, &sub, STORE_IMPORT_CHUNK + 1, &verdict), -EINVAL);
	test_import_rows(imp, &sub, 0);
	test_import_abort(imp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENV(fresh_import_is_found_by_both_keys),
		WITH_ENV(rows_are_unseen_until_published),
		WITH_ENV(imports_of_any_size_follow_each_other),
		WITH_ENV(update_changes_what_differs_only),
		WITH_ENV(unchanged_import_writes_no_record),
		WITH_ENV(ids_above_the_span_cannot_be_verified),
		WITH_ENV(aborted_import_leaves_nothing),
		WITH_ENV(one_import_at_a_time),
		WITH_ENV(open_import_keeps_ids_and_btids_to_itself),
		WITH_ENV(changes_during_an_import_are_kept),
		WITH_ENV(sets_can_be_made_during_an_import),
		WITH_ENV(chunk_over_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
