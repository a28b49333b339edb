// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Pace of a campaign on one worker: UEs per second, no burst longer than 10 ms (design: the radio
// network, not the port, is the ceiling). A virtual schedule: one UE each interval, and what was
// not used within 10 ms is lost. Time is an argument.

#pragma once

#include <stdint.h>

#define PACE_BURST_NS 10000000u

struct pace {
	uint32_t rate; // UEs per second, 0 = no limit
	uint64_t interval_fp; // nanoseconds between two UEs, times 2^16
	uint64_t next_ns; // when the next UE is due
	uint32_t next_frac; // fraction of next_ns, 2^-16 ns
};

// Changes the rate; what was saved up is lost.
void pace_set(struct pace *pace, uint32_t rate, uint64_t now_ns);
// How many of `want` UEs may be sent now.
unsigned pace_allowed(const struct pace *pace, uint64_t now_ns, unsigned want);
// Notes that n were taken.
void pace_spend(struct pace *pace, uint64_t now_ns, unsigned n);
