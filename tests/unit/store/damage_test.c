// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Values that are damaged, or of versions and data keys that are not known: verdicts, never a read
// out of bounds. ASan and UBSan watch.

#include <errno.h>

#include "env.h"
#include "index.h"
#include "support_import.h"
#include "view.h"

#define MANY 700

static int set_up(void **state)
{
	struct store_env *env = test_open(test_dir());
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_service service = {.name = "s", .group_count = 1, .group = {group.id}};
	struct store_campaign campaign = {.id = 1, .group = group.id};
	struct store_msk msk = test_msk(&group, 1, 1);
	struct store_subscriber sub = {.impi = "raw", .btid = "raw", .flags = STORE_HAS_MUK};
	struct store_txn *txn;
	store_set set;
	uint32_t id;

	test_import_range(env, 0, MANY);
	test_verify(env, 3);
	test_subscriber(3, 5003, &sub);
	test_put(env, &sub);
	test_put(env,
		&(struct store_subscriber){.impi = "raw", .btid = "raw", .flags = STORE_HAS_MUK});
	txn = test_begin(env);
	assert_int_equal(store_group_put(txn, &group), 0);
	assert_int_equal(store_msk_put(txn, &msk), 0);
	assert_int_equal(store_service_put(txn, &service), 0);
	assert_int_equal(store_set_intern(txn, &service.id, 1, &set), 0);
	assert_int_equal(store_campaign_next_id(txn, &id), 0);
	assert_int_equal(store_campaign_put(txn, &campaign), 0);
	test_commit(txn);
	*state = env;
	return 0;
}

static int tear_down(void **state)
{
	store_env_close(*state);
	return 0;
}

// Writes data over the value of a block.
static void put(struct store_env *env, enum db_id db, uint32_t key, const void *data, size_t len)
{
	struct store_txn *txn = test_begin(env);

	assert_int_equal(db_put_u32(&txn->view, db, key, data, len), 0);
	txn_state(txn)->hot_version++;
	txn_state(txn)->index_version++;
	test_commit(txn);
}

static void get_block(struct store_env *env, enum db_id db, uint32_t key, void *out)
{
	struct store_txn *txn = test_begin(env);
	struct blob val;

	assert_int_equal(db_get_u32(&txn->view, db, key, &val), 0);
	assert_int_equal(val.len, sizeof(struct store_block));
	memcpy(out, val.data, val.len);
	store_txn_abort(txn);
}

static void expect_block_unreadable(struct store_env *env, int rc)
{
	struct store_reader *r = test_reader(env);
	struct store_subscriber sub, out;
	struct store_txn *txn;
	store_id id;

	assert_int_equal(store_reader_damaged(r), 1);
	assert_int_equal(store_reader_span(r), MANY + 1);
	for (id = 45; id < 90; id++) {
		assert_non_null(store_reader_hot(r, id));
		assert_int_equal(store_hot_flags(store_reader_hot(r, id)), 0);
		assert_int_equal(store_reader_subscriber(r, id, &out), rc);
	}
	test_subscriber(50, 50, &sub);
	assert_int_equal(store_reader_find_btid(r, sub.btid), STORE_ID_NONE);
	assert_int_equal(store_reader_find_impi(r, sub.impi), STORE_ID_NONE);
	test_subscriber(91, 91, &sub);
	assert_int_equal(store_reader_find_btid(r, sub.btid), 91);
	store_reader_destroy(r);
	id = 50;
	txn = test_begin(env);
	assert_int_equal(store_subscriber_remove(txn, id), rc);
	assert_int_equal(store_subscriber_verified(txn, &id, 1), rc);
	store_txn_abort(txn);
}

static void hot_block_that_cannot_be_read_is_named(void **state)
{
	struct store_env *env = *state;
	struct store_block good, bad;

	get_block(env, DB_HOT, 1, &good);
	bad = good;
	bad.version = BLOCK_VERSION + 1;
	put(env, DB_HOT, 1, &bad, sizeof(bad));
	expect_block_unreadable(env, -EPROTO);
	bad = good;
	bad.data_key = 9;
	put(env, DB_HOT, 1, &bad, sizeof(bad));
	expect_block_unreadable(env, -ENOTSUP);
	put(env, DB_HOT, 1, &good, sizeof(good) - 1);
	expect_block_unreadable(env, -EIO);
	put(env, DB_HOT, 1, &good, sizeof(good));
	test_range(env, 4, MANY, 0);
}

static void cold_block_that_cannot_be_read_is_named(void **state)
{
	struct store_env *env = *state;
	struct cold_block good, bad;
	struct store_subscriber out;
	struct store_reader *r;

	get_block(env, DB_COLD, 1, &good);
	bad = good;
	bad.seat.data_key = 9;
	put(env, DB_COLD, 1, &bad, sizeof(bad));
	r = test_reader(env);
	assert_int_equal(store_reader_subscriber(r, 54, &out), -ENOTSUP);
	store_reader_destroy(r);
	bad = good;
	bad.seat.version++;
	put(env, DB_COLD, 1, &bad, sizeof(bad));
	r = test_reader(env);
	assert_int_equal(store_reader_subscriber(r, 54, &out), -EPROTO);
	assert_int_equal(store_reader_subscriber(r, 53, &out), 0);
	assert_non_null(store_reader_hot(r, 54));
	store_reader_destroy(r);
}

static void index_block_that_cannot_be_read_finds_nobody(void **state)
{
	struct store_env *env = *state;
	struct index_block block;
	struct store_subscriber sub;
	struct store_reader *r;

	index_block_init(&block);
	block.version++;
	put(env, DB_BTID, 0, &block, sizeof(block));
	r = test_reader(env);
	test_subscriber(0, 0, &sub);
	store_reader_find_btid(r, sub.btid);
	store_reader_destroy(r);
	put(env, DB_BTID, 0, &block, 3);
	r = test_reader(env);
	assert_int_equal(store_reader_find_impi(r, sub.impi), 0);
	store_reader_destroy(r);
}

// Uses everything once; verdicts may be any.
static void use_all(struct store_env *env)
{
	struct store_reader *r;
	struct store_service service = {0};
	struct store_group group = {0};
	struct store_msk msk;
	struct store_campaign campaign;
	struct store_eligibility e;
	struct store_prev prev;
	char btid[STORE_NAI_MAX + 1];
	uint8_t is_prev;

	if (store_reader_create(env, &r) != 0)
		return;
	for (store_id id = 0; id < MANY + 1; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);
		struct store_subscriber want, out;
		struct store_bytes ask;
		store_id found;

		test_subscriber(id, id, &want);
		ask = (struct store_bytes){(uint8_t *)want.btid, (uint16_t)strlen(want.btid)};
		store_reader_find_btid_burst(r, &ask, 1, &found, &is_prev);
		store_reader_find_impi(r, want.impi);
		store_reader_subscriber(r, id, &out);
		store_reader_prev(r, id, &prev);
		if (hot != NULL)
			store_reader_btid(r, id, hot, btid);
	}
	store_reader_service_next(r, 0, &service);
	store_reader_group_next(r, &group.id, &group);
	store_reader_msk_newest(r, &group.id, &msk);
	store_reader_campaign_next(r, 0, &campaign);
	if (store_eligibility_load(r, &group.id, &e) == 0)
		store_eligibility_free(&e);
	store_reader_destroy(r);
}

static void change_some(struct store_env *env, uint32_t seed)
{
	struct store_txn *txn = test_begin(env);

	for (uint32_t i = 0; i < 20; i++) {
		struct store_subscriber sub;
		store_id id = (seed + i * 37) % MANY;
		bool is_new;

		test_subscriber(id, id + 100000, &sub);
		store_subscriber_put(txn, &sub, true, &id, &is_new);
		store_subscriber_verified(txn, &id, 1);
		store_subscriber_remove(txn, (id + 1) % MANY);
	}
	store_txn_abort(txn);
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

// Damages one value of a table, uses the store, and puts the value back.
static void damage_one(struct store_env *env, enum db_id db, uint32_t *seed)
{
	struct db_cursor c;
	struct store_txn *txn = test_begin(env);
	uint8_t key[256], good[4096], bad[4096];
	struct blob k, g, b;
	uint64_t n;

	assert_int_equal(db_entries(&txn->view, db, &n), 0);
	assert_true(n > 0);
	assert_int_equal(db_cursor_open(&txn->view, db, &c), 0);
	assert_int_equal(db_cursor_first(&c), 0);
	for (n = draw(seed) % n; n > 0; n--)
		assert_int_equal(db_cursor_next(&c), 0);
	k = (struct blob){memcpy(key, c.key.data, c.key.len), c.key.len};
	g = (struct blob){memcpy(good, c.val.data, c.val.len), c.val.len};
	b = (struct blob){memcpy(bad, c.val.data, c.val.len), c.val.len};
	db_cursor_close(&c);
	for (uint32_t flips = 1 + draw(seed) % 20; flips > 0 && b.len > 0; flips--)
		bad[draw(seed) % b.len] ^= (uint8_t)(1u << draw(seed) % 8);
	if (draw(seed) % 8 == 0)
		b.len = draw(seed) % (b.len + 1);
	assert_int_equal(db_put(&txn->view, db, k, b), 0);
	txn_state(txn)->hot_version++;
	txn_state(txn)->index_version++;
	test_commit(txn);
	use_all(env);
	change_some(env, *seed);
	txn = test_begin(env);
	assert_int_equal(db_put(&txn->view, db, k, g), 0);
	txn_state(txn)->hot_version++;
	txn_state(txn)->index_version++;
	test_commit(txn);
}

static void damaged_values_are_survived(void **state)
{
	static const enum db_id tables[] = {DB_HOT, DB_COLD, DB_PREV, DB_RAW, DB_IMPI, DB_BTID,
		DB_SUFFIX, DB_SUFFIX_TEXT, DB_SET, DB_SET_LIST, DB_SERVICE, DB_SERVICE_NAME,
		DB_GROUP, DB_MSK, DB_CAMPAIGN};
	uint32_t seed = 1;

	for (unsigned round = 0; round < 15; round++)
		for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
			damage_one(*state, tables[i], &seed);
	test_range(*state, 4, MANY, 0);
}

// The table of free ids is not sealed: an id in it that somebody has, or that never was, costs
// nobody a record.
static void id_that_is_not_free_is_given_to_nobody(void **state)
{
	static const uint8_t none;
	struct store_env *env = *state;
	struct store_txn *txn;
	store_id id;

	put(env, DB_FREE, 5, &none, sizeof(none));
	put(env, DB_FREE, 100000, &none, sizeof(none));
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
	get_block(env, DB_HOT, 1, &block);
	block.hot[3].expires ^= 1;
	put(env, DB_HOT, 1, &block, sizeof(block));
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	for (uint32_t i = 10; i < 100; i++)
		assert_int_equal(test_import_row(imp, i, i + 2000),
			i < 45 || i >= 90 ? STORE_ROW_TAKEN : STORE_ROW_DAMAGED);
	result = test_import_finish(imp);
	assert_int_equal(result.changed, 45);
	test_range(env, 10, 45, 2000);
	test_range(env, 90, 100, 2000);
}

static void damage_last(struct store_env *env, enum db_id db, uint32_t number)
{
	struct store_block block;

	get_block(env, db, number, &block);
	block.version = BLOCK_VERSION + 1;
	put(env, db, number, &block, sizeof(block));
}

static void cold_damage_last(struct store_env *env, uint32_t number)
{
	struct cold_block block;

	get_block(env, DB_COLD, number, &block);
	block.seat.version = BLOCK_VERSION + 1;
	put(env, DB_COLD, number, &block, sizeof(block));
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hot_block_that_cannot_be_read_is_named),
		TEST(cold_block_that_cannot_be_read_is_named),
		TEST(index_block_that_cannot_be_read_finds_nobody),
		TEST(damaged_values_are_survived),
		TEST(id_that_is_not_free_is_given_to_nobody),
		TEST(damaged_subscriber_is_left_out_of_an_import_alone),
		TEST(new_subscribers_are_taken_though_the_last_blocks_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
