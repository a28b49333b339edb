// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "keyset.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_MIN 1024

// The first slot for a key; the multiplication also spreads keys that are mere numbers.
static size_t slot_of(const struct keyset *set, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->room - 1);
}

int keyset_init(struct keyset *set, size_t expected)
{
	*set = (struct keyset){.room = ROOM_MIN};
	while (set->room / 4 * 3 < expected)
		set->room *= 2;
	set->slot = calloc(set->room, sizeof(*set->slot));
	return set->slot != NULL ? 0 : -ENOMEM;
}

void keyset_fini(struct keyset *set)
{
	free(set->slot);
	*set = (struct keyset){0};
}

static size_t find(const struct keyset *set, uint64_t key)
{
	size_t at = slot_of(set, key);

	while (set->slot[at] != 0 && set->slot[at] != key)
		at = (at + 1) & (set->room - 1);
	return at;
}

static uint64_t not_free(uint64_t key)
{
	return key != 0 ? key : 1;
}

bool keyset_has(const struct keyset *set, uint64_t key)
{
	return set->slot[find(set, not_free(key))] != 0;
}

static int grow(struct keyset *set)
{
	struct keyset bigger;
	int rc = keyset_init(&bigger, set->room);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < set->room; i++)
		if (set->slot[i] != 0)
			bigger.slot[find(&bigger, set->slot[i])] = set->slot[i];
	bigger.count = set->count;
	free(set->slot);
	*set = bigger;
	return 0;
}

int keyset_add(struct keyset *set, uint64_t key)
{
	size_t at;

	if (set->count >= set->room / 4 * 3) {
		int rc = grow(set);

		if (rc != 0)
			return rc;
	}
	at = find(set, not_free(key));
	set->count += set->slot[at] == 0;
	set->slot[at] = not_free(key);
	return 0;
}

void keyset_prefetch(const struct keyset *set, uint64_t key)
{
	__builtin_prefetch(&set->slot[slot_of(set, not_free(key))], 1);
}
