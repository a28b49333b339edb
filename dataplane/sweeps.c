// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How the members of a campaign are parted into sweeps, each with rounds of its own. For each area
// there is, of
//   PUSH     one: the MSK, `sends` times at most
//   SOLICIT  one: a solicited pull, `solicits` times at most
//   AUTO     three: the MSK to those with a fresh MUK; solicited pulls, from the start, to those
//            whose MUK had expired; and, when the pushes are through, solicited pulls to those who
//            have not answered, or whose MUK has expired since. The sends of these are numbered
//            behind the pushes.

#include <errno.h>
#include <stdlib.h>

#include "worker.h"

#define AUTO_SWEEPS 3
#define WAY(way) (uint8_t)(1u << (way))
#define ALL_WAYS (WAY(DP_WAY_PUSH) | WAY(DP_WAY_SOLICIT) | WAY(DP_WAY_ESCALATED))

static struct rounds_plan push_plan(const struct dp_campaign *c)
{
	return (struct rounds_plan){
		.first = 1, .last = c->sends, .wait_ms = c->wait_ms, .ways = WAY(DP_WAY_PUSH)};
}

static struct rounds_plan solicit_plan(const struct dp_campaign *c, unsigned before, unsigned ways)
{
	return (struct rounds_plan){
		.first = (uint8_t)(before + 1),
		.last = (uint8_t)(before + c->solicits),
		.wait_ms = c->solicit_wait_ms,
		.ways = (uint8_t)ways,
	};
}

static unsigned area_plans(const struct dp_campaign *c, struct rounds_plan plan[AUTO_SWEEPS])
{
	switch (c->kind) {
	case DP_CAMPAIGN_SOLICIT:
		plan[0] = solicit_plan(c, 0, ALL_WAYS);
		return 1;
	case DP_CAMPAIGN_AUTO:
		plan[0] = push_plan(c);
		plan[1] = solicit_plan(c, c->sends, WAY(DP_WAY_PUSH) | WAY(DP_WAY_ESCALATED));
		plan[2] = solicit_plan(c, 0, WAY(DP_WAY_SOLICIT));
		return AUTO_SWEEPS;
	default:
		plan[0] = push_plan(c);
		return 1;
	}
}

// After a restart the pushes go on in their round; the others find out by themselves.
static void round_resume(struct sweep *sweep, const struct dp_campaign *c)
{
	unsigned last = sweep->rounds.plan.last + 1u;

	if (!sweep->is_solicit && c->first_round > sweep->rounds.round)
		sweep->rounds.round = c->first_round < last ? c->first_round : last;
}

static int sweep_init(
	struct worker *w, struct run *run, const struct rounds_plan *plan, const struct dp_now *now)
{
	struct rounds_share share = {w->index, w->shared->workers};
	const struct dp_campaign *c = run->campaign;
	struct sweep *sweep = &run->sweep[run->sweeps++];

	sweep->is_solicit = plan->wait_ms == c->solicit_wait_ms;
	sweep->is_waiting = sweep->is_solicit && plan->first > 1;
	if (rounds_init(&sweep->rounds, c, plan, share, now->ns) != 0)
		return -ENOMEM;
	round_resume(sweep, c);
	return 0;
}

int sweeps_init(struct worker *w, struct run *run, const struct dp_now *now)
{
	const struct dp_campaign *c = run->campaign;
	unsigned areas = c->area == NULL ? 1 : w->shared->conf->areas + 1;
	struct rounds_plan plan[AUTO_SWEEPS];
	unsigned plans = area_plans(c, plan);
	int ret = 0;

	run->sweep = calloc(areas * plans, sizeof(*run->sweep));
	if (run->sweep == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < areas * plans && ret == 0; i++) {
		plan[i % plans].area = (uint8_t)(i / plans);
		ret = sweep_init(w, run, &plan[i % plans], now);
	}
	return ret;
}

void sweeps_fini(struct run *run)
{
	for (unsigned i = 0; i < run->sweeps; i++)
		rounds_fini(&run->sweep[i].rounds);
	free(run->sweep);
	run->sweep = NULL;
	run->sweeps = 0;
}

// While nobody may be solicited nobody is given up for it, and the time does not count.
static void solicits_hold(struct worker *w, struct run *run, const struct dp_now *now)
{
	bool is_held = run->campaign->kind != DP_CAMPAIGN_PUSH &&
		atomic_load_explicit(&w->shared->solicit_pace.rate, memory_order_relaxed) ==
			PACE_NOTHING;

	if (is_held && run->held_since_ns == 0)
		run->held_since_ns = now->ns;
	if (is_held || run->held_since_ns == 0)
		return;
	for (unsigned i = 0; i < run->sweeps; i++)
		if (run->sweep[i].is_solicit && !run->sweep[i].is_waiting)
			rounds_resume(&run->sweep[i].rounds, now->ns - run->held_since_ns);
	run->held_since_ns = 0;
}

static bool sweep_is_through(
	const struct run *run, const struct sweep *sweep, const struct dp_now *now)
{
	return !(sweep->is_solicit && run->held_since_ns != 0) && !sweep->is_waiting &&
		rounds_is_through(&sweep->rounds, now->ns);
}

void sweeps_follow(struct worker *w, struct run *run, const struct dp_now *now)
{
	solicits_hold(w, run, now);
	for (unsigned i = 1; i < run->sweeps; i++)
		if (run->sweep[i].is_waiting &&
			rounds_is_through(&run->sweep[i - 1].rounds, now->ns))
			run->sweep[i].is_waiting = false;
}

bool sweeps_are_through(const struct run *run, const struct dp_now *now)
{
	for (unsigned i = 0; i < run->sweeps; i++)
		if (!sweep_is_through(run, &run->sweep[i], now))
			return false;
	return true;
}

static bool counts_for_round(const struct run *run, const struct sweep *sweep)
{
	const struct rounds *rounds = &sweep->rounds;
	bool is_aside_the_pushes = run->campaign->kind == DP_CAMPAIGN_AUTO && sweep->is_solicit &&
		rounds->plan.first == 1;

	return !is_aside_the_pushes && !sweep->is_waiting && rounds->round <= rounds->plan.last;
}

unsigned sweeps_round(const struct run *run)
{
	unsigned round = run->campaign->sends + run->campaign->solicits + 1u;

	for (unsigned i = 0; i < run->sweeps; i++)
		if (counts_for_round(run, &run->sweep[i]) && run->sweep[i].rounds.round < round)
			round = run->sweep[i].rounds.round;
	return round;
}

bool sweeps_have_blocked(const struct run *run)
{
	for (unsigned i = 0; i < run->sweeps; i++)
		if (rounds_has_blocked(&run->sweep[i].rounds))
			return true;
	return false;
}
