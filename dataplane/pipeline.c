// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The whole packet path of a worker: two short lines, push out and verification in.
//
//   due -> fetch -> route -> build -> seal -> frame -> tx
//   rx -> check
//   mtk: MTK messages, few and one at a time (mtk.c)
//   ahead: keys or frames of armed campaigns, when there is nothing else to do, and every so many
//     turns: a flood must not keep a campaign from being armed
//
// A burst that cannot go on (no buffer, no counter value) stays where it is and is taken up again
// in the next turn; framed, it waits at the ports its messages leave by (egress.c), and members
// whose port is not ready are not chosen. Receiving goes on meanwhile, or two full rings would lock
// each other.

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

// Chooses and makes a burst of messages, if there is one to go.
static void push_make(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	uint64_t begin = stage_begin(w);
	unsigned n;
	bool is_ready;

	if (!stage_due(w, now))
		return;
	stage_end(w, DP_STAGE_DUE, begin, b->n);
	begin = stage_begin(w);
	stage_fetch(w, now);
	stage_end(w, DP_STAGE_FETCH, begin, b->n);
	begin = stage_begin(w);
	stage_route(w, now);
	stage_end(w, DP_STAGE_ROUTE, begin, b->n);
	begin = stage_begin(w);
	is_ready = stage_build(w, now);
	stage_end(w, DP_STAGE_BUILD, begin, b->n);
	if (!is_ready) {
		burst_forget_keys(b);
		return;
	}
	begin = stage_begin(w);
	is_ready = stage_seal(w);
	burst_forget_keys(b);
	if (!is_ready)
		return;
	stage_end(w, DP_STAGE_SEAL, begin, b->n);
	begin = stage_begin(w);
	n = b->n;
	stage_frame(w, now);
	stage_end(w, DP_STAGE_FRAME, begin, n);
}

static unsigned push_turn(struct worker *w, const struct dp_now *now)
{
	enum dp_stall stall;
	uint64_t begin;
	unsigned sent;

	if (egress_state(w, now, &stall) != EGRESS_FULL)
		push_make(w, now);
	if (!worker_may_send(w))
		return 0;
	begin = stage_begin(w);
	sent = stage_tx(w, now);
	stage_end(w, DP_STAGE_TX, begin, sent);
	return sent;
}

// Full bursts of frames that nobody needs, one after the other, are no accident.
static void flood_watch(struct worker *w, unsigned received, uint64_t useful)
{
	if (received < BURST || useful * 2 >= BURST)
		w->flood_bursts = 0;
	else if (w->flood_bursts < FLOOD_SURE)
		w->flood_bursts++;
}

static uint64_t answers_useful(const struct worker *w)
{
	const struct dp_stats *s = &w->stats;

	return s->verified + s->singles_verified + s->handed_over + s->drop[DP_DROP_DUPLICATE];
}

static unsigned check_turn(struct worker *w, unsigned port, const struct dp_now *now)
{
	uint64_t begin = stage_begin(w), useful = answers_useful(w);
	unsigned received = stage_rx(w, port, now), n = w->intake.n;

	stage_end(w, DP_STAGE_RX, begin, received);
	begin = stage_begin(w);
	stage_check(w, now);
	stage_end(w, DP_STAGE_CHECK, begin, n);
	flood_watch(w, received, answers_useful(w) - useful);
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

// A flood may take the time that nobody needs, but little of that of the campaigns. What is not
// received in time the port drops.
static unsigned receive_bursts(const struct worker *w, bool is_sending)
{
	if (!is_sending || w->flood_bursts < FLOOD_SURE)
		return RX_PER_TURN;
	return w->stats.turns % FLOOD_TURNS == 0;
}

static unsigned port_turn(
	struct worker *w, unsigned port, unsigned bursts, const struct dp_now *now)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < bursts; i++) {
		unsigned received = check_turn(w, port, now);

		moved += received;
		if (received < BURST)
			break;
	}
	return moved;
}

unsigned worker_turn(struct worker *w, const struct dp_now *now)
{
	unsigned moved, sent = 0, bursts;

	egress_look(w, now);
	moved = answer_tx(w, now);
	single_orders(w, now);
	if (worker_may_send(w))
		moved += mtk_turn(w, now);
	if (worker_may_send(w))
		sent = push_turn(w, now);
	moved += sent;
	bursts = receive_bursts(w, sent > 0);
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->port_state[p] != PORT_GONE)
			moved += port_turn(w, p, bursts, now);
	moved += handed_turn(w, now);
	if (worker_may_send(w) && (moved == 0 || w->stats.turns % AHEAD_TURNS == 0))
		moved += stage_ahead(w, now);
	w->stats.turns++;
	return moved;
}
