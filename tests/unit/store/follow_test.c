// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A reader that looks only at what was written since has the same tables as one that starts.

#include <errno.h>

#include "reader_env.h"
#include "support.h"
#include "support_import.h"

#define PEOPLE 6000u
#define TURNS 300u

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void tables_expect(struct store_reader *r)
{
	struct block_table hot = {0};
	struct index_table btid = {0};

	assert_int_equal(block_table_load(&hot, &r->view), 0);
	assert_int_equal(index_table_load(&btid, &r->view, DB_BTID), 0);
	assert_int_equal(r->hot.count, hot.count);
	assert_int_equal(
		block_table_damaged(&r->hot, &r->view), block_table_damaged(&hot, &r->view));
	assert_memory_equal(r->hot.block, hot.block, hot.count * sizeof(hot.block[0]));
	assert_int_equal(r->btid.count, btid.count);
	for (uint32_t i = 0; i < btid.count; i++) {
		assert_ptr_equal(r->btid.entry[i].block, btid.entry[i].block);
		assert_int_equal(r->btid.entry[i].first, btid.entry[i].first);
	}
	block_table_free(&hot);
	index_table_free(&btid);
}

// A subscriber comes, changes its B-TID, or goes.
static void one_changes(struct store_txn *txn)
{
	struct store_subscriber sub;
	store_id id = STORE_ID_NONE;
	bool is_new;

	if (draw(4) == 0) {
		id = draw(PEOPLE);
		assert_in_range(-store_subscriber_remove(txn, id), 0, ENOENT);
		return;
	}
	test_subscriber(draw(PEOPLE), draw(PEOPLE), &sub);
	// Somebody else may have the B-TID.
	store_subscriber_put(txn, &sub, draw(2) == 0, &id, &is_new);
}

static void some_change(struct store_env *env)
{
	struct store_txn *txn = test_begin(env), *inner;

	for (unsigned n = 1 + draw(8); n > 0; n--) {
		assert_int_equal(store_txn_nest(txn, &inner), 0);
		one_changes(inner);
		if (draw(4) == 0)
			store_txn_abort(inner);
		else
			assert_int_equal(store_txn_commit(inner), 0);
	}
	if (draw(8) == 0)
		store_txn_abort(txn);
	else
		test_commit(txn);
}

static void import_some(struct store_env *env, uint32_t from)
{
	test_import_range(env, from, from + 1 + draw(99));
}

static void reader_follows_whatever_is_written(void **state)
{
	struct store_reader *r = test_reader(*state), *idle;

	seed = 26;
	for (unsigned i = 0; i < TURNS; i++) {
		if (draw(40) == 0)
			import_some(*state, PEOPLE + 100 * i);
		else
			some_change(*state);
		if (draw(3) == 0) {
			assert_in_range(store_reader_renew(r), 0, 1);
			tables_expect(r);
		}
		// One that was closed is the next one that is opened.
		idle = test_reader(*state);
		if (draw(3) == 0)
			tables_expect(idle);
		store_reader_destroy(idle);
	}
	store_reader_destroy(r);
}

static void reader_that_has_missed_too_much_begins_anew(void **state)
{
	struct store_reader *r = test_reader(*state);

	seed = 1;
	for (unsigned i = 0; i < 200; i++)
		some_change(*state);
	assert_int_equal(store_reader_renew(r), 1);
	tables_expect(r);
	store_reader_destroy(r);
}

static bool count_blocks(void *arg, uint32_t number)
{
	*(unsigned *)arg += 1;
	return number != UINT32_MAX;
}

static void one_change_is_looked_at_alone(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_reader *r;
	uint64_t before;
	unsigned looked = 0;

	test_import_range(env, 0, PEOPLE);
	r = test_reader(env);
	before = r->state.hot_version;
	test_subscriber(5, PEOPLE + 5, &sub);
	test_put(env, &sub);
	assert_int_equal(store_reader_renew(r), 1);
	assert_true(
		move_log_each(env->hot_moves, before, r->state.hot_version, count_blocks, &looked));
	assert_int_equal(looked, 1);
	tables_expect(r);
	store_reader_destroy(r);
}

static unsigned seen_blocks(const struct store_reader *r)
{
	unsigned seen = 0;

	for (uint32_t i = 0; i < r->hot.count; i++)
		seen += !(r->hot.block[i] & BLOCK_UNSEEN);
	return seen;
}

static void blocks_are_looked_at_when_they_are_asked_for(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber sub;
	struct store_reader *r;

	test_import_range(env, 0, PEOPLE);
	r = test_reader(env);
	assert_int_equal(seen_blocks(r), 0);
	assert_non_null(store_reader_hot(r, 0));
	assert_non_null(store_reader_hot(r, 5 * STORE_BLOCK_SUBSCRIBERS));
	assert_int_equal(seen_blocks(r), 2);
	// What is written is looked at again, what is not stays seen.
	test_subscriber(5, PEOPLE + 5, &sub);
	test_put(env, &sub);
	assert_int_equal(store_reader_renew(r), 1);
	assert_int_equal(seen_blocks(r), 1);
	// Also over a walk through all of them.
	test_import_range(env, PEOPLE, PEOPLE + 1);
	assert_int_equal(store_reader_renew(r), 1);
	assert_in_range(seen_blocks(r), 1, r->hot.count - 1);
	assert_int_equal(store_reader_damaged(r), 0);
	assert_int_equal(seen_blocks(r), r->hot.count);
	store_reader_destroy(r);
}

#define WITH_STORE(test) \
	cmocka_unit_test_setup_teardown(test, test_import_set_up, test_import_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(reader_follows_whatever_is_written),
		WITH_STORE(reader_that_has_missed_too_much_begins_anew),
		WITH_STORE(one_change_is_looked_at_alone),
		WITH_STORE(blocks_are_looked_at_when_they_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
