// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Hands frames to the ports. A member counts as sent to when the port took its frame; what a port
// did not take waits for the next turn.

#include <rte_ethdev.h>

#include "single.h"

static void areas_count_sent(struct worker *w, const struct egress *e, unsigned n)
{
	if (w->shared->conf->areas == 0) {
		w->area[AREA_NONE].sent += n;
		return;
	}
	for (unsigned i = e->sent; i < e->sent + n; i++)
		w->area[e->area[i]].sent++;
}

static void messages_count(struct worker *w, const struct egress *e, unsigned n)
{
	struct dp_campaign_worker *seat = &e->run->campaign->worker[w->index];
	_Atomic uint64_t *count = e->sweep->is_solicit ? &seat->solicits : &seat->pushes;

	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + n, memory_order_relaxed);
	if (!e->sweep->is_solicit) {
		w->stats.pushes += n;
		return;
	}
	w->stats.solicits += n;
	for (unsigned i = e->sent; i < e->sent + n; i++)
		w->stats.solicits_expired += e->is_expired[i];
}

static void members_sent(struct worker *w, struct egress *e, unsigned n, const struct dp_now *now)
{
	struct dp_campaign *c = e->run->campaign;

	areas_count_sent(w, e, n);
	if (run_is_single(e->run)) {
		single_sent(w, e, n, now);
		return;
	}
	for (unsigned i = e->sent; i < e->sent + n; i++) {
		uint32_t id = e->id[i];

		c->round[id] =
			(uint8_t)(e->is_aside ? rounds_next(&e->sweep->rounds, id) : e->round);
		run_mark_dirty(e->run, id);
	}
	rounds_sent(&e->sweep->rounds, now->ns, e->id + e->sent, n);
	messages_count(w, e, n);
}

static unsigned port_tx(struct worker *w, unsigned port, const struct dp_now *now)
{
	struct egress *e = &w->egress[port];
	unsigned n = e->n - e->sent, taken;
	uint64_t bytes = e->bytes;

	capture_tx_begin(w, port, e->mbuf + e->sent, n);
	taken = rte_eth_tx_burst(
		w->shared->port[port].id, w->queue, e->mbuf + e->sent, (uint16_t)n);
	capture_tx_end(w, taken);
	members_sent(w, e, taken, now);
	egress_took(e, n, taken, now);
	e->sent += taken;
	// The port owns what it took: only the others can be looked at.
	e->bytes = 0;
	for (unsigned i = e->sent; i < e->n; i++)
		e->bytes += e->mbuf[i]->pkt_len;
	bytes -= e->bytes;
	e->stats.tx_bytes += bytes;
	w->stats.tx_frames += taken;
	w->stats.tx_bytes += bytes;
	if (taken == n) {
		egress_clear(w, e);
		return taken;
	}
	w->stats.tx_full++;
	if (egress_is_stuck(e, now))
		run_stall(w, e->run, DP_STALL_PORT);
	return taken;
}

unsigned stage_tx(struct worker *w, const struct dp_now *now)
{
	unsigned sent = 0;

	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0 && w->port_state[p] == PORT_UP)
			sent += port_tx(w, p, now);
	return sent;
}
