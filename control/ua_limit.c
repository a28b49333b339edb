// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "ua_hash.h"

#define BUCKETS 16384
#define SEATS 4

struct seat {
	uint64_t of; // hash of what is counted
	uint32_t since_s;
	uint32_t count; // 0: free
};

struct ua_limit {
	uint8_t key[16];
	pthread_mutex_t lock;
	struct seat seat[BUCKETS][SEATS];
};

int ua_limit_create(const uint8_t hash_key[16], struct ua_limit **out)
{
	struct ua_limit *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	memcpy(l->key, hash_key, sizeof(l->key));
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return 0;
}

void ua_limit_destroy(struct ua_limit *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

// Keyed, so that a sender cannot choose whose seats he takes.
static uint64_t hash_of(const struct ua_limit *l, struct ua_text what, struct ua_text part)
{
	uint8_t digest[UA_HASH_MAX];
	struct ua_hash h;
	uint64_t out;

	ua_hash_begin(&h, UA_ALG_SHA256);
	ua_hash_add(&h, l->key, sizeof(l->key));
	ua_hash_add(&h, &what.len, sizeof(what.len));
	ua_hash_add(&h, what.data, what.len);
	ua_hash_add(&h, part.data, part.len);
	ua_hash_end(&h, digest);
	memcpy(&out, digest, sizeof(out));
	return out;
}

static bool is_over(const struct seat *s, uint32_t now_s)
{
	return s->count == 0 || (int32_t)(now_s - s->since_s) >= UA_LIMIT_WINDOW_S;
}

// Its seat, or the one to take: one whose time is over, else the one with the lowest count.
static struct seat *seat_find(struct seat seats[SEATS], uint64_t of, uint32_t now_s)
{
	struct seat *best = &seats[0];

	for (int i = 0; i < SEATS; i++) {
		if (seats[i].of == of && !is_over(&seats[i], now_s))
			return &seats[i];
		if (!is_over(best, now_s) &&
			(is_over(&seats[i], now_s) || seats[i].count < best->count))
			best = &seats[i];
	}
	*best = (struct seat){.of = of, .since_s = now_s};
	return best;
}

bool ua_limit_exceeds(
	struct ua_limit *l, struct ua_text what, struct ua_text part, uint32_t most, uint32_t now_s)
{
	struct seat *s;
	uint64_t of;
	bool exceeds;

	if (most == 0)
		return false;
	of = hash_of(l, what, part);
	pthread_mutex_lock(&l->lock);
	s = seat_find(l->seat[of % BUCKETS], of, now_s);
	exceeds = s->count >= most;
	if (s->count < UINT32_MAX)
		s->count++;
	pthread_mutex_unlock(&l->lock);
	return exceeds;
}
