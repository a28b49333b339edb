// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Stores that become wrapped, get another wrapping key, and are sealed anew.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support_import.h"
#include "view.h"
#include "wrap.h"
#include "wrap_keys.h"

#define SOME 8000 // subscribers: more blocks than one step seals

// A wrapping key of its own for each number.
static const char *key_source(unsigned number)
{
	static char source[4][200];
	uint8_t key[32] = {0x77, (uint8_t)number};
	FILE *f;

	if (source[number][0] == '\0') {
		snprintf(source[number], sizeof(source[0]), "file:%s/key", test_dir());
		f = fopen(source[number] + 5, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(key, 1, sizeof(key), f), sizeof(key));
		fclose(f);
		chmod(source[number] + 5, 0600);
	}
	return source[number];
}

static int open_with(const char *dir, const char *source, struct store_env **env)
{
	struct store_env_conf conf = {
		.dir = dir, .map_bytes = TEST_MAP_BYTES, .max_readers = 4, .wrapping_key = source};
	char why[256];

	return store_env_open(&conf, env, why);
}

static struct store_env *reopen(const char *dir, const char *source)
{
	struct store_env *env;

	assert_int_equal(open_with(dir, source, &env), 0);
	return env;
}

static struct store_wrapping info(struct store_env *env)
{
	struct store_reader *r = test_reader(env);
	struct store_wrapping out;

	assert_int_equal(store_wrapping_info(r, &out), 0);
	store_reader_destroy(r);
	return out;
}

static struct store_rewrap rewrap(struct store_env *env)
{
	struct store_rewrap at = {0};
	int rc;

	do
		rc = store_rewrap_step(env, &at);
	while (rc == 1);
	assert_int_equal(rc, 0);
	return at;
}

static void rotate(struct store_env *env, const char *source, bool is_deep)
{
	struct store_rotation *rotation;
	char why[256];

	if (store_rotation_prepare(env, source, &rotation, why) != 0)
		fail_msg("%s", why);
	assert_int_equal(store_rotation_commit(env, rotation, is_deep), 0);
}

// Lowest data key of the hot blocks.
static uint32_t oldest_key(struct store_env *env)
{
	struct store_txn *txn = test_begin(env);
	uint32_t lowest = UINT32_MAX;
	struct db_cursor c;
	int rc;

	assert_int_equal(db_cursor_open(&txn->view, DB_HOT, &c), 0);
	for (rc = db_cursor_first(&c); rc == 0; rc = db_cursor_next(&c)) {
		const struct store_block *block = c.val.data;

		lowest = block->data_key < lowest ? block->data_key : lowest;
	}
	db_cursor_close(&c);
	store_txn_abort(txn);
	return lowest;
}

static void plain_store_is_sealed_while_it_is_used(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = reopen(dir, "none");
	struct store_rewrap at = {0};
	struct store_reader *r;

	(void)state;
	test_import_range(env, 0, SOME);
	assert_string_equal(info(env).kind, "none");
	store_env_close(env);

	env = reopen(dir, key_source(0));
	assert_string_equal(info(env).kind, "key");
	assert_int_equal(info(env).below, 1);
	test_range(env, 0, SOME, 0);
	// Half way: both kinds of blocks are read, and a reader of the old state goes on.
	r = test_reader(env);
	assert_int_equal(store_rewrap_step(env, &at), 1);
	test_range(env, 0, SOME, 0);
	test_import_range(env, SOME, SOME + 100);
	assert_true(rewrap(env).damaged == 0);
	for (store_id id = 0; id < SOME; id += 100) {
		struct store_subscriber want, have;

		test_subscriber(id, id, &want);
		assert_int_equal(store_reader_subscriber(r, id, &have), 0);
		test_same(&have, &want);
	}
	store_reader_destroy(r);
	assert_int_equal(info(env).below, 0);
	assert_true(oldest_key(env) > 0);
	test_range(env, 0, SOME + 100, 0);
	test_clean(env);
	store_env_close(env);
	assert_int_equal(open_with(dir, "none", &env), -EKEYREJECTED);
	env = reopen(dir, key_source(0));
	test_range(env, 0, SOME + 100, 0);
	store_env_close(env);
}

static void new_store_has_nothing_to_seal(void **state)
{
	struct store_env *env = reopen(test_dir(), key_source(0));

	(void)state;
	assert_int_equal(info(env).below, 0);
	assert_int_equal(info(env).data_keys, 0);
	store_env_close(env);
}

// A store that stops in the middle goes on at the next start.
static void sealing_goes_on_after_a_start(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = reopen(dir, "none");
	struct store_rewrap at = {0};

	(void)state;
	test_import_range(env, 0, SOME);
	store_env_close(env);
	env = reopen(dir, key_source(0));
	assert_int_equal(store_rewrap_step(env, &at), 1);
	store_env_close(env);
	env = reopen(dir, key_source(0));
	assert_int_equal(info(env).below, 1);
	assert_true(rewrap(env).sealed > 0);
	assert_int_equal(info(env).below, 0);
	test_range(env, 0, SOME, 0);
	store_env_close(env);
	env = reopen(dir, key_source(0));
	test_range(env, 0, SOME, 0);
	store_env_close(env);
}

static void rotation_changes_the_wrapping_key_alone(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = reopen(dir, key_source(0));
	uint32_t key;

	(void)state;
	test_import_range(env, 0, SOME);
	store_env_close(env);
	env = reopen(dir, key_source(0));
	key = oldest_key(env);
	// The data key of this start is not in the store yet, and has to be under the new key too.
	rotate(env, key_source(1), false);
	test_verify(env, 7);
	assert_int_equal(oldest_key(env), key);
	assert_int_equal(info(env).data_keys, 2);
	store_env_close(env);
	assert_int_equal(open_with(dir, key_source(0), &env), -EKEYREJECTED);
	env = reopen(dir, key_source(1));
	test_range(env, 0, SOME, 0);
	store_env_close(env);
}

static void deep_rotation_seals_all_under_a_new_data_key(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = reopen(dir, key_source(0));
	uint32_t key;

	(void)state;
	test_import_range(env, 0, SOME);
	key = oldest_key(env);
	rotate(env, key_source(1), true);
	test_verify(env, 7);
	test_range(env, 0, SOME, 0);
	assert_int_equal(rewrap(env).damaged, 0);
	assert_true(oldest_key(env) > key);
	assert_int_equal(info(env).data_keys, 1);
	assert_int_equal(info(env).below, 0);
	test_range(env, 0, SOME, 0);
	store_env_close(env);
	env = reopen(dir, key_source(1));
	test_range(env, 0, SOME, 0);
	store_env_close(env);
}

// A disk that takes nothing, as this process sees it.
static void disk_is_full(bool is_full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = is_full ? 4096 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// The data keys that were drawn for rotations that failed have the number of the one that did not.
static void rotations_that_failed_leave_no_data_key(void **state)
{
	const char *dir = test_dir();
	struct store_env *env = reopen(dir, key_source(0));

	(void)state;
	test_import_range(env, 0, SOME);
	for (unsigned i = 0; i < WRAP_CHUNK_KEYS; i++) {
		struct store_rotation *rotation;
		char why[256];

		assert_int_equal(store_rotation_prepare(env, key_source(1), &rotation, why), 0);
		disk_is_full(true);
		assert_true(store_rotation_commit(env, rotation, true) < 0);
		disk_is_full(false);
	}
	rotate(env, key_source(1), true);
	assert_int_equal(rewrap(env).damaged, 0);
	rotate(env, key_source(2), false);
	store_env_close(env);
	env = reopen(dir, key_source(2));
	test_range(env, 0, SOME, 0);
	store_env_close(env);
}

static void damaged_block_stays_alone_when_all_is_sealed_anew(void **state)
{
	struct store_env *env = reopen(test_dir(), key_source(0));
	uint8_t copy[sizeof(struct store_block)];
	struct store_subscriber sub;
	struct store_txn *txn;
	struct store_reader *r;
	struct blob val;

	(void)state;
	test_import_range(env, 0, SOME);
	txn = test_begin(env);
	assert_int_equal(db_get_u32(&txn->view, DB_HOT, 2, &val), 0);
	memcpy(copy, val.data, val.len);
	copy[3000] ^= 4;
	assert_int_equal(db_put_u32(&txn->view, DB_HOT, 2, copy, sizeof(copy)), 0);
	test_commit(txn);
	rotate(env, key_source(0), true);
	assert_int_equal(rewrap(env).damaged, 1);
	r = test_reader(env);
	for (store_id id = 0; id < SOME; id++)
		assert_int_equal(store_reader_subscriber(r, id, &sub) == 0, id < 90 || id >= 135);
	store_reader_destroy(r);
	store_env_close(env);
}

static void plain_store_has_nothing_to_rotate(void **state)
{
	struct store_env *env = reopen(test_dir(), "none");
	struct store_rotation *rotation;
	struct store_rewrap at = {0};
	char why[256];

	(void)state;
	assert_int_equal(store_rotation_prepare(env, key_source(0), &rotation, why), -EINVAL);
	assert_non_null(strstr(why, "not wrapped"));
	assert_int_equal(store_rewrap_step(env, &at), 0);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_store_is_sealed_while_it_is_used),
		cmocka_unit_test(new_store_has_nothing_to_seal),
		cmocka_unit_test(sealing_goes_on_after_a_start),
		cmocka_unit_test(rotation_changes_the_wrapping_key_alone),
		cmocka_unit_test(deep_rotation_seals_all_under_a_new_data_key),
		cmocka_unit_test(rotations_that_failed_leave_no_data_key),
		cmocka_unit_test(damaged_block_stays_alone_when_all_is_sealed_anew),
		cmocka_unit_test(plain_store_has_nothing_to_rotate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
