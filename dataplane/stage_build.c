// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes buffers and one counter value for the whole burst, and lays the messages out; headers will
// stand in front, in the head room. The MSK stands in them in the clear until the seal stage.

#include "single.h"

static void message_build(struct burst *b, unsigned i)
{
	struct rte_mbuf *m = b->mbuf[i];
	uint8_t *message = rte_pktmbuf_mtod(m, uint8_t *);
	struct mikey_bytes idr = {b->idr[i], b->idr_len[i]};
	struct mikey_layout layout;

	mikey_template_fill(&b->run->tpl, idr, message, &layout);
	m->data_len = (uint16_t)layout.len;
	m->pkt_len = m->data_len;
	b->seal[i].data = message;
	b->seal[i].encr_off = layout.encr.off;
	b->seal[i].encr_len = layout.encr.len;
	b->seal[i].mac_off = layout.mac.off;
}

// Notes the lowest value of the campaign; changes at most once per worker.
static void campaign_begin_at(struct dp_campaign *c, uint32_t counter)
{
	uint32_t first = atomic_load_explicit(&c->first_counter, memory_order_relaxed);

	while ((first == 0 || counter < first) &&
		!atomic_compare_exchange_weak(&c->first_counter, &first, counter))
		;
}

// Only who is really sent to counts for the pace.
static void campaign_spend(struct dp_campaign *c, unsigned n, const struct dp_now *now)
{
	uint32_t rate = atomic_load_explicit(&c->pace_rate, memory_order_relaxed);

	pace_spend(&c->pace_schedule, rate, now->ns, n);
}

bool stage_build(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	uint32_t mark = atomic_load_explicit(&w->shared->mark, memory_order_acquire);

	if (b->n == 0)
		return false;
	if (rte_pktmbuf_alloc_bulk(w->pool, b->mbuf, b->n) != 0) {
		// The port holds them all.
		w->stats.no_mbuf++;
		run_stall(w, b->run, DP_STALL_PORT);
		return false;
	}
	b->counter = counter_take(&w->counter, b->id, b->n, now->counter, mark);
	if (b->counter == 0) {
		rte_pktmbuf_free_bulk(b->mbuf, b->n);
		run_stall(w, b->run, DP_STALL_MARK);
		return false;
	}
	if (!run_is_single(b->run)) {
		campaign_begin_at(b->run->campaign, b->counter);
		campaign_spend(b->run->campaign, b->n, now);
	}
	mikey_template_set_counter(&b->run->tpl, b->counter);
	for (unsigned i = 0; i < b->n; i++)
		message_build(b, i);
	return true;
}
