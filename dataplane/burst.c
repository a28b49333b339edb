// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What becomes of members that were chosen and are not sent to.

#include "single.h"

#include <string.h>

void member_refuse(struct worker *w, unsigned i, unsigned why, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	if (why == DP_REFUSED_MUK_EXPIRED)
		w->stats.expired_refused++;
	if (run_is_single(b->run)) {
		single_refuse(w, b->single[i], why, now);
		return;
	}
	// It expired while the campaign runs: a solicited pull may still reach the phone.
	if (why == DP_REFUSED_MUK_EXPIRED && b->run->campaign->way != NULL) {
		b->run->campaign->way[b->id[i]] = DP_WAY_ESCALATED;
		return;
	}
	b->run->campaign->round[b->id[i]] = (uint8_t)(DP_MEMBER_REFUSED | why);
	run_mark_dirty(b->run, b->id[i]);
}

unsigned member_send(const struct worker *w, unsigned i)
{
	const struct burst *b = &w->burst;

	return b->is_aside ? rounds_next(&b->sweep->rounds, b->id[i]) : b->round;
}

bool member_gets_previous(const struct worker *w, unsigned i)
{
	const struct burst *b = &w->burst;

	return b->run->campaign->is_last_previous && b->sweep->is_solicit &&
		member_send(w, i) == b->sweep->rounds.plan.last;
}

// Changes at most once per worker.
void campaign_begin_at(struct dp_campaign *c, uint32_t counter)
{
	uint32_t first = atomic_load_explicit(&c->first_counter, memory_order_relaxed);

	while ((first == 0 || counter < first) &&
		!atomic_compare_exchange_weak(&c->first_counter, &first, counter))
		;
}

void member_pass_over(struct worker *w, unsigned i)
{
	struct burst *b = &w->burst;

	b->run->campaign->round[b->id[i]] = (uint8_t)member_send(w, i);
	run_mark_dirty(b->run, b->id[i]);
}

void member_delay(struct worker *w, unsigned i, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	w->stats.counter_waits++;
	if (run_is_single(b->run))
		singles_delay(&w->singles, b->single[i], now->ns);
	else
		member_return(w, b->sweep, b->round, b->id[i]);
}

void member_put_aside(struct worker *w, unsigned i, enum dp_stall why, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	w->stats.put_aside++;
	if (run_is_single(b->run)) {
		singles_delay(&w->singles, b->single[i], now->ns);
		return;
	}
	rounds_put_aside(&b->sweep->rounds, b->id[i], w->ways_epoch);
	b->run->aside_for = why;
}

// Who stands aside comes again with the next pass, everybody else as the sweep goes back.
void member_return(struct worker *w, struct sweep *sweep, unsigned round, store_id id)
{
	if (!rounds_is_aside(&sweep->rounds, id)) {
		rounds_return(&sweep->rounds, round, id);
		return;
	}
	rounds_put_aside(&sweep->rounds, id, w->ways_epoch);
	w->ways_epoch++;
}

static void burst_empty(struct burst *b)
{
	b->n = 0;
	b->run = NULL;
	b->sweep = NULL;
}

void burst_forget_keys(struct burst *b)
{
	if (b->has_keys)
		explicit_bzero(b->room, sizeof(b->room));
	b->has_keys = false;
}

void burst_return(struct worker *w)
{
	struct burst *b = &w->burst;

	for (unsigned i = 0; i < b->n; i++) {
		if (run_is_single(b->run))
			single_return(w, b->single[i]);
		else
			member_return(w, b->sweep, b->round, b->id[i]);
	}
	burst_empty(b);
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0)
			egress_return(w, &w->egress[p]);
}

void burst_discard(struct worker *w, const struct run *run)
{
	struct burst *b = &w->burst;

	if (b->n != 0 && (run == NULL || b->run == run))
		burst_empty(b);
	for (unsigned p = 0; p < w->shared->ports; p++) {
		struct egress *e = &w->egress[p];

		if (e->n == 0 || (run != NULL && e->run != run))
			continue;
		rte_pktmbuf_free_bulk(e->mbuf + e->sent, e->n - e->sent);
		egress_clear(w, e);
	}
}
