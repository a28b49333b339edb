// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "muk_cache.h"

#include <string.h>

#include "vault.h"
#include "wrap.h"

// Blocks by the lower bits of their numbers: 92,160 subscribers in 3.6 MiB. A sweep at 5 million a
// second comes back to a slot after 18 ms, so that most answers find their block.
#define SLOTS 2048

struct slot {
	uint32_t number;
	uint32_t data_key; // WRAP_CLEAR: empty
	uint8_t nonce[12]; // with the data key it names what was sealed
};

struct muk_cache {
	struct slot slot[SLOTS];
	struct store_muk_state muk[SLOTS][STORE_BLOCK_SUBSCRIBERS];
};

struct muk_cache *muk_cache_create(void)
{
	return vault_alloc(sizeof(struct muk_cache));
}

void muk_cache_destroy(struct muk_cache *c)
{
	vault_free(c, sizeof(*c));
}

static bool is_in(const struct slot *slot, uint32_t number, const struct store_block *block)
{
	return slot->number == number && slot->data_key == block->data_key &&
		memcmp(slot->nonce, block->nonce, sizeof(slot->nonce)) == 0;
}

const struct store_muk_state *muk_cache_get(
	struct muk_cache *c, const struct view *v, uint32_t number, const struct store_block *block)
{
	struct slot *slot = &c->slot[number % SLOTS];
	struct store_muk_state *muk = c->muk[number % SLOTS];

	if (is_in(slot, number, block))
		return muk;
	slot->data_key = WRAP_CLEAR;
	if (wrap_open_secrets(
		    v, DB_HOT, blob_u32(&number), (struct blob){block, sizeof(*block)}, muk) != 0)
		return NULL;
	slot->number = number;
	slot->data_key = block->data_key;
	memcpy(slot->nonce, block->nonce, sizeof(slot->nonce));
	return muk;
}
