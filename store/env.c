// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Opening a store: lock, LMDB, room on the disk, format, and what an interrupted import left.

#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"
#include "index.h"

#define MAP_BYTES_MIN (1 << 20)
#define WHY_BYTES 256

__attribute__((format(printf, 3, 4))) static int fail(char *why, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, WHY_BYTES, fmt, ap);
	va_end(ap);
	return rc;
}

static int dir_prepare(const char *dir, char *why)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(why, -errno, "The store directory %.150s cannot be made: %s.", dir,
			strerror(errno));
	if (stat(dir, &st) != 0)
		return fail(why, -errno, "The store directory %.150s cannot be read: %s.", dir,
			strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(why, -ENOTDIR, "%.200s is not a directory.", dir);
	return 0;
}

static int file_open(const char *dir, const char *name, int *fd, char *why)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return fail(why, -ENAMETOOLONG, "The name of the store directory is too long.");
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return fail(why, -errno, "%.180s cannot be opened: %s.", path, strerror(errno));
	return 0;
}

// LMDB would let a second daemon in. The lock lives as long as the descriptor, so that a crash
// leaves none behind; the pid in the file is for people.
static int lock_take(struct store_env *env, const char *dir, char *why)
{
	char text[32] = "";
	ssize_t len;
	int rc = file_open(dir, "lock", &env->lock_fd, why);

	if (rc != 0)
		return rc;
	if (flock(env->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		len = pread(env->lock_fd, text, sizeof(text) - 1, 0);
		text[len > 0 ? strcspn(text, "\n") : 0] = '\0';
		return fail(why, -EBUSY, "The store %.150s is in use by the process with pid %s.",
			dir, text[0] != '\0' ? text : "unknown");
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(env->lock_fd, 0) != 0 || pwrite(env->lock_fd, text, (size_t)len, 0) != len)
		return fail(why, -errno, "The lock file of the store cannot be written: %s.",
			strerror(errno));
	return 0;
}

static int map_size(const struct store_env_conf *conf, int fd, uint64_t *bytes, char *why)
{
	struct stat st;
	uint64_t size = conf->map_bytes > MAP_BYTES_MIN ? conf->map_bytes : MAP_BYTES_MIN;

	if (fstat(fd, &st) != 0)
		return fail(why, -errno, "The data file of the store cannot be read: %s.",
			strerror(errno));
	if ((uint64_t)st.st_size > size)
		size = (uint64_t)st.st_size;
	*bytes = (size + ENV_PAGE_BYTES - 1) / ENV_PAGE_BYTES * ENV_PAGE_BYTES;
	return 0;
}

static int lmdb_fail(char *why, int mdb_rc, const char *dir)
{
	int rc = db_error(mdb_rc);

	if (mdb_rc == MDB_INVALID || mdb_rc == MDB_CORRUPTED || mdb_rc == MDB_PANIC ||
		mdb_rc == MDB_VERSION_MISMATCH)
		return fail(why, -EIO, "The data file in %.150s is damaged or is not a store: %s.",
			dir, mdb_strerror(mdb_rc));
	return fail(why, rc, "The store %.150s cannot be opened: %s.", dir, mdb_strerror(mdb_rc));
}

static int lmdb_open(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	int rc = mdb_env_create(&env->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->mdb, DB_COUNT);
	if (rc == 0 && conf->max_readers != 0)
		rc = mdb_env_set_maxreaders(env->mdb, conf->max_readers);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env->mdb, env->map_bytes);
	// MDB_NOTLS: readers belong to workers, not to threads as LMDB knows them.
	if (rc == 0)
		rc = mdb_env_open(env->mdb, conf->dir, MDB_NOTLS, 0600);
	if (rc == 0)
		rc = mdb_reader_check(env->mdb, NULL);
	return rc == 0 ? 0 : lmdb_fail(why, rc, conf->dir);
}

// The whole map gets its room on the disk now, so that a commit can never find the disk full. LMDB
// takes a file of zeros for a damaged one: it has to write its first pages before.
static int map_prepare(struct store_env *env, const char *dir, int fd, char *why)
{
	struct stat st;
	MDB_envinfo info;
	int rc;

	if (fstat(fd, &st) != 0 || mdb_env_info(env->mdb, &info) != 0)
		return fail(why, -EIO, "The data file of the store cannot be read.");
	if ((uint64_t)st.st_size < (info.me_last_pgno + 1) * ENV_PAGE_BYTES)
		return fail(why, -EIO, "The data file in %.150s has been cut short.", dir);
	rc = posix_fallocate(fd, 0, (off_t)env->map_bytes);
	if (rc != 0)
		return fail(why, -rc,
			"There is no room for the store in %.100s (%" PRIu64 " MiB): %s.", dir,
			env->map_bytes >> 20, strerror(rc));
	rc = mdb_env_info(env->mdb, &info);
	if (rc == 0 && info.me_mapaddr != NULL)
		madvise(info.me_mapaddr, info.me_mapsize, MADV_DONTDUMP);
	return 0;
}

static int format_check(const struct view *v, bool *is_new)
{
	struct format_record format;
	struct blob val;
	int rc = db_get_u32(v, DB_META, META_FORMAT, &val);

	*is_new = rc == -ENOENT;
	if (rc == -ENOENT)
		return 0;
	if (rc != 0)
		return rc;
	if (val.len < sizeof(format))
		return -EIO;
	memcpy(&format, val.data, sizeof(format));
	if (memcmp(format.magic, STORE_MAGIC, sizeof(format.magic)) != 0)
		return -EIO;
	return format.format == STORE_FORMAT ? 0 : -EPROTO;
}

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
	bool is_new = false;
	int rc = db_error(
		mdb_dbi_open(mdb, "meta", MDB_INTEGERKEY | MDB_CREATE, &env->dbi[DB_META]));

	// The format is looked at before any other table: another version may have others.
	if (rc == 0)
		rc = format_check(&v, &is_new);
	if (rc == 0)
		rc = db_open_tables(env, mdb);
	if (rc == 0 && is_new)
		rc = format_create(&v);
	if (rc == 0)
		rc = state_load(&v, &state);
	if (rc == 0)
		env->hash_key = state.hash_key;
	return rc;
}

static int tables_open(struct store_env *env, const char *dir, char *why)
{
	struct MDB_txn *mdb;
	int rc = db_error(mdb_txn_begin(env->mdb, NULL, 0, &mdb));

	if (rc == 0) {
		rc = format_open(env, mdb);
		if (rc == 0)
			rc = db_error(mdb_txn_commit(mdb));
		else
			mdb_txn_abort(mdb);
	}
	if (rc == -EPROTO)
		return fail(why, rc,
			"The store %.120s has a format that this program does not know; "
			"it knows version %d.",
			dir, STORE_FORMAT);
	if (rc != 0)
		return fail(why, rc, "The tables of the store %.150s cannot be opened: %s.", dir,
			strerror(-rc));
	return 0;
}

static int env_start(struct store_env *env, const struct store_env_conf *conf, char *why)
{
	int fd = -1;
	int rc = dir_prepare(conf->dir, why);

	if (rc == 0)
		rc = lock_take(env, conf->dir, why);
	if (rc == 0)
		rc = file_open(conf->dir, "data.mdb", &fd, why);
	if (rc == 0)
		rc = map_size(conf, fd, &env->map_bytes, why);
	if (rc == 0)
		rc = lmdb_open(env, conf, why);
	if (rc == 0)
		rc = map_prepare(env, conf->dir, fd, why);
	if (rc == 0)
		rc = tables_open(env, conf->dir, why);
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		return rc;
	rc = import_recover(env);
	if (rc != 0)
		return fail(why, rc,
			"What an interrupted import left in %.120s cannot be cleaned up: "
			"%s.",
			conf->dir, strerror(-rc));
	return 0;
}

int store_env_open(const struct store_env_conf *conf, struct store_env **out, char why[256])
{
	struct store_env *env = calloc(1, sizeof(*env));
	int rc;

	*out = NULL;
	why[0] = '\0';
	if (env == NULL)
		return fail(why, -ENOMEM, "There is no memory for the store.");
	env->lock_fd = -1;
	rc = env_start(env, conf, why);
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
	if (env->mdb != NULL)
		mdb_env_close(env->mdb);
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
		.map_bytes = info.me_mapsize,
		.used_bytes = (info.me_last_pgno + 1) * ENV_PAGE_BYTES,
		.version = info.me_last_txnid,
		.readers = info.me_numreaders,
	};
	return 0;
}
