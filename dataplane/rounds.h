// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Rounds of a campaign on one worker: who is to be sent to next, and when. A worker sweeps its
// slices of member ids in order; in round r it sends to those who got r - 1 messages or fewer and
// have not answered. Members in different areas, and those who are pushed to and those who are
// solicited, are swept each for themselves. A slice is swept again only when its members have had
// their time to answer (wait_ms of the send before). Time is an argument.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aside.h"

#define ROUNDS_SLICES_PER_CALL 64

struct dp_campaign;

// What one sweep is about: part of a campaign's members, and the sends it makes to them.
struct rounds_plan {
	uint8_t first; // number of its first send
	uint8_t last; // of its last one
	const uint32_t *wait_ms; // after send first + i
	uint8_t ways; // bit i: members with enum dp_way i
	uint8_t area; // members of this area, where the campaign tells areas apart
};

struct rounds {
	const struct dp_campaign *campaign;
	struct rounds_plan plan;
	unsigned worker; // owns slices worker, worker + workers, ...
	unsigned workers;
	unsigned round; // first .. last; last + 1 = through, waiting for the last answers
	uint32_t slice; // own slice the sweep stands in, counted from 0
	uint32_t offset; // next id within it
	uint32_t slices; // own slices
	uint64_t opened_ns;
	uint32_t last_sent_ms; // when the port last took a message, after opened_ns; 0 = never
	uint32_t *sent_ms; // the same per own slice
	struct aside aside; // members that could not be sent to
};

// One worker's share.
struct rounds_share {
	unsigned worker;
	unsigned workers;
};

// -ENOMEM when the slice table cannot be had.
int rounds_init(struct rounds *s, const struct dp_campaign *campaign,
	const struct rounds_plan *plan, struct rounds_share share, uint64_t now_ns);
void rounds_fini(struct rounds *s);
// Puts up to n member ids that are due into ids, ascending, and moves on. Returns how many; 0 when
// nobody was found now: rounds_is_through() tells whether that is for good. Looks at no more than
// ROUNDS_SLICES_PER_CALL slices, so that a sweep over answered members does not hold up the rest.
unsigned rounds_due(struct rounds *s, uint64_t now_ns, uint32_t *ids, unsigned n);
// An id that rounds_due() gave out in this round is not sent to now: the sweep goes back to it, and
// passes over those behind it that were.
void rounds_return(struct rounds *s, unsigned round, uint32_t id);
// Notes that the port took the messages for these ids: their time to answer begins.
void rounds_sent(struct rounds *s, uint64_t now_ns, const uint32_t *ids, unsigned n);
// The way to an id that was given out cannot be used now: it waits aside until the epoch, which
// counts changes of the ways, has moved on. Nothing is lost but its place in the sweep.
void rounds_put_aside(struct rounds *s, uint32_t id, uint32_t epoch);
bool rounds_is_aside(const struct rounds *s, uint32_t id);
// The same as rounds_due(), of those aside. Their next send has the number rounds_next().
unsigned rounds_due_aside(
	struct rounds *s, uint64_t now_ns, uint32_t epoch, uint32_t *ids, unsigned n);
// Number of the next send to a member that stands aside.
unsigned rounds_next(const struct rounds *s, uint32_t id);
// Whether the sweep is about this member.
bool rounds_concerns(const struct rounds *s, uint32_t id);
// Milliseconds to wait after a send.
uint32_t rounds_wait_ms(const struct rounds *s, unsigned send);
// Whether members wait for their way.
static inline bool rounds_has_blocked(const struct rounds *s)
{
	return s->aside.has_blocked;
}
// Nothing was to be done for so long: that time is not counted. Those who wait after their last
// send get it again.
void rounds_resume(struct rounds *s, uint64_t held_ns);
// Nobody is to be sent to any more.
bool rounds_is_done(const struct rounds *s);
// All rounds are over, the last wait too.
bool rounds_is_through(const struct rounds *s, uint64_t now_ns);
