// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Derives the keys of armed campaigns ahead of the moment they are fired, in the time that nobody
// needs. Only what does not depend on the counter is made: messages take their value when they are
// built, as all others do. A record that changes takes its keys with it (run_unstage()); who has
// none when the campaign is fired is sealed like anybody else.

#include <string.h>

#include "translate.h"
#include "worker.h"

#define LOOKS 4096 // ids looked at in one call

_Static_assert(sizeof(struct crypto_staged_keys) == DP_STAGED_KEYS_BYTES, "control makes the room");

static struct crypto_staged_keys *keys_of(const struct dp_campaign *c, store_id id)
{
	return (struct crypto_staged_keys *)c->staged + id;
}

static void staged_count(struct worker *w, struct dp_campaign *c, int n)
{
	_Atomic uint32_t *count = &c->worker[w->index].staged;

	atomic_store_explicit(count,
		atomic_load_explicit(count, memory_order_relaxed) + (uint32_t)n,
		memory_order_relaxed);
}

void run_unstage(struct worker *w, struct run *run, store_id id)
{
	struct dp_campaign *c = run->campaign;

	if (c->staged == NULL || id >= c->span)
		return;
	run->has_unstaged = true;
	if (!c->is_staged[id])
		return;
	c->is_staged[id] = 0;
	explicit_bzero(keys_of(c, id), sizeof(struct crypto_staged_keys));
	staged_count(w, c, -1);
}

void run_prefetch_staged(const struct run *run, store_id id)
{
	const struct dp_campaign *c = run->campaign;

	if (c == NULL || c->staged == NULL || id >= c->span)
		return;
	rte_prefetch0(keys_of(c, id));
	rte_prefetch0((const uint8_t *)keys_of(c, id) + DP_STAGED_KEYS_BYTES - 1);
}

const struct crypto_staged_keys *run_staged(const struct run *run, store_id id)
{
	return run->campaign->is_staged[id] ? keys_of(run->campaign, id) : NULL;
}

// Next members of this worker that lack keys.
static unsigned ahead_collect(const struct worker *w, struct run *run, store_id id[BURST])
{
	const struct dp_campaign *c = run->campaign;
	unsigned n = 0;

	for (unsigned looks = 0; looks < LOOKS && n < BURST && run->ahead < c->span; looks++) {
		store_id at = run->ahead;

		if (counter_owner_of(at, w->shared->workers) != w->index) {
			run->ahead = at - at % COUNTER_SLICE + COUNTER_SLICE;
			continue;
		}
		run->ahead++;
		// Refused, or no member at all.
		if (!c->is_staged[at] && !(c->round[at] & DP_MEMBER_REFUSED))
			id[n++] = at;
	}
	return n;
}

// Leaves those out who have no MUK.
static unsigned ahead_fetch(
	const struct worker *w, store_id id[BURST], unsigned n, struct crypto_hmac_state psk[BURST])
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		store_reader_prefetch(w->reader, id[i]);
	for (unsigned i = 0; i < n; i++) {
		if (!translate_muk(w->reader, id[i], &psk[kept]))
			continue;
		id[kept++] = id[i];
	}
	return kept;
}

static void ahead_store(struct worker *w, struct run *run, const store_id id[BURST],
	const struct crypto_staged_keys *keys, unsigned n)
{
	struct dp_campaign *c = run->campaign;

	for (unsigned i = 0; i < n; i++) {
		*keys_of(c, id[i]) = keys[i];
		c->is_staged[id[i]] = 1;
	}
	staged_count(w, c, (int)n);
}

static void ahead_derive(struct worker *w, struct run *run, const store_id id[BURST], unsigned n,
	const struct crypto_hmac_state psk[BURST])
{
	const struct crypto_hmac_state *psks[BURST];
	struct crypto_staged_keys keys[BURST];

	for (unsigned i = 0; i < n; i++)
		psks[i] = &psk[i];
	crypto_derive_burst(w->crypto, &run->msk.label, psks, n, keys);
	if (worker_trusts_crypto(w))
		ahead_store(w, run, id, keys, n);
	explicit_bzero(keys, sizeof(keys));
}

static unsigned run_ahead(struct worker *w, struct run *run)
{
	struct dp_campaign *c = run->campaign;
	struct crypto_hmac_state psk[BURST];
	store_id id[BURST];
	unsigned n;

	if (c->staged == NULL || !atomic_load_explicit(&c->is_paused, memory_order_relaxed))
		return 0;
	if (run->ahead >= c->span && run->has_unstaged) {
		run->has_unstaged = false;
		run->ahead = 0;
	}
	if (run->ahead >= c->span)
		return 0;
	n = ahead_fetch(w, id, ahead_collect(w, run, id), psk);
	if (n > 0)
		ahead_derive(w, run, id, n, psk);
	explicit_bzero(psk, n * sizeof(psk[0]));
	// Ids without anybody to derive for count as work, too: there are more behind them.
	return n + 1;
}

unsigned stage_ahead(struct worker *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->runs && n == 0; i++)
		n = run_ahead(w, w->run[i]);
	return n;
}
