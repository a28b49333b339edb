// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Chooses the members of the next burst: which campaign has its turn, whom its rounds make due,
// what its pace allows, and why it may not send at all.

#include "single.h"

// The rate of a campaign; the worker that sees a new one first begins the schedule anew.
static uint32_t campaign_rate(struct dp_campaign *c, const struct dp_now *now)
{
	uint32_t rate = atomic_load_explicit(&c->rate, memory_order_relaxed);

	if (atomic_load_explicit(&c->pace_rate, memory_order_relaxed) != rate &&
		atomic_exchange_explicit(&c->pace_rate, rate, memory_order_relaxed) != rate)
		pace_begin(&c->pace_schedule, now->ns);
	return rate;
}

static void run_publish(struct worker *w, struct run *run, bool is_through)
{
	struct dp_campaign_worker *seat = &run->campaign->worker[w->index];

	if (atomic_load_explicit(&seat->round, memory_order_relaxed) != run->rounds.round)
		atomic_store_explicit(&seat->round, run->rounds.round, memory_order_relaxed);
	if (atomic_load_explicit(&seat->is_through, memory_order_relaxed) != is_through)
		atomic_store_explicit(&seat->is_through, is_through, memory_order_release);
}

// Members of one campaign that may be sent to now; 0 with the reason noted.
static unsigned run_due(struct worker *w, struct run *run, const struct dp_now *now)
{
	struct dp_campaign *c = run->campaign;
	struct rte_ether_addr gateway;
	bool is_aborted = atomic_load_explicit(&c->is_aborted, memory_order_relaxed);
	unsigned allowed, n;
	uint32_t rate;

	if (is_aborted || rounds_is_through(&run->rounds, now->ns)) {
		run_publish(w, run, true);
		run_stall(w, run, DP_STALL_NONE);
		return 0;
	}
	if (atomic_load_explicit(&c->is_paused, memory_order_relaxed)) {
		run_stall(w, run, DP_STALL_PAUSED);
		return 0;
	}
	if (!neigh_mac(&w->shared->neigh, &gateway)) {
		run_stall(w, run, DP_STALL_NO_MAC);
		return 0;
	}
	rate = campaign_rate(c, now);
	allowed = pace_allowed(&c->pace_schedule, rate, now->ns, BURST);
	if (allowed == 0) {
		run_stall(w, run, DP_STALL_PACE);
		return 0;
	}
	w->burst.round = run->rounds.round;
	n = rounds_due(&run->rounds, now->ns, w->burst.id, allowed);
	pace_spend(&c->pace_schedule, rate, now->ns, n);
	run_publish(w, run, false);
	run_stall(w, run, DP_STALL_NONE);
	return n;
}

// A burst that waited goes on, unless its campaign was stopped meanwhile: then it makes room for
// others.
static bool burst_goes_on(struct worker *w)
{
	const struct dp_campaign *c = w->burst.run->campaign;

	if (run_is_single(w->burst.run))
		return true;
	if (!atomic_load_explicit(&c->is_aborted, memory_order_relaxed) &&
		!atomic_load_explicit(&c->is_paused, memory_order_relaxed))
		return true;
	burst_return(w);
	return false;
}

static bool runs_due(struct worker *w, const struct dp_now *now)
{
	for (unsigned i = 0; i < w->runs; i++) {
		struct run *run = w->run[w->next_run % w->runs];
		unsigned n = run_due(w, run, now);

		w->next_run = (w->next_run + 1) % w->runs;
		if (n == 0)
			continue;
		w->burst.run = run;
		w->burst.n = n;
		w->burst.sent = 0;
		w->burst.is_built = false;
		return true;
	}
	return false;
}

// Singles that cannot be sent now wait where they are.
static bool singles_due(struct worker *w, const struct dp_now *now)
{
	struct rte_ether_addr gateway;

	return neigh_mac(&w->shared->neigh, &gateway) && single_due(w, now);
}

bool stage_due(struct worker *w, const struct dp_now *now)
{
	if (w->burst.n != 0 && burst_goes_on(w))
		return true;
	// Neither holds up the other.
	w->is_singles_turn = !w->is_singles_turn;
	if (w->is_singles_turn)
		return singles_due(w, now) || runs_due(w, now);
	return runs_due(w, now) || singles_due(w, now);
}
