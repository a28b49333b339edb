// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (1024 * 1024)

struct ue_arena_chunk {
	struct ue_arena_chunk *next;
	size_t used;
	size_t size;
	uint8_t data[];
};

static struct ue_arena_chunk *chunk_create(size_t size)
{
	struct ue_arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (chunk != NULL) {
		chunk->used = 0;
		chunk->size = size;
	}
	return chunk;
}

void *ue_arena_copy(struct ue_arena *arena, const void *data, size_t len)
{
	struct ue_arena_chunk *chunk = arena->chunks;
	void *copy;

	if (chunk == NULL || chunk->size - chunk->used < len) {
		chunk = chunk_create(len > CHUNK_BYTES ? len : CHUNK_BYTES);
		if (chunk == NULL)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	copy = chunk->data + chunk->used;
	if (len > 0)
		memcpy(copy, data, len);
	chunk->used += len;
	return copy;
}

void ue_arena_fini(struct ue_arena *arena)
{
	while (arena->chunks != NULL) {
		struct ue_arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}
