// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The replay counter T (RFC 3830 5.4 with COUNTER timestamps; docs/architecture.md says why it is
// kept so). A (key, T) pair is never sent twice, and no receiver is sent a lower value after a
// higher one. The clock and the mark are arguments.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp.h"

// T counts seconds since this moment, 2025-01-01T00:00:00Z, in Unix seconds. A constant of the
// protocol, not the birth of a store.
#define COUNTER_EPOCH 1735689600
#define COUNTER_MAX INT32_MAX // a UE whose stored value is 0 would refuse more (RFC 1982)
#define COUNTER_AHEAD_MAX_S 600 // values may run this far ahead of the clock
#define COUNTER_MARK_AHEAD_S 10 // the mark runs at most this far ahead of use
#define COUNTER_LOST_MARK_S 3600 // begin this far ahead when the mark file cannot be trusted
#define COUNTER_COPY_AGE_S 300 // the store's copy of the mark is not further behind than this
#define COUNTER_BACK_MAX_S 7200 // a clock that was set back further than this is refused
#define COUNTER_FORTH_MAX_S (400 * 86400) // and one further than this after it
// Ids that one worker owns together: a multiple of the records in a store block.
#define COUNTER_SLICE 720

// What is known at start.
struct counter_known {
	int64_t realtime_s; // CLOCK_REALTIME
	uint64_t boottime_s; // CLOCK_BOOTTIME, read at the same moment
	bool has_store_mark;
	uint32_t store_mark;
	bool has_file_mark;
	uint32_t file_mark;
	uint32_t file_clock; // the latest of the counter's clock that the file has seen; 0: none
	bool is_other_machine; // the mark file was written on another machine
	bool is_half_damaged; // one sector of the mark file is damaged
	bool is_clock_accepted; // --accept-clock
};

// Works out where to begin. -ERANGE: the clock is too far from the mark, or from where it stood
// (why tells, and what to do); -EOVERFLOW: no values are left.
int counter_start(const struct counter_known *known, struct dp_counter_start *start, char why[256]);

// The allocator: the last value used for each subscriber. It begins, for everybody, at the mark.
struct counter {
	uint32_t first; // values at or below it are never sent
	uint32_t *advance; // last value of an id = first + advance[id]; zero pages cost nothing
	uint32_t ids; // entries
	size_t bytes; // of the mapping
};

int counter_init(struct counter *counter, uint32_t first, uint32_t ids);
void counter_fini(struct counter *counter);

// Which worker of n owns an id. Nobody else changes the id's entry.
static inline unsigned counter_owner_of(uint32_t id, unsigned n)
{
	return n == 1 ? 0 : id / COUNTER_SLICE % n;
}

static inline uint32_t counter_last(const struct counter *counter, uint32_t id)
{
	return counter->first + __atomic_load_n(&counter->advance[id], __ATOMIC_RELAXED);
}

static inline void counter_prefetch(const struct counter *counter, uint32_t id)
{
	__builtin_prefetch(&counter->advance[id]);
}

// One worker's access.
struct counter_owner {
	struct counter *counter;
	_Atomic uint32_t highest; // highest value this worker has used. worker: wo, control: ro
};

// Whether a value may be given to this id now, or it has to wait because its values run too far
// ahead of the clock.
static inline bool counter_may_send(const struct counter_owner *owner, uint32_t id, uint32_t now)
{
	const struct counter *counter = owner->counter;
	uint32_t clock = now > counter->first ? now : counter->first;

	return counter_last(counter, id) < clock + COUNTER_AHEAD_MAX_S;
}

// Takes ONE value for n ids: V = max(now, 1 + the highest `last` among them), and stores it for
// each. Returns 0 and changes nothing when V lies above the mark or above COUNTER_MAX. The ids
// have passed counter_may_send().
uint32_t counter_take(
	struct counter_owner *owner, const uint32_t *ids, unsigned n, uint32_t now, uint32_t mark);

// Sets the last value of new or changed ids to the highest value in use anywhere.
void counter_raise(struct counter_owner *owner, uint32_t id, uint32_t highest);
