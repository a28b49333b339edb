// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the program believes of its machine: libc's clocks, naps and random numbers under their own
// names, so that all that is linked here, LMDB too, lives in virtual time and draws from a seed.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ue/rng.h"

#define OS_TRUE_BASE_S 1772323200 // 2026-03-01T00:00:00Z: the true time when a campaign begins
#define OS_BOOTED_BEFORE_NS 1000000000000u // the machine is up for this long by then

struct os {
	bool is_virtual; // else everything is as it is
	uint64_t ns; // true time since the beginning
	uint64_t booted_ns; // where CLOCK_BOOTTIME stands at zero, OS_BOOTED_BEFORE_NS added
	int64_t clock_error_s; // CLOCK_REALTIME minus the true time
	struct ue_rng rng; // of getrandom()
};
extern struct os os;

void os_begin(uint64_t seed);
void os_end(void);
int64_t os_true_s(void); // Unix seconds
int64_t os_realtime_s(void); // what CLOCK_REALTIME says
