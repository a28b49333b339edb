// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_replay.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LOCKS 64
#define WINDOW 64

struct entry {
	uint64_t number; // 0: free
	uint64_t seen; // bit i: count highest - i
	uint32_t highest;
	uint32_t issued_s;
	uint8_t mac[UA_NONCE_MAC];
};

struct ua_replay {
	struct entry *entry; // zero pages cost nothing
	size_t entries; // power of 2
	uint32_t life_s;
	_Atomic uint64_t evicted; // the newest number that ever left
	pthread_mutex_t lock[LOCKS]; // of each entry: entry modulo LOCKS
};

int ua_replay_create(size_t entries, uint32_t life_s, struct ua_replay **out)
{
	struct ua_replay *r = calloc(1, sizeof(*r));
	size_t size = 1;

	if (r == NULL)
		return -ENOMEM;
	while (size < entries)
		size <<= 1;
	r->entry = mmap(NULL, size * sizeof(*r->entry), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->entry == MAP_FAILED) {
		free(r);
		return -ENOMEM;
	}
	r->entries = size;
	r->life_s = life_s;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&r->lock[i], NULL);
	*out = r;
	return 0;
}

void ua_replay_destroy(struct ua_replay *r)
{
	if (r == NULL)
		return;
	munmap(r->entry, r->entries * sizeof(*r->entry));
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&r->lock[i]);
	free(r);
}

static size_t seat_of(const struct ua_replay *r, uint64_t number)
{
	return number & (r->entries - 1);
}

static bool entry_is_of(const struct entry *e, const struct ua_nonce *nonce)
{
	return e->number == nonce->number && e->issued_s == nonce->issued_s &&
		memcmp(e->mac, nonce->mac, sizeof(e->mac)) == 0;
}

bool ua_replay_knows(struct ua_replay *r, const struct ua_nonce *nonce)
{
	size_t seat = seat_of(r, nonce->number);
	bool is_known;

	pthread_mutex_lock(&r->lock[seat % LOCKS]);
	is_known = nonce->number != 0 && entry_is_of(&r->entry[seat], nonce);
	pthread_mutex_unlock(&r->lock[seat % LOCKS]);
	return is_known;
}

static bool is_over(const struct ua_replay *r, uint32_t issued_s, uint32_t now_s)
{
	return ua_nonce_age_s(issued_s, now_s) > (int32_t)r->life_s;
}

// A sliding window below the highest count, as in IPsec (RFC 4303 3.4.3).
static bool count_take(struct entry *e, uint32_t nc)
{
	if (nc > e->highest) {
		uint32_t step = nc - e->highest;

		e->seen = step >= WINDOW ? 1 : e->seen << step | 1;
		e->highest = nc;
		return true;
	}
	if (e->highest - nc >= WINDOW || (e->seen >> (e->highest - nc) & 1) != 0)
		return false;
	e->seen |= 1ull << (e->highest - nc);
	return true;
}

// What leaves before its life is over could come back: nothing up to it is new from now on.
static void evict(struct ua_replay *r, const struct entry *e, uint32_t now_s)
{
	uint64_t evicted = atomic_load(&r->evicted);

	if (e->number == 0 || is_over(r, e->issued_s, now_s))
		return;
	while (evicted < e->number &&
		!atomic_compare_exchange_weak(&r->evicted, &evicted, e->number))
		;
}

static bool nonce_enter(struct ua_replay *r, struct entry *e, const struct ua_nonce *nonce,
	uint32_t nc, uint32_t now_s)
{
	// An older one would push out a newer one.
	if (nc != 1 || nonce->number <= atomic_load(&r->evicted) || e->number > nonce->number)
		return false;
	evict(r, e, now_s);
	*e = (struct entry){
		.number = nonce->number,
		.seen = 1,
		.highest = 1,
		.issued_s = nonce->issued_s,
	};
	memcpy(e->mac, nonce->mac, sizeof(e->mac));
	return true;
}

bool ua_replay_take(struct ua_replay *r, const struct ua_nonce *nonce, uint32_t nc, uint32_t now_s)
{
	size_t seat = seat_of(r, nonce->number);
	struct entry *e = &r->entry[seat];
	bool is_taken;

	if (is_over(r, nonce->issued_s, now_s))
		return false;
	pthread_mutex_lock(&r->lock[seat % LOCKS]);
	is_taken = entry_is_of(e, nonce) ? count_take(e, nc) : nonce_enter(r, e, nonce, nc, now_s);
	pthread_mutex_unlock(&r->lock[seat % LOCKS]);
	return is_taken;
}

bool ua_replay_is_aging(const struct ua_replay *r, const struct ua_nonce *nonce, uint32_t now_s)
{
	return ua_nonce_age_s(nonce->issued_s, now_s) > (int32_t)(r->life_s / 2);
}
