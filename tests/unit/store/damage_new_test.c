// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// New subscribers in a store that is damaged.

#include <errno.h>

#include "subscriber.h"
#include "support_damage.h"
#include "support_import.h"

// The table of free ids is not sealed: an id in it that somebody has, or that never was, costs
// nobody a record.
static void id_that_is_not_free_is_given_to_nobody(void **state)
{
	static const uint8_t none;
	struct store_env *env = *state;
	struct store_txn *txn;
	store_id id;

	damage_put(env, DB_FREE, 5, &none, sizeof(none));
	damage_put(env, DB_FREE, 100000, &none, sizeof(none));
	for (store_id want = 6; want <= MANY + 1; want += MANY - 5) {
		struct store_subscriber sub;
		bool is_new;

		test_subscriber(9000 + want, 9000 + want, &sub);
		txn = test_begin(env);
		if (want == 6)
			assert_int_equal(store_subscriber_remove(txn, want), 0);
		assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
		test_commit(txn);
		assert_int_equal(id, want);
	}
	test_range(env, 4, 6, 0);
	test_range(env, 7, MANY, 0);
}

// A file of all subscribers is imported but for those whose record is damaged.
static void damaged_subscriber_is_left_out_of_an_import_alone(void **state)
{
	struct store_import_result result;
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_block block;

	if (getenv("STORE_TEST_WRAPPED") == NULL)
		skip();
	damage_get(env, DB_HOT, 1, &block);
	block.hot[3].expires ^= 1;
	damage_put(env, DB_HOT, 1, &block, sizeof(block));
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	for (uint32_t i = 10; i < 100; i++)
		assert_int_equal(test_import_row(imp, i, i + 2000),
			i < 45 || i >= 90 ? STORE_ROW_TAKEN : STORE_ROW_DAMAGED);
	result = test_import_finish(imp);
	assert_int_equal(result.changed, 45);
	test_range(env, 10, 45, 2000);
	test_range(env, 90, 100, 2000);
}

static void person_remove(struct store_env *env, store_id id)
{
	struct store_txn *txn = test_begin(env);

	assert_int_equal(store_subscriber_remove(txn, id), 0);
	test_commit(txn);
}

static void hot_damage(struct store_env *env, uint32_t number)
{
	struct store_block block;

	damage_get(env, DB_HOT, number, &block);
	if (getenv("STORE_TEST_WRAPPED") != NULL)
		block.hot[3].expires ^= 1;
	else
		block.version++;
	damage_put(env, DB_HOT, number, &block, sizeof(block));
}

static void cold_damage(struct store_env *env, uint32_t number)
{
	struct cold_block block;

	damage_get(env, DB_COLD, number, &block);
	if (getenv("STORE_TEST_WRAPPED") != NULL)
		block.impi[3] ^= 1;
	else
		block.seat.version++;
	damage_put(env, DB_COLD, number, &block, sizeof(block));
}

// Places 50 and 52 are in hot block 1, 300 is in cold block 5; 600 and 601 are whole.
static void place_in_a_damaged_block_is_given_to_nobody(void **state)
{
	static const store_id gone[] = {50, 52, 300, 600, 601};
	struct store_env *env = *state;
	struct store_import_result result;
	struct store_subscriber sub;
	struct store_import *imp;
	struct store_txn *txn;
	bool is_new;
	store_id id;

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		person_remove(env, gone[i]);
	hot_damage(env, 1);
	cold_damage(env, 300 / COLD_BLOCK_SUBSCRIBERS);
	txn = test_begin(env);
	test_subscriber(8000, 8000, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
	test_commit(txn);
	assert_int_equal(id, 600);
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	store_import_reuse_ids(imp);
	for (uint32_t i = 8001; i < 8003; i++)
		assert_int_equal(test_import_row(imp, i, i), STORE_ROW_TAKEN);
	result = test_import_finish(imp);
	assert_int_equal(result.reused, 1);
	assert_int_equal(result.added, 2);
	test_range(env, 8000, 8003, 0);
}

// No other one is taken for it: workers were told of this one.
static void place_that_is_damaged_meanwhile_waits_for_its_repair(void **state)
{
	struct store_env *env = *state;
	struct store_block good;
	struct store_import *imp;
	int rc;

	person_remove(env, 50);
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	store_import_reuse_ids(imp);
	assert_int_equal(test_import_row(imp, 8000, 8000), STORE_ROW_TAKEN);
	while (!store_import_is_visible(imp))
		assert_int_equal(store_import_publish(imp), 1);
	damage_get(env, DB_HOT, 1, &good);
	hot_damage(env, 1);
	rc = store_import_publish(imp);
	assert_true(rc < 0);
	assert_int_equal(store_import_abort(imp), 0);
	assert_true(store_import_begin(env, 0, &imp) < 0);
	damage_put(env, DB_HOT, 1, &good, sizeof(good));
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	test_import_abort(imp);
	test_range(env, 8000, 8001, 0);
	test_clean(env);
}

static void damage_last(struct store_env *env, enum db_id db, uint32_t number)
{
	struct store_block block;

	damage_get(env, db, number, &block);
	block.version = BLOCK_VERSION + 1;
	damage_put(env, db, number, &block, sizeof(block));
}

static void cold_damage_last(struct store_env *env, uint32_t number)
{
	struct cold_block block;

	damage_get(env, DB_COLD, number, &block);
	block.seat.version = BLOCK_VERSION + 1;
	damage_put(env, DB_COLD, number, &block, sizeof(block));
}

static store_id put_new(struct store_env *env, uint32_t n)
{
	struct store_subscriber sub;

	test_subscriber(n, n, &sub);
	return test_put(env, &sub);
}

// One at a time, and a file of them: ids go on behind the block.
static void new_subscribers_are_taken_though_the_last_blocks_are_damaged(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	struct store_reader *r;

	damage_last(env, DB_HOT, MANY / STORE_BLOCK_SUBSCRIBERS);
	assert_int_equal(put_new(env, 8000), 720);
	assert_int_equal(put_new(env, 8001), 721);
	cold_damage_last(env, 721 / COLD_BLOCK_SUBSCRIBERS);
	assert_int_equal(put_new(env, 8002), 756);
	damage_last(env, DB_HOT, 756 / STORE_BLOCK_SUBSCRIBERS);
	cold_damage_last(env, 756 / COLD_BLOCK_SUBSCRIBERS);
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(test_import_row(imp, 8100 + i, 8100 + i), STORE_ROW_TAKEN);
	assert_int_equal(test_import_finish(imp).added, 200);
	r = test_reader(env);
	assert_int_equal(store_reader_span(r), 810 + 200);
	for (uint32_t i = 0; i < 200; i++) {
		struct store_subscriber sub, out;

		test_subscriber(8100 + i, 8100 + i, &sub);
		assert_int_equal(store_reader_find_btid(r, sub.btid), 810 + i);
		assert_int_equal(store_reader_subscriber(r, 810 + i, &out), 0);
		assert_string_equal(out.impi, sub.impi);
	}
	store_reader_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAMAGE(id_that_is_not_free_is_given_to_nobody),
		WITH_DAMAGE(damaged_subscriber_is_left_out_of_an_import_alone),
		WITH_DAMAGE(place_in_a_damaged_block_is_given_to_nobody),
		WITH_DAMAGE(place_that_is_damaged_meanwhile_waits_for_its_repair),
		WITH_DAMAGE(new_subscribers_are_taken_though_the_last_blocks_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
