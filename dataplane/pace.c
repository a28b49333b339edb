// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "pace.h"

#include <stdatomic.h>

#define UNITS_PER_NS 64 // an uptime of nine years fits
#define UNITS_PER_S (1000000000ull * UNITS_PER_NS)
// At most this much faster than the rate while there is a debt.
#define HURRY_NUMERATOR 3
#define HURRY_DENOMINATOR 2

// A schedule may not lie further back than this.
static uint64_t pace_start(uint64_t next, uint64_t now_ns, uint64_t back_ns)
{
	uint64_t oldest = now_ns > back_ns ? (now_ns - back_ns) * UNITS_PER_NS : 0;

	return next > oldest ? next : oldest;
}

void pace_begin(struct dp_schedule *schedule, uint64_t now_ns)
{
	atomic_store_explicit(&schedule->due, now_ns * UNITS_PER_NS, memory_order_relaxed);
	atomic_store_explicit(&schedule->free, now_ns * UNITS_PER_NS, memory_order_relaxed);
}

// How many intervals have passed since `start`, the one that begins there included.
static uint64_t intervals(uint64_t start, uint64_t now, uint64_t units)
{
	return start > now ? 0 : (now - start) / (units > 0 ? units : 1) + 1;
}

unsigned pace_allowed(
	const struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns, unsigned want)
{
	uint64_t now = now_ns * UNITS_PER_NS, start, due, free;

	if (rate == 0)
		return want;
	if (rate == PACE_NOTHING)
		return 0;
	start = pace_start(
		atomic_load_explicit(&schedule->due, memory_order_relaxed), now_ns, PACE_DEBT_NS);
	due = intervals(start, now, UNITS_PER_S / rate);
	start = pace_start(atomic_load_explicit(&schedule->free, memory_order_relaxed), now_ns,
		(uint64_t)PACE_BURST_NS * HURRY_DENOMINATOR / HURRY_NUMERATOR);
	free = intervals(start, now, UNITS_PER_S * HURRY_DENOMINATOR / HURRY_NUMERATOR / rate);
	due = due < free ? due : free;
	return due < want ? (unsigned)due : want;
}

static void schedule_move(_Atomic uint64_t *at, uint64_t by, uint64_t now_ns, uint64_t back_ns)
{
	uint64_t next = atomic_load_explicit(at, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(at, &next,
		pace_start(next, now_ns, back_ns) + by, memory_order_relaxed, memory_order_relaxed))
		;
}

void pace_spend(struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns, unsigned n)
{
	uint64_t units;

	if (rate == 0 || rate == PACE_NOTHING || n == 0)
		return;
	units = UNITS_PER_S * n / rate;
	schedule_move(&schedule->due, units, now_ns, PACE_DEBT_NS);
	schedule_move(&schedule->free, units * HURRY_DENOMINATOR / HURRY_NUMERATOR, now_ns,
		(uint64_t)PACE_BURST_NS * HURRY_DENOMINATOR / HURRY_NUMERATOR);
}

void pace_follow(
	_Atomic uint32_t *begun, struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns)
{
	if (atomic_load_explicit(begun, memory_order_relaxed) != rate &&
		atomic_exchange_explicit(begun, rate, memory_order_relaxed) != rate)
		pace_begin(schedule, now_ns);
}

unsigned pace_due(struct pace *pace, uint64_t now_ns, unsigned want)
{
	uint32_t rate = atomic_load_explicit(&pace->rate, memory_order_relaxed);

	pace_follow(&pace->begun, &pace->schedule, rate, now_ns);
	return pace_allowed(&pace->schedule, rate, now_ns, want);
}

void pace_take(struct pace *pace, uint64_t now_ns, unsigned n)
{
	pace_spend(&pace->schedule, atomic_load_explicit(&pace->begun, memory_order_relaxed),
		now_ns, n);
}
