// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "muk_cache.h"

#include <stdlib.h>
#include <string.h>

#include "vault.h"
#include "wrap.h"

// What 92,160 subscribers need, 3.6 MiB.
#define CHUNK_BLOCKS 2048
#define CHUNKS_MAX 128 // 11.8 million subscribers, 466 MiB

struct slot {
	uint32_t number;
	uint32_t data_key; // WRAP_CLEAR: empty
	uint8_t nonce[12]; // with the data key it names what was sealed
};

struct chunk {
	struct slot slot[CHUNK_BLOCKS];
	struct store_muk_state muk[CHUNK_BLOCKS][STORE_BLOCK_SUBSCRIBERS];
};

struct muk_cache {
	struct chunk *chunk[CHUNKS_MAX]; // of a block: number / CHUNK_BLOCKS; NULL: not asked for
	struct chunk *own[CHUNKS_MAX]; // those there are, each in one place or in several; the
				       // first one is made for place 0
	unsigned owns;
	bool is_full; // no more memory can be had that is locked
};

struct muk_cache *muk_cache_create(void)
{
	struct muk_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->own[0] = vault_alloc(sizeof(struct chunk));
	if (c->own[0] == NULL) {
		free(c);
		return NULL;
	}
	c->owns = 1;
	return c;
}

void muk_cache_destroy(struct muk_cache *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->owns; i++)
		vault_free(c->own[i], sizeof(struct chunk));
	free(c);
}

// A place that is asked for the first time gets memory of its own, or shares it when no more can be
// locked.
static struct chunk *chunk_take(struct muk_cache *c, unsigned at)
{
	struct chunk *fresh = NULL;

	if (at == 0)
		return c->chunk[0] = c->own[0];
	if (!c->is_full)
		fresh = vault_alloc(sizeof(*fresh));
	if (fresh != NULL && !vault_is_locked(fresh, sizeof(*fresh))) {
		vault_free(fresh, sizeof(*fresh));
		fresh = NULL;
	}
	c->is_full = fresh == NULL;
	if (fresh != NULL)
		c->own[c->owns++] = fresh;
	c->chunk[at] = fresh != NULL ? fresh : c->own[at % c->owns];
	return c->chunk[at];
}

static struct chunk *chunk_of(struct muk_cache *c, uint32_t number)
{
	unsigned at = number / CHUNK_BLOCKS % CHUNKS_MAX;

	return c->chunk[at] != NULL ? c->chunk[at] : chunk_take(c, at);
}

void muk_cache_prefetch(const struct muk_cache *c, store_id id)
{
	uint32_t number = id / STORE_BLOCK_SUBSCRIBERS;
	const struct chunk *chunk = c->chunk[number / CHUNK_BLOCKS % CHUNKS_MAX];
	const struct store_muk_state *muk;

	if (chunk == NULL)
		return;
	muk = &chunk->muk[number % CHUNK_BLOCKS][id % STORE_BLOCK_SUBSCRIBERS];
	__builtin_prefetch(&chunk->slot[number % CHUNK_BLOCKS]);
	__builtin_prefetch(muk);
	__builtin_prefetch((const uint8_t *)(muk + 1) - 1);
}

static bool is_in(const struct slot *slot, uint32_t number, const struct store_block *block)
{
	return slot->number == number && slot->data_key == block->data_key &&
		memcmp(slot->nonce, block->nonce, sizeof(slot->nonce)) == 0;
}

const struct store_muk_state *muk_cache_get(
	struct muk_cache *c, const struct view *v, uint32_t number, const struct store_block *block)
{
	struct chunk *chunk = chunk_of(c, number);
	struct slot *slot = &chunk->slot[number % CHUNK_BLOCKS];
	struct store_muk_state *muk = chunk->muk[number % CHUNK_BLOCKS];

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
