// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Room in the data file. LMDB's map is as large as the store may ever be, which costs addresses
// only; the disk under it is set aside in steps, before it is needed: readers never see the map
// move. When the disk gives no more, what adds is refused before it begins, and what has to be
// written goes into the pages that were kept for it.

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <time.h>

#include "env.h"

#define GROW_MIN_BYTES (UINT64_C(8) << 20)
#define RETRY_S 1

// FREE_DBI is table 0: its values are lists of page numbers that begin with their length.
static int free_pages(MDB_txn *mdb, uint64_t *pages)
{
	MDB_cursor *cursor;
	MDB_val key, val;
	int rc = mdb_cursor_open(mdb, 0, &cursor);

	*pages = 0;
	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) == 0)
		if (val.mv_size >= sizeof(size_t))
			*pages += *(const size_t *)val.mv_data;
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int room_with_free_pages(struct store_env *env, uint64_t *room)
{
	uint64_t pages;
	MDB_txn *mdb;
	int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &mdb);

	if (rc != 0)
		return rc;
	rc = free_pages(mdb, &pages);
	mdb_txn_abort(mdb);
	*room += rc == 0 ? pages : 0;
	return rc;
}

static uint64_t fresh_pages(const struct store_env *env, const MDB_envinfo *info)
{
	uint64_t pages = atomic_load(&env->map_bytes) / ENV_PAGE_BYTES;
	uint64_t used = info->me_last_pgno + 1;

	return pages > used ? pages - used : 0;
}

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static bool file_grow_by(struct store_env *env, uint64_t more)
{
	uint64_t bytes = atomic_load(&env->map_bytes);
	int fd;

	more -= more % ENV_PAGE_BYTES;
	if (bytes + more > env->map_max_bytes)
		more = env->map_max_bytes - bytes;
	if (more == 0 || mdb_env_get_fd(env->mdb, &fd) != 0)
		return false;
	env->is_disk_full = posix_fallocate(fd, (off_t)bytes, (off_t)more) != 0;
	if (!env->is_disk_full)
		atomic_store(&env->map_bytes, bytes + more);
	return !env->is_disk_full;
}

// A quarter more if that can be had, else `pages`. A disk that is full is asked again a second
// later.
static bool file_grow(struct store_env *env, uint64_t pages)
{
	uint64_t bytes = atomic_load(&env->map_bytes), least = pages * ENV_PAGE_BYTES;
	uint64_t more = bytes / 4 > GROW_MIN_BYTES ? bytes / 4 : GROW_MIN_BYTES;

	if (env->is_disk_full && now_s() < env->grow_again_s)
		return false;
	env->grow_again_s = now_s() + RETRY_S;
	return file_grow_by(env, more > least ? more : least) ||
		(least != 0 && least < more && file_grow_by(env, least));
}

void env_keep_room(struct store_env *env)
{
	uint64_t pages = atomic_load(&env->map_bytes) / 8 / ENV_PAGE_BYTES;
	MDB_envinfo info;

	if (mdb_env_info(env->mdb, &info) == 0 && fresh_pages(env, &info) < pages)
		file_grow(env, 0);
}

int env_has_room(struct store_env *env, uint64_t pages)
{
	uint64_t room;
	MDB_envinfo info;
	int rc = mdb_env_info(env->mdb, &info);

	if (rc != 0)
		return db_error(rc);
	room = fresh_pages(env, &info);
	if (room < pages && file_grow(env, pages))
		room = fresh_pages(env, &info);
	if (room < pages)
		rc = room_with_free_pages(env, &room);
	if (rc != 0)
		return db_error(rc);
	return room < pages ? -ENOSPC : 0;
}
