// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Values that are damaged, or of versions and data keys that are not known: verdicts, never a read
// out of bounds. ASan and UBSan watch.

#include <errno.h>

#include "env.h"
#include "index.h"
#include "support_damage.h"
#include "support_import.h"
#include "view.h"

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

	damage_get(env, DB_HOT, 1, &good);
	bad = good;
	bad.version = BLOCK_VERSION + 1;
	damage_put(env, DB_HOT, 1, &bad, sizeof(bad));
	expect_block_unreadable(env, -EPROTO);
	bad = good;
	bad.data_key = 9;
	damage_put(env, DB_HOT, 1, &bad, sizeof(bad));
	expect_block_unreadable(env, -ENOTSUP);
	damage_put(env, DB_HOT, 1, &good, sizeof(good) - 1);
	expect_block_unreadable(env, -EIO);
	damage_put(env, DB_HOT, 1, &good, sizeof(good));
	test_range(env, 4, MANY, 0);
}

static void cold_block_that_cannot_be_read_is_named(void **state)
{
	struct store_env *env = *state;
	struct cold_block good, bad;
	struct store_subscriber out;
	struct store_reader *r;

	damage_get(env, DB_COLD, 1, &good);
	bad = good;
	bad.seat.data_key = 9;
	damage_put(env, DB_COLD, 1, &bad, sizeof(bad));
	r = test_reader(env);
	assert_int_equal(store_reader_subscriber(r, 54, &out), -ENOTSUP);
	store_reader_destroy(r);
	bad = good;
	bad.seat.version++;
	damage_put(env, DB_COLD, 1, &bad, sizeof(bad));
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
	damage_put(env, DB_BTID, 0, &block, sizeof(block));
	r = test_reader(env);
	test_subscriber(0, 0, &sub);
	store_reader_find_btid(r, sub.btid);
	store_reader_destroy(r);
	damage_put(env, DB_BTID, 0, &block, 3);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAMAGE(hot_block_that_cannot_be_read_is_named),
		WITH_DAMAGE(cold_block_that_cannot_be_read_is_named),
		WITH_DAMAGE(index_block_that_cannot_be_read_finds_nobody),
		WITH_DAMAGE(damaged_values_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
