// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "meter.h"

#include <time.h>

const double meter_bounds[METER_BUCKETS - 1] = METER_BOUNDS;

uint64_t meter_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void meter_time(struct meter_times *times, uint64_t begin_ns)
{
	uint64_t ns = meter_now_ns() - begin_ns;
	unsigned i = 0;

	while (i < METER_BUCKETS - 1 && (double)ns > meter_bounds[i] * 1e9)
		i++;
	atomic_fetch_add_explicit(&times->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&times->sum_ns, ns, memory_order_relaxed);
}
