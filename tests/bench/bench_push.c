// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Measures what a push costs in each stage: one worker, a store of its own, a port that takes
// everything (net_null). The cycles of many short windows, of TURNS bursts each; of these the tenth
// that was disturbed least, and the median. JSON on stdout. To compare two versions, run them in
// turns and take the least of each.
//   bench-push [--subscribers N] [--seconds S] [--store DIR]
// A store that is named is made once, and kept.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "bench_worker.h"

#define TURNS 64
#define WINDOWS 100000 // most of them that are kept
#define TURN_NS 1000000 // a round begins 1 ms after the one before, at the earliest
#define WHOLE DP_STAGE_COUNT // all of a turn

struct bench {
	struct bench_worker base;
	double seconds;
	struct dp_now now;
	double cost[DP_STAGE_COUNT + 1][WINDOWS];
	size_t windows;
};

// From the start, as if nobody had been sent to: with the values that were not taken yet.
static void campaign_again(struct bench *b)
{
	struct rounds *rounds = &b->base.shared.worker[0]->run[0]->sweep[0].rounds;

	memset(b->base.campaign->round, 0, b->base.subscribers);
	memset(rounds->sent_ms, 0, rounds->slices * sizeof(rounds->sent_ms[0]));
	rounds->round = rounds->plan.first;
	rounds->slice = rounds->offset = 0;
	b->now.counter += b->base.campaign->sends;
}

// Windows that the campaign ended in are not kept.
static void window_keep(struct bench *b, const struct dp_stats *before, uint64_t cycles)
{
	const struct dp_stats *after = &b->base.shared.worker[0]->stats;
	double pushes = (double)(after->pushes - before->pushes);

	if (b->windows == WINDOWS)
		return;
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		b->cost[s][b->windows] =
			(double)(after->stage_cycles[s] - before->stage_cycles[s]) / pushes;
	b->cost[WHOLE][b->windows++] = (double)cycles / pushes;
}

static bool campaign_is_over(const struct bench *b)
{
	const struct rounds *rounds = &b->base.shared.worker[0]->run[0]->sweep[0].rounds;

	return rounds->round > rounds->plan.last;
}

static void window_run(struct bench *b)
{
	struct worker *w = b->base.shared.worker[0];
	struct dp_stats before = w->stats;
	uint64_t begin = rte_rdtsc();

	for (unsigned i = 0; i < TURNS; i++) {
		worker_turn(w, &b->now);
		b->now.ns += TURN_NS;
	}
	if (campaign_is_over(b))
		campaign_again(b);
	else
		window_keep(b, &before, rte_rdtsc() - begin);
}

static void run(struct bench *b)
{
	double begin = bench_thread_s();

	b->now = (struct dp_now){.ns = 1000000, .counter = 2000, .unix_s = 1};
	atomic_store(&b->base.shared.is_measuring, true);
	while (bench_thread_s() - begin < b->seconds)
		window_run(b);
	if (b->windows == 0)
		bench_check(&b->base, -EINVAL, "campaigns end within a window: more --subscribers");
}

static double quantile(struct bench *b, unsigned stage, double part)
{
	qsort(b->cost[stage], b->windows, sizeof(double), bench_compare);
	return b->cost[stage][(size_t)((double)b->windows * part)];
}

static void print(struct bench *b)
{
	printf("{\"push_subscribers\": %" PRIu32, b->base.subscribers);
	for (unsigned s = 0; s < DP_STAGE_RX; s++)
		printf(", \"push_cycles_%s\": %.1f", dp_stage_name(s), quantile(b, s, 0.1));
	printf(", \"push_cycles\": %.1f, \"push_cycles_median\": %.1f}\n", quantile(b, WHOLE, 0.1),
		quantile(b, WHOLE, 0.5));
}

int main(int argc, char **argv)
{
	static struct bench b = {.base.program = "bench-push"};

	if (!bench_args_read(&b.base, &b.seconds, argc, argv)) {
		fprintf(stderr,
			"usage: bench-push [--subscribers N] [--seconds S] [--store DIR]\n");
		return 2;
	}
	bench_store_open(&b.base);
	bench_eal_start(&b.base);
	bench_worker_start(&b.base, "net_null0,size=64,copy=0,no-rx=1");
	bench_campaign_open(&b.base, 0);
	run(&b);
	print(&b);
	bench_end(&b.base);
	return 0;
}
