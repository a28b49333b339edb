// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A reader, inside the room.

#pragma once

#include "muk_cache.h"
#include "tables.h"

struct store_reader {
	struct view view; // view.state points at state below
	struct state_record state;
	uint64_t version;
	bool is_loaded; // the tables below belong to this snapshot
	bool was_idle; // what a table points at may have been written since
	struct block_table hot;
	struct index_table btid;
	struct suffix_table suffix;
	struct muk_cache *muks; // NULL until the first wrapped one is asked for
};

// A MUK mostly lies across two cache lines, in the map or, wrapped, in the cache.
// at: place of the id in its block
static inline void reader_prefetch_muk(
	const struct store_reader *r, store_id id, const struct store_block *block, unsigned at)
{
	const struct store_muk_state *muk = &block->muk[at];

	if (r->muks != NULL) {
		__builtin_prefetch(block); // its head tells what was unwrapped
		muk_cache_prefetch(r->muks, id);
		return;
	}
	__builtin_prefetch(muk);
	__builtin_prefetch((const uint8_t *)(muk + 1) - 1);
}

// Ends those that wait for the next store_reader_create().
void readers_free(struct store_env *env);
