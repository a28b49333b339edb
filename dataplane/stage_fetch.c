// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Fetches the records of a burst's members and takes out, by name, those the BM-SC will not send
// to. Runs again when a burst had to wait: a record, an address or a MUK's life may have changed.

#include "translate.h"
#include "worker.h"

static void member_refuse(struct burst *b, store_id id, unsigned why)
{
	b->run->campaign->round[id] = (uint8_t)(DP_MEMBER_REFUSED | why);
	run_mark_dirty(b->run, id);
}

static unsigned message_refuse(const struct worker *w, const struct store_hot *hot, size_t bytes)
{
	if ((store_hot_flags(hot) & STORE_IN_UICC) && bytes > MIKEY_UICC_MAX_BYTES)
		return DP_REFUSED_TOO_LONG_FOR_UICC;
	if (bytes + 20 + 8 > w->shared->conf->mtu)
		return DP_REFUSED_TOO_LONG_FOR_PORT;
	return 0;
}

// Fills seat `to` of the burst; returns 0, or why the member is refused.
static unsigned member_fetch(struct worker *w, unsigned to, store_id id, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	int64_t fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s;
	struct member member = {.psk = &b->psk[to]};
	unsigned why = translate_member(
		w->reader, &b->run->eligibility, id, fresh_at_s, &member, b->idr[to]);

	if (why != 0)
		return why;
	b->id[to] = id;
	b->idr_len[to] = member.idr_len;
	b->address[to] = member.address;
	b->port[to] = member.port;
	b->seal[to].psk = &b->psk[to];
	return message_refuse(w, store_reader_hot(w->reader, id),
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
			rounds_return(&b->run->rounds, b->round, id);
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
