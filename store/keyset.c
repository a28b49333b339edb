// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "keyset.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_MIN 64

// The multiplication spreads keys that are mere numbers, and 0 stands for a free slot.
static uint64_t spread(uint64_t key)
{
	uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);

	return mixed != 0 ? mixed : 1;
}

static size_t part_of(uint64_t mixed)
{
	return mixed >> 56;
}

static size_t first_slot(const struct keyset_part *p, uint64_t mixed)
{
	return (size_t)(mixed >> 24) & (p->room - 1);
}

static size_t find(const struct keyset_part *p, uint64_t mixed)
{
	size_t at = first_slot(p, mixed);

	while (p->slot[at] != 0 && p->slot[at] != mixed)
		at = (at + 1) & (p->room - 1);
	return at;
}

static int part_init(struct keyset_part *p, size_t room)
{
	*p = (struct keyset_part){.slot = calloc(room, sizeof(*p->slot)), .room = room};
	return p->slot != NULL ? 0 : -ENOMEM;
}

int keyset_init(struct keyset *set, size_t expected)
{
	size_t room = ROOM_MIN;
	int rc = 0;

	*set = (struct keyset){0};
	while (room / 4 * 3 < expected / KEYSET_PARTS)
		room *= 2;
	for (unsigned i = 0; i < KEYSET_PARTS && rc == 0; i++)
		rc = part_init(&set->part[i], room);
	if (rc != 0)
		keyset_fini(set);
	return rc;
}

void keyset_fini(struct keyset *set)
{
	for (unsigned i = 0; i < KEYSET_PARTS; i++)
		free(set->part[i].slot);
	*set = (struct keyset){0};
}

static int part_grow(struct keyset_part *p)
{
	struct keyset_part bigger;
	int rc = part_init(&bigger, 2 * p->room);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < p->room; i++)
		if (p->slot[i] != 0)
			bigger.slot[find(&bigger, p->slot[i])] = p->slot[i];
	bigger.count = p->count;
	free(p->slot);
	*p = bigger;
	return 0;
}

bool keyset_has(const struct keyset *set, uint64_t key)
{
	uint64_t mixed = spread(key);
	const struct keyset_part *p = &set->part[part_of(mixed)];

	return p->slot[find(p, mixed)] != 0;
}

int keyset_add(struct keyset *set, uint64_t key)
{
	uint64_t mixed = spread(key);
	struct keyset_part *p = &set->part[part_of(mixed)];
	// Parts fill alike; with limits that differ they do not all grow in one call.
	size_t limit = p->room / 2 + p->room / 4 * part_of(mixed) / KEYSET_PARTS;
	size_t at;

	if (p->count >= limit) {
		int rc = part_grow(p);

		if (rc != 0)
			return rc;
	}
	at = find(p, mixed);
	p->count += p->slot[at] == 0;
	p->slot[at] = mixed;
	return 0;
}

void keyset_prefetch(const struct keyset *set, uint64_t key)
{
	uint64_t mixed = spread(key);
	const struct keyset_part *p = &set->part[part_of(mixed)];

	__builtin_prefetch(&p->slot[first_slot(p, mixed)], 1);
}
