// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Writes the headers in front of the messages of a burst, and hands them to the ports they leave
// by.

#include "staged.h"
#include "sum.h"

static const struct frame_headers *headers_get(struct worker *w, unsigned number)
{
	const struct hop *hop = &w->shared->routes.hop[number];
	const struct port *port = &w->shared->port[hop->port];
	struct frame_headers *h = &w->headers[number];

	if (h->made_for != neigh_mark(&hop->neigh) || h->life != port->lives)
		frame_headers_make(h, hop, port);
	return h;
}

// What the messages of a burst have in common: everything before the length of IDr.
static struct frame_message message_begin(const struct burst *b)
{
	const struct mikey_template *tpl = &b->draft->tpl;
	uint16_t known = (uint16_t)((tpl->head_len - 2) & ~1);

	return (struct frame_message){
		.known_len = known, .known_sum = sum_octets(tpl->head, known)};
}

static void frame_write(struct rte_mbuf *m, const struct frame_headers *h,
	struct frame_message *message, const struct dp_addr *to, uint16_t port)
{
	message->data = rte_pktmbuf_mtod(m, uint8_t *);
	message->len = m->data_len;
	frame_headers_put(h, message, to, port);
	m->ol_flags |= h->offloads;
	m->tx_offload = h->lengths;
	m->data_off = (uint16_t)(m->data_off - h->len);
	m->data_len = (uint16_t)(m->data_len + h->len);
	m->pkt_len = m->data_len;
}

void frame_mbuf_put(
	struct rte_mbuf *m, const struct frame_headers *h, const struct dp_addr *to, uint16_t port)
{
	struct frame_message message = {.known_len = 0};

	frame_write(m, h, &message, to, port);
}

// A frame that was built ahead lacks what its next hop wants now: addresses and tags in front of
// IP.
static void link_write(struct rte_mbuf *m, const struct frame_headers *h)
{
	uint8_t *at = (uint8_t *)rte_pktmbuf_prepend(m, h->l2_len);
	const uint8_t *from = h->bytes + sizeof(h->bytes) - h->len;

	// Mostly Ethernet alone: a length that is known is copied without a call.
	if (h->l2_len == RTE_ETHER_HDR_LEN)
		memcpy(at, from, RTE_ETHER_HDR_LEN);
	else
		memcpy(at, from, h->l2_len);
	m->tx_offload = h->lengths;
}

// The port by which a next hop is reached takes part of the burst.
static struct egress *egress_begin(struct worker *w, unsigned hop, const struct dp_now *now)
{
	const struct burst *b = &w->burst;
	struct egress *e = &w->egress[w->shared->routes.hop[hop].port];

	e->hops |= 1ull << hop;
	if (e->n != 0)
		return e;
	e->run = b->run;
	e->sweep = b->sweep;
	e->round = b->round;
	e->is_aside = b->is_aside;
	e->counter = b->counter;
	e->built_ns = now->ns;
	e->bytes = 0;
	return e;
}

// Members from `from` on, which leave by one port; their frames are ready.
static void frames_hand_over(struct egress *e, const struct burst *b, unsigned from, unsigned n)
{
	memcpy(e->id + e->n, b->id + from, n * sizeof(e->id[0]));
	memcpy(e->single + e->n, b->single + from, n * sizeof(e->single[0]));
	memcpy(e->route + e->n, b->route + from, n * sizeof(e->route[0]));
	memcpy(e->area + e->n, b->area + from, n * sizeof(e->area[0]));
	memcpy(e->is_expired + e->n, b->is_expired + from, n * sizeof(e->is_expired[0]));
	memcpy(e->mbuf + e->n, b->mbuf + from, n * sizeof(e->mbuf[0]));
	for (unsigned i = from; i < from + n; i++)
		e->bytes += b->mbuf[i]->pkt_len;
	e->n += n;
}

// Neighbours in a burst mostly have the same next hop: how many, from `from` on.
static unsigned hop_run(const struct burst *b, unsigned from)
{
	unsigned n = 1;

	while (from + n < b->n && b->hop[from + n] == b->hop[from])
		n++;
	return n;
}

void stage_frame(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	struct frame_message message =
		b->frames < b->n ? message_begin(b) : (struct frame_message){0};

	for (unsigned from = 0, n; from < b->n; from += n) {
		const struct frame_headers *h = headers_get(w, b->hop[from]);

		n = hop_run(b, from);
		for (unsigned i = from; i < from + n; i++)
			if (burst_frame(b, i) == NULL)
				frame_write(b->mbuf[i], h, &message, &b->address[i], b->port[i]);
			else
				link_write(b->mbuf[i], h);
		frames_hand_over(egress_begin(w, b->hop[from], now), b, from, n);
	}
	b->n = 0;
	b->run = NULL;
}
