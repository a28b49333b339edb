// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "index.h"

#include <errno.h>
#include <stdlib.h>

static void slot_put(struct ue_index_slot *slots, size_t capacity, struct ue_index_slot slot)
{
	size_t at = slot.hash & (capacity - 1);

	while (slots[at].entry != 0)
		at = (at + 1) & (capacity - 1);
	slots[at] = slot;
}

int ue_index_reserve(struct ue_index *index, size_t count)
{
	size_t capacity = index->capacity != 0 ? index->capacity : 16;
	struct ue_index_slot *slots;

	while (capacity < 2 * count)
		capacity *= 2;
	if (capacity == index->capacity)
		return 0;
	slots = calloc(capacity, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < index->capacity; i++) {
		if (index->slots[i].entry != 0)
			slot_put(slots, capacity, index->slots[i]);
	}
	free(index->slots);
	index->slots = slots;
	index->capacity = capacity;
	return 0;
}

void ue_index_fini(struct ue_index *index)
{
	free(index->slots);
	*index = (struct ue_index){0};
}

int ue_index_add(struct ue_index *index, uint32_t hash, uint32_t entry)
{
	int rc = ue_index_reserve(index, index->used + 1);

	if (rc != 0)
		return rc;
	slot_put(index->slots, index->capacity, (struct ue_index_slot){hash, entry + 1});
	index->used++;
	return 0;
}
