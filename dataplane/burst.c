// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What becomes of members that were chosen and are not sent to.

#include "single.h"

void member_refuse(struct worker *w, unsigned i, unsigned why, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	if (run_is_single(b->run)) {
		single_refuse(w, b->single[i], why, now);
		return;
	}
	b->run->campaign->round[b->id[i]] = (uint8_t)(DP_MEMBER_REFUSED | why);
	run_mark_dirty(b->run, b->id[i]);
}

void member_delay(struct worker *w, unsigned i, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	w->stats.counter_waits++;
	if (run_is_single(b->run))
		singles_delay(&w->singles, b->single[i], now->ns);
	else
		member_return(w, b->run, b->round, b->id[i]);
}

void member_put_aside(struct worker *w, unsigned i, enum dp_stall why, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	w->stats.put_aside++;
	if (run_is_single(b->run)) {
		singles_delay(&w->singles, b->single[i], now->ns);
		return;
	}
	rounds_put_aside(&b->run->rounds, b->id[i], w->ways_epoch);
	b->run->aside_for = why;
}

// Who stands aside comes again with the next pass, everybody else as the sweep goes back.
void member_return(struct worker *w, struct run *run, unsigned round, store_id id)
{
	if (!rounds_is_aside(&run->rounds, id)) {
		rounds_return(&run->rounds, round, id);
		return;
	}
	rounds_put_aside(&run->rounds, id, w->ways_epoch);
	w->ways_epoch++;
}

void burst_return(struct worker *w)
{
	struct burst *b = &w->burst;

	for (unsigned i = 0; i < b->n; i++) {
		if (run_is_single(b->run))
			single_return(w, b->single[i]);
		else
			member_return(w, b->run, b->round, b->id[i]);
	}
	b->n = 0;
	b->run = NULL;
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0)
			egress_return(w, &w->egress[p]);
}

void burst_discard(struct worker *w, const struct run *run)
{
	struct burst *b = &w->burst;

	if (b->n != 0 && (run == NULL || b->run == run)) {
		b->n = 0;
		b->run = NULL;
	}
	for (unsigned p = 0; p < w->shared->ports; p++) {
		struct egress *e = &w->egress[p];

		if (e->n == 0 || (run != NULL && e->run != run))
			continue;
		rte_pktmbuf_free_bulk(e->mbuf + e->sent, e->n - e->sent);
		e->n = e->sent = 0;
		e->hops = 0;
		e->run = NULL;
	}
}
