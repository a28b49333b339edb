// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A full map: -ENOSPC, nothing torn, and room again once something goes.

#include <errno.h>

#include "support_import.h"

#define TINY_MAP (UINT64_C(1) << 20)

static int set_up(void **state)
{
	struct store_env_conf conf = {
		.dir = test_dir(),
		.map_bytes = TINY_MAP,
		.max_readers = 4,
		.wrapping_key = test_wrapping_key(),
	};
	char why[256];

	return store_env_open(&conf, (struct store_env **)state, why);
}

static int tear_down(void **state)
{
	store_env_close(*state);
	return 0;
}

// Puts n subscribers in one transaction.
static int put_some(struct store_env *env, uint32_t from, uint32_t n)
{
	struct store_txn *txn = test_begin(env);
	int rc = 0;

	for (uint32_t i = from; i < from + n && rc == 0; i++) {
		struct store_subscriber sub;
		store_id id;
		bool is_new;

		test_subscriber(i, i, &sub);
		rc = store_subscriber_put(txn, &sub, false, &id, &is_new);
	}
	if (rc == 0)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return rc;
}

// Puts subscribers behind those that are done, until not one more fits. Returns how many there are.
static uint32_t fill(struct store_env *env, uint32_t done)
{
	for (uint32_t n = 50; n > 0; n /= 2) {
		int rc;

		while ((rc = put_some(env, done, n)) == 0)
			done += n;
		assert_int_equal(rc, -ENOSPC);
	}
	return done;
}

static void put_into_a_full_map_leaves_the_rest_whole(void **state)
{
	struct store_env *env = *state;
	uint32_t n = fill(env, 0);

	assert_true(n > 100);
	test_range(env, 0, n, 0);
	test_no_range(env, n, n + 1);
	test_clean(env);
}

static void subscribers_can_be_removed_from_a_full_map(void **state)
{
	struct store_env *env = *state;
	uint32_t n = fill(env, 0);

	for (store_id id = 0; id < n; id += 30) {
		struct store_txn *txn = test_begin(env);

		assert_int_equal(store_subscriber_remove(txn, id), 0);
		test_commit(txn);
	}
	test_no_range(env, 0, 1);
	test_range(env, 1, 3, 0);
	test_clean(env);
}

static void import_into_a_full_map_is_undone(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));
	enum store_row *verdict = calloc(STORE_IMPORT_CHUNK, sizeof(*verdict));
	struct store_import *imp;
	uint32_t at = 100;
	int rc = 0;

	assert_true(rows != NULL && verdict != NULL);
	test_import_range(env, 0, 100);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(store_import_begin(env, 0, &imp), 0);
		for (rc = 0; rc == 0;) {
			for (uint32_t i = 0; i < 100; i++, at++)
				test_subscriber(at, at, &rows[i]);
			rc = store_import_add(imp, rows, 100, verdict);
		}
		assert_int_equal(rc, -ENOSPC);
		assert_int_equal(store_import_add(imp, rows, 1, verdict), -EINVAL);
		assert_int_equal(store_import_publish(imp), -EINVAL);
		test_import_abort(imp);
		test_clean(env);
		test_range(env, 0, 100, 0);
		test_no_range(env, 100, at);
	}
	test_import_range(env, 100, 400);
	test_range(env, 0, 400, 0);
	free(rows);
	free(verdict);
}

// Adds rows in chunks until one does not fit.
static int add_rows(struct store_import *imp, uint32_t from, uint32_t to, uint32_t shift)
{
	struct store_subscriber *rows = calloc(25, sizeof(*rows));
	enum store_row verdict[25];
	int rc = 0;

	assert_non_null(rows);
	for (uint32_t at = from; at < to && rc == 0; at += 25) {
		for (uint32_t i = 0; i < 25; i++)
			test_subscriber(at + i, at + i + shift, &rows[i]);
		rc = store_import_add(imp, rows, 25, verdict);
	}
	free(rows);
	return rc;
}

// The change list fits or it does not; once it is published its application finds its room.
static void changes_in_a_nearly_full_map_are_whole_or_absent(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	uint32_t n = 0;
	int rc;

	for (rc = 0; rc == 0; n += rc == 0 ? 50 : 0) {
		assert_int_equal(store_import_begin(env, 0, &imp), 0);
		rc = add_rows(imp, n, n + 50, 0);
		if (rc == 0)
			test_import_finish(imp);
		else
			test_import_abort(imp);
	}
	assert_true(n > 500);
	for (uint32_t part = n; part > 100; part /= 2) {
		assert_int_equal(store_import_begin(env, 0, &imp), 0);
		rc = add_rows(imp, 0, part / 25 * 25, 10000);
		while (rc >= 0 && (rc = store_import_publish(imp)) == 1)
			;
		if (rc == 0) {
			store_import_end(imp, NULL);
			test_range(env, 0, part / 25 * 25, 10000);
			break;
		}
		assert_int_equal(rc, -ENOSPC);
		test_import_abort(imp);
		test_range(env, 0, n, 0);
		test_clean(env);
	}
	test_clean(env);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void map_grows_before_it_is_full_under_its_readers(void **state)
{
	struct store_env_conf conf = {.dir = test_dir(),
		.map_bytes = TINY_MAP,
		.map_max_bytes = 10 * TINY_MAP,
		.max_readers = 4,
		.wrapping_key = test_wrapping_key()};
	struct store_env_info info;
	struct store_reader *r;
	struct store_env *env;
	char why[256];
	uint32_t n;

	(void)state;
	assert_int_equal(store_env_open(&conf, &env, why), 0);
	assert_int_equal(put_some(env, 0, 50), 0);
	assert_int_equal(store_reader_create(env, &r), 0);
	n = fill(env, 50);
	assert_int_equal(store_env_info(env, &info), 0);
	assert_int_equal(info.map_bytes, 10 * TINY_MAP);
	assert_true(info.used_bytes > 9 * TINY_MAP);
	assert_int_equal(store_reader_subscriber_count(r), 50);
	store_reader_destroy(r);
	store_env_close(env);
	// Opened with what it was made with, it is as large as it became.
	conf.map_max_bytes = 0;
	assert_int_equal(store_env_open(&conf, &env, why), 0);
	test_range(env, 0, n, 0);
	test_clean(env);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(put_into_a_full_map_leaves_the_rest_whole),
		TEST(subscribers_can_be_removed_from_a_full_map),
		TEST(import_into_a_full_map_is_undone),
		TEST(changes_in_a_nearly_full_map_are_whole_or_absent),
		cmocka_unit_test(map_grows_before_it_is_full_under_its_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
