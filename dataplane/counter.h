// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The replay counter T (design 5, spec 3.8): a (key, T) pair is never sent twice, and no receiver
// is sent a lower value after a higher one. Pure functions; clock and mark are arguments.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dp.h"

// T counts seconds since this moment, 2025-01-01T00:00:00Z, in Unix seconds. A constant of the
// protocol, not the birth of a store.
#define COUNTER_EPOCH 1735689600
#define COUNTER_MAX INT32_MAX     // a UE whose stored value is 0 would refuse more (RFC 1982)
#define COUNTER_AHEAD_MAX_S 600   // values may run this far ahead of the clock
#define COUNTER_MARK_AHEAD_S 10   // the mark runs at most this far ahead of use
#define COUNTER_LOST_MARK_S 3600  // begin this far ahead when the mark file is not to be trusted
#define COUNTER_BACK_MAX_S 7200   // a clock further than this before the mark is refused
#define COUNTER_FORTH_MAX_S (400 * 86400) // and one further than this after it

// What is known at start.
struct counter_known {
	int64_t realtime_s;    // CLOCK_REALTIME
	uint64_t boottime_s;   // CLOCK_BOOTTIME, read at the same moment
	bool has_store_mark;
	uint32_t store_mark;
	bool has_file_mark;
	uint32_t file_mark;
	bool is_other_machine; // the mark file was written on another machine
	bool is_clock_accepted; // --accept-clock
};

// Works out where to begin. -ERANGE: the clock is too far from the mark (why tells, and what to
// do); -EOVERFLOW: no values are left.
int counter_start(const struct counter_known *known, struct dp_counter_start *start, char why[256]);
