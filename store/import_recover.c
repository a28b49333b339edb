// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Removing what an import left above the span. All steps can be taken again, from the start.

#include <errno.h>
#include <string.h>

#include "import.h"

#define BATCH_BLOCKS 512
#define BATCH_ENTRIES 1024
#define APPLY_BATCH 1000

// Deletes entries from the last one down to a key. 1 when `most` were deleted.
static int table_cut(struct store_txn *txn, enum db_id db, uint64_t first, unsigned most)
{
	struct db_cursor c;
	unsigned n = 0;
	int rc = db_cursor_open(&txn->view, db, &c);

	if (rc != 0)
		return rc;
	for (rc = db_cursor_last(&c); rc == 0 && n < most; rc = db_cursor_last(&c)) {
		uint64_t key = c.key.len == 8 ? blob_to_u64(c.key) : blob_to_u32(c.key);

		if (key < first)
			break;
		rc = db_cursor_del(&c);
		if (rc != 0)
			break;
		n++;
	}
	db_cursor_close(&c);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	return n == most;
}

// The cold block that the span cuts: what is behind the cut holds secrets of nobody.
static int cold_cut(struct store_txn *txn)
{
	uint32_t number = txn->state.span / COLD_BLOCK_SUBSCRIBERS;
	unsigned keep = txn->state.span % COLD_BLOCK_SUBSCRIBERS;
	size_t drop = COLD_BLOCK_SUBSCRIBERS - keep;
	struct cold_block block;
	int rc = cold_block_load(&txn->view, number, &block);

	if (rc == 0 && block.seat.count > keep) {
		memset(block.impi + keep, 0, drop * sizeof(*block.impi));
		memset(block.impi_suffix + keep, 0, drop * sizeof(*block.impi_suffix));
		memset(block.secret.muk + keep, 0, drop * sizeof(*block.secret.muk));
		memset(block.secret.mrk + keep, 0, drop * sizeof(*block.secret.mrk));
		block.seat.count = (uint8_t)keep;
		rc = cold_block_put(txn, number, &block);
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

static uint32_t blocks_of(store_id span, uint32_t each)
{
	return (span + each - 1) / each;
}

// One bounded step in one table; 1 while the table has more.
static int table_clean(struct store_txn *txn, struct cleanup *at, unsigned part)
{
	store_id span = txn->state.span;

	switch (at->table) {
	case 0:
		return table_cut(
			txn, DB_HOT, blocks_of(span, STORE_BLOCK_SUBSCRIBERS), BATCH_BLOCKS / part);
	case 1:
		return table_cut(
			txn, DB_COLD, blocks_of(span, COLD_BLOCK_SUBSCRIBERS), BATCH_BLOCKS / part);
	case 2:
		return cold_cut(txn);
	case 3:
		return table_cut(txn, DB_RAW, (uint64_t)span << 1, BATCH_ENTRIES / part);
	case 4:
		return table_cut(txn, DB_CHANGE, 0, BATCH_ENTRIES / part);
	case 5:
		return index_trim(txn, DB_IMPI, &at->tag, BATCH_BLOCKS / part);
	case 6:
		return index_trim(txn, DB_BTID, &at->tag, BATCH_BLOCKS / part);
	default:
		txn_state(txn)->import = IMPORT_NONE;
		return 0;
	}
}

static int clean_step(struct store_env *env, struct cleanup *at, unsigned part)
{
	struct cleanup next = *at;
	struct store_txn *txn;
	int rc = store_txn_begin(env, &txn), more;

	if (rc != 0)
		return rc;
	more = table_clean(txn, &next, part);
	if (more < 0) {
		store_txn_abort(txn);
		return more;
	}
	rc = store_txn_commit(txn);
	if (rc != 0)
		return rc;
	if (more == 0)
		next = (struct cleanup){.table = next.table + 1};
	*at = next;
	return at->table <= 7;
}

int import_cleanup(struct store_env *env, struct cleanup *at)
{
	int rc;

	// In a full map a smaller step may still fit, and gives pages back.
	for (unsigned part = 1; part <= BATCH_BLOCKS; part *= 8) {
		rc = clean_step(env, at, part);
		if (rc != -ENOSPC)
			break;
	}
	return rc;
}

int import_recover(struct store_env *env)
{
	struct cleanup at = {0};
	struct store_txn *txn;
	uint8_t phase;
	int rc = store_txn_begin(env, &txn);

	if (rc != 0)
		return rc;
	phase = txn->state.import;
	store_txn_abort(txn);
	if (phase == IMPORT_NONE)
		return 0;
	do {
		rc = phase == IMPORT_APPLYING ? import_apply(env, APPLY_BATCH)
					      : import_cleanup(env, &at);
	} while (rc == 1);
	return rc;
}
