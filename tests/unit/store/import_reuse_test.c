// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// New subscribers of an import in the places of removed ones.

#include <errno.h>

#include "import.h"
#include "support_import.h"

#define OLD 1000

static void people_remove(struct store_env *env, uint32_t from, uint32_t to)
{
	struct store_txn *txn = test_begin(env);

	for (store_id id = from; id < to; id++)
		assert_int_equal(store_subscriber_remove(txn, id), 0);
	test_commit(txn);
}

static struct store_import *reuse_begin(struct store_env *env)
{
	struct store_import *imp = test_import_begin(env);

	store_import_reuse_ids(imp);
	return imp;
}

static uint32_t span_of(struct store_env *env)
{
	struct store_reader *r = test_reader(env);
	uint32_t span = store_reader_span(r);

	store_reader_destroy(r);
	return span;
}

static store_id id_of(struct store_env *env, uint32_t i)
{
	struct store_reader *r = test_reader(env);
	char impi[STORE_NAI_MAX + 1];
	store_id id;

	test_impi(i, impi);
	id = store_reader_find_impi(r, impi);
	store_reader_destroy(r);
	return id;
}

static void expect_count(struct store_env *env, uint32_t count)
{
	struct store_reader *r = test_reader(env);

	assert_int_equal(store_reader_subscriber_count(r), count);
	store_reader_destroy(r);
}

static void new_ones_get_the_places_of_removed_ones(void **state)
{
	struct store_env *env = *state;
	struct store_import_result result;
	struct store_import *imp;
	const store_id *changed;
	size_t n;

	test_import_range(env, 0, OLD);
	people_remove(env, 10, 20);
	people_remove(env, 500, 502);
	imp = reuse_begin(env);
	test_import_many(imp, 0, 5, 30000);
	test_import_many(imp, OLD, OLD + 15, 0);
	store_import_counts(imp, &result);
	assert_int_equal(result.added, 15);
	assert_int_equal(result.reused, 12);
	assert_int_equal(result.changed, 5);
	assert_int_equal(result.first_new, OLD);
	changed = store_import_changed(imp, &n);
	assert_int_equal(n, 17);
	assert_int_equal(changed[5], 10);
	assert_int_equal(changed[16], 501);
	test_no_range(env, OLD, OLD + 15);
	test_import_finish(imp);
	assert_int_equal(span_of(env), OLD + 3);
	expect_count(env, OLD + 3);
	assert_int_equal(id_of(env, OLD), 10);
	assert_int_equal(id_of(env, OLD + 11), 501);
	assert_int_equal(id_of(env, OLD + 12), OLD);
	test_range(env, 0, 5, 30000);
	test_range(env, OLD, OLD + 15, 0);
	test_no_range(env, 10, 20);
	test_clean(env);
	// No place is left.
	imp = reuse_begin(env);
	test_import_many(imp, 10, 12, 0);
	assert_int_equal(test_import_finish(imp).reused, 0);
	assert_int_equal(span_of(env), OLD + 5);
}

static void without_leave_they_stay_free(void **state)
{
	struct store_env *env = *state;

	test_import_range(env, 0, OLD);
	people_remove(env, 10, 20);
	assert_int_equal(test_import_range(env, OLD, OLD + 5).reused, 0);
	assert_int_equal(span_of(env), OLD + 5);
	test_no_range(env, 10, 20);
}

// Names that have no binary form lie in a table of their own.
static void places_fit_every_kind_of_subscriber(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber rows[2] = {
		{.impi = "raw", .btid = "raw btid", .flags = STORE_HAS_MUK},
		{.impi = "no muk@home"},
	};
	struct store_subscriber have;
	struct store_reader *r;
	struct store_import *imp;

	test_import_range(env, 0, 10);
	people_remove(env, 3, 5);
	imp = reuse_begin(env);
	test_import_rows(imp, rows, 2);
	assert_int_equal(test_import_finish(imp).reused, 2);
	r = test_reader(env);
	for (store_id id = 3; id < 5; id++) {
		assert_int_equal(store_reader_subscriber(r, id, &have), 0);
		test_same(&rows[id - 3], &have);
		assert_int_equal(store_reader_find_impi(r, rows[id - 3].impi), id);
	}
	assert_int_equal(store_reader_find_btid(r, "raw btid"), 3);
	store_reader_destroy(r);
	people_remove(env, 3, 5);
	test_clean(env);
}

static void undone_import_leaves_the_places(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_import *imp;
	bool is_new;
	struct store_txn *txn;
	store_id id;

	test_import_range(env, 0, 100);
	people_remove(env, 7, 9);
	imp = reuse_begin(env);
	test_import_many(imp, 100, 110, 0);
	assert_int_equal(store_import_publish(imp), 1);
	test_import_abort(imp);
	test_no_range(env, 100, 110);
	test_clean(env);
	txn = test_begin(env);
	test_subscriber(200, 200, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
	assert_int_equal(id, 7);
	test_commit(txn);
}

// Subscriber 100 is to have place 7: that is published, and not applied yet.
static struct store_import *newcomer_publish(struct store_env *env)
{
	struct store_import *imp;

	test_import_range(env, 0, 100);
	people_remove(env, 7, 8);
	imp = reuse_begin(env);
	test_import_many(imp, 100, 101, 0);
	while (!store_import_is_visible(imp))
		assert_int_equal(store_import_publish(imp), 1);
	return imp;
}

// Until then places and names are the import's.
static void what_waits_to_be_applied_is_nobody_elses(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_import *imp = newcomer_publish(env);
	struct store_txn *txn;
	bool is_new;
	store_id id;

	test_subscriber(100, 300, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), -EBUSY);
	test_subscriber(300, 100, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), -EBUSY);
	txn = test_begin(env);
	test_subscriber(301, 301, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
	assert_int_equal(id, 100);
	test_commit(txn);
	test_import_finish(imp);
	assert_int_equal(id_of(env, 100), 7);
	test_range(env, 100, 101, 0);
	test_range(env, 301, 302, 0);
	test_clean(env);
}

// It failed after it was published; before it is finished, he is added by himself, with another
// B-TID. The file was first to say who he is, and is the last to be heard.
static void newcomer_who_came_meanwhile_is_changed(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_import *imp = newcomer_publish(env);
	store_id id;

	assert_int_equal(store_import_abort(imp), 0);
	test_subscriber(100, 300, &sub);
	assert_int_equal(test_try_put(env, &sub, &id), 0);
	imp = test_import_begin(env);
	test_import_abort(imp);
	assert_int_equal(id_of(env, 100), id);
	test_range(env, 100, 101, 0);
	expect_count(env, 100);
	test_clean(env);
}

static void btid_of_a_moved_subscriber_goes_into_a_place(void **state)
{
	struct store_env *env = *state;
	char btid[STORE_NAI_MAX + 1];
	struct store_import *imp;
	struct store_reader *r;
	struct store_prev prev;

	test_import_range(env, 0, 10);
	people_remove(env, 5, 6);
	imp = reuse_begin(env);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_BTID_OF_ANOTHER);
	assert_int_equal(test_import_row(imp, 1, 100), STORE_ROW_TAKEN);
	assert_int_equal(test_import_row(imp, 20, 1), STORE_ROW_TAKEN);
	// It would live on there as the previous one.
	test_verify(env, 1);
	test_import_finish(imp);
	assert_int_equal(id_of(env, 20), 5);
	test_range(env, 1, 2, 99);
	test_clean(env);
	r = test_reader(env);
	test_btid(1, btid);
	assert_int_equal(store_reader_find_btid(r, btid), 5);
	assert_int_equal(store_reader_prev(r, 1, &prev), -ENOENT);
	store_reader_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENV(new_ones_get_the_places_of_removed_ones),
		WITH_ENV(without_leave_they_stay_free),
		WITH_ENV(places_fit_every_kind_of_subscriber),
		WITH_ENV(undone_import_leaves_the_places),
		WITH_ENV(what_waits_to_be_applied_is_nobody_elses),
		WITH_ENV(newcomer_who_came_meanwhile_is_changed),
		WITH_ENV(btid_of_a_moved_subscriber_goes_into_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
