// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// An index finds subscribers by the tag of a text. It is a list of blocks ordered by tag: a block
// is stored under its first tag and holds all tags up to the next block. A full block splits in
// two, so that the index grows by itself, a block at a time.
//
// A slot is a hint: whoever finds one compares the full text. So a slot of an unpublished or a
// changed subscriber does no harm.

#pragma once

#include <emmintrin.h>

#include "env.h"

#define INDEX_VERSION 1
#define INDEX_BUCKETS 63
#define INDEX_BUCKET_SLOTS 8
#define INDEX_SLOTS (INDEX_BUCKETS * INDEX_BUCKET_SLOTS)
#define INDEX_FILL 428 // slots in a block made by a split or an import: 85 %

struct index_slot {
	uint32_t tag;
	store_id id; // STORE_ID_NONE: free
};

// 48 octets of head behind LMDB's 16 octets of page head: each bucket is one cache line. Buckets
// are filled from their first slot; what does not fit stands in the buckets behind.
struct index_block {
	uint8_t version;
	uint8_t reserved;
	uint16_t count;
	uint8_t spare[44];
	struct index_slot slot[INDEX_BUCKETS][INDEX_BUCKET_SLOTS];
};
_Static_assert(sizeof(struct index_block) == 4080, "a block fills one LMDB overflow page");

// Walks the slots of one tag: start with 0 in pos, STORE_ID_NONE ends the walk.
static inline unsigned index_bucket(uint32_t tag)
{
	return (unsigned)((uint64_t)(tag * UINT32_C(0x9e3779b1)) * INDEX_BUCKETS >> 32);
}
// A bit for each slot of a bucket that has the tag: no branch hangs on where it stands.
static inline unsigned index_bucket_hits(
	const struct index_slot slot[INDEX_BUCKET_SLOTS], uint32_t tag)
{
	const __m128i wanted = _mm_set1_epi32((int)tag);
	unsigned hits = 0;

	for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i += 4) {
		__m128 one = _mm_loadu_ps((const float *)(slot + i));
		__m128 two = _mm_loadu_ps((const float *)(slot + i + 2));
		__m128i tags = _mm_castps_si128(_mm_shuffle_ps(one, two, _MM_SHUFFLE(2, 0, 2, 0)));

		hits |= (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(tags, wanted)))
			<< i;
	}
	return hits;
}
static inline store_id index_block_next(
	const struct index_block *block, uint32_t tag, unsigned *pos)
{
	unsigned bucket = index_bucket(tag);

	while (*pos < INDEX_SLOTS) {
		unsigned b = bucket + *pos / INDEX_BUCKET_SLOTS, from = *pos % INDEX_BUCKET_SLOTS;
		const struct index_slot *slot =
			block->slot[b < INDEX_BUCKETS ? b : b - INDEX_BUCKETS];
		unsigned hits = index_bucket_hits(slot, tag) >> from;

		if (hits != 0) {
			// That of a free slot is none, too.
			from += (unsigned)__builtin_ctz(hits);
			*pos += (unsigned)__builtin_ctz(hits) + 1;
			return slot[from].id;
		}
		if (slot[INDEX_BUCKET_SLOTS - 1].id == STORE_ID_NONE)
			break;
		*pos += INDEX_BUCKET_SLOTS - from;
	}
	return STORE_ID_NONE;
}

void index_block_init(struct index_block *block);
// The block has to have a free slot.
void index_block_add(struct index_block *block, struct index_slot slot);
// Copies the slots out, in no order. Returns how many.
size_t index_block_slots(const struct index_block *block, struct index_slot out[INDEX_SLOTS]);
// NULL unless the value is a block of a version that is known.
const struct index_block *index_block_check(struct blob val);

// Sorts by tag; tmp has room for n.
void index_sort(struct index_slot *slots, struct index_slot *tmp, size_t n);

int index_create(const struct view *v, enum db_id db);
// The block that holds a tag, and the tags first .. last that it covers.
struct index_place {
	const struct index_block *block;
	uint32_t first;
	uint32_t last;
};
int index_find(const struct view *v, enum db_id db, uint32_t tag, struct index_place *out);

// Adds n slots, ordered by tag. A slot that is there already is not added again.
int index_insert(struct store_txn *txn, enum db_id db, const struct index_slot *slots, size_t n);
int index_remove(struct store_txn *txn, enum db_id db, struct index_slot slot);
// Drops all slots with ids of span and above, in at most `most` blocks from *tag on. Returns 1
// and moves *tag while there are more blocks, else 0.
int index_trim(struct store_txn *txn, enum db_id db, uint32_t *tag, unsigned most);
