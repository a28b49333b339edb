// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "aside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "rounds.h"

void aside_fini(struct aside *a)
{
	free(a->slice);
	memset(a, 0, sizeof(*a));
}

int aside_put(struct aside *a, uint32_t slices, uint32_t slice, uint32_t offset, uint32_t epoch)
{
	struct aside_slice *its;

	if (a->slice == NULL) {
		a->slice = calloc(slices, sizeof(*a->slice));
		a->slices = slices;
		a->epoch = epoch - 1;
	}
	if (a->slice == NULL)
		return -ENOMEM;
	its = &a->slice[slice];
	if (!its->has_any)
		a->marked++;
	its->has_any = true;
	if (its->epoch != epoch)
		memset(its->is_blocked, 0, sizeof(its->is_blocked));
	its->epoch = epoch;
	its->is_aside[offset / 64] |= 1ull << offset % 64;
	its->is_blocked[offset / 64] |= 1ull << offset % 64;
	a->has_blocked = a->is_blocked_seen = true;
	return 0;
}

bool aside_has(const struct aside *a, uint32_t slice, uint32_t offset)
{
	return a->slice != NULL &&
		(a->slice[slice].is_aside[offset / 64] & 1ull << offset % 64) != 0;
}

void aside_sent(struct aside *a, uint32_t slice, uint32_t ms)
{
	a->slice[slice].sent_ms = ms;
	a->last_sent_ms = ms;
}

// Whether the member is due now; notes what the pass has to know about it.
static bool member_look(struct rounds *s, uint32_t id, uint32_t ms)
{
	const struct dp_campaign *c = s->campaign;
	struct aside *a = &s->aside;
	const struct aside_slice *its = &a->slice[a->at];
	uint32_t sends = c->round[id], offset = id % COUNTER_SLICE, due;

	// A state that is no number of sends is larger than any.
	if (c->done[id] || sends >= s->plan.last || !rounds_concerns(s, id))
		return false;
	a->is_open_seen = true;
	if (its->is_blocked[offset / 64] & 1ull << offset % 64) {
		a->is_blocked_seen = true;
		return false;
	}
	due = sends < s->plan.first ? 0 : a->sent_ms + rounds_wait_ms(s, sends);
	if (due < a->due_ms)
		a->due_ms = due;
	return ms >= due;
}

static uint32_t slice_base(const struct rounds *s)
{
	return (s->aside.at * s->workers + s->worker) * COUNTER_SLICE;
}

static unsigned slice_collect(struct rounds *s, uint32_t ms, uint32_t *ids, unsigned n)
{
	struct aside *a = &s->aside;
	struct aside_slice *its = &a->slice[a->at];
	unsigned found = 0;

	// As it was when the pass came here: what it sends to the first ones is no reason for the
	// others to wait.
	if (a->offset == 0)
		a->sent_ms = its->sent_ms;
	if (its->epoch != a->epoch)
		memset(its->is_blocked, 0, sizeof(its->is_blocked));
	its->epoch = a->epoch;
	while (a->offset < COUNTER_SLICE && found < n) {
		uint64_t rest = its->is_aside[a->offset / 64] >> a->offset % 64;

		a->offset += rest == 0 ? 64 - a->offset % 64 : (uint32_t)__builtin_ctzll(rest);
		if (rest == 0)
			continue;
		if (member_look(s, slice_base(s) + a->offset, ms))
			ids[found++] = slice_base(s) + a->offset;
		a->offset++;
	}
	return found;
}

static void slice_leave(struct aside *a)
{
	struct aside_slice *its = &a->slice[a->at];

	if (!a->is_open_seen && its->has_any) {
		its->has_any = false;
		a->marked--;
	}
	a->is_open_seen = false;
	a->offset = 0;
	a->at++;
}

// False: nothing can have become due since the last pass.
static bool pass_begin(struct aside *a, uint32_t ms, uint32_t epoch)
{
	if (a->is_passing)
		return true;
	if (a->marked == 0 || (a->epoch == epoch && ms < a->due_ms))
		return false;
	a->is_passing = true;
	a->is_blocked_seen = a->is_open_seen = false;
	a->at = a->offset = 0;
	a->epoch = epoch;
	a->due_ms = UINT32_MAX;
	return true;
}

unsigned aside_due(struct rounds *s, uint32_t ms, uint32_t epoch, uint32_t *ids, unsigned n)
{
	struct aside *a = &s->aside;
	unsigned found = 0, swept = 0;

	if (!pass_begin(a, ms, epoch))
		return 0;
	while (found < n && swept < ROUNDS_SLICES_PER_CALL && a->at < a->slices) {
		if (a->slice[a->at].has_any) {
			found += slice_collect(s, ms, ids + found, n - found);
			swept++;
		} else {
			a->offset = COUNTER_SLICE;
		}
		if (a->offset >= COUNTER_SLICE)
			slice_leave(a);
	}
	if (a->at == a->slices) {
		a->is_passing = false;
		a->has_blocked = a->is_blocked_seen;
	}
	return found;
}
