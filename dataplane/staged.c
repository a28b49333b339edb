// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "staged.h"

#include <string.h>

_Static_assert(sizeof(struct crypto_staged_keys) == DP_STAGED_KEYS_BYTES, "control makes the room");

static void *entry_of(const struct dp_campaign *c, store_id id)
{
	return (uint8_t *)c->staged + (size_t)id * c->staged_bytes;
}

static void staged_count(struct worker *w, struct dp_campaign *c, int n)
{
	_Atomic uint32_t *count = &c->worker[w->index].staged;

	atomic_store_explicit(count,
		atomic_load_explicit(count, memory_order_relaxed) + (uint32_t)n,
		memory_order_relaxed);
}

void *run_stage(struct worker *w, struct run *run, store_id id, enum dp_staged kind)
{
	struct dp_campaign *c = run->campaign;

	c->is_staged[id] = (uint8_t)kind;
	staged_count(w, c, 1);
	return entry_of(c, id);
}

void run_unstage(struct worker *w, struct run *run, store_id id)
{
	struct dp_campaign *c = run->campaign;

	if (c->staged == NULL || id >= c->span)
		return;
	run->has_unstaged = true;
	if (c->is_staged[id] == DP_STAGED_NONE)
		return;
	if (c->is_staged[id] == DP_STAGED_KEYS)
		explicit_bzero(entry_of(c, id), DP_STAGED_KEYS_BYTES);
	c->is_staged[id] = DP_STAGED_NONE;
	staged_count(w, c, -1);
}

void run_unstage_sent(struct worker *w, struct run *run, const store_id *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		run->campaign->is_staged[ids[i]] = DP_STAGED_NONE;
	staged_count(w, run->campaign, -(int)n);
}

void run_unstage_all(struct worker *w, struct run *run)
{
	for (store_id id = 0; run->campaign->staged != NULL && id < run->campaign->span; id++)
		if (counter_owner_of(id, w->shared->workers) == w->index)
			run_unstage(w, run, id);
}

void run_prefetch_staged(const struct run *run, const store_id *ids, unsigned n, store_id ahead)
{
	const struct dp_campaign *c = run->campaign;

	if (c == NULL || c->staged == NULL)
		return;
	for (unsigned i = 0; i < n && ids[i] + ahead < c->span; i++) {
		const uint8_t *entry = entry_of(c, ids[i] + ahead);

		for (unsigned at = 0; at < c->staged_bytes; at += RTE_CACHE_LINE_SIZE)
			rte_prefetch0(entry + at);
		rte_prefetch0(entry + c->staged_bytes - 1);
	}
}

const struct crypto_staged_keys *run_staged_keys(const struct run *run, store_id id)
{
	return run->campaign->is_staged[id] == DP_STAGED_KEYS ? entry_of(run->campaign, id) : NULL;
}

const struct staged_frame *run_staged_frame(
	const struct worker *w, const struct run *run, store_id id, int64_t fresh_at_s)
{
	const struct staged_frame *frame;

	if (run->campaign->is_staged[id] != DP_STAGED_FRAME)
		return NULL;
	frame = entry_of(run->campaign, id);
	if (frame->counter != counter_last(w->counter.counter, id))
		return NULL;
	// A solicited pull may go under a MUK that has expired.
	return run->campaign->kind == DP_CAMPAIGN_SOLICIT || (int64_t)frame->expires > fresh_at_s
		? frame
		: NULL;
}

void frames_outdate(struct worker *w, const uint32_t *ids, unsigned n)
{
	for (unsigned i = 0; i < w->runs; i++) {
		struct run *run = w->run[i];

		for (unsigned k = 0; run_stages_frames(run) && k < n; k++)
			if (ids[k] < run->campaign->span &&
				run->campaign->is_staged[ids[k]] == DP_STAGED_FRAME)
				run_unstage(w, run, ids[k]);
	}
}

bool frame_is_elsewhere(const struct worker *w, const struct run *run, store_id id)
{
	for (unsigned i = 0; i < w->runs; i++) {
		const struct dp_campaign *c = w->run[i]->campaign;

		if (w->run[i] != run && c->staged != NULL && id < c->span &&
			c->is_staged[id] == DP_STAGED_FRAME)
			return true;
	}
	return false;
}
