// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The open store and its write transaction, inside the room.

#pragma once

#include "db.h"
#include "moves.h"
#include "record.h"
#include "writer.h"

#include <pthread.h>
#include <stdatomic.h>

#define ENV_IDLE_READERS 4

struct store_env {
	struct MDB_env *mdb;
	unsigned int dbi[DB_COUNT];
	int lock_fd;
	bool is_read_only;
	unsigned key_numbers_skipped;
	struct numbers *numbers; // of the mark file; NULL until it is there. Writer only
	_Atomic uint64_t map_bytes; // set aside on the disk; writer: rw, others: ro
	uint64_t map_max_bytes;
	bool is_disk_full; // it gave no more; writer only, as the next
	int64_t grow_again_s;
	struct hash_key hash_key; // never changes after creation
	struct wrap *wrap; // data keys, wrap_keys.h
	struct store_import *import; // the open one; writer only
	struct move_log *hot_moves; // by hot_version; NULL: none is kept
	struct move_log *btid_moves; // by index_version
	pthread_mutex_t idle_lock; // guards the next two
	struct store_reader *idle[ENV_IDLE_READERS]; // without a snapshot, but with their tables
	unsigned idles;
};

// Suffixes that a transaction has just met: rows of an import mostly have the same.
#define SUFFIX_MEMOS 8
struct suffix_memo {
	uint16_t number; // 0: empty
	uint8_t len;
	char text[STORE_NAI_MAX];
};

struct store_txn {
	struct view view; // view.state points at state below
	struct state_record state;
	bool is_state_dirty;
	struct store_txn *parent;
	uint64_t hot_from, index_from; // versions before it, of the outermost one
	struct moves hot; // blocks that it writes
	struct moves btid;
	struct suffix_memo memo[SUFFIX_MEMOS];
};

#define ENV_MAP_BYTES_MIN (1 << 20)

// env_create.c. Stores are made under another name; the caller gives them theirs.
#define ENV_NEW_FILE "data.new"
// Makes the store of a directory that has none. why gets a sentence.
int env_create_missing(const char *dir, char *why);
// Makes an empty store in ENV_NEW_FILE and opens it.
int env_create_new(const char *dir, uint64_t map_bytes, const char *wrapping_key,
	struct store_env **out, char *why);
// Opens a file of format 1, read only.
int env_open_format_1(const char *path, struct store_env **out, char *why);

// backup.c: notes in a data file that nobody uses that it is a copy.
int copy_mark(const char *path, struct store_backup_result *result);
// copy.c: what a copy of a store has to do before it is one.
int copy_recover(struct store_env *env);

// room.c: sets more of the disk aside when little is left of what is.
void env_keep_room(struct store_env *env);

// Opens the first n tables, making them in a new store.
int db_open_tables(struct store_env *env, struct MDB_txn *mdb, int n, bool is_new);

static inline struct state_record *txn_state(struct store_txn *txn)
{
	txn->is_state_dirty = true;
	return &txn->state;
}

// Reads the state record of a snapshot. -EPROTO, -EIO.
int state_load(const struct view *v, struct state_record *out);

// The 32 bits under which a B-TID or IMPI stands in its index.
static inline uint32_t env_tag(const struct store_env *env, const void *text, size_t len)
{
	return (uint32_t)(hash_bytes(&env->hash_key, text, len) >> 32);
}
static inline void env_tag_pair(
	const struct store_env *env, const struct hash_text text[2], uint32_t tag[2])
{
	uint64_t hash[2];

	hash_pair(&env->hash_key, text, hash);
	tag[0] = (uint32_t)(hash[0] >> 32);
	tag[1] = (uint32_t)(hash[1] >> 32);
}
