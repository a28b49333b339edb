// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Fetches the records of a burst's members and takes out, by name, those the BM-SC will not send
// to. Runs again when a burst had to wait: a record, an address or a MUK's life may have changed.

#include "translate.h"
#include "worker.h"

static unsigned message_refuse(const struct store_hot *hot, size_t bytes)
{
	bool is_in_uicc = (store_hot_flags(hot) & STORE_IN_UICC) != 0;

	return is_in_uicc && bytes > MIKEY_UICC_MAX_BYTES ? DP_REFUSED_TOO_LONG_FOR_UICC : 0;
}

// Fills seat `to` of the burst; returns 0, or why the member is refused.
static unsigned member_fetch(struct worker *w, unsigned to, store_id id, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	int64_t fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s;
	struct member member;
	unsigned why = translate_member(
		w->reader, &b->run->eligibility, id, fresh_at_s, &member, b->idr[to]);

	if (why != 0)
		return why;
	b->id[to] = id;
	b->idr_len[to] = member.idr_len;
	b->address[to] = member.address;
	b->port[to] = member.port;
	b->seal[to].psk = member.psk;
	return message_refuse(store_reader_hot(w->reader, id, NULL),
		mikey_template_bytes(&b->run->tpl, member.idr_len));
}

void stage_fetch(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	unsigned kept = 0;
	bool is_waiting = false;

	for (unsigned i = 0; i < b->n; i++) {
		store_id id = b->id[i];
		unsigned why;

		// Too far ahead of the clock, by a second at most: this member comes again.
		if (!counter_may_send(&w->counter, id, now->counter)) {
			w->stats.counter_waits++;
			is_waiting = true;
			member_return(w, b->run, b->round, id);
			continue;
		}
		why = member_fetch(w, kept, id, now);
		if (why != 0)
			member_refuse(b, id, why);
		else
			kept++;
	}
	b->n = kept;
	if (is_waiting)
		run_stall(w, b->run, DP_STALL_COUNTER);
}
