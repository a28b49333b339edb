// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A full map: -ENOSPC, nothing torn, and room again once something goes.

#include <errno.h>

#include "support_import.h"

#define TINY_MAP (UINT64_C(1) << 20)

static int set_up(void **state)
{
	struct store_env_conf conf = {.dir = test_dir(), .map_bytes = TINY_MAP, .max_readers = 4};
	char why[256];

	return store_env_open(&conf, (struct store_env **)state, why);
}

static int tear_down(void **state)
{
	store_env_close(*state);
	return 0;
}

// Puts subscribers until one does not fit. Returns how many did.
static uint32_t fill(struct store_env *env)
{
	struct store_subscriber sub;
	store_id id;
	uint32_t i = 0;
	int rc;

	do {
		test_subscriber(i, i, &sub);
		rc = test_try_put(env, &sub, &id);
		i += rc == 0;
	} while (rc == 0);
	assert_int_equal(rc, -ENOSPC);
	return i;
}

static void put_into_a_full_map_leaves_the_rest_whole(void **state)
{
	struct store_env *env = *state;
	uint32_t n = fill(env);

	assert_true(n > 100);
	test_range(env, 0, n, 0);
	test_no_range(env, n, n + 1);
	test_clean(env);
}

static void import_into_a_full_map_is_undone(void **state)
{
	struct store_env *env = *state;
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));
	int *verdict = calloc(STORE_IMPORT_CHUNK, sizeof(*verdict));
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

// Many changed subscribers: the change list fits, and its application finds its room.
static void changes_in_a_nearly_full_map_are_whole_or_absent(void **state)
{
	struct store_env *env = *state;
	struct store_import *imp;
	uint32_t n = 0;
	int rc;

	while (n < 2000) {
		assert_int_equal(store_import_begin(env, 0, &imp), 0);
		rc = 0;
		for (uint32_t i = 0; i < 50 && rc == 0; i++) {
			struct store_subscriber sub;
			int verdict;

			test_subscriber(n + i, n + i, &sub);
			rc = store_import_add(imp, &sub, 1, &verdict);
		}
		if (rc != 0) {
			test_import_abort(imp);
			break;
		}
		test_import_finish(imp);
		n += 50;
	}
	assert_int_equal(store_import_begin(env, 0, &imp), 0);
	rc = 0;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct store_subscriber sub;
		int verdict;

		test_subscriber(i, i + 10000, &sub);
		rc = store_import_add(imp, &sub, 1, &verdict);
	}
	do {
		if (rc >= 0)
			rc = store_import_publish(imp);
	} while (rc == 1);
	if (rc == 0) {
		store_import_end(imp, NULL);
		test_range(env, 0, n, 10000);
	} else {
		assert_int_equal(rc, -ENOSPC);
		test_import_abort(imp);
		test_range(env, 0, n, 0);
	}
	test_clean(env);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(put_into_a_full_map_leaves_the_rest_whole),
		TEST(import_into_a_full_map_is_undone),
		TEST(changes_in_a_nearly_full_map_are_whole_or_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
