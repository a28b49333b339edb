// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What lies on disk when a store is wrapped: opened here with libcrypto, from docs/store-format.md
// and not with the store's own code; damaged bit by bit.

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "subscriber.h"
#include "support_import.h"
#include "view.h"
#include "wrap.h"
#include "wrap_keys.h"
#include "wrap_support.h"

// --- The format, with libcrypto --------------------------------------------------------------

// Octets of docs/store-format.md: table `key` is number 19, `hot` 1.
static void data_key_get(const struct view *v, uint32_t number, uint8_t key[32])
{
	uint8_t aad[16] = {19, 0, 0, 0};
	struct blob val;
	const uint8_t *r;

	assert_int_equal(db_get_u32(v, DB_KEY, number, &val), 0);
	assert_int_equal(val.len, 68);
	r = val.data;
	memcpy(aad + 4, &number, 4);
	memcpy(aad + 8, r, 8);
	assert_true(wrapped_gcm_open(wrapped_key, r + 8, (struct blob){aad, sizeof(aad)},
		(struct blob){r + 36, 32}, r + 20, key));
}

static void block_opens_with_libcrypto_alone(void **state)
{
	struct store_env *env = wrapped_fill(test_dir(), wrapped_right_key());
	struct store_txn *txn = test_begin(env);
	uint8_t aad[16 + 8 + 2244] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, key[32], muks[1800];
	uint32_t number = 1, data_key;
	const uint8_t *block;
	struct blob val;

	(void)state;
	assert_int_equal(db_get_u32(&txn->view, DB_HOT, number, &val), 0);
	block = val.data;
	memcpy(&data_key, block + 4, 4);
	data_key_get(&txn->view, data_key, key);
	memcpy(aad + 16, block, 8);
	memcpy(aad + 24, block + 36, 2244);
	assert_true(wrapped_gcm_open(key, block + 8, (struct blob){aad, sizeof(aad)},
		(struct blob){block + 2280, 1800}, block + 20, muks));
	for (uint32_t i = 0; i < 45; i++) {
		struct store_subscriber sub;

		test_subscriber(45 + i, 45 + i, &sub);
		assert_memory_equal(muks + 40 * i, &sub.muk_state, 40);
	}
	store_txn_abort(txn);
	store_env_close(env);
}

// No secret of any subscriber stands anywhere in the files.
static void file_has_no_secret_in_the_clear(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = wrapped_fill(dir, wrapped_right_key());
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_msk msk = test_msk(&group, 1, 7);
	char path[200];
	uint8_t *data;
	long len;
	FILE *f;

	(void)state;
	store_env_close(env);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	f = fopen(path, "r");
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	data = malloc((size_t)len);
	assert_int_equal(fread(data, 1, (size_t)len, f), len);
	fclose(f);
	for (uint32_t i = 0; i < WRAPPED_PEOPLE; i++) {
		struct store_subscriber sub;

		test_subscriber(i, i, &sub);
		// The first 16 are also octets of another one's address.
		assert_null(memmem(data, (size_t)len, sub.muk.byte + 16, 16));
		assert_null(memmem(data, (size_t)len, sub.mrk.byte + 16, 16));
		assert_null(memmem(data, (size_t)len, (uint8_t *)&sub.muk_state + 16, 16));
	}
	assert_null(memmem(data, (size_t)len, &msk.key, sizeof(msk.key)));
	// The test can see things: RAND is no secret.
	assert_non_null(memmem(data, (size_t)len, msk.rand, sizeof(msk.rand)));
	free(data);
}

// --- Damage ----------------------------------------------------------------------------------

// The first record of a table.
static struct blob first_of(const struct view *v, enum db_id db, uint8_t key[8], size_t *key_len)
{
	struct db_cursor c;

	assert_int_equal(db_cursor_open(v, db, &c), 0);
	assert_int_equal(db_cursor_first(&c), 0);
	memcpy(key, c.key.data, c.key.len);
	*key_len = c.key.len;
	db_cursor_close(&c);
	return c.val;
}

static void flipped_bit_anywhere_is_noticed(void **state)
{
	struct store_env *env = wrapped_fill(test_dir(), wrapped_right_key());
	struct store_txn *txn = test_begin(env);
	unsigned tables = 0;

	(void)state;
	for (enum db_id db = 0; db < DB_COUNT; db++) {
		uint8_t key[8], copy[WRAP_RECORD_MAX], out[WRAP_RECORD_MAX];
		struct blob val;
		size_t key_len;

		if (!wrap_is_sealed(db) || db == DB_CHANGE)
			continue;
		tables++;
		val = first_of(&txn->view, db, key, &key_len);
		memcpy(copy, val.data, val.len);
		val.data = copy;
		assert_int_equal(
			wrap_open(&txn->view, db, (struct blob){key, key_len}, val, out), 0);
		for (size_t bit = 0; bit<8 * val.len; bit += val.len> 1000 ? 7 : 1) {
			int rc;

			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			rc = wrap_open(&txn->view, db, (struct blob){key, key_len}, val, out);
			// The data key's number may name one that is not there.
			assert_true(rc == -EBADMSG || (rc == -ENOTSUP && bit / 32 == 1));
			for (size_t i = 0; i < val.len; i++)
				assert_int_equal(out[i], 0);
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		key[0] ^= 1;
		assert_int_equal(
			wrap_open(&txn->view, db, (struct blob){key, key_len}, val, out), -EBADMSG);
	}
	assert_int_equal(tables, 11);
	store_txn_abort(txn);
	store_env_close(env);
}

static void damaged_block_is_refused_and_the_others_go_on(void **state)
{
	struct store_env *env = wrapped_fill(test_dir(), wrapped_right_key());
	struct store_txn *txn = test_begin(env);
	uint8_t copy[sizeof(struct store_block)];
	struct store_muk_state muk;
	struct store_reader *r;
	struct blob val;

	(void)state;
	assert_int_equal(db_get_u32(&txn->view, DB_HOT, 1, &val), 0);
	memcpy(copy, val.data, val.len);
	copy[120 + 32] ^= 1; // the expiry of subscriber 45
	assert_int_equal(db_put_u32(&txn->view, DB_HOT, 1, copy, sizeof(copy)), 0);
	txn_state(txn)->hot_version++;
	test_commit(txn);
	r = test_reader(env);
	for (store_id id = 0; id < WRAPPED_PEOPLE; id++) {
		struct store_subscriber sub;
		struct store_record record;
		int rc = id >= 45 && id < 90 ? -EBADMSG : 0;

		store_reader_records(r, &id, 1, &record);
		assert_non_null(record.hot);
		assert_null(record.muk);
		assert_int_equal(store_reader_muk(r, id, &muk), rc);
		assert_int_equal(store_reader_subscriber(r, id, &sub), rc);
	}
	store_reader_destroy(r);
	store_env_close(env);
}

// A block in the clear, with keys that somebody else knows, is no way around the seal.
static void record_in_the_clear_is_refused_in_a_wrapped_store(void **state)
{
	struct store_env *env = wrapped_fill(test_dir(), wrapped_right_key());
	struct store_txn *txn = test_begin(env);
	struct store_block block;
	struct store_reader *r;

	(void)state;
	assert_int_equal(hot_block_load(&txn->view, 1, &block), 0);
	block.data_key = WRAP_CLEAR;
	assert_int_equal(db_put_u32(&txn->view, DB_HOT, 1, &block, sizeof(block)), 0);
	txn_state(txn)->hot_version++;
	test_commit(txn);
	r = test_reader(env);
	assert_int_equal(store_reader_damaged(r), 1);
	assert_int_equal(store_hot_flags(store_reader_hot(r, 45)), 0);
	store_reader_destroy(r);
	store_env_close(env);
}

// --- Data keys and nonces
// ------------------------------------------------------------------------------------

static struct wrap_seat seat_of_block(struct store_txn *txn, uint32_t number)
{
	struct wrap_seat seat;
	struct blob val;

	assert_int_equal(db_get_u32(&txn->view, DB_HOT, number, &val), 0);
	memcpy(&seat, val.data, sizeof(seat));
	return seat;
}

// Each start has a data key of its own, and under one no nonce comes twice: not in transactions
// that are dropped either, whose pages may have reached the disk.
static void no_nonce_comes_twice(void **state)
{
	const char *dir = test_dir();
	uint32_t last_key = 0;

	(void)state;
	store_env_close(wrapped_fill(dir, wrapped_right_key()));
	for (unsigned start = 0; start < 3; start++) {
		struct store_env *env = wrapped_open(dir, wrapped_right_key());
		uint64_t last = 0;

		for (unsigned i = 0; i < 30; i++) {
			struct store_txn *txn = test_begin(env);
			store_id id = 10 + 3 * start + i / 10;
			struct wrap_seat seat;
			uint64_t nonce;

			assert_int_equal(store_subscriber_verified(txn, &id, 1), 0);
			seat = seat_of_block(txn, 0);
			memcpy(&nonce, seat.nonce + 4, sizeof(nonce));
			assert_true(nonce > last);
			last = nonce;
			assert_true(i > 0 ? seat.data_key == last_key : seat.data_key > last_key);
			last_key = seat.data_key;
			if (i % 10 == 9)
				test_commit(txn);
			else
				store_txn_abort(txn);
		}
		store_env_close(env);
	}
}

// A transaction that is dropped takes the data key with it: the next one stores it.
static void data_key_is_stored_with_what_it_seals(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = wrapped_fill(dir, wrapped_right_key());
	struct store_txn *txn, *inner;
	store_id id = 50;

	(void)state;
	store_env_close(env);
	env = wrapped_open(dir, wrapped_right_key());
	for (unsigned i = 0; i < 2; i++) {
		txn = test_begin(env);
		assert_int_equal(store_txn_nest(txn, &inner), 0);
		assert_int_equal(store_subscriber_verified(inner, &id, 1), 0);
		store_txn_abort(inner);
		assert_int_equal(store_txn_nest(txn, &inner), 0);
		assert_int_equal(store_subscriber_verified(inner, &id, 1), 0);
		test_commit(inner);
		if (i == 0)
			store_txn_abort(txn);
		else
			test_commit(txn);
	}
	store_env_close(env);
	env = wrapped_open(dir, wrapped_right_key());
	test_range(env, 50, 60, 0);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_opens_with_libcrypto_alone),
		cmocka_unit_test(file_has_no_secret_in_the_clear),
		cmocka_unit_test(flipped_bit_anywhere_is_noticed),
		cmocka_unit_test(damaged_block_is_refused_and_the_others_go_on),
		cmocka_unit_test(record_in_the_clear_is_refused_in_a_wrapped_store),
		cmocka_unit_test(no_nonce_comes_twice),
		cmocka_unit_test(data_key_is_stored_with_what_it_seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
