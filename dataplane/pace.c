// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "pace.h"

#include <stdatomic.h>

#define UNITS_PER_NS 64 // an uptime of nine years fits
#define UNITS_PER_S (1000000000ull * UNITS_PER_NS)

// The schedule may not lie further back than one burst.
static uint64_t pace_start(uint64_t next, uint64_t now_ns)
{
	uint64_t oldest = now_ns > PACE_BURST_NS ? (now_ns - PACE_BURST_NS) * UNITS_PER_NS : 0;

	return next > oldest ? next : oldest;
}

void pace_begin(_Atomic uint64_t *schedule, uint64_t now_ns)
{
	atomic_store_explicit(schedule, now_ns * UNITS_PER_NS, memory_order_relaxed);
}

unsigned pace_allowed(
	const _Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns, unsigned want)
{
	uint64_t now = now_ns * UNITS_PER_NS, start, due;

	if (rate == 0)
		return want;
	if (rate == PACE_NOTHING)
		return 0;
	start = pace_start(atomic_load_explicit(schedule, memory_order_relaxed), now_ns);
	if (start > now)
		return 0;
	due = (now - start) / (UNITS_PER_S / rate) + 1;
	return due < want ? (unsigned)due : want;
}

void pace_spend(_Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns, unsigned n)
{
	uint64_t next, after;

	if (rate == 0 || rate == PACE_NOTHING || n == 0)
		return;
	next = atomic_load_explicit(schedule, memory_order_relaxed);
	do
		after = pace_start(next, now_ns) + UNITS_PER_S * n / rate;
	while (!atomic_compare_exchange_weak_explicit(
		schedule, &next, after, memory_order_relaxed, memory_order_relaxed));
}

void pace_follow(
	_Atomic uint32_t *begun, _Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns)
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
