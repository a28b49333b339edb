// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What could not be committed is tried again: a disk may be full for a moment. After a tenth of a
// second, two, four and so on, and not for ever: three minutes in all.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RETRY_FIRST_MS 100
#define RETRY_TRIES 12

struct retry {
	unsigned failures; // in a row
	uint64_t at_ms; // not before, ctl_clock_ms()
};

static inline bool retry_is_due(const struct retry *r, uint64_t now_ms)
{
	return r->failures == 0 || now_ms >= r->at_ms;
}

// It failed. False: often enough.
static inline bool retry_later(struct retry *r, uint64_t now_ms)
{
	r->at_ms = now_ms + ((uint64_t)RETRY_FIRST_MS << r->failures);
	return ++r->failures < RETRY_TRIES;
}
