// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Frames of our own that carry no message: questions for next hops, and answers that wait for
// their port.

#include <rte_ethdev.h>

#include "worker.h"

// Hands what waits to the port; returns how much it took.
static unsigned port_flush(struct worker *w, unsigned port)
{
	struct egress *e = &w->egress[port];
	uint64_t bytes[OUT_MAX + 1];
	unsigned taken, n = e->out_n;

	// The port owns a frame once it took it: lengths are noted before.
	bytes[0] = 0;
	for (unsigned i = 0; i < n; i++)
		bytes[i + 1] = bytes[i] + e->out[i]->pkt_len;
	capture_tx_begin(w, port, e->out, n);
	taken = rte_eth_tx_burst(w->shared->port[port].id, w->queue, e->out, (uint16_t)n);
	capture_tx_end(w, taken);
	e->stats.tx_bytes += bytes[taken];
	w->stats.tx_frames += taken;
	w->stats.tx_bytes += bytes[taken];
	e->out_n -= taken;
	memmove(e->out, e->out + taken, e->out_n * sizeof(e->out[0]));
	return taken;
}

bool answer_send(struct worker *w, unsigned port, struct rte_mbuf *mbuf)
{
	struct egress *e = &w->egress[port];

	mbuf->ol_flags = 0;
	if (e->out_n == OUT_MAX && w->port_state[port] == PORT_UP)
		e->stats.tx_frames += port_flush(w, port);
	if (e->out_n == OUT_MAX) {
		worker_drop(w, mbuf, DP_DROP_NO_ROOM_TO_ANSWER);
		return false;
	}
	e->out[e->out_n++] = mbuf;
	return true;
}

// The header is written anew: a device or a kernel may have taken tags off, or put them back with
// other types.
static bool ether_turn(const struct port *port, struct rte_mbuf *m)
{
	struct rte_ether_addr to = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->src_addr;
	rte_be16_t type;
	char *at;

	memcpy(&type, rte_pktmbuf_mtod(m, uint8_t *) + m->l2_len - sizeof(type), sizeof(type));
	at = port->l2_len < m->l2_len
		? rte_pktmbuf_adj(m, (uint16_t)(m->l2_len - port->l2_len))
		: rte_pktmbuf_prepend(m, (uint16_t)(port->l2_len - m->l2_len));
	if (at == NULL)
		return false;
	m->l2_len = port->l2_len;
	frame_ether_put((uint8_t *)at, port, rte_be_to_cpu_16(type));
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = to;
	return true;
}

bool answer_turn(struct worker *w, unsigned number, struct rte_mbuf *mbuf)
{
	if (ether_turn(&w->shared->port[number], mbuf))
		return answer_send(w, number, mbuf);
	worker_drop(w, mbuf, DP_DROP_NO_ROOM_TO_ANSWER);
	return false;
}

struct rte_mbuf *ask_frame(struct worker *w, const struct port *port, uint16_t type)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m == NULL) {
		w->stats.no_mbuf++;
		return NULL;
	}
	frame_ether_put(rte_pktmbuf_mtod(m, uint8_t *), port, type);
	m->l2_len = port->l2_len;
	return m;
}

void hop_hear(struct worker *w, unsigned port, const struct dp_addr *addr,
	const struct rte_ether_addr *mac, const struct dp_now *now)
{
	struct routes *r = &w->shared->routes;

	// Our own, on a link that is a loop.
	if (rte_is_same_ether_addr(mac, &w->shared->port[port].mac))
		return;
	for (unsigned h = 0; h < r->hops; h++) {
		struct dp_event event = {.kind = DP_EVENT_HOP_MAC, .hop = (uint8_t)h};

		if (r->hop[h].port != port || memcmp(&r->hop[h].via, addr, sizeof(*addr)) != 0 ||
			!neigh_learn(&r->hop[h].neigh, mac, now->ns))
			continue;
		ways_changed(w->shared);
		worker_event(w, &event);
	}
}

static void hop_ask(struct worker *w, struct hop *hop, const struct dp_now *now)
{
	struct dp_event event = {
		.kind = DP_EVENT_HOP_LOST, .hop = (uint8_t)(hop - w->shared->routes.hop)};
	const struct egress *e = &w->egress[hop->port];
	enum neigh_question whom;
	bool is_asked;

	// A question that the port does not take is none, and its silence no answer.
	if (w->port_state[hop->port] != PORT_UP || e->out_n == OUT_MAX || egress_is_stuck(e, now))
		return;
	whom = neigh_due(&hop->neigh, now->ns);
	// A port that holds all buffers does not send what it took.
	if (whom == NEIGH_ASK_NOBODY || rte_mempool_avail_count(w->pool) < BURST)
		return;
	is_asked = dp_addr_is_v4(&hop->via) ? ask_arp(w, hop, whom == NEIGH_ASK_IT)
					    : ask_nd(w, hop, whom == NEIGH_ASK_IT);
	if (is_asked && neigh_asked(&hop->neigh, now->ns)) {
		ways_changed(w->shared);
		worker_event(w, &event);
	}
}

// Asks for the next hops whose time has come (worker 0).
static void ask_hops(struct worker *w, const struct dp_now *now)
{
	for (unsigned h = 0; h < w->shared->routes.hops && w->index == 0; h++)
		hop_ask(w, &w->shared->routes.hop[h], now);
}

static unsigned port_answer(struct worker *w, unsigned port, const struct dp_now *now)
{
	struct egress *e = &w->egress[port];
	unsigned n = e->out_n, taken = port_flush(w, port);

	egress_took(e, n, taken, now);
	return taken;
}

// Nobody waits for an answer through a port that is not there.
static void port_forget(struct egress *e)
{
	rte_pktmbuf_free_bulk(e->out, e->out_n);
	e->out_n = 0;
}

unsigned answer_tx(struct worker *w, const struct dp_now *now)
{
	unsigned sent = 0;

	ask_hops(w, now);
	for (unsigned p = 0; p < w->shared->ports; p++) {
		if (w->port_state[p] != PORT_UP)
			port_forget(&w->egress[p]);
		else if (w->egress[p].out_n != 0)
			sent += port_answer(w, p, now);
	}
	return sent;
}
