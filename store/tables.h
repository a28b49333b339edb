// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a reader keeps in memory of one snapshot, so that the packet path needs no tree walk: where
// the blocks lie in the map, and the suffixes.

#pragma once

#include "index.h"

struct block_table {
	// Addresses of blocks, with BLOCK_WRAPPED where its keys are: so nobody has to look at its
	// head. To look at one at all is a page to read: BLOCK_UNSEEN stands in those that
	// nobody has asked for.
	uintptr_t *block;
	uint32_t count;
	uint32_t room;
};
#define BLOCK_UNSEEN ((uintptr_t)1)
#define BLOCK_WRAPPED ((uintptr_t)2)
#define BLOCK_FLAGS ((uintptr_t)3)

// Blocks of an index by their first tags, and a way in by the upper bits of a tag.
struct index_entry {
	const struct index_block *block;
	uint32_t first;
};
struct index_table {
	struct index_entry *entry;
	uint32_t count;
	uint32_t room;
	uint32_t *way;
	unsigned way_bits;
};

struct suffix_table {
	char (*text)[STORE_NAI_MAX + 1]; // by number
	uint8_t *len;
	uint32_t count; // numbers below count are loaded; 0 stays empty
	uint32_t room;
};

// From the start.
int block_table_load(struct block_table *t, const struct view *v);
// Looks at blocks that were written since, from one version of the table to another. False: it
// has to be loaded from the start.
bool block_table_follow(struct block_table *t, const struct view *v, uint64_t from, uint64_t to);
void block_table_free(struct block_table *t);
// Looks at a block that nobody has asked for.
uintptr_t block_table_look(const struct block_table *t, const struct view *v, uint32_t number);
// Blocks that cannot be used, after a look at each.
uint32_t block_table_damaged(const struct block_table *t, const struct view *v);

static inline const struct store_block *block_of(uintptr_t entry)
{
	return (const struct store_block *)(entry & ~BLOCK_FLAGS);
}

// A block below the count, after a look at it. One that is missing or damaged reads as one whose
// ids are all free.
static inline uintptr_t block_table_entry(
	const struct block_table *t, const struct view *v, uint32_t number)
{
	uintptr_t entry = t->block[number];

	return entry & BLOCK_UNSEEN ? block_table_look(t, v, number) : entry;
}
static inline const struct store_block *block_table_at(
	const struct block_table *t, const struct view *v, uint32_t number)
{
	return block_of(block_table_entry(t, v, number));
}

int index_table_load(struct index_table *t, const struct view *v, enum db_id db);
// Likewise, of the index of B-TIDs.
bool index_table_follow(struct index_table *t, const struct view *v, uint64_t from, uint64_t to);
void index_table_free(struct index_table *t);

static inline const struct index_block *index_table_find(const struct index_table *t, uint32_t tag)
{
	uint32_t i = t->way[tag >> (32 - t->way_bits)];

	while (i + 1 < t->count && t->entry[i + 1].first <= tag)
		i++;
	return t->entry[i].block;
}

static inline void index_table_prefetch(const struct index_table *t, uint32_t tag)
{
	__builtin_prefetch(&t->way[tag >> (32 - t->way_bits)]);
}
static inline void block_table_prefetch(const struct block_table *t, store_id id)
{
	if (id / STORE_BLOCK_SUBSCRIBERS < t->count)
		__builtin_prefetch(&t->block[id / STORE_BLOCK_SUBSCRIBERS]);
}

// Loads what is new: numbers keep their meaning.
int suffix_table_load(struct suffix_table *t, const struct view *v);
void suffix_table_free(struct suffix_table *t);
