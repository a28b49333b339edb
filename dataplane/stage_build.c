// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes buffers and one counter value for the whole burst, and lays the messages out; headers will
// stand in front, in the head room. The MSK stands in them in the clear until the seal stage.
// Frames that were built ahead, with values of their own, are copied as they are.

#include "single.h"
#include "staged.h"

static void message_build(struct burst *b, unsigned i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint8_t *message = rte_pktmbuf_mtod(m, uint8_t *);
	struct mikey_bytes idr = {(const uint8_t *)b->idr[i], b->idr_len[i]};
	struct mikey_layout layout;

	mikey_template_fill(&b->draft->tpl, idr, message, &layout);
	m->data_len = (uint16_t)layout.len;
	m->pkt_len = m->data_len;
	b->seal[i].data = message;
	b->seal[i].encr_off = layout.encr.off;
	b->seal[i].encr_len = layout.encr.len;
	b->seal[i].mac_off = layout.mac.off;
}

static void frame_copy(struct burst *b, unsigned i)
{
	const struct staged_frame *frame = b->frame[i];
	struct rte_mbuf *m = b->mbuf[i];

	m->data_len = frame->len;
	m->pkt_len = frame->len;
	memcpy(rte_pktmbuf_mtod(m, uint8_t *), frame->octets, sizeof(frame->octets));
}

// A frame that is built goes out once: what is made for its member again is made anew.
static void messages_make(struct worker *w)
{
	struct burst *b = &w->burst;
	store_id copied[BURST];
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (burst_frame(b, i) == NULL) {
			message_build(b, i);
			continue;
		}
		frame_copy(b, i);
		copied[n++] = b->id[i];
	}
	if (n > 0)
		run_unstage_sent(w, b->run, copied, n);
}

// Members that are built now take ONE value; false: there is none for them yet.
static bool counter_begin(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	uint32_t mark = atomic_load_explicit(&w->shared->mark, memory_order_acquire);
	uint32_t id[BURST];
	unsigned n = 0;

	if (b->frames == b->n)
		return true;
	for (unsigned i = 0; i < b->n; i++)
		if (burst_frame(b, i) == NULL)
			id[n++] = b->id[i];
	b->counter = counter_take(&w->counter, id, n, now->counter, mark);
	if (b->counter == 0)
		return false;
	frames_outdate(w, id, n);
	if (!run_is_single(b->run))
		campaign_begin_at(b->run->campaign, b->counter);
	mikey_template_set_counter(&b->draft->tpl, b->counter);
	return true;
}

// Messages of a burst go to one area, but for who has moved.
static void areas_spend(struct worker *w, const struct dp_now *now)
{
	const struct burst *b = &w->burst;

	for (unsigned i = 0, n; i < b->n; i += n) {
		for (n = 1; i + n < b->n && b->area[i + n] == b->area[i]; n++)
			;
		if (b->area[i] != AREA_NONE)
			pace_take(&w->shared->area_pace[b->area[i]], now->ns, n);
	}
}

// Only who is really sent to counts for the pace.
static void burst_spend(struct worker *w, const struct dp_now *now)
{
	const struct burst *b = &w->burst;
	struct dp_campaign *c = b->run->campaign;
	uint32_t rate = atomic_load_explicit(&c->pace_rate, memory_order_relaxed);

	pace_spend(&c->pace_schedule, rate, now->ns, b->n);
	if (atomic_load_explicit(&c->trial, memory_order_relaxed) != 0)
		atomic_fetch_add_explicit(&c->tried, b->n, memory_order_relaxed);
	if (w->shared->conf->areas > 0)
		areas_spend(w, now);
	if (b->sweep->is_solicit)
		pace_take(&w->shared->solicit_pace, now->ns, b->n);
}

bool stage_build(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	if (b->n == 0)
		return false;
	if (rte_pktmbuf_alloc_bulk(w->pool, b->mbuf, b->n) != 0) {
		// The port holds them all.
		w->stats.no_mbuf++;
		run_stall(w, b->run, DP_STALL_PORT);
		return false;
	}
	if (!counter_begin(w, now)) {
		rte_pktmbuf_free_bulk(b->mbuf, b->n);
		run_stall(w, b->run, DP_STALL_MARK);
		return false;
	}
	if (!run_is_single(b->run))
		burst_spend(w, now);
	messages_make(w);
	return true;
}
