// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "keyset.h"

#include <errno.h>
#include <sys/mman.h>

#define ROOM_MIN 262144
#define GROWTH 8

static int table_push(struct keyset *set, size_t room)
{
	struct keyset_table *t = &set->table[set->tables];
	void *memory;

	if (set->tables == KEYSET_TABLES)
		return -ENOMEM;
	memory = mmap(NULL, room * sizeof(*t->slot), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	// Keys fall anywhere: with small pages, nearly each one would be a page fault.
	madvise(memory, room * sizeof(*t->slot), MADV_HUGEPAGE);
	*t = (struct keyset_table){.slot = memory, .room = room};
	set->tables++;
	return 0;
}

int keyset_init(struct keyset *set, size_t expected)
{
	size_t room = ROOM_MIN;

	*set = (struct keyset){0};
	while (room / 4 * 3 < expected)
		room *= 2;
	return table_push(set, room);
}

void keyset_fini(struct keyset *set)
{
	for (unsigned i = 0; i < set->tables; i++)
		munmap(set->table[i].slot, set->table[i].room * sizeof(*set->table[i].slot));
	*set = (struct keyset){0};
}

// The first slot for a key; the multiplication also spreads keys that are mere numbers.
static size_t slot_of(const struct keyset_table *t, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (t->room - 1);
}

static size_t find(const struct keyset_table *t, uint64_t key)
{
	size_t at = slot_of(t, key);

	while (t->slot[at] != 0 && t->slot[at] != key)
		at = (at + 1) & (t->room - 1);
	return at;
}

static uint64_t not_free(uint64_t key)
{
	return key != 0 ? key : 1;
}

bool keyset_has(const struct keyset *set, uint64_t key)
{
	for (unsigned i = 0; i < set->tables; i++) {
		const struct keyset_table *t = &set->table[i];

		if (t->slot[find(t, not_free(key))] != 0)
			return true;
	}
	return false;
}

int keyset_add(struct keyset *set, uint64_t key)
{
	struct keyset_table *t = &set->table[set->tables - 1];

	if (keyset_has(set, key))
		return 0;
	if (t->count >= t->room / 4 * 3) {
		int rc = table_push(set, GROWTH * t->room);

		if (rc != 0)
			return rc;
		t++;
	}
	t->slot[find(t, not_free(key))] = not_free(key);
	t->count++;
	return 0;
}

void keyset_prefetch(const struct keyset *set, uint64_t key)
{
	for (unsigned i = 0; i < set->tables; i++) {
		const struct keyset_table *t = &set->table[i];

		__builtin_prefetch(&t->slot[slot_of(t, not_free(key))], 1);
	}
}
