// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Fetches the records of a burst's members and takes out, by name, those the BM-SC will not send
// to. Runs again when a burst had to wait: a record, an address or a MUK's life may have changed.

#include "member.h"
#include "single.h"
#include "staged.h"

#define PREFETCHES 4u // members at once: more of them wait for each other

// What is asked of the records of a campaign's members, as far as it is the same for all.
static struct member_wish wish_of_run(const struct worker *w, const struct dp_now *now)
{
	const struct burst *b = &w->burst;

	return (struct member_wish){
		.message = !run_is_single(b->run) && b->sweep->is_solicit ? MEMBER_SOLICIT
									  : MEMBER_MSK,
		.fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s,
		.is_registered = true,
	};
}

// Where a single push goes is where its phone asked from, when the order says so.
static void wish_of_single(const struct dp_single *order, struct member_wish *wish)
{
	wish->is_registered = order->needs_registration;
	wish->address = order->port != 0 ? order->address : NULL;
	wish->port = order->port;
}

// What is asked of member i of the burst, as far as it is not.
static void wish_adapt(const struct worker *w, unsigned i, struct member_wish *wish)
{
	const struct burst *b = &w->burst;

	if (run_is_single(b->run))
		wish_of_single(&b->single[i]->order, wish);
	else if (b->sweep->is_solicit && b->run->campaign->is_last_previous)
		wish->message =
			member_gets_previous(w, i) ? MEMBER_SOLICIT_PREVIOUS : MEMBER_SOLICIT;
}

// Fills seat `to` of the burst with its member i; returns 0, or why the member is refused.
static inline unsigned member_fetch(struct worker *w, unsigned to, unsigned i,
	const struct store_record *record, const struct member_wish *wish)
{
	struct burst *b = &w->burst;
	struct member member;
	unsigned why;

	if (run_is_single(b->run) && b->single[i]->is_over)
		return DP_REFUSED_LEFT;
	// One by one: to clear the whole of it first would take longer.
	member.idr = b->idr[to];
	member.address = &b->address[to];
	member.room = &b->room[to];
	member.psk = NULL;
	why = translate_member(w->reader, &b->run->eligibility, b->id[i], record, wish, &member);
	b->has_keys |= member.psk == member.room;
	if (why != 0)
		return why;
	b->id[to] = b->id[i];
	b->single[to] = b->single[i];
	b->idr_len[to] = member.idr_len;
	b->port[to] = member.port;
	b->seal[to].psk = member.psk;
	b->is_expired[to] = member.is_expired;
	return member.is_in_uicc &&
			mikey_template_bytes(&b->draft->tpl, member.idr_len) > MIKEY_UICC_MAX_BYTES
		? DP_REFUSED_TOO_LONG_FOR_UICC
		: 0;
}

// Whether the frame of member i is built already and may go.
static bool frame_fetch(struct worker *w, unsigned to, unsigned i, int64_t fresh_at_s)
{
	const struct staged_frame *frame = NULL;
	struct burst *b = &w->burst;

	if (!member_gets_previous(w, i))
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

// A campaign goes through its members in order: some of these will be in the next burst.
static void next_prefetch(const struct worker *w, unsigned i, unsigned n)
{
	const struct burst *b = &w->burst;

	run_prefetch_staged(b->run, b->id + i, n, BURST);
	if (!run_stages_frames(b->run))
		store_reader_prefetch_burst(w->reader, b->id + i, n, BURST);
}

void stage_fetch(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	struct member_wish wish = wish_of_run(w, now);
	struct store_record record[BURST];
	unsigned kept = 0;
	bool is_waiting = false, has_frames = run_stages_frames(b->run) && burst_is_staged(b);

	b->frames = 0;
	if (!has_frames)
		store_reader_records(w->reader, b->id, b->n, record);
	for (unsigned i = 0; i < b->n; i++) {
		unsigned why;

		if (i % PREFETCHES == 0)
			next_prefetch(w, i, RTE_MIN(b->n - i, PREFETCHES));
		if (has_frames && frame_fetch(w, kept, i, wish.fresh_at_s)) {
			kept++;
			continue;
		}
		if (!counter_may_send(&w->counter, b->id[i], now->counter)) {
			member_delay(w, i, now);
			is_waiting = true;
			continue;
		}
		if (has_frames)
			store_reader_records(w->reader, &b->id[i], 1, &record[i]);
		wish_adapt(w, i, &wish);
		why = member_fetch(w, kept, i, &record[i], &wish);
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
