// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What becomes of members that were chosen and are not sent to.

#include "worker.h"

void member_refuse(struct burst *b, store_id id, unsigned why)
{
	b->run->campaign->round[id] = (uint8_t)(DP_MEMBER_REFUSED | why);
	run_mark_dirty(b->run, id);
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

	for (unsigned i = 0; i < b->n; i++)
		member_return(w, b->run, b->round, b->id[i]);
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
