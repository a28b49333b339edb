// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Hands a burst to the port. A member counts as sent to when the port took its frame; what the
// port did not take waits here for the next turn.

#include <rte_ethdev.h>

#include "single.h"

#define STUCK_NS 100000000u // a port that takes nothing for a shorter time is just busy
#define BURST_FRESH_NS 1000000000u // a burst that waited longer for the port is made anew

static void members_sent(struct worker *w, unsigned from, unsigned n, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	struct dp_campaign *c = b->run->campaign;
	_Atomic uint64_t *pushes;

	if (run_is_single(b->run)) {
		single_sent(w, from, n, now);
		return;
	}
	pushes = &c->worker[w->index].pushes;
	for (unsigned i = from; i < from + n; i++) {
		c->round[b->id[i]] = (uint8_t)b->round;
		run_mark_dirty(b->run, b->id[i]);
	}
	rounds_sent(&b->run->rounds, now->ns, b->id + from, n);
	atomic_store_explicit(pushes, atomic_load_explicit(pushes, memory_order_relaxed) + n,
		memory_order_relaxed);
	w->stats.pushes += n;
}

static bool port_is_stuck(struct worker *w, unsigned taken, const struct dp_now *now)
{
	if (taken > 0)
		w->stuck_since_ns = 0;
	else if (w->stuck_since_ns == 0)
		w->stuck_since_ns = now->ns;
	return w->stuck_since_ns != 0 && now->ns - w->stuck_since_ns >= STUCK_NS;
}

unsigned stage_tx(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	unsigned from = b->sent, n = b->n - from, taken;
	uint64_t bytes[BURST + 1];

	// The port owns a frame once it took it: lengths are noted before.
	bytes[0] = 0;
	for (unsigned i = 0; i < n; i++)
		bytes[i + 1] = bytes[i] + b->mbuf[from + i]->pkt_len;
	capture_tx_begin(w, b->mbuf + from, n);
	taken = rte_eth_tx_burst(w->shared->port_id, w->queue, b->mbuf + from, (uint16_t)n);
	capture_tx_end(w, taken);
	members_sent(w, from, taken, now);
	w->stats.tx_frames += taken;
	w->stats.tx_bytes += bytes[taken];
	b->sent += taken;
	if (taken < n) {
		w->stats.tx_full++;
		if (port_is_stuck(w, taken, now))
			run_stall(w, b->run, DP_STALL_PORT);
		return taken;
	}
	w->stuck_since_ns = 0;
	b->n = 0;
	b->is_built = false;
	return taken;
}

// What the records said when it was built, and how long a MUK lives, holds for a second.
bool burst_is_fresh(const struct worker *w, const struct dp_now *now)
{
	const struct burst *b = &w->burst;
	const struct dp_campaign *c = b->run->campaign;

	if (run_is_single(b->run))
		return now->ns - b->built_ns < BURST_FRESH_NS;
	return now->ns - b->built_ns < BURST_FRESH_NS &&
		!atomic_load_explicit(&c->is_paused, memory_order_relaxed) &&
		!atomic_load_explicit(&c->is_aborted, memory_order_relaxed);
}

void burst_return(struct worker *w)
{
	struct burst *b = &w->burst;

	if (b->sent < b->n && !run_is_single(b->run))
		rounds_return(&b->run->rounds, b->round, b->id[b->sent]);
	burst_discard(w);
}

void burst_discard(struct worker *w)
{
	struct burst *b = &w->burst;

	if (b->is_built)
		rte_pktmbuf_free_bulk(b->mbuf + b->sent, b->n - b->sent);
	if (b->n > b->sent && run_is_single(b->run))
		single_return(w, b->sent, b->n - b->sent);
	b->n = 0;
	b->is_built = false;
	b->run = NULL;
}
