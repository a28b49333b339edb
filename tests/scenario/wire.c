// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>
#include <rte_mbuf.h>

#include "script.h"
#include "site.h"

#define RING_FRAMES 512
#define POOL_FRAMES 8191
#define POLLS_MAX 256 // frames of the phones in one go
#define IPV4_OFF 14
#define UDP_OFF 34
#define MESSAGE_OFF 42

static struct rte_ring *ring_make(const char *name, unsigned i)
{
	char text[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(text, sizeof(text), "wire-%s-%u", name, i);
	ring = rte_ring_create(text, RING_FRAMES, SOCKET_ID_ANY, RING_F_EXACT_SZ);
	if (ring == NULL)
		script_fail("no memory for the rings of the port");
	return ring;
}

void wire_init(struct wire *w, const struct ue_conf *phones)
{
	memset(w, 0, sizeof(*w));
	STAILQ_INIT(&w->answers);
	STAILQ_INIT(&w->held);
	ue_rng_init(&w->rng, phones->seed);
	for (unsigned i = 0; i < WIRE_QUEUES; i++) {
		w->tx[i] = ring_make("tx", i);
		w->rx[i] = ring_make("rx", i);
	}
	w->pool = rte_pktmbuf_pool_create(
		"wire", POOL_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (w->pool == NULL ||
		rte_eth_from_rings("scenario", w->rx, WIRE_QUEUES, w->tx, WIRE_QUEUES, 0) < 0 ||
		ue_site_create(&w->phones, phones) != 0)
		script_fail("no memory for the wire");
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

static uint32_t address_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool frame_is_ipv4(const uint8_t *data, size_t len)
{
	return len > MESSAGE_OFF && data[12] == 0x08 && data[13] == 0x00;
}

// Turns one bit over, in the whole frame or in the message behind an absent UDP checksum.
static void frame_flip(struct wire *w, uint8_t *data, size_t len)
{
	size_t from = w->is_flip_deep ? MESSAGE_OFF : 0, bit;

	if (!frame_is_ipv4(data, len) || !ue_rng_percent(&w->rng, w->flips))
		return;
	if (w->is_flip_deep)
		memset(data + UDP_OFF + 6, 0, 2);
	bit = ue_rng_below(&w->rng, (len - from) * 8);
	data[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
	w->flipped++;
}

// --- From the phones to the port ------------------------------------------------------------

static void answer_take(struct site *s, uint8_t *data, size_t len)
{
	struct wire *w = &s->wire;
	unsigned from = frame_is_ipv4(data, len)
		? people_at(&s->people, address_at(data + IPV4_OFF + 12))
		: UINT_MAX;

	if (w->is_gateway_down)
		return;
	if (from != UINT_MAX && (w->is_offline[from] || w->is_silent[from]))
		return;
	frame_flip(w, data, len);
	frame_put(from != UINT_MAX && w->is_holding ? &w->held : &w->answers, data, len);
}

// An answer reaches any queue, whoever owns the member.
static struct rte_ring *queue_of(const struct site *s, const struct wire_frame *frame)
{
	uint32_t hash = address_at(frame->data + IPV4_OFF + 12) * 2654435761u;

	return s->wire.rx[(hash >> 16) % s->shared.workers];
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

static void frame_reach(struct site *s, uint8_t *data, size_t len, const struct ue_now *now)
{
	struct wire *w = &s->wire;
	uint8_t out[UE_FRAME_MAX_BYTES];
	unsigned to = frame_is_ipv4(data, len)
		? people_at(&s->people, address_at(data + IPV4_OFF + 16))
		: UINT_MAX;

	if (w->is_gateway_down || (to != UINT_MAX && w->is_offline[to]))
		return;
	frame_flip(w, data, len);
	len = ue_site_receive(w->phones, data, len, now, out, sizeof(out));
	if (len > 0)
		answer_take(s, out, len);
}

static void port_frame_take(struct site *s, struct rte_mbuf *m, const struct ue_now *now)
{
	uint8_t data[UE_FRAME_MAX_BYTES];
	size_t len = m->data_len;

	if (m->nb_segs != 1 || len > sizeof(data))
		script_fail("the port sent a frame of %u octets", m->pkt_len);
	memcpy(data, rte_pktmbuf_mtod(m, const uint8_t *), len);
	rte_pktmbuf_free(m);
	monitor_see(&s->monitor, &s->people, data, len, s->mark, s->ns);
	frame_reach(s, data, len, now);
}

static unsigned port_drain(struct site *s, const struct ue_now *now)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	if (s->ns < s->wire.stuck_until_ns)
		return 0;
	for (unsigned q = 0; q < WIRE_QUEUES; q++)
		for (; rte_ring_dequeue(s->wire.tx[q], (void **)&m) == 0; n++)
			port_frame_take(s, m, now);
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
	unsigned moved = port_drain(s, &now) + phones_poll(s, &now);

	return moved + answers_deliver(s);
}

bool wire_is_empty(const struct wire *w)
{
	for (unsigned q = 0; q < WIRE_QUEUES; q++)
		if (!rte_ring_empty(w->tx[q]) || !rte_ring_empty(w->rx[q]))
			return false;
	return STAILQ_EMPTY(&w->answers) && ue_site_due(w->phones) == INT64_MAX;
}

void wire_restart(struct site *s)
{
	struct rte_mbuf *m;

	s->wire.stuck_until_ns = 0;
	wire_carry(s);
	for (unsigned q = 0; q < WIRE_QUEUES; q++)
		while (rte_ring_dequeue(s->wire.rx[q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
}
