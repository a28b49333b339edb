// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Making a store. It is made whole under another name and gets its own when it is on the disk: so a
// data.mdb is a store from its first moment, whenever the power goes.

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "files.h"
#include "index.h"
#include "wrap_keys.h"

#define NEW_LOCK ENV_NEW_FILE "-lock" // LMDB's reader table beside it

static int format_create(const struct view *v)
{
	struct format_record format = {.magic = STORE_MAGIC, .format = STORE_FORMAT};
	struct state_record state = {.version = STATE_VERSION, .dict_version = 1};
	int rc;

	if (getrandom(&state.hash_key, sizeof(state.hash_key), 0) != sizeof(state.hash_key))
		return -EIO;
	rc = db_put_u32(v, DB_META, META_FORMAT, &format, sizeof(format));
	if (rc == 0)
		rc = db_put_u32(v, DB_META, META_STATE, &state, sizeof(state));
	if (rc == 0)
		rc = index_create(v, DB_IMPI);
	if (rc == 0)
		rc = index_create(v, DB_BTID);
	return rc;
}

static int tables_create(struct store_env *env)
{
	struct MDB_txn *mdb;
	int rc = db_error(mdb_txn_begin(env->mdb, NULL, 0, &mdb));

	if (rc != 0)
		return rc;
	rc = db_open_tables(env, mdb, DB_COUNT, true);
	if (rc == 0)
		rc = format_create(&(struct view){.env = env, .mdb = mdb});
	if (rc == 0)
		return db_error(mdb_txn_commit(mdb));
	mdb_txn_abort(mdb);
	return rc;
}

static int lmdb_open(struct store_env *env, const char *path, uint64_t map_bytes, unsigned flags)
{
	int rc = db_error(mdb_env_create(&env->mdb));

	if (rc == 0)
		rc = db_error(mdb_env_set_maxdbs(env->mdb, DB_COUNT));
	if (rc == 0)
		rc = db_error(mdb_env_set_mapsize(env->mdb, map_bytes));
	if (rc == 0)
		rc = db_error(mdb_env_open(env->mdb, path, MDB_NOTLS | MDB_NOSUBDIR | flags, 0600));
	return rc;
}

static struct store_env *env_alloc(void)
{
	struct store_env *env = calloc(1, sizeof(*env));

	if (env != NULL)
		env->lock_fd = -1;
	return env;
}

// A new file with all tables, opened. *env is the caller's also when this fails.
static int file_create(const char *dir, uint64_t map_bytes, struct store_env **env)
{
	char path[PATH_BYTES];
	int rc = file_path(dir, ENV_NEW_FILE, path);

	*env = env_alloc();
	if (*env == NULL)
		return -ENOMEM;
	// What a start that did not come to its end left.
	if (rc == 0)
		rc = file_remove(dir, ENV_NEW_FILE);
	if (rc == 0)
		rc = lmdb_open(*env, path, map_bytes, 0);
	if (rc == 0)
		rc = tables_create(*env);
	// Nobody else will open it under this name.
	return rc == 0 ? file_remove(dir, NEW_LOCK) : rc;
}

static int store_create(const char *dir)
{
	struct store_env *env;
	int rc = file_create(dir, ENV_MAP_BYTES_MIN, &env);

	store_env_close(env);
	return rc == 0 ? file_install(dir, ENV_NEW_FILE, "data.mdb") : rc;
}

int env_create_new(const char *dir, uint64_t map_bytes, const char *wrapping_key,
	struct store_env **out, char *why)
{
	struct store_env *env;
	int rc = file_create(dir, map_bytes, &env);

	*out = NULL;
	if (rc == 0)
		rc = wrap_create(&env->wrap);
	rc = rc != 0 ? why_not(why, rc, "A new data file cannot be made in %.120s: %s.", dir,
			       strerror(-rc))
		     : wrap_start(env, wrapping_key, why);
	if (rc != 0)
		store_env_close(env);
	else
		*out = env;
	return rc;
}

static int format_1_open(struct store_env *env, const char *path)
{
	struct MDB_txn *mdb;
	struct stat st;
	int rc = stat(path, &st) == 0 ? 0 : -errno;

	if (rc == 0)
		rc = wrap_create(&env->wrap);
	if (rc == 0)
		rc = lmdb_open(env, path, (uint64_t)st.st_size + ENV_MAP_BYTES_MIN,
			MDB_RDONLY | MDB_NOLOCK);
	if (rc == 0)
		rc = db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &mdb));
	if (rc != 0)
		return rc;
	rc = db_open_tables(env, mdb, DB_KEY, false);
	if (rc == 0)
		return db_error(mdb_txn_commit(mdb));
	mdb_txn_abort(mdb);
	return rc;
}

int env_open_format_1(const char *path, struct store_env **out, char *why)
{
	struct store_env *env = env_alloc();
	int rc = env != NULL ? format_1_open(env, path) : -ENOMEM;

	*out = rc == 0 ? env : NULL;
	if (rc == 0)
		return 0;
	store_env_close(env);
	return why_not(why, rc, "The store %.150s cannot be read: %s.", path, strerror(-rc));
}

int env_create_missing(const char *dir, char *why)
{
	char path[PATH_BYTES];
	struct stat st = {0};
	int rc = file_path(dir, "data.mdb", path);

	if (rc == 0 && stat(path, &st) != 0 && errno != ENOENT)
		rc = -errno;
	if (rc == 0 && st.st_size == 0)
		rc = store_create(dir);
	if (rc == 0)
		return 0;
	return why_not(why, rc, "The store %.150s cannot be made: %s.", dir, strerror(-rc));
}
