// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRS_MAX 256

static char dirs[DIRS_MAX][128];
static unsigned dir_count;
static pid_t dir_owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_dirs(void)
{
	// Children of the crash tests leave the directories alone.
	for (unsigned i = 0; i < dir_count && getpid() == dir_owner; i++)
		nftw(dirs[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = dirs[dir_count];

	assert_true(dir_count < DIRS_MAX);
	snprintf(dir, sizeof(dirs[0]), "%s/mskpush-store.XXXXXX", base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(dir));
	if (dir_count == 0) {
		dir_owner = getpid();
		atexit(remove_dirs);
	}
	return dirs[dir_count++];
}

const char *test_wrapping_key(void)
{
	static char source[160];
	FILE *f;

	if (getenv("STORE_TEST_WRAPPED") == NULL)
		return "none";
	if (source[0] == '\0') {
		snprintf(source, sizeof(source), "file:%s/wrapping.key", test_dir());
		f = fopen(source + strlen("file:"), "w");
		assert_non_null(f);
		fprintf(f, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
		fclose(f);
		chmod(source + strlen("file:"), 0600);
	}
	return source;
}

struct store_env *test_open(const char *dir)
{
	struct store_env_conf conf = {
		.dir = dir,
		.map_bytes = TEST_MAP_BYTES,
		.max_readers = 8,
		.wrapping_key = test_wrapping_key(),
	};
	struct store_env *env;
	char why[256];
	int rc = store_env_open(&conf, &env, why);

	if (rc != 0)
		fail_msg("store_env_open: %d, %s", rc, why);
	return env;
}

struct store_txn *test_begin(struct store_env *env)
{
	struct store_txn *txn;

	assert_int_equal(store_txn_begin(env, &txn), 0);
	return txn;
}

void test_commit(struct store_txn *txn)
{
	assert_int_equal(store_txn_commit(txn), 0);
}

int test_try_put(struct store_env *env, const struct store_subscriber *sub, store_id *id)
{
	struct store_txn *txn = test_begin(env);
	bool is_new;
	int rc = store_subscriber_put(txn, sub, false, id, &is_new);

	if (rc == 0)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return rc;
}

store_id test_put(struct store_env *env, const struct store_subscriber *sub)
{
	store_id id;

	assert_int_equal(test_try_put(env, sub, &id), 0);
	return id;
}

void test_verify(struct store_env *env, store_id id)
{
	struct store_txn *txn = test_begin(env);

	assert_int_equal(store_subscriber_verified(txn, &id, 1), 0);
	test_commit(txn);
}
