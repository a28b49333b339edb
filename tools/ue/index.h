// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A hash index from text, addresses or keys to positions in an array. It keeps 32-bit hashes
// only: the caller compares. Entries are never removed; one that no longer holds is passed over
// because the caller's comparison fails.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UE_NONE UINT32_MAX // "no position"

struct ue_index_slot {
	uint32_t hash;
	uint32_t entry; // position + 1; 0 is free
};

struct ue_index {
	struct ue_index_slot *slots;
	size_t capacity; // a power of two, at least twice `used`
	size_t used;
};

// Makes room for `count` entries altogether. -ENOMEM leaves the index as it was.
int ue_index_reserve(struct ue_index *index, size_t count);
void ue_index_fini(struct ue_index *index);
// Adds an entry, growing when needed. 0 or -ENOMEM.
int ue_index_add(struct ue_index *index, uint32_t hash, uint32_t entry);

// Walks the entries with this hash: start with *cursor = hash; UE_NONE ends the walk.
static inline uint32_t ue_index_next(const struct ue_index *index, uint32_t hash, size_t *cursor)
{
	if (index->capacity == 0)
		return UE_NONE;
	for (;;) {
		const struct ue_index_slot *slot = &index->slots[*cursor & (index->capacity - 1)];

		if (slot->entry == 0)
			return UE_NONE;
		(*cursor)++;
		if (slot->hash == hash)
			return slot->entry - 1;
	}
}

// Multiplies and folds eight octets at a time, so that every one of them reaches the low bits.
static inline uint32_t ue_hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = 0x9e3779b97f4a7c15u ^ len;

	while (len > 0) {
		uint64_t word = 0;
		size_t n = len < sizeof(word) ? len : sizeof(word);
		unsigned __int128 product;

		memcpy(&word, p, n);
		product = (unsigned __int128)(h ^ word) * 0xa0761d6478bd642fu;
		h = (uint64_t)product ^ (uint64_t)(product >> 64);
		p += n;
		len -= n;
	}
	return (uint32_t)(h ^ (h >> 32));
}
