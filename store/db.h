// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The tables of the store and the only way to them. LMDB's types and error codes end here.

#pragma once

#include <stddef.h>

#include "types.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;
struct store_env;
struct state_record;

// The numbers are part of what seals authenticate: add at the end, never change one.
enum db_id {
	DB_META, // enum meta_key
	DB_HOT, // block number -> store_block
	DB_COLD, // block number -> cold_block
	DB_PREV, // subscriber -> prev_record
	DB_RAW, // subscriber << 1 | enum raw_kind -> text
	DB_IMPI, // first tag -> index_block
	DB_BTID, // first tag -> index_block; current and previous B-TIDs
	DB_SUFFIX, // number -> text
	DB_SUFFIX_TEXT,
	DB_SET, // number -> service ids, ascending
	DB_SET_LIST,
	DB_SERVICE, // id -> service_record
	DB_SERVICE_NAME,
	DB_GROUP, // group_key -> group_record
	DB_MSK, // msk_key -> msk_record
	DB_CAMPAIGN, // id -> campaign_record
	DB_SLICE, // campaign << 32 | slice -> member states
	DB_FREE, // subscriber ids that may be given out again
	DB_CHANGE, // number -> change_record: the side list of an import
	DB_KEY, // number -> key_record: data keys under the wrapping key
	DB_MTK, // msk_key -> mtks_record
	DB_BEARER, // group_key -> bearer_record
	DB_COUNT,
};

// Tables from here on came later in this format: a store that nobody has written to since has none.
#define DB_LATER DB_MTK

enum raw_kind {
	RAW_BTID,
	RAW_IMPI,
};

struct blob {
	const void *data;
	size_t len;
};

// One snapshot, or a write transaction with its own changes. state is part of it.
struct view {
	struct store_env *env;
	struct MDB_txn *mdb;
	const struct state_record *state;
};

// 0 or -errno for what LMDB returned.
int db_error(int mdb_rc);

int db_get(const struct view *v, enum db_id db, struct blob key, struct blob *val);
int db_put(const struct view *v, enum db_id db, struct blob key, struct blob val);
// For a key above all others of the table.
int db_append(const struct view *v, enum db_id db, struct blob key, struct blob val);
// -ENOENT when it was not there.
int db_del(const struct view *v, enum db_id db, struct blob key);

int db_get_u32(const struct view *v, enum db_id db, uint32_t key, struct blob *val);
int db_put_u32(const struct view *v, enum db_id db, uint32_t key, const void *data, size_t len);
int db_del_u32(const struct view *v, enum db_id db, uint32_t key);
int db_put_u64(const struct view *v, enum db_id db, uint64_t key, const void *data, size_t len);
// Removes all entries of a table.
int db_clear(const struct view *v, enum db_id db);
// Number of entries.
int db_entries(const struct view *v, enum db_id db, uint64_t *entries);

#define ENV_PAGE_BYTES 4096
// Pages that are kept for undoing and removing when the map is full: what adds, asks before.
#define ENV_RESERVE_PAGES 64
// -ENOSPC unless the map has so many pages that are free or were never used.
int env_has_room(struct store_env *env, uint64_t pages);

// A cursor points at key and val until it moves or the transaction writes.
struct db_cursor {
	struct MDB_cursor *mdb;
	struct blob key;
	struct blob val;
};

int db_cursor_open(const struct view *v, enum db_id db, struct db_cursor *c);
void db_cursor_close(struct db_cursor *c);
// All return -ENOENT when there is no such entry.
int db_cursor_first(struct db_cursor *c);
int db_cursor_last(struct db_cursor *c);
int db_cursor_next(struct db_cursor *c);
int db_cursor_prev(struct db_cursor *c);
// The first entry at or above the key.
int db_cursor_seek(struct db_cursor *c, struct blob key);
int db_cursor_del(struct db_cursor *c);

static inline struct blob blob_u32(const uint32_t *key)
{
	return (struct blob){key, sizeof(*key)};
}
static inline uint32_t blob_to_u32(struct blob b)
{
	uint32_t v = 0;

	if (b.len == sizeof(v))
		__builtin_memcpy(&v, b.data, sizeof(v));
	return v;
}
static inline uint64_t blob_to_u64(struct blob b)
{
	uint64_t v = 0;

	if (b.len == sizeof(v))
		__builtin_memcpy(&v, b.data, sizeof(v));
	return v;
}
