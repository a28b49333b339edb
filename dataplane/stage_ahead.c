// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Derives the keys of armed campaigns, or builds their frames (ahead_frame.c), ahead of the moment
// they are fired, in the time that nobody needs. A record that changes takes with it what was made
// (staged.h); who has nothing when the campaign is fired is sealed like anybody else.

#include <string.h>

#include "staged.h"
#include "translate.h"

#define LOOKS 4096 // ids looked at in one call

// Next members of this worker for whom nothing is ready.
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
		if (!c->is_staged[at] && !c->done[at] && !(c->round[at] & DP_MEMBER_REFUSED))
			id[n++] = at;
	}
	return n;
}

// The MUKs of some, in the store's map or in room; leaves those out who have none.
static unsigned ahead_fetch(const struct worker *w, store_id id[BURST], unsigned n,
	const struct crypto_hmac_state *psk[BURST], struct crypto_hmac_state room[BURST])
{
	struct store_record record[BURST];
	unsigned kept = 0;

	store_reader_prefetch_burst(w->reader, id, n, 0);
	store_reader_records(w->reader, id, n, record);
	for (unsigned i = 0; i < n; i++) {
		psk[kept] = translate_muk(w->reader, id[i], &record[i], &room[kept]);
		if (psk[kept] != NULL)
			id[kept++] = id[i];
	}
	return kept;
}

static void ahead_store(struct worker *w, struct run *run, const store_id id[BURST],
	const struct crypto_staged_keys *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memcpy(run_stage(w, run, id[i], DP_STAGED_KEYS), &keys[i], sizeof(keys[i]));
}

static void ahead_derive(struct worker *w, struct run *run, store_id id[BURST], unsigned n)
{
	const struct crypto_hmac_state *psk[BURST];
	struct crypto_hmac_state room[BURST];
	struct crypto_staged_keys keys[BURST];

	n = ahead_fetch(w, id, n, psk, room);
	crypto_derive_burst(w->crypto, &run_draft(run)->label, psk, n, keys);
	if (worker_trusts_crypto(w))
		ahead_store(w, run, id, keys, n);
	explicit_bzero(keys, sizeof(keys));
	explicit_bzero(room, sizeof(room));
}

static unsigned run_ahead(struct worker *w, struct run *run, const struct dp_now *now)
{
	struct dp_campaign *c = run->campaign;
	store_id id[BURST], begin;
	unsigned n;

	if (c->staged == NULL || !atomic_load_explicit(&c->is_paused, memory_order_relaxed))
		return 0;
	if (run->ahead >= c->span && run->has_unstaged) {
		run->has_unstaged = false;
		run->ahead = 0;
	}
	if (run->ahead >= c->span)
		return 0;
	begin = run->ahead;
	n = ahead_collect(w, run, id);
	if (n > 0 && run_stages_frames(run))
		n = ahead_frames(w, run, id, n, now);
	if (n > 0)
		ahead_derive(w, run, id, n);
	// Ids without anybody to make something for count as work, too: there are more behind them.
	return run->ahead > begin ? n + 1 : 0;
}

unsigned stage_ahead(struct worker *w, const struct dp_now *now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->runs && n == 0; i++)
		n = run_ahead(w, w->run[i], now);
	return n;
}
