// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Chooses the members of the next burst: which campaign has its turn, whom its rounds make due,
// what its pace allows, and why it may not send at all. Where a message goes is not asked here,
// only whether there is a way for anybody.

#include "single.h"

#define SWEEPS_PER_TURN 8

static uint32_t campaign_rate(struct dp_campaign *c, const struct dp_now *now)
{
	uint32_t rate = atomic_load_explicit(&c->rate, memory_order_relaxed);

	pace_follow(&c->pace_rate, &c->pace_schedule, rate, now->ns);
	return rate;
}

static void run_publish(struct worker *w, struct run *run, bool is_through)
{
	struct dp_campaign_worker *seat = &run->campaign->worker[w->index];

	unsigned round = sweeps_round(run);

	if (atomic_load_explicit(&seat->round, memory_order_relaxed) != round)
		atomic_store_explicit(&seat->round, round, memory_order_relaxed);
	if (atomic_load_explicit(&seat->is_through, memory_order_relaxed) != is_through)
		atomic_store_explicit(&seat->is_through, is_through, memory_order_release);
}

// Those who are due in a sweep, or those aside whose time has come; the two take turns.
static unsigned members_due(
	struct worker *w, struct sweep *sweep, const struct dp_now *now, unsigned allowed)
{
	struct burst *b = &w->burst;
	struct rounds *rounds = &sweep->rounds;
	unsigned n = 0;

	b->round = rounds->round;
	for (int i = 0; i < 2 && n == 0; i++) {
		b->is_aside = !b->is_aside;
		n = b->is_aside ? rounds_due_aside(rounds, now->ns, w->ways_epoch, b->id, allowed)
				: rounds_due(rounds, now->ns, b->id, allowed);
	}
	return n;
}

// What the area of a sweep allows, and, where it solicits, the HTTP side; 0 with the reason.
static unsigned sweep_allowed(struct worker *w, struct run *run, const struct sweep *sweep,
	const struct dp_now *now, unsigned allowed)
{
	if (run->campaign->area != NULL && sweep->rounds.plan.area < w->shared->conf->areas)
		allowed =
			pace_due(&w->shared->area_pace[sweep->rounds.plan.area], now->ns, allowed);
	if (allowed == 0) {
		run->held_for = DP_STALL_PACE;
		return 0;
	}
	if (!sweep->is_solicit)
		return allowed;
	allowed = pace_due(&w->shared->solicit_pace, now->ns, allowed);
	if (allowed == 0)
		run->held_for = DP_STALL_HTTP;
	return allowed;
}

// The sweeps take turns; a turn looks at no more than a few of them.
static unsigned sweeps_due(
	struct worker *w, struct run *run, const struct dp_now *now, unsigned allowed)
{
	struct burst *b = &w->burst;
	unsigned n = 0, looks = 0, some;

	for (unsigned i = 0; i < run->sweeps && n == 0 && looks < SWEEPS_PER_TURN; i++) {
		struct sweep *sweep = &run->sweep[run->next_sweep++ % run->sweeps];

		if (sweep->is_waiting || rounds_is_done(&sweep->rounds))
			continue;
		some = sweep_allowed(w, run, sweep, now, allowed);
		if (some == 0)
			continue;
		looks++;
		n = members_due(w, sweep, now, some);
		b->sweep = sweep;
		b->draft = sweep->is_solicit ? &run->solicit : &run->msk;
	}
	return n;
}

// Why nothing may be sent for a campaign now, whoever is due.
static bool run_may_send(struct worker *w, struct run *run, const struct dp_now *now)
{
	enum dp_stall stall = DP_STALL_NONE;

	if (atomic_load_explicit(&run->campaign->is_paused, memory_order_relaxed))
		stall = DP_STALL_PAUSED;
	else if (egress_state(w, now, &stall) != EGRESS_STALLED)
		return true;
	run_stall(w, run, stall);
	return false;
}

// What is left of a trial of the first members.
static unsigned trial_allowed(struct dp_campaign *c, unsigned allowed)
{
	uint32_t trial = atomic_load_explicit(&c->trial, memory_order_relaxed);
	uint32_t tried = atomic_load_explicit(&c->tried, memory_order_relaxed);

	if (trial == 0)
		return allowed;
	if (tried >= trial)
		return 0;
	return trial - tried < allowed ? trial - tried : allowed;
}

// Members of one campaign that may be sent to now; 0 with the reason noted.
static unsigned run_due(struct worker *w, struct run *run, const struct dp_now *now)
{
	struct dp_campaign *c = run->campaign;
	bool is_aborted = atomic_load_explicit(&c->is_aborted, memory_order_relaxed);
	unsigned allowed, n;

	sweeps_follow(w, run, now);
	if (is_aborted || sweeps_are_through(run, now)) {
		run_publish(w, run, true);
		run_stall(w, run, DP_STALL_NONE);
		return 0;
	}
	if (!run_may_send(w, run, now))
		return 0;
	allowed = pace_allowed(&c->pace_schedule, campaign_rate(c, now), now->ns, BURST);
	if (allowed == 0) {
		run_stall(w, run, DP_STALL_PACE);
		return 0;
	}
	allowed = trial_allowed(c, allowed);
	if (allowed == 0) {
		run_stall(w, run, DP_STALL_TRIAL);
		return 0;
	}
	run->held_for = run->held_since_ns != 0 ? DP_STALL_HTTP : DP_STALL_NONE;
	n = sweeps_due(w, run, now, allowed);
	run_publish(w, run, false);
	// Some cannot be reached now, whoever else is.
	run_stall(w, run,
		sweeps_have_blocked(run) ? run->aside_for
			: n > 0		 ? DP_STALL_NONE
					 : run->held_for);
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
		return true;
	}
	return false;
}

// Singles that cannot be sent now wait where they are.
static bool singles_due(struct worker *w, const struct dp_now *now)
{
	enum dp_stall stall;

	return egress_state(w, now, &stall) == EGRESS_READY && single_due(w, now);
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
