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

#define NEW_FILE "data.new"
#define NEW_LOCK "data.new-lock" // LMDB's reader table beside it

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
	rc = db_open_tables(env, mdb, true);
	if (rc == 0)
		rc = format_create(&(struct view){.env = env, .mdb = mdb});
	if (rc == 0)
		return db_error(mdb_txn_commit(mdb));
	mdb_txn_abort(mdb);
	return rc;
}

static int file_create(const char *path)
{
	struct store_env *env = calloc(1, sizeof(*env));
	int rc = env != NULL ? db_error(mdb_env_create(&env->mdb)) : -ENOMEM;

	if (rc == 0)
		rc = db_error(mdb_env_set_maxdbs(env->mdb, DB_COUNT));
	if (rc == 0)
		rc = db_error(mdb_env_set_mapsize(env->mdb, ENV_MAP_BYTES_MIN));
	if (rc == 0)
		rc = db_error(mdb_env_open(env->mdb, path, MDB_NOTLS | MDB_NOSUBDIR, 0600));
	if (rc == 0)
		rc = tables_create(env);
	if (env != NULL && env->mdb != NULL)
		mdb_env_close(env->mdb);
	free(env);
	return rc;
}

static int file_remove(const char *dir, const char *name)
{
	char path[PATH_BYTES];
	int rc = file_path(dir, name, path);

	if (rc == 0 && unlink(path) != 0 && errno != ENOENT)
		rc = -errno;
	return rc;
}

static int store_create(const char *dir)
{
	char path[PATH_BYTES];
	int rc = file_path(dir, NEW_FILE, path);

	// What a start that did not come to its end left.
	if (rc == 0)
		rc = file_remove(dir, NEW_FILE);
	if (rc == 0)
		rc = file_create(path);
	if (rc == 0)
		rc = file_remove(dir, NEW_LOCK);
	return rc == 0 ? file_install(dir, NEW_FILE, "data.mdb") : rc;
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
