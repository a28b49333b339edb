// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support_import.h"

#include "index.h"
#include "tables.h"

int test_import_set_up(void **state)
{
	*state = test_open(test_dir());
	return 0;
}

int test_import_tear_down(void **state)
{
	store_env_close(*state);
	return 0;
}

struct store_import *test_import_begin(struct store_env *env)
{
	struct store_import *imp;

	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	return imp;
}

void test_import_rows(struct store_import *imp, const struct store_subscriber *rows, size_t n)
{
	enum store_row *verdict = calloc(n + 1, sizeof(*verdict));

	assert_non_null(verdict);
	assert_int_equal(store_import_add(imp, rows, n, verdict), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(verdict[i], STORE_ROW_TAKEN);
	free(verdict);
}

enum store_row test_import_row(struct store_import *imp, uint32_t i, uint32_t b)
{
	struct store_subscriber sub;
	enum store_row verdict = STORE_ROW_MALFORMED;

	test_subscriber(i, b, &sub);
	assert_int_equal(store_import_add(imp, &sub, 1, &verdict), 0);
	return verdict;
}

struct store_import_result test_import_finish(struct store_import *imp)
{
	struct store_import_result result;
	int rc;

	do {
		rc = store_import_publish(imp);
	} while (rc == 1);
	assert_int_equal(rc, 0);
	store_import_end(imp, &result);
	return result;
}

void test_import_abort(struct store_import *imp)
{
	int rc;

	do {
		rc = store_import_abort(imp);
	} while (rc == 1);
	assert_int_equal(rc, 0);
}

void test_import_many(struct store_import *imp, uint32_t from, uint32_t to, uint32_t shift)
{
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));

	assert_non_null(rows);
	while (from < to) {
		size_t n = 0;

		for (; n < STORE_IMPORT_CHUNK && from < to; n++, from++)
			test_subscriber(from, from + shift, &rows[n]);
		test_import_rows(imp, rows, n);
	}
	free(rows);
}

struct store_import_result test_import_range(struct store_env *env, uint32_t from, uint32_t to)
{
	struct store_import *imp;

	assert_int_equal(store_import_begin(env, to - from, &imp), 0);
	test_import_many(imp, from, to, 0);
	return test_import_finish(imp);
}

static uint64_t entries(const struct view *v, enum db_id db)
{
	uint64_t n;

	assert_int_equal(db_entries(v, db, &n), 0);
	return n;
}

static void expect_slots_below(const struct view *v, enum db_id db, store_id span)
{
	struct index_slot slots[INDEX_SLOTS];
	struct index_place place = {.last = 0};
	uint32_t tag = 0;

	for (;;) {
		size_t n;

		assert_int_equal(index_find(v, db, tag, &place), 0);
		n = index_block_slots(place.block, slots);
		for (size_t i = 0; i < n; i++) {
			assert_true(slots[i].id < span);
			assert_true(place.first <= slots[i].tag && slots[i].tag <= place.last);
		}
		if (place.last == UINT32_MAX)
			break;
		tag = place.last + 1;
	}
}

static void expect_raw_below(const struct view *v, store_id span)
{
	struct db_cursor c;

	assert_int_equal(db_cursor_open(v, DB_RAW, &c), 0);
	if (db_cursor_last(&c) == 0)
		assert_true(blob_to_u64(c.key) < (uint64_t)span << 1);
	db_cursor_close(&c);
}

void test_clean(struct store_env *env)
{
	struct store_txn *txn = test_begin(env);
	const struct view *v = &txn->view;
	store_id span = txn->state.span;

	assert_int_equal(txn->state.import, IMPORT_NONE);
	assert_int_equal(entries(v, DB_CHANGE), 0);
	assert_int_equal(
		entries(v, DB_HOT), (span + STORE_BLOCK_SUBSCRIBERS - 1) / STORE_BLOCK_SUBSCRIBERS);
	assert_int_equal(
		entries(v, DB_COLD), (span + COLD_BLOCK_SUBSCRIBERS - 1) / COLD_BLOCK_SUBSCRIBERS);
	expect_slots_below(v, DB_IMPI, span);
	expect_slots_below(v, DB_BTID, span);
	expect_raw_below(v, span);
	store_txn_abort(txn);
}

void test_range(struct store_env *env, uint32_t from, uint32_t to, uint32_t shift)
{
	struct store_reader *r = test_reader(env);
	struct store_subscriber want, have;

	for (uint32_t i = from; i < to; i++) {
		store_id id;

		test_subscriber(i, i + shift, &want);
		id = store_reader_find_impi(r, want.impi);
		assert_int_not_equal(id, STORE_ID_NONE);
		assert_int_equal(store_reader_find_btid(r, want.btid), id);
		assert_int_equal(store_reader_subscriber(r, id, &have), 0);
		test_same(&want, &have);
	}
	store_reader_destroy(r);
}

void test_no_range(struct store_env *env, uint32_t from, uint32_t to)
{
	struct store_reader *r = test_reader(env);
	struct store_subscriber sub;

	for (uint32_t i = from; i < to; i++) {
		test_subscriber(i, i, &sub);
		assert_int_equal(store_reader_find_impi(r, sub.impi), STORE_ID_NONE);
		assert_int_equal(store_reader_find_btid(r, sub.btid), STORE_ID_NONE);
	}
	store_reader_destroy(r);
}
