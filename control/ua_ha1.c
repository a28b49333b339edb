// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_ha1.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOCKS 64
#define PART 1024 // entries: 48 KiB

struct entry {
	uint8_t ha1[32];
	uint64_t least; // versions below it are from before the last change
	uint32_t id_plus_1; // 0: free
	uint32_t tag;
};

struct ua_ha1 {
	struct entry *entry; // zero pages cost nothing
	size_t entries; // power of 2
	_Atomic bool *is_used; // of each part: something was put into it
	pthread_mutex_t lock[LOCKS]; // of each entry: entry modulo LOCKS
};

int ua_ha1_create(size_t entries, struct ua_ha1 **out)
{
	struct ua_ha1 *t = calloc(1, sizeof(*t));
	size_t size = 1;

	if (t == NULL)
		return -ENOMEM;
	while (size < entries)
		size <<= 1;
	t->is_used = calloc(size / PART + 1, sizeof(*t->is_used));
	t->entry = mmap(NULL, size * sizeof(*t->entry), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->is_used == NULL || t->entry == MAP_FAILED) {
		if (t->entry != MAP_FAILED)
			munmap(t->entry, size * sizeof(*t->entry));
		free(t->is_used);
		free(t);
		return -ENOMEM;
	}
	madvise(t->entry, size * sizeof(*t->entry), MADV_DONTDUMP);
	t->entries = size;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&t->lock[i], NULL);
	*out = t;
	return 0;
}

// Only what was used is wiped: to look at the rest would give it pages first.
void ua_ha1_destroy(struct ua_ha1 *t)
{
	size_t part;

	if (t == NULL)
		return;
	part = PART < t->entries ? PART : t->entries;
	for (size_t i = 0; i < t->entries; i += part)
		if (t->is_used[i / PART])
			explicit_bzero(&t->entry[i], part * sizeof(*t->entry));
	munmap(t->entry, t->entries * sizeof(*t->entry));
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&t->lock[i]);
	free(t->is_used);
	free(t);
}

static struct entry *entry_lock(struct ua_ha1 *t, uint32_t id)
{
	size_t seat = id & (t->entries - 1);

	pthread_mutex_lock(&t->lock[seat % LOCKS]);
	return &t->entry[seat];
}

static void entry_unlock(struct ua_ha1 *t, uint32_t id)
{
	pthread_mutex_unlock(&t->lock[(id & (t->entries - 1)) % LOCKS]);
}

bool ua_ha1_get(struct ua_ha1 *t, const struct ua_ha1_key *key, uint8_t out[32])
{
	const struct entry *e = entry_lock(t, key->id);
	bool is_there = e->id_plus_1 == key->id + 1 && e->tag == key->tag;

	if (is_there)
		memcpy(out, e->ha1, sizeof(e->ha1));
	entry_unlock(t, key->id);
	return is_there;
}

void ua_ha1_put(struct ua_ha1 *t, const struct ua_ha1_key *key, const uint8_t ha1[32])
{
	struct entry *e = entry_lock(t, key->id);

	if (key->version >= e->least) {
		memcpy(e->ha1, ha1, sizeof(e->ha1));
		e->id_plus_1 = key->id + 1;
		e->tag = key->tag;
		atomic_store_explicit(
			&t->is_used[(size_t)(e - t->entry) / PART], true, memory_order_relaxed);
	}
	entry_unlock(t, key->id);
}

void ua_ha1_forget(struct ua_ha1 *t, uint32_t first, uint32_t n, uint64_t version)
{
	// All ids that share a seat go with it; more ids than seats are all of them.
	uint32_t seats = n < t->entries ? n : (uint32_t)t->entries;

	for (uint32_t i = 0; i < seats; i++) {
		struct entry *e = entry_lock(t, first + i);

		if (e->id_plus_1 != 0)
			explicit_bzero(e->ha1, sizeof(e->ha1));
		e->id_plus_1 = 0;
		if (version > e->least)
			e->least = version;
		entry_unlock(t, first + i);
	}
}
