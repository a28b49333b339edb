// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "pace.h"

void pace_set(struct pace *pace, uint32_t rate, uint64_t now_ns)
{
	pace->rate = rate;
	pace->interval_fp = rate == 0 ? 0 : (1000000000ull << 16) / rate;
	pace->next_ns = now_ns;
	pace->next_frac = 0;
}

// The schedule may not lie further back than one burst.
static uint64_t pace_start(const struct pace *pace, uint64_t now_ns)
{
	uint64_t oldest = now_ns > PACE_BURST_NS ? now_ns - PACE_BURST_NS : 0;

	return pace->next_ns > oldest ? pace->next_ns : oldest;
}

unsigned pace_allowed(const struct pace *pace, uint64_t now_ns, unsigned want)
{
	uint64_t start = pace_start(pace, now_ns), due;

	if (pace->rate == 0)
		return want;
	if (start > now_ns)
		return 0;
	due = ((now_ns - start) << 16) / pace->interval_fp + 1;
	return due < want ? (unsigned)due : want;
}

void pace_spend(struct pace *pace, uint64_t now_ns, unsigned n)
{
	uint64_t start = pace_start(pace, now_ns);
	uint64_t step = pace->interval_fp * n + (start == pace->next_ns ? pace->next_frac : 0);

	if (pace->rate == 0)
		return;
	pace->next_ns = start + (step >> 16);
	pace->next_frac = step & 0xffff;
}
