// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Checks verification messages (docs/mikey-profile.md): parse, find the campaign by CSB ID and the
// subscriber by IDr, see that the counter is one this campaign used, then the MAC. Where living
// MSKs share a CSB ID (v600) each of their campaigns tries. The drop reason is the furthest point
// a message reached.

#include <rte_memcpy.h>

#include "single.h"
#include "translate.h"

static enum dp_drop message_parse(
	struct worker *w, const struct rte_mbuf *m, struct intake_message *message)
{
	struct mikey_view view;
	enum mikey_status status =
		mikey_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &view);
	enum mikey_kind kind;

	if (status != MIKEY_OK) {
		w->stats.mikey[status]++;
		return DP_DROP_MIKEY_MALFORMED;
	}
	kind = mikey_view_kind(&view);
	if (kind == MIKEY_KIND_ERROR)
		return DP_DROP_MIKEY_ERROR;
	if (kind != MIKEY_KIND_VERIFICATION || view.mac.len != MIKEY_MAC_BYTES ||
		view.ts_type != MIKEY_TS_COUNTER)
		return DP_DROP_MIKEY_KIND;
	*message =
		(struct intake_message){view.csb_id, view.counter, view.identity[0], view.mac.off};
	return DP_DROP_UNKNOWN_CSB;
}

// While single pushes are under way, another worker may know it.
static bool csb_is_known(const struct worker *w, uint32_t csb_id, bool is_any_single)
{
	if (is_any_single)
		return true;
	for (unsigned i = 0; i < w->runs; i++)
		if (w->run[i]->campaign->msk.csb_id == csb_id)
			return true;
	return false;
}

// What each sender's answer is held against lies in three places that nobody has looked at lately.
static void senders_prefetch(const struct worker *w, const store_id *id, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		if (id[k] == STORE_ID_NONE)
			continue;
		counter_prefetch(w->counter.counter, id[k]);
		for (unsigned i = 0; i < w->runs; i++) {
			const struct dp_campaign *c = w->run[i]->campaign;

			if (id[k] >= c->span)
				continue;
			rte_prefetch0(&c->round[id[k]]);
			rte_prefetch0_write(&c->done[id[k]]);
		}
	}
}

// Looks all senders up at once; only those whose MSK lives are worth it.
static void senders_find(struct worker *w)
{
	struct intake *in = &w->intake;
	struct store_bytes btid[BURST];
	unsigned seat[BURST], n = 0;
	store_id id[BURST];
	uint8_t is_prev[BURST];
	bool is_any_single = single_is_any(w);

	for (unsigned i = 0; i < in->n; i++) {
		const struct intake_message *message = &in->message[i];

		if (in->drop[i] != DP_DROP_UNKNOWN_CSB ||
			!csb_is_known(w, message->csb_id, is_any_single))
			continue;
		in->drop[i] = DP_DROP_UNKNOWN_IDR;
		btid[n] = (struct store_bytes){message->idr.data, message->idr.len};
		seat[n++] = i;
	}
	if (n == 0)
		return;
	store_reader_find_btid_burst(w->reader, btid, n, id, is_prev);
	senders_prefetch(w, id, n);
	for (unsigned k = 0; k < n; k++) {
		in->id[seat[k]] = id[k];
		in->is_prev[seat[k]] = is_prev[k];
		if (id[k] == STORE_ID_NONE)
			continue;
		in->drop[seat[k]] = DP_DROP_NOT_A_MEMBER;
		if (is_any_single && counter_owner_of(id[k], w->shared->workers) != w->index)
			single_hand_over(w, seat[k]);
	}
}

static const struct crypto_hmac_state *previous_muk(
	const struct worker *w, store_id id, struct crypto_hmac_state *room)
{
	struct store_prev prev;
	int rc = store_reader_prev(w->reader, id, &prev);

	if (rc == 0)
		*room = *translate_psk(&prev.muk_state);
	explicit_bzero(&prev, sizeof(prev));
	return rc == 0 ? room : NULL;
}

// The key a sender answered under: the current MUK, or the previous one when its B-TID is named.
static void sender_key(struct worker *w, unsigned i)
{
	struct intake *in = &w->intake;
	struct store_record record;

	if (in->is_prev[i]) {
		in->psk[i] = previous_muk(w, in->id[i], &in->room[i]);
	} else {
		store_reader_records(w->reader, &in->id[i], 1, &record);
		in->psk[i] = translate_muk(w->reader, in->id[i], &record, &in->room[i]);
	}
	in->has_keys |= in->psk[i] == &in->room[i];
	if (in->psk[i] == NULL)
		in->drop[i] = DP_DROP_UNKNOWN_IDR;
}

// A value this campaign may have used: not from before it, and not from the future.
static bool counter_fits(
	const struct worker *w, const struct dp_campaign *c, store_id id, uint32_t counter)
{
	uint32_t first = atomic_load_explicit(&c->first_counter, memory_order_relaxed);

	return first != 0 && counter >= first && counter <= counter_last(w->counter.counter, id);
}

// Whether message i may answer this campaign; moves its drop reason on.
static bool answer_fits(struct worker *w, const struct run *run, unsigned i)
{
	struct intake *in = &w->intake;
	const struct dp_campaign *c = run->campaign;

	if (in->drop[i] < DP_DROP_NOT_A_MEMBER || in->message[i].csb_id != c->msk.csb_id)
		return false;
	if (in->id[i] >= c->span || c->round[in->id[i]] == DP_MEMBER_NONE)
		return false;
	if (in->drop[i] == DP_DROP_NOT_A_MEMBER)
		in->drop[i] = DP_DROP_STALE_COUNTER;
	return counter_fits(w, c, in->id[i], in->message[i].counter);
}

// Octets the MAC of message i covers: the message up to the MAC, identities and counter.
static size_t input_write(struct worker *w, const struct run *run, unsigned i)
{
	struct intake *in = &w->intake;
	const struct intake_message *message = &in->message[i];
	size_t head = message->mac_off, tail;

	if (head > CHECK_INPUT_BYTES)
		return 0;
	rte_memcpy(in->input[i], rte_pktmbuf_mtod(in->mbuf[i], const uint8_t *), head);
	tail = mikey_verification_tail(in->input[i] + head, CHECK_INPUT_BYTES - head, run->idi,
		message->idr, message->counter, w->shared->conf->ts_bytes);
	return tail == 0 ? 0 : head + tail;
}

static void area_count_verified(struct worker *w, store_id id)
{
	const struct routes *r = &w->shared->routes;
	const struct store_hot *hot;
	struct dp_addr addr;
	uint16_t way;

	if (w->shared->conf->areas == 0)
		return;
	hot = store_reader_hot(w->reader, id);
	if (hot == NULL)
		return;
	addr = translate_address(hot);
	routes_find_burst(r, &addr, 1, &way);
	w->area[routes_way(r, way)->area].verified++;
}

static void member_verified(struct worker *w, struct run *run, unsigned i)
{
	struct intake *in = &w->intake;
	store_id id = in->id[i];
	bool is_first = !run->campaign->done[id];

	// Another campaign of the same MSK may have taken it already.
	if (!is_first) {
		if (in->drop[i] != DP_DROP_COUNT)
			in->drop[i] = DP_DROP_DUPLICATE;
		return;
	}
	in->drop[i] = DP_DROP_COUNT;
	run->campaign->done[id] = in->is_prev[i] ? DP_DONE_PREV : DP_DONE_CURRENT;
	run_mark_dirty(run, id);
	area_count_verified(w, id);
}

// Whether message i may answer what this run has sent. A single that it may answer is noted.
static bool run_fits(struct worker *w, struct run *run, unsigned i)
{
	if (!run_is_single(run))
		return answer_fits(w, run, i);
	w->intake.single[i] = single_answered(w, run, i);
	return w->intake.single[i] != NULL;
}

static void run_check(struct worker *w, struct run *run, const struct dp_now *now)
{
	struct intake *in = &w->intake;
	struct crypto_check_msg msgs[BURST];
	uint8_t is_good[BURST];
	unsigned seat[BURST], n = 0;

	for (unsigned i = 0; i < in->n; i++) {
		size_t len;

		if (in->mbuf[i] == NULL || !run_fits(w, run, i) ||
			(len = input_write(w, run, i)) == 0)
			continue;
		if (in->drop[i] == DP_DROP_STALE_COUNTER)
			in->drop[i] = DP_DROP_BAD_MAC;
		msgs[n] = (struct crypto_check_msg){
			.psk = in->psk[i],
			.data = in->input[i],
			.len = (uint16_t)len,
			.mac = rte_pktmbuf_mtod_offset(
				in->mbuf[i], const uint8_t *, in->message[i].mac_off),
		};
		seat[n++] = i;
	}
	if (n == 0)
		return;
	crypto_check_burst(w->crypto, &run->msk.label, msgs, n, is_good);
	if (!worker_trusts_crypto(w))
		return;
	for (unsigned k = 0; k < n; k++) {
		if (!is_good[k])
			continue;
		if (run_is_single(run))
			single_verified(w, in->single[seat[k]], seat[k], now);
		else
			member_verified(w, run, seat[k]);
	}
}

static void intake_finish(struct worker *w)
{
	struct intake *in = &w->intake;

	for (unsigned i = 0; i < in->n; i++) {
		if (in->mbuf[i] == NULL)
			continue;
		if (in->drop[i] == DP_DROP_COUNT)
			w->stats.verified++;
		else
			w->stats.drop[in->drop[i]]++;
	}
	if (in->has_keys)
		explicit_bzero(in->room, sizeof(in->room));
	in->has_keys = false;
	rte_pktmbuf_free_bulk(in->mbuf, in->n);
	in->n = 0;
}

void stage_check(struct worker *w, const struct dp_now *now)
{
	struct intake *in = &w->intake;

	if (in->n == 0)
		return;
	for (unsigned i = 0; i < in->n; i++) {
		in->is_prev[i] = 0;
		in->drop[i] = message_parse(w, in->mbuf[i], &in->message[i]);
	}
	senders_find(w);
	for (unsigned i = 0; i < in->n; i++)
		if (in->mbuf[i] != NULL && in->drop[i] == DP_DROP_NOT_A_MEMBER)
			sender_key(w, i);
	for (unsigned r = 0; r < w->runs; r++)
		run_check(w, w->run[r], now);
	for (unsigned m = 0; m < SINGLES_MSKS_MAX; m++)
		if (w->singles.of_msk[m] > 0)
			run_check(w, &w->single_msk[m].run, now);
	intake_finish(w);
}
