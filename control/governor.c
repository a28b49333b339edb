// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Every GOVERNOR_STEP_MS the rate of solicited pulls
//   falls to nothing for a second when nearly all requests are refused with 503, or nobody serves;
//   falls by a quarter when some are refused, when 99 in 100 answers take too long, or when half of
//   the calls that may wait do wait, again and again while that lasts, and rises no sooner than a
//   second after it;
//   falls to what keeps the utilisation at its target when that is above it;
//   rises towards what the target allows by the cost of a request as measured, or by a twentieth
//   where that is not known, while it is what limits the campaigns.

#include "governor.h"

#include <stdatomic.h>
#include <string.h>

#include "conf.h"
#include "ctl.h"
#include "dp.h"

#define DOWN_MS 1000
#define CALM_MS 1000
#define DOWN_ANSWERS 10 // fewer tell nothing
#define COST_ANSWERS 20 // likewise
#define FALL 0.75
#define FALL_MS 400 // phones come some time after they were solicited
#define RISE 1.05
#define RISE_SHARE 0.4 // of the way to the goal
#define RISE_MOST 1.5
#define RATE_MOST 1e8

// What happened between two samples.
struct window {
	double ns;
	double solicits;
	double answers;
	double refused; // of them, with 503
	double served; // MSK requests
	double busy_ns;
};

static double results_sum(const struct ua_stats *s, bool is_503)
{
	double sum = 0;

	for (int p = 0; p <= UA_PROCEDURES; p++)
		for (int i = 0; i < UA_RESULTS; i++)
			if (!is_503 || ua_result_status((enum ua_result)i) == 503)
				sum += (double)s->result[p][i];
	return sum;
}

static struct window window_of(const struct governor_sample *a, const struct governor_sample *b)
{
	return (struct window){
		.ns = (double)(b->now_ms - a->now_ms) * 1e6,
		.solicits = (double)(b->solicits - a->solicits),
		.answers = results_sum(&b->ua, false) - results_sum(&a->ua, false),
		.refused = results_sum(&b->ua, true) - results_sum(&a->ua, true),
		.served = (double)(b->ua.result[UA_MSK_REQUEST][UA_OK] -
			a->ua.result[UA_MSK_REQUEST][UA_OK]),
		.busy_ns = (double)(b->ua.busy_ns - a->ua.busy_ns),
	};
}

static double p99_ms(const struct governor_sample *a, const struct governor_sample *b)
{
	uint64_t all = 0, slower = 0;

	for (int i = 0; i < UA_LATENCIES; i++)
		all += b->ua.latency[i] - a->ua.latency[i];
	for (int i = UA_LATENCIES - 1; i > 0; i--) {
		slower += b->ua.latency[i] - a->ua.latency[i];
		if (slower * 100 > all)
			return (double)UA_LATENCY_UNIT_NS * (1ull << i) / 1e6;
	}
	return 0;
}

static void cost_follow(struct governor *g, const struct window *w)
{
	double cost = w->served > 0 ? w->busy_ns / w->served : 0;

	if (w->served >= COST_ANSWERS)
		g->cost_ns = g->cost_ns == 0 ? cost : 0.7 * g->cost_ns + 0.3 * cost;
}

static bool is_strained(const struct governor *g, const struct governor_aim *aim,
	const struct governor_sample *s, const struct window *w)
{
	return w->refused > 0 || g->p99_ms > aim->p99_ms || s->ua.waiting * 2 > s->waiting_most;
}

static void rate_rise(struct governor *g, const struct governor_aim *aim,
	const struct governor_sample *s, const struct window *w)
{
	double goal = g->rate * RISE, share = aim->target_percent / 100.0;

	// A rate that nobody uses tells nothing.
	if (s->now_ms < g->wait_until_ms || w->solicits < 0.8 * g->rate * w->ns / 1e9)
		return;
	if (g->cost_ns > 0)
		goal = g->rate + (share * s->threads * 1e9 / g->cost_ns - g->rate) * RISE_SHARE;
	if (goal > g->rate * RISE_MOST)
		goal = g->rate * RISE_MOST;
	if (goal > g->rate)
		g->rate = goal;
}

static void rate_fall(struct governor *g, const struct governor_sample *s, double to)
{
	g->rate *= to;
	g->fallen_ms = s->now_ms;
}

static void rate_follow(struct governor *g, const struct governor_aim *aim,
	const struct governor_sample *s, const struct window *w)
{
	double share = aim->target_percent / 100.0;

	if (w->answers >= DOWN_ANSWERS && w->refused >= 0.9 * w->answers) {
		g->down_until_ms = s->now_ms + DOWN_MS;
		g->rate = GOVERNOR_LEAST;
	} else if (is_strained(g, aim, s, w)) {
		if (s->now_ms >= g->fallen_ms + FALL_MS)
			rate_fall(g, s, FALL);
		g->wait_until_ms = s->now_ms + CALM_MS;
	} else if (g->utilisation > share) {
		g->rate *= share / g->utilisation > FALL ? share / g->utilisation : FALL;
	} else {
		rate_rise(g, aim, s, w);
	}
	if (g->rate < GOVERNOR_LEAST)
		g->rate = GOVERNOR_LEAST;
	if (g->rate > RATE_MOST)
		g->rate = RATE_MOST;
}

uint32_t governor_look(
	struct governor *g, const struct governor_aim *aim, const struct governor_sample *s)
{
	struct window w;

	if (aim->target_percent == 0)
		return 0;
	if (!g->has_before || g->rate == 0)
		g->rate = aim->start;
	if (g->has_before && s->now_ms > g->before.now_ms && s->threads > 0) {
		w = window_of(&g->before, s);
		g->utilisation = w.busy_ns / (w.ns * s->threads);
		g->p99_ms = p99_ms(&g->before, s);
		cost_follow(g, &w);
		rate_follow(g, aim, s, &w);
	}
	g->before = *s;
	g->has_before = true;
	return s->threads == 0 || s->now_ms < g->down_until_ms ? UINT32_MAX : (uint32_t)g->rate;
}

void governor_step(struct ctl *ctl, struct governor *g)
{
	const struct conf *conf = ctl->conf;
	struct governor_aim aim = {(unsigned)conf->governor.target_percent,
		(uint32_t)conf->governor.p99_ms, (uint32_t)conf->governor.start};
	struct governor_sample sample = {
		.now_ms = ctl_clock_ms(),
		.threads = ua_threads(ctl->ua),
	};
	struct dp_stats stats;

	if (ctl->dp == NULL ||
		(g->has_before && sample.now_ms - g->before.now_ms < GOVERNOR_STEP_MS))
		return;
	sample.waiting_most = sample.threads * (unsigned)conf->ua.waiting;
	ua_stats_read(ctl->ua, &sample.ua);
	dp_stats_read(ctl->dp, -1, &stats);
	sample.solicits = stats.solicits;
	dp_solicit_rate_set(ctl->dp, governor_look(g, &aim, &sample));
}
