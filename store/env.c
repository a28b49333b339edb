// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Opening a store: lock, LMDB, room on the disk, format, and what an interrupted import left.

#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "import.h"
#include "reader_env.h"
#include "wrap_keys.h"

static int dir_prepare(const char *dir, char *why)
{
	struct stat st;

	int rc = mkdir(dir, 0700) == 0 ? dir_sync_parent(dir) : -errno;

	if (rc != 0 && rc != -EEXIST)
		return why_not(why, rc, "The store directory %.150s cannot be made: %s.", dir,
			strerror(-rc));
	if (stat(dir, &st) != 0)
		return why_not(why, -errno, "The store directory %.150s cannot be read: %s.", dir,
			strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return why_not(why, -ENOTDIR, "%.200s is not a directory.", dir);
	return 0;
}

static int map_size(struct store_env *env, const struct store_env_conf *conf, int fd, char *why)
{
	struct stat st;
	uint64_t size = conf->map_bytes > ENV_MAP_BYTES_MIN ? conf->map_bytes : ENV_MAP_BYTES_MIN;

	if (fstat(fd, &st) != 0)
		return why_not(why, -errno, "The data file of the store cannot be read: %s.",
			strerror(errno));
	if ((uint64_t)st.st_size > size)
		size = (uint64_t)st.st_size;
	size = (size + ENV_PAGE_BYTES - 1) / ENV_PAGE_BYTES * ENV_PAGE_BYTES;
	atomic_store(&env->map_bytes, size);
	env->map_max_bytes = conf->map_max_bytes / ENV_PAGE_BYTES * ENV_PAGE_BYTES;
	if (env->map_max_bytes < size)
		env->map_max_bytes = size;
	return 0;
}

static int lmdb_fail(char *why, int mdb_rc, const char *dir)
{
	int rc = db_error(mdb_rc);

	if (mdb_rc == MDB_INVALID || mdb_rc == MDB_CORRUPTED || mdb_rc == MDB_PANIC ||
		mdb_rc == MDB_VERSION_MISMATCH)
		return why_not(why, -EIO,
			"The data file in %.150s is damaged or is not a store: %s.", dir,
			mdb_strerror(mdb_rc));
	return why_not(
		why, rc, "The store %.150s cannot be opened: %s.", dir, mdb_strerror(mdb_rc));
}

static int lmdb_open(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	const char *path = env->is_read_only ? conf->file : conf->dir;
	// MDB_NOTLS: readers belong to workers, not to threads as LMDB knows them. A file that is
	// read only may lie where nothing can be written, a reader table neither.
	unsigned flags =
		MDB_NOTLS | (env->is_read_only ? MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK : 0);
	int rc = mdb_env_create(&env->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->mdb, DB_COUNT);
	if (rc == 0 && conf->max_readers != 0)
		rc = mdb_env_set_maxreaders(env->mdb, conf->max_readers);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env->mdb, env->map_max_bytes);
	if (rc == 0)
		rc = mdb_env_open(env->mdb, path, flags, 0600);
	if (rc == 0 && !env->is_read_only)
		rc = mdb_reader_check(env->mdb, NULL);
	return rc == 0 ? 0 : lmdb_fail(why, rc, path);
}

static int size_check(struct store_env *env, const char *path, int fd, char *why)
{
	struct stat st;
	MDB_envinfo info;

	if (fstat(fd, &st) != 0 || mdb_env_info(env->mdb, &info) != 0)
		return why_not(why, -EIO, "The data file of the store cannot be read.");
	if ((uint64_t)st.st_size < (info.me_last_pgno + 1) * ENV_PAGE_BYTES)
		return why_not(why, -EIO, "The data file in %.150s has been cut short.", path);
	return 0;
}

// The whole map gets its room on the disk now, so that a commit can never find the disk full.
static int map_prepare(struct store_env *env, const char *dir, int fd, char *why)
{
	int rc = -posix_fallocate(fd, 0, (off_t)env->map_bytes);

	if (rc == 0)
		return 0;
	return why_not(why, rc, "There is no room for the store in %.100s (%" PRIu64 " MiB): %s.",
		dir, env->map_bytes >> 20, strerror(-rc));
}

// -ENOMSG: a file of LMDB's, but no store.
static int format_check(const struct view *v)
{
	struct format_record format;
	struct blob val;
	int rc = db_get_u32(v, DB_META, META_FORMAT, &val);

	if (rc != 0)
		return rc == -ENOENT ? -ENOMSG : rc;
	if (val.len < sizeof(format))
		return -ENOMSG;
	memcpy(&format, val.data, sizeof(format));
	if (memcmp(format.magic, STORE_MAGIC, sizeof(format.magic)) != 0)
		return -ENOMSG;
	return format.format == STORE_FORMAT ? 0 : -EPROTO;
}

int state_load(const struct view *v, struct state_record *out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_META, META_STATE, &val);

	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	if (val.len == 0 || *(const uint8_t *)val.data != STATE_VERSION)
		return -EPROTO;
	if (val.len != sizeof(*out))
		return -EIO;
	memcpy(out, val.data, sizeof(*out));
	return 0;
}

static int format_open(struct store_env *env, struct MDB_txn *mdb)
{
	struct view v = {.env = env, .mdb = mdb};
	struct state_record state;
	int rc = db_error(mdb_dbi_open(mdb, "meta", MDB_INTEGERKEY, &env->dbi[DB_META]));

	// The format is looked at before any other table: another version may have others.
	rc = rc == 0 ? format_check(&v) : rc == -ENOENT ? -ENOMSG : rc;
	if (rc == 0)
		rc = db_open_tables(env, mdb, DB_COUNT, false);
	if (rc == 0)
		rc = state_load(&v, &state);
	if (rc == 0)
		env->hash_key = state.hash_key;
	return rc;
}

// Tables that came later are made in a store that has none yet.
static int tables_complete(struct store_env *env)
{
	struct MDB_txn *mdb;
	int rc;

	if (env->dbi[DB_COUNT - 1] != 0 || env->is_read_only)
		return 0;
	rc = db_error(mdb_txn_begin(env->mdb, NULL, 0, &mdb));
	if (rc != 0)
		return rc;
	rc = db_open_tables(env, mdb, DB_COUNT, true);
	if (rc == 0)
		return db_error(mdb_txn_commit(mdb));
	mdb_txn_abort(mdb);
	return rc;
}

static int tables_open(struct store_env *env, const char *dir, char *why)
{
	struct MDB_txn *mdb;
	int rc = db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &mdb));

	if (rc == 0) {
		rc = format_open(env, mdb);
		if (rc == 0)
			rc = db_error(mdb_txn_commit(mdb));
		else
			mdb_txn_abort(mdb);
	}
	if (rc == 0)
		rc = tables_complete(env);
	if (rc == -EPROTO)
		return why_not(why, rc,
			"The store %.120s has a format that this program does not know; "
			"it knows version %d.",
			dir, STORE_FORMAT);
	if (rc == -ENOMSG)
		return why_not(
			why, -EIO, "The data file in %.150s is not a store of mskpush.", dir);
	if (rc != 0)
		return why_not(why, rc, "The tables of the store %.150s cannot be opened: %s.", dir,
			strerror(-rc));
	return 0;
}

// The secrets of a store in the clear are in its map. It is a file: a process that locks all of its
// memory need not hold it there. LMDB tells the address only of a map that it was told itself, but
// a value lies in it.
static void map_advise(struct store_env *env)
{
	struct view v = {.env = env};
	struct blob val;
	size_t bytes;
	void *map;

	if (mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &v.mdb) != 0)
		return;
	if (db_get_u32(&v, DB_META, META_STATE, &val) == 0 &&
		file_mapping(val.data, &map, &bytes) == 0) {
		madvise(map, bytes, MADV_DONTDUMP);
		munlock(map, bytes);
	}
	mdb_txn_abort(v.mdb);
}

static int wrap_open_up(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	int rc = wrap_create(&env->wrap);

	if (rc != 0)
		return why_not(why, rc,
			"The cipher of the store does not work on this machine: %s.",
			strerror(-rc));
	return wrap_start(env, conf->wrapping_key != NULL ? conf->wrapping_key : "none", why);
}

static int data_open(struct store_env *env, const struct store_env_conf *conf, int fd, char *why)
{
	const char *path = env->is_read_only ? conf->file : conf->dir;
	int rc = map_size(env, conf, fd, why);

	if (rc == 0)
		rc = lmdb_open(env, conf, why);
	if (rc == 0)
		rc = size_check(env, path, fd, why);
	if (rc == 0 && !env->is_read_only)
		rc = map_prepare(env, conf->dir, fd, why);
	if (rc == 0)
		rc = tables_open(env, path, why);
	if (rc != 0)
		return rc;
	map_advise(env);
	return wrap_open_up(env, conf, why);
}

static int file_start(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	int fd = open(conf->file, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return why_not(
			why, -errno, "%.180s cannot be opened: %s.", conf->file, strerror(errno));
	env->is_read_only = true;
	rc = data_open(env, conf, fd, why);
	close(fd);
	return rc;
}

static int env_start(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	int fd = -1;
	int rc = dir_prepare(conf->dir, why);

	if (rc == 0)
		rc = dir_lock(conf->dir, &env->lock_fd, why);
	if (rc == 0)
		rc = env_create_missing(conf->dir, why);
	if (rc == 0)
		rc = file_open(conf->dir, "data.mdb", 0, &fd, why);
	if (rc == 0)
		rc = data_open(env, conf, fd, why);
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return rc;
	rc = import_recover(env);
	if (rc != 0)
		return why_not(why, rc,
			"What an interrupted import left in %.120s cannot be cleaned "
			"up: %s.",
			conf->dir, strerror(-rc));
	rc = copy_recover(env);
	if (rc != 0)
		return why_not(why, rc, "The copy of a store in %.120s cannot be taken over: %s.",
			conf->dir, strerror(-rc));
	return 0;
}

static int moves_keep(struct store_env *env, char why[256])
{
	int rc = move_log_create(&env->hot_moves);

	if (rc == 0)
		rc = move_log_create(&env->btid_moves);
	return rc == 0 ? 0 : why_not(why, rc, "There is no memory for the store.");
}

int store_env_open(const struct store_env_conf *conf, struct store_env **out, char why[256])
{
	struct store_env *env = calloc(1, sizeof(*env));
	int rc;

	*out = NULL;
	why[0] = '\0';
	if (env == NULL)
		return why_not(why, -ENOMEM, "There is no memory for the store.");
	env->lock_fd = -1;
	rc = conf->file != NULL ? file_start(env, conf, why) : env_start(env, conf, why);
	if (rc == 0)
		rc = moves_keep(env, why);
	if (rc != 0) {
		store_env_close(env);
		return rc;
	}
	*out = env;
	return 0;
}

void store_env_close(struct store_env *env)
{
	if (env == NULL)
		return;
	readers_free(env);
	if (env->mdb != NULL)
		mdb_env_close(env->mdb);
	wrap_destroy(env->wrap);
	move_log_destroy(env->hot_moves);
	move_log_destroy(env->btid_moves);
	if (env->lock_fd >= 0)
		close(env->lock_fd);
	free(env);
}

int store_env_info(struct store_env *env, struct store_env_info *out)
{
	MDB_envinfo info;
	int rc = mdb_env_info(env->mdb, &info);

	if (rc != 0)
		return db_error(rc);
	*out = (struct store_env_info){
		.map_bytes = atomic_load(&env->map_bytes),
		.map_max_bytes = env->map_max_bytes,
		.used_bytes = (info.me_last_pgno + 1) * ENV_PAGE_BYTES,
		.version = info.me_last_txnid,
		.readers = info.me_numreaders,
		.key_numbers_skipped = env->key_numbers_skipped,
	};
	return 0;
}
