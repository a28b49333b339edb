// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The whole packet path of a worker: two short lines, push out and verification in.
//
//   due -> fetch -> build -> seal -> frame -> tx
//   rx -> check
//
// A burst that cannot go on (no buffer, no counter value, no room at the port) stays where it is
// and is taken up again in the next turn; receiving goes on meanwhile, or two full rings would
// lock each other.

#include <rte_cycles.h>

#include "single.h"

// Cycles of a stage, measured only when asked for.
static uint64_t stage_begin(const struct worker *w)
{
	return atomic_load_explicit(&w->shared->is_measuring, memory_order_relaxed) ? rte_rdtsc()
										    : 0;
}

static void stage_end(struct worker *w, enum dp_stage stage, uint64_t begin, unsigned items)
{
	if (begin == 0 || items == 0)
		return;
	w->stats.stage_cycles[stage] += rte_rdtsc() - begin;
	w->stats.stage_items[stage] += items;
}

// Chooses and makes a burst of messages; false when none is ready to go.
static bool push_make(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	uint64_t begin = stage_begin(w);
	bool is_ready;

	if (!stage_due(w, now))
		return false;
	stage_end(w, DP_STAGE_DUE, begin, b->n);
	begin = stage_begin(w);
	stage_fetch(w, now);
	stage_end(w, DP_STAGE_FETCH, begin, b->n);
	begin = stage_begin(w);
	is_ready = stage_build(w, now);
	stage_end(w, DP_STAGE_BUILD, begin, b->n);
	if (!is_ready)
		return false;
	begin = stage_begin(w);
	stage_seal(w);
	stage_end(w, DP_STAGE_SEAL, begin, b->n);
	begin = stage_begin(w);
	stage_frame(w);
	stage_end(w, DP_STAGE_FRAME, begin, b->n);
	return true;
}

static unsigned push_turn(struct worker *w, const struct dp_now *now)
{
	uint64_t begin;
	unsigned sent;

	if (w->burst.is_built && !burst_is_fresh(w, now))
		burst_return(w);
	if (!w->burst.is_built && !push_make(w, now))
		return 0;
	begin = stage_begin(w);
	sent = stage_tx(w, now);
	stage_end(w, DP_STAGE_TX, begin, sent);
	return sent;
}

static unsigned check_turn(struct worker *w, const struct dp_now *now)
{
	uint64_t begin = stage_begin(w);
	unsigned received = stage_rx(w, now), n = w->intake.n;

	stage_end(w, DP_STAGE_RX, begin, received);
	begin = stage_begin(w);
	stage_check(w, now);
	stage_end(w, DP_STAGE_CHECK, begin, n);
	return received;
}

// What other workers received for subscribers of this one.
static unsigned handed_turn(struct worker *w, const struct dp_now *now)
{
	uint64_t begin = stage_begin(w);
	unsigned n = single_receive(w);

	stage_check(w, now);
	stage_end(w, DP_STAGE_CHECK, begin, n);
	return n;
}

unsigned worker_turn(struct worker *w, const struct dp_now *now)
{
	unsigned moved = answer_tx(w, now);

	single_orders(w, now);

	if (worker_may_send(w))
		moved += push_turn(w, now);
	for (int i = 0; i < RX_PER_TURN; i++) {
		unsigned received = check_turn(w, now);

		moved += received;
		if (received < BURST)
			break;
	}
	moved += handed_turn(w, now);
	w->stats.turns++;
	return moved;
}
