// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A copy of a store that is in use. It has no free pages, so also nothing of what once lay in them.
// It says of itself that it is a copy: whatever opens it as a store, by whatever way it came
// there, skips Key Numbers that the original may have used since.

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "files.h"

#define PART ".part" // until it is whole

static int copy_write(struct store_env *env, const char *part)
{
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = db_error(mdb_env_copyfd2(env->mdb, fd, MDB_CP_COMPACT));
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int copy_mark_in(MDB_txn *mdb, struct store_backup_result *result)
{
	struct store_env env = {.dbi = {0}};
	struct view v = {.env = &env, .mdb = mdb};
	struct state_record state;
	int rc = db_error(mdb_dbi_open(mdb, "meta", MDB_INTEGERKEY, &env.dbi[DB_META]));

	if (rc == 0)
		rc = state_load(&v, &state);
	state.is_copy = true;
	if (rc == 0)
		rc = db_put_u32(&v, DB_META, META_STATE, &state, sizeof(state));
	result->version = mdb_txn_id(mdb) - 1;
	return rc;
}

int copy_mark(const char *part, struct store_backup_result *result)
{
	char lock[PATH_BYTES];
	MDB_env *mdb = NULL;
	MDB_txn *txn = NULL;
	int rc = db_error(mdb_env_create(&mdb));

	if (rc == 0)
		rc = db_error(mdb_env_set_maxdbs(mdb, DB_COUNT));
	if (rc == 0)
		rc = db_error(mdb_env_open(mdb, part, MDB_NOTLS | MDB_NOSUBDIR, 0600));
	if (rc == 0)
		rc = db_error(mdb_txn_begin(mdb, NULL, 0, &txn));
	if (rc == 0) {
		rc = copy_mark_in(txn, result);
		if (rc == 0)
			rc = db_error(mdb_txn_commit(txn));
		else
			mdb_txn_abort(txn);
	}
	if (mdb != NULL)
		mdb_env_close(mdb);
	if (snprintf(lock, sizeof(lock), "%s-lock", part) < PATH_BYTES)
		unlink(lock);
	return rc;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

// Where the file system cannot take a name only if it is free, it is looked at once more: writing
// the copy has taken a while.
static int name_take(const char *part, const char *path)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (is_there(path))
		return -EEXIST;
	return rename(part, path) == 0 ? 0 : -errno;
}

static int copy_install(const char *part, const char *path, struct store_backup_result *result)
{
	char dir[PATH_BYTES];
	struct stat st;
	int rc = stat(part, &st) == 0 ? name_take(part, path) : -errno;

	if (rc != 0)
		return rc;
	result->bytes = (uint64_t)st.st_size;
	strcpy(dir, path);
	strrchr(dir, '/')[dir[0] == '/' && strrchr(dir, '/') == dir] = '\0';
	return dir_sync(dir);
}

int store_backup(
	struct store_env *env, const char *path, struct store_backup_result *result, char why[256])
{
	char part[PATH_BYTES];
	int rc = 0;

	*result = (struct store_backup_result){0};
	if (path[0] != '/' || strlen(path) + sizeof(PART) > sizeof(part))
		return why_not(why, -EINVAL, "A backup is named by an absolute path.");
	if (is_there(path))
		return why_not(why, -EEXIST, "%.150s is there: a backup replaces no file.", path);
	snprintf(part, sizeof(part), "%s" PART, path);
	rc = copy_write(env, part);
	if (rc == -EEXIST)
		return why_not(why, rc,
			"%.150s is there: another backup runs, or one did not end; remove it then.",
			part);
	if (rc == 0)
		rc = copy_mark(part, result);
	if (rc == 0)
		rc = copy_install(part, path, result);
	if (rc == 0)
		return 0;
	unlink(part);
	return why_not(why, rc, "The backup %.150s cannot be written: %s.", path, strerror(-rc));
}
