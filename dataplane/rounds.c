// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "rounds.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "counter.h"

int rounds_init(struct rounds *s, const struct dp_campaign *campaign,
	const struct rounds_plan *plan, struct rounds_share share, uint64_t now_ns)
{
	uint32_t all = (campaign->span + COUNTER_SLICE - 1) / COUNTER_SLICE;

	*s = (struct rounds){
		.campaign = campaign,
		.plan = *plan,
		.worker = share.worker,
		.workers = share.workers,
		.round = plan->first,
		.opened_ns = now_ns,
	};
	if (all > share.worker)
		s->slices = (all - share.worker + share.workers - 1) / share.workers;
	s->sent_ms = calloc(s->slices + 1, sizeof(*s->sent_ms));
	return s->sent_ms == NULL ? -ENOMEM : 0;
}

void rounds_fini(struct rounds *s)
{
	aside_fini(&s->aside);
	free(s->sent_ms);
	s->sent_ms = NULL;
}

static uint32_t elapsed_ms(const struct rounds *s, uint64_t now_ns)
{
	return (uint32_t)((now_ns - s->opened_ns) / 1000000);
}

uint32_t rounds_wait_ms(const struct rounds *s, unsigned send)
{
	return s->plan.wait_ms[send - s->plan.first];
}

bool rounds_concerns(const struct rounds *s, uint32_t id)
{
	const struct dp_campaign *c = s->campaign;

	return (c->area == NULL || c->area[id] == s->plan.area) &&
		(c->way == NULL || (s->plan.ways & 1u << c->way[id]) != 0);
}

unsigned rounds_next(const struct rounds *s, uint32_t id)
{
	unsigned next = s->campaign->round[id] + 1u;

	return next > s->plan.first ? next : s->plan.first;
}

// Whether the members of the current slice have had their time to answer the round before. A
// slice nobody was sent to has nothing to wait for.
static bool slice_is_due(const struct rounds *s, uint64_t now_ns)
{
	uint32_t sent = s->sent_ms[s->slice];

	return s->round == s->plan.first || sent == 0 ||
		elapsed_ms(s, now_ns) >= sent + rounds_wait_ms(s, s->round - 1);
}

static bool has_rounds_left(const struct rounds *s)
{
	return s->slices > 0 && s->round <= s->plan.last;
}

static uint32_t last_wait_ms(const struct rounds *s)
{
	return rounds_wait_ms(s, s->plan.last);
}

static uint32_t slice_of(const struct rounds *s, uint32_t id)
{
	return id / COUNTER_SLICE / s->workers;
}

bool rounds_is_aside(const struct rounds *s, uint32_t id)
{
	// Mostly nobody is: then nothing is divided to find out where it would stand.
	return s->aside.slice != NULL && aside_has(&s->aside, slice_of(s, id), id % COUNTER_SLICE);
}

static bool member_is_due(const struct rounds *s, uint32_t id)
{
	return s->campaign->round[id] < s->round && !s->campaign->done[id] &&
		rounds_concerns(s, id) && !rounds_is_aside(s, id);
}

// Leaves the current slice, and begins the next round at the end of the sweep.
static void slice_leave(struct rounds *s)
{
	s->offset = 0;
	if (++s->slice == s->slices) {
		s->slice = 0;
		s->round++;
	}
}

static unsigned slice_collect(struct rounds *s, uint32_t *ids, unsigned n)
{
	uint32_t base = (s->slice * s->workers + s->worker) * COUNTER_SLICE;
	uint32_t left = s->campaign->span - base;
	uint32_t end = left < COUNTER_SLICE ? left : COUNTER_SLICE;
	unsigned found = 0;

	for (; s->offset < end && found < n; s->offset++)
		if (member_is_due(s, base + s->offset))
			ids[found++] = base + s->offset;
	return found;
}

static bool slice_is_swept(const struct rounds *s)
{
	uint32_t base = (s->slice * s->workers + s->worker) * COUNTER_SLICE;

	return s->offset >= COUNTER_SLICE || base + s->offset >= s->campaign->span;
}

unsigned rounds_due(struct rounds *s, uint64_t now_ns, uint32_t *ids, unsigned n)
{
	unsigned found = 0, swept = 0, round = s->round;

	// A call never goes on into the next round: what it found is not marked as sent yet.
	while (found < n && swept < ROUNDS_SLICES_PER_CALL && round == s->round &&
		has_rounds_left(s)) {
		if (s->offset == 0 && !slice_is_due(s, now_ns))
			break;
		found += slice_collect(s, ids + found, n - found);
		if (!slice_is_swept(s))
			continue;
		slice_leave(s);
		swept++;
	}
	return found;
}

void rounds_return(struct rounds *s, unsigned round, uint32_t id)
{
	uint32_t slice = slice_of(s, id), offset = id % COUNTER_SLICE;

	// It stands before this one already.
	if (s->round == round && (s->slice < slice || (s->slice == slice && s->offset <= offset)))
		return;
	s->round = round;
	s->slice = slice;
	s->offset = offset;
}

void rounds_put_aside(struct rounds *s, uint32_t id, uint32_t epoch)
{
	// Without memory the sweep waits for the member.
	if (aside_put(&s->aside, s->slices, slice_of(s, id), id % COUNTER_SLICE, epoch) != 0)
		rounds_return(s, s->round, id);
}

unsigned rounds_due_aside(
	struct rounds *s, uint64_t now_ns, uint32_t epoch, uint32_t *ids, unsigned n)
{
	return s->aside.slice == NULL ? 0 : aside_due(s, elapsed_ms(s, now_ns), epoch, ids, n);
}

void rounds_sent(struct rounds *s, uint64_t now_ns, const uint32_t *ids, unsigned n)
{
	// 0 stands for never.
	uint32_t ms = elapsed_ms(s, now_ns) + 1;
	uint32_t slice = 0, base = 0, end = 0;

	for (unsigned i = 0; i < n; i++) {
		// Neighbours mostly stand in the same slice: nothing is divided for them.
		if (ids[i] < base || ids[i] >= end) {
			slice = slice_of(s, ids[i]);
			base = ids[i] - ids[i] % COUNTER_SLICE;
			end = base + COUNTER_SLICE;
		}
		if (aside_has(&s->aside, slice, ids[i] - base)) {
			aside_sent(&s->aside, slice, ms);
			continue;
		}
		s->sent_ms[slice] = ms;
		s->last_sent_ms = ms;
	}
}

static bool wait_is_over(const struct rounds *s, uint32_t sent_ms, uint64_t now_ns)
{
	return sent_ms == 0 || elapsed_ms(s, now_ns) >= sent_ms + last_wait_ms(s);
}

static void last_again(struct rounds *s, uint32_t slice)
{
	uint32_t base = (slice * s->workers + s->worker) * COUNTER_SLICE;
	uint32_t left = s->campaign->span - base, n = left < COUNTER_SLICE ? left : COUNTER_SLICE;

	for (uint32_t id = base; id < base + n; id++)
		if (s->campaign->round[id] == s->plan.last && !s->campaign->done[id] &&
			rounds_concerns(s, id))
			s->campaign->round[id]--;
}

void rounds_resume(struct rounds *s, uint64_t held_ns)
{
	s->opened_ns += held_ns;
	if (s->round <= s->plan.last)
		return;
	for (uint32_t i = 0; i < s->slices; i++)
		last_again(s, i);
	s->round = s->plan.last;
	s->slice = s->offset = 0;
}

bool rounds_is_done(const struct rounds *s)
{
	return !has_rounds_left(s) && s->aside.marked == 0;
}

bool rounds_is_through(const struct rounds *s, uint64_t now_ns)
{
	if (!rounds_is_done(s))
		return false;
	return wait_is_over(s, s->last_sent_ms, now_ns) &&
		wait_is_over(s, s->aside.last_sent_ms, now_ns);
}
