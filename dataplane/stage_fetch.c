// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Fetches the records of a burst's members and takes out, by name, those the BM-SC will not send
// to. Runs again when a burst had to wait: a record, an address or a MUK's life may have changed.

#include "single.h"
#include "staged.h"
#include "translate.h"

static enum member_message message_of(const struct worker *w, unsigned i)
{
	const struct burst *b = &w->burst;

	if (!b->sweep->is_solicit)
		return MEMBER_MSK;
	return member_gets_previous(w, i) ? MEMBER_SOLICIT_PREVIOUS : MEMBER_SOLICIT;
}

// Where a single push goes is where its phone asked from, when the order says so.
static struct member_wish wish_of(const struct worker *w, unsigned i, const struct dp_now *now)
{
	const struct burst *b = &w->burst;
	struct member_wish wish = {
		.fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s,
		.is_registered = true,
	};

	if (!run_is_single(b->run)) {
		wish.message = message_of(w, i);
		return wish;
	}
	wish.is_registered = b->single[i]->order.needs_registration;
	if (b->single[i]->order.port != 0) {
		wish.address = b->single[i]->order.address;
		wish.port = b->single[i]->order.port;
	}
	return wish;
}

// Fills seat `to` of the burst with its member i; returns 0, or why the member is refused.
static unsigned member_fetch(struct worker *w, unsigned to, unsigned i, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	struct member_wish wish = wish_of(w, i, now);
	struct member member = {.idr = b->idr[to], .psk = &b->psk[to]};
	store_id id = b->id[i];
	unsigned why;

	if (run_is_single(b->run) && b->single[i]->is_over)
		return DP_REFUSED_LEFT;
	why = translate_member(w->reader, &b->run->eligibility, id, &wish, &member);
	if (why != 0)
		return why;
	b->id[to] = id;
	b->single[to] = b->single[i];
	b->idr_len[to] = member.idr_len;
	b->address[to] = member.address;
	b->port[to] = member.port;
	b->seal[to].psk = member.psk;
	b->is_expired[to] = member.is_expired;
	return member.is_in_uicc &&
			mikey_template_bytes(&b->draft->tpl, member.idr_len) > MIKEY_UICC_MAX_BYTES
		? DP_REFUSED_TOO_LONG_FOR_UICC
		: 0;
}

// Whether the frame of member i is built already and may go.
static bool frame_fetch(
	struct worker *w, unsigned to, unsigned i, bool has_frames, const struct dp_now *now)
{
	int64_t fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s;
	const struct staged_frame *frame = NULL;
	struct burst *b = &w->burst;

	if (has_frames && !member_gets_previous(w, i))
		frame = run_staged_frame(w, b->run, b->id[i], fresh_at_s);
	b->frame[to] = frame;
	if (frame == NULL)
		return false;
	b->id[to] = b->id[i];
	b->single[to] = NULL;
	b->is_expired[to] = (int64_t)frame->expires <= fresh_at_s;
	b->frames++;
	return true;
}

// A campaign goes through its members in order: these will be in the next burst.
static void next_prefetch(const struct worker *w, const struct run *run, store_id id)
{
	run_prefetch_staged(run, id);
	if (!run_stages_frames(run))
		store_reader_prefetch(w->reader, id);
}

void stage_fetch(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	unsigned kept = 0;
	bool is_waiting = false, has_frames = run_stages_frames(b->run) && burst_is_staged(b);

	b->frames = 0;
	for (unsigned i = 0; i < b->n; i++) {
		unsigned why;

		next_prefetch(w, b->run, b->id[i] + BURST);
		if (frame_fetch(w, kept, i, has_frames, now)) {
			kept++;
			continue;
		}
		if (!counter_may_send(&w->counter, b->id[i], now->counter)) {
			member_delay(w, i, now);
			is_waiting = true;
			continue;
		}
		why = member_fetch(w, kept, i, now);
		if (why == MEMBER_NO_PREVIOUS)
			member_pass_over(w, i);
		else if (why != 0)
			member_refuse(w, i, why, now);
		else
			kept++;
	}
	b->n = kept;
	if (is_waiting)
		run_stall(w, b->run, DP_STALL_COUNTER);
}
