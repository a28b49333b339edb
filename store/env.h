// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The open store and its write transaction, inside the room.

#pragma once

#include "db.h"
#include "record.h"
#include "writer.h"

struct store_env {
	struct MDB_env *mdb;
	unsigned int dbi[DB_COUNT];
	int lock_fd;
	uint64_t map_bytes;
	struct hash_key hash_key; // never changes after creation
	struct wrap *wrap; // data keys, wrap_keys.h
	struct store_import *import; // the open one; writer only
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
	struct suffix_memo memo[SUFFIX_MEMOS];
};

#define ENV_MAP_BYTES_MIN (1 << 20)

// env_create.c: makes the store of a directory that has none. why gets a sentence.
int env_create_missing(const char *dir, char *why);

// Opens all tables, making them in a new store.
int db_open_tables(struct store_env *env, struct MDB_txn *mdb, bool is_new);

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
