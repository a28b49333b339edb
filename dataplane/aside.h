// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Members of a campaign whose next hop could not be used when their turn came. They leave the sweep
// of rounds.h, so that nobody waits for them and they lose no round, and are looked through in
// passes of their own: those that were put aside when the ways change (the epoch moves on), those
// that were sent to since when their time to answer is over. Time is an argument.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "counter.h"

#define ASIDE_WORDS ((COUNTER_SLICE + 63) / 64)

struct aside_slice {
	uint64_t is_aside[ASIDE_WORDS]; // for good: the sweep does not look at them any more
	uint64_t is_blocked[ASIDE_WORDS]; // put aside in this epoch
	uint32_t epoch;
	uint32_t sent_ms; // when the port last took a message for one of them
	bool has_any; // one at least is not through
};

struct aside {
	struct aside_slice *slice; // own slices of the campaign; NULL: nobody was ever put aside
	uint32_t slices;
	uint32_t marked; // slices with has_any
	uint32_t last_sent_ms;
	bool has_blocked; // as the last pass saw it

	// The pass that runs, or the last one.
	bool is_passing;
	bool is_blocked_seen;
	bool is_open_seen; // in the slice it stands in
	uint32_t at; // own slice
	uint32_t offset; // next id in it
	uint32_t sent_ms; // of the slice it stands in
	uint32_t epoch;
	uint32_t due_ms; // when the next one finds something though the epoch is the same
};

struct rounds;

// The functions of rounds.h are for the outside; these are for rounds.c. ms: of the campaign.
void aside_fini(struct aside *a);
// -ENOMEM. The id stands in own slice `slice` at `offset`.
int aside_put(struct aside *a, uint32_t slices, uint32_t slice, uint32_t offset, uint32_t epoch);
bool aside_has(const struct aside *a, uint32_t slice, uint32_t offset);
void aside_sent(struct aside *a, uint32_t slice, uint32_t ms);
// Goes on with the pass; puts up to n ids that are due into ids.
unsigned aside_due(struct rounds *s, uint32_t ms, uint32_t epoch, uint32_t *ids, unsigned n);
