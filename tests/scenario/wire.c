// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wire.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_mbuf.h>

#include "script.h"
#include "site.h"
#include "ue/site.h"
#include "view.h"

#define RING_FRAMES 512
#define POOL_FRAMES 8191
#define POLLS_MAX 256 // frames of the phones in one go

static struct rte_ring *ring_make(const char *name, unsigned port, unsigned i)
{
	char text[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(text, sizeof(text), "wire-%s-%u-%u", name, port, i);
	ring = rte_ring_create(text, RING_FRAMES, SOCKET_ID_ANY, RING_F_EXACT_SZ);
	if (ring == NULL)
		script_fail("no memory for the rings of the port");
	return ring;
}

static void port_make(struct wire *w, unsigned port)
{
	char name[24] = "scenario";

	if (port > 0)
		snprintf(name, sizeof(name), "scenario%u", port);
	for (unsigned i = 0; i < WIRE_QUEUES; i++) {
		w->tx[port][i] = ring_make("tx", port, i);
		w->rx[port][i] = ring_make("rx", port, i);
	}
	if (rte_eth_from_rings(name, w->rx[port], WIRE_QUEUES, w->tx[port], WIRE_QUEUES, 0) < 0)
		script_fail("no memory for a port");
}

void wire_init(struct wire *w, const struct ue_conf *phones, unsigned ports)
{
	STAILQ_INIT(&w->answers);
	STAILQ_INIT(&w->held);
	ue_rng_init(&w->rng, phones->seed);
	for (w->ports = 0; w->ports < ports; w->ports++)
		port_make(w, w->ports);
	w->pool = rte_pktmbuf_pool_create(
		"wire", POOL_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (w->pool == NULL || ue_site_create(&w->phones, phones) != 0)
		script_fail("no memory for the wire");
}

struct ue_address wire_port_address(const struct site *s, bool is_v6)
{
	const struct dp_port_conf *port = &s->conf.port[0];
	struct ue_address address;

	for (unsigned i = 0; i < port->addresses; i++) {
		memcpy(address.octets, port->address[i].addr.byte, sizeof(address.octets));
		if (dp_addr_is_v4(&port->address[i].addr) != is_v6)
			return address;
	}
	script_fail("the port has no address of that IP version");
}

static void frames_free(struct wire_frames *frames)
{
	while (!STAILQ_EMPTY(frames)) {
		struct wire_frame *frame = STAILQ_FIRST(frames);

		STAILQ_REMOVE_HEAD(frames, entry);
		free(frame);
	}
}

void wire_fini(struct wire *w)
{
	frames_free(&w->answers);
	frames_free(&w->held);
	ue_site_destroy(w->phones);
}

static void frame_put(struct wire_frames *frames, const uint8_t *data, size_t len)
{
	struct wire_frame *frame = malloc(sizeof(*frame));

	if (frame == NULL || len > sizeof(frame->data))
		script_fail("a frame of %zu octets does not fit the wire", len);
	frame->len = len;
	memcpy(frame->data, data, len);
	STAILQ_INSERT_TAIL(frames, frame, entry);
}

void wire_inject(struct wire *w, const uint8_t *frame, size_t len)
{
	frame_put(&w->answers, frame, len);
}

// Turns one bit over, in the whole frame or in the message behind an absent UDP checksum.
static void frame_flip(struct wire *w, uint8_t *data, size_t len, const struct view *view)
{
	size_t from = w->is_flip_deep ? view->message : 0, bit;

	if (!view->is_udp || !ue_rng_percent(&w->rng, w->flips))
		return;
	if (w->is_flip_deep)
		memset(data + view->udp + 6, 0, 2);
	bit = ue_rng_below(&w->rng, (len - from) * 8);
	data[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
	w->flipped++;
}

// --- From the phones to the port ------------------------------------------------------------

static void answer_take(struct site *s, uint8_t *data, size_t len)
{
	struct wire *w = &s->wire;
	struct view view;
	unsigned from;

	view_make(&view, data, len);
	from = view.is_udp ? people_at(&s->people, &view.from) : UINT_MAX;
	if (from != UINT_MAX && (w->is_offline[from] || w->is_silent[from]))
		return;
	frame_flip(w, data, len, &view);
	frame_put(from != UINT_MAX && w->is_holding ? &w->held : &w->answers, data, len);
}

// By the MAC it goes to: a frame that nobody takes comes in by the first port, and is dropped.
static unsigned port_of(const struct site *s, const struct wire_frame *frame)
{
	for (unsigned p = 0; p < s->shared.ports; p++)
		if (memcmp(frame->data, s->shared.port[p].mac.addr_bytes, 6) == 0)
			return p;
	return 0;
}

// An answer reaches any queue, whoever owns the member.
static struct rte_ring *queue_of(const struct site *s, const struct wire_frame *frame)
{
	struct view view;
	uint32_t hash;

	view_make(&view, frame->data, frame->len);
	memcpy(&hash, view.from.octets + 12, sizeof(hash));
	hash = be32toh(hash) * 2654435761u;
	return s->wire.rx[port_of(s, frame)][(hash >> 16) % s->shared.workers];
}

static unsigned answers_deliver(struct site *s)
{
	struct wire *w = &s->wire;
	struct wire_frame *frame;
	unsigned n = 0;

	while ((frame = STAILQ_FIRST(&w->answers)) != NULL) {
		struct rte_ring *ring = queue_of(s, frame);
		struct rte_mbuf *m;

		if (rte_ring_full(ring) || (m = rte_pktmbuf_alloc(w->pool)) == NULL)
			break;
		memcpy(rte_pktmbuf_append(m, (uint16_t)frame->len), frame->data, frame->len);
		rte_ring_enqueue(ring, m);
		STAILQ_REMOVE_HEAD(&w->answers, entry);
		free(frame);
		n++;
	}
	return n;
}

// --- From the port to the phones ------------------------------------------------------------

// Which gateway of a port a frame is for, by its MAC or by the address asked for.
static const struct wire_gateway *gateway_of(
	const struct wire *w, unsigned port, const uint8_t *data, const struct view *view)
{
	for (unsigned i = 0; i < w->gateways; i++) {
		const struct wire_gateway *gateway = &w->gateway[i];
		bool is_asked = view->is_request &&
			(ue_address_equal(&view->to, &gateway->address) ||
				ue_address_equal(&view->to, &gateway->address6));
		// MTK messages go to a group: any gateway takes them.
		bool is_taken = is_asked || view->is_udp;

		if (gateway->port == port && !gateway->is_down &&
			((is_taken && (data[0] & 1) != 0) || memcmp(data, gateway->mac, 6) == 0))
			return gateway;
	}
	return NULL;
}

static void gateway_complain(struct site *s, const struct wire_gateway *gateway,
	const struct view *view, const uint8_t *data, size_t len)
{
	bool is_v6 = view->type == 0x86dd;
	uint8_t out[UE_FRAME_MAX_BYTES];

	len = view_unreachable(
		view, data, len, is_v6 ? &gateway->address6 : &gateway->address, out);
	answer_take(s, out, len);
}

static void frame_reach(
	struct site *s, unsigned port, uint8_t *data, size_t len, const struct ue_now *now)
{
	struct wire *w = &s->wire;
	uint8_t out[UE_FRAME_MAX_BYTES];
	const struct wire_gateway *gateway;
	struct view view;
	unsigned to;

	view_make(&view, data, len);
	to = view.is_udp ? people_at(&s->people, &view.to) : UINT_MAX;
	gateway = gateway_of(w, port, data, &view);
	if (gateway == NULL) {
		w->phones->refused[UE_NOT_OUR_MAC]++;
		return;
	}
	if (to != UINT_MAX && w->is_unreachable[to])
		gateway_complain(s, gateway, &view, data, len);
	if (to != UINT_MAX && (w->is_offline[to] || w->is_unreachable[to]))
		return;
	frame_flip(w, data, len, &view);
	// The phones have one gateway at a time: the one this frame came by.
	memcpy(w->phones->station.mac, gateway->mac, 6);
	w->phones->gateway = gateway->address;
	w->phones->gateway6 = gateway->address6;
	len = ue_site_receive(w->phones, data, len, now, out, sizeof(out));
	if (len > 0)
		answer_take(s, out, len);
}

static void port_frame_take(
	struct site *s, unsigned port, struct rte_mbuf *m, const struct ue_now *now)
{
	uint8_t data[UE_FRAME_MAX_BYTES];
	size_t len = m->data_len;

	if (m->nb_segs != 1 || len > sizeof(data))
		script_fail("the port sent a frame of %u octets", m->pkt_len);
	memcpy(data, rte_pktmbuf_mtod(m, const uint8_t *), len);
	rte_pktmbuf_free(m);
	monitor_see(&s->monitor, &s->people, data, len,
		&(struct monitor_now){s->mark, s->ns, site_true_s(s)});
	frame_reach(s, port, data, len, now);
}

static unsigned port_drain(struct site *s, unsigned port, const struct ue_now *now)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	if (s->ns < s->wire.stuck_until_ns[port])
		return 0;
	for (unsigned q = 0; q < WIRE_QUEUES; q++)
		for (; rte_ring_dequeue(s->wire.tx[port][q], (void **)&m) == 0; n++)
			port_frame_take(s, port, m, now);
	return n;
}

static unsigned phones_poll(struct site *s, const struct ue_now *now)
{
	uint8_t out[UE_FRAME_MAX_BYTES];
	unsigned n = 0;
	size_t len;

	while (n < POLLS_MAX && (len = ue_site_poll(s->wire.phones, now, out, sizeof(out))) > 0) {
		answer_take(s, out, len);
		n++;
	}
	return n;
}

unsigned wire_carry(struct site *s)
{
	struct ue_now now = {
		.wall = site_true_s(s) * 1000000 + (int64_t)(s->ns % 1000000000u / 1000),
		.mono = (int64_t)(s->ns / 1000),
	};
	unsigned moved = 0;

	for (unsigned p = 0; p < s->wire.ports; p++)
		moved += port_drain(s, p, &now);
	moved += phones_poll(s, &now);
	return moved + answers_deliver(s);
}

bool wire_is_empty(const struct wire *w)
{
	for (unsigned p = 0; p < w->ports; p++)
		for (unsigned q = 0; q < WIRE_QUEUES; q++)
			if (!rte_ring_empty(w->tx[p][q]) || !rte_ring_empty(w->rx[p][q]))
				return false;
	return STAILQ_EMPTY(&w->answers) && ue_site_due(w->phones) == INT64_MAX;
}

void wire_restart(struct site *s)
{
	struct rte_mbuf *m;

	memset(s->wire.stuck_until_ns, 0, sizeof(s->wire.stuck_until_ns));
	wire_carry(s);
	for (unsigned p = 0; p < s->wire.ports; p++)
		for (unsigned q = 0; q < WIRE_QUEUES; q++)
			while (rte_ring_dequeue(s->wire.rx[p][q], (void **)&m) == 0)
				rte_pktmbuf_free(m);
}
