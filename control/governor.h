// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How many phones may be solicited per second, so that those who come are no more than the HTTP
// side can serve (docs/architecture.md). Time and what was counted are arguments.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ua.h"

#define GOVERNOR_STEP_MS 200 // between two looks
#define GOVERNOR_LEAST 10 // solicited pulls per second, unless none may be sent

struct governor_aim {
	unsigned target_percent;
	uint32_t p99_ms;
	uint32_t start;
};

// As counted since the daemon started.
struct governor_sample {
	uint64_t now_ms;
	unsigned threads; // of the HTTP side, 0: there is none
	unsigned waiting_most; // calls that may wait at once, over all threads
	uint64_t solicits;
	struct ua_stats ua;
};

struct governor {
	struct governor_sample before;
	bool has_before;
	double rate; // solicited pulls per second
	double cost_ns; // that the threads work for one MSK request, with all around it; 0: not
			// known
	uint64_t wait_until_ms; // it does not rise before
	uint64_t fallen_ms; // when it last fell because of a strain
	uint64_t down_until_ms; // none is sent before
	// As seen in the last look. Any thread may read them.
	_Atomic double utilisation; // 0 .. 1
	_Atomic double p99_ms;
};

// A look: returns solicited pulls per second, UINT32_MAX when none may be sent.
uint32_t governor_look(
	struct governor *g, const struct governor_aim *aim, const struct governor_sample *sample);

struct ctl;
// In the main loop: looks at Ua, and tells the workers.
void governor_step(struct ctl *ctl, struct governor *g);
