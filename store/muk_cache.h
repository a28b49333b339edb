// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The key states of one reader in the clear, block by block, as they are first used: neighbours are
// mostly wanted together, again when they answer, and in the next round. It holds all of up to 11.8
// million subscribers, as far as memory can be locked for them; beyond that blocks share places.
// Blocks that lie in the clear do not go through here. One thread.

#pragma once

#include "db.h"

struct muk_cache;

// NULL when there is no memory; the states are then unwrapped for each use.
struct muk_cache *muk_cache_create(void);
void muk_cache_destroy(struct muk_cache *c);
// Brings the states of a subscriber near, if they are in.
void muk_cache_prefetch(const struct muk_cache *c, store_id id);
// The states of a block that is wrapped, valid until the next call. NULL: it is not what was
// sealed.
const struct store_muk_state *muk_cache_get(struct muk_cache *c, const struct view *v,
	uint32_t number, const struct store_block *block);
