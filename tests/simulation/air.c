// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "air.h"

#include <endian.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>

#include "../scenario/view.h"
#include "sim.h"
#include "ue/site.h"

#define RING_FRAMES 256
#define POOL_FRAMES 2047

struct air_frame {
	struct air_frame *next;
	uint64_t due_ns;
	size_t len;
	uint8_t data[UE_FRAME_MAX_BYTES];
};

// --- Rings and port --------------------------------------------------------------------------

static struct rte_ring *ring_make(const char *name, unsigned i)
{
	char text[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(text, sizeof(text), "air-%s-%u", name, i);
	ring = rte_ring_create(text, RING_FRAMES, SOCKET_ID_ANY, RING_F_EXACT_SZ);
	if (ring == NULL)
		abort();
	return ring;
}

void air_found(struct air *a)
{
	for (unsigned i = 0; i < AIR_QUEUES; i++) {
		a->tx[i] = ring_make("tx", i);
		a->rx[i] = ring_make("rx", i);
	}
	a->pool = rte_pktmbuf_pool_create(
		"air", POOL_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (a->pool == NULL)
		abort();
}

int air_port_make(struct air *a)
{
	return rte_eth_from_rings("sim", a->rx, AIR_QUEUES, a->tx, AIR_QUEUES, 0) < 0 ? -1 : 0;
}

void air_port_forget(struct air *a)
{
	(void)a;
	rte_vdev_uninit(AIR_DEVICE);
}

void air_empty(struct air *a)
{
	struct rte_mbuf *m;

	for (unsigned i = 0; i < AIR_QUEUES; i++) {
		while (rte_ring_dequeue(a->tx[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		while (rte_ring_dequeue(a->rx[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
	}
}

void air_init(struct sim *s)
{
	struct air *a = &s->air;
	struct ue_conf conf = {
		.fqdn = BMSC_FQDN,
		.gateway = ue_address_v4((const uint8_t[4]){192, 168, 26, 254}),
		.mac = {0x02, 0, 0, 0, 0, 0x02},
		.ts_bytes = 4,
		.seed = s->seed,
	};

	a->cut_off = 0;
	a->is_gateway_down = false;
	a->full_until_ns = 0;
	a->frames = 0;
	if (ue_site_create(&a->phones, &conf) != 0)
		abort();
}

void air_fini(struct air *a)
{
	while (a->late != NULL) {
		struct air_frame *frame = a->late;

		a->late = frame->next;
		free(frame);
	}
	ue_site_destroy(a->phones);
	a->phones = NULL;
}

void air_gateway_exchange(struct air *a)
{
	a->phones->station.mac[5]++;
}

// --- From the phones to the port -------------------------------------------------------------

static void port_deliver(struct sim *s, const uint8_t *data, size_t len)
{
	struct air *a = &s->air;
	struct view view;
	struct rte_ring *ring;
	struct rte_mbuf *m;
	uint32_t hash;

	// An answer reaches any queue, whoever owns the member.
	view_make(&view, data, len);
	memcpy(&hash, view.from.octets + 12, sizeof(hash));
	hash = be32toh(hash) * 2654435761u;
	ring = a->rx[(hash >> 16) % s->bmsc.conf.workers.count];
	if (!s->bmsc.is_up || rte_ring_full(ring) || (m = rte_pktmbuf_alloc(a->pool)) == NULL)
		return;
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	rte_ring_enqueue(ring, m);
}

static void answer_delay(struct air *a, const uint8_t *data, size_t len, uint64_t due_ns)
{
	struct air_frame *frame = malloc(sizeof(*frame)), **at = &a->late;

	if (frame == NULL || len > sizeof(frame->data))
		abort();
	frame->due_ns = due_ns;
	frame->len = len;
	memcpy(frame->data, data, len);
	while (*at != NULL && (*at)->due_ns <= due_ns)
		at = &(*at)->next;
	frame->next = *at;
	*at = frame;
}

// In the name of somebody else, or with one bit turned over; no UDP checksum tells.
static void answer_falsify(struct sim *s, const struct view *view, uint8_t *data, size_t len)
{
	unsigned bit = sim_draw(s, (unsigned)(len - view->message) * 8);
	uint8_t *name = memmem(data + view->message, len - view->message, "@bsf.", 5);
	char digits[12];

	memset(data + view->udp + 6, 0, 2);
	if (name != NULL && sim_chance(s, 50)) {
		snprintf(digits, sizeof(digits), "%05u", sim_draw(s, s->crowd.n));
		memcpy(name - 5, digits, 5);
	} else {
		data[view->message + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static bool is_cut_off(const struct sim *s, unsigned person)
{
	return s->crowd.person[person].is_offline ||
		(s->air.cut_off >> crowd_area(person) & 1) != 0;
}

static void answer_take(struct sim *s, uint8_t *data, size_t len)
{
	const struct person *p;
	struct view view;
	unsigned from;

	view_make(&view, data, len);
	from = view.is_udp ? crowd_at(&s->crowd, &view.from) : UINT_MAX;
	if (from == UINT_MAX) {
		port_deliver(s, data, len);
		return;
	}
	p = &s->crowd.person[from];
	if (is_cut_off(s, from) || s->air.is_gateway_down)
		return;
	if (p->is_liar)
		answer_falsify(s, &view, data, len);
	if (p->late_ms != 0)
		answer_delay(&s->air, data, len, os.ns + p->late_ms * (uint64_t)SIM_MS);
	else
		port_deliver(s, data, len);
}

static unsigned late_deliver(struct sim *s)
{
	struct air *a = &s->air;
	unsigned n = 0;

	while (a->late != NULL && a->late->due_ns <= os.ns) {
		struct air_frame *frame = a->late;

		a->late = frame->next;
		port_deliver(s, frame->data, frame->len);
		free(frame);
		n++;
	}
	return n;
}

// --- From the port to the phones -------------------------------------------------------------

static void frame_reach(struct sim *s, uint8_t *data, size_t len, const struct ue_now *now)
{
	uint8_t out[UE_FRAME_MAX_BYTES];
	struct view view;
	unsigned to;

	view_make(&view, data, len);
	to = view.is_udp ? crowd_at(&s->crowd, &view.to) : UINT_MAX;
	if (s->air.is_gateway_down || (to != UINT_MAX && is_cut_off(s, to)))
		return;
	len = ue_site_receive(s->air.phones, data, len, now, out, sizeof(out));
	if (to != UINT_MAX)
		judge_phone(s, to);
	if (len > 0)
		answer_take(s, out, len);
}

static void port_frame_take(struct sim *s, struct rte_mbuf *m, const struct ue_now *now)
{
	uint8_t data[UE_FRAME_MAX_BYTES];
	size_t len = m->data_len;

	if (m->nb_segs != 1 || len > sizeof(data)) {
		sim_violate(s, "the port sent a frame of %u octets", m->pkt_len);
		len = 0;
	}
	memcpy(data, rte_pktmbuf_mtod(m, const uint8_t *), len);
	rte_pktmbuf_free(m);
	s->air.frames++;
	sim_digest(s, &os.ns, sizeof(os.ns));
	sim_digest(s, data, len);
	judge_frame(s, data, len);
	frame_reach(s, data, len, now);
}

static unsigned port_drain(struct sim *s, const struct ue_now *now)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	if (os.ns < s->air.full_until_ns)
		return 0;
	for (unsigned q = 0; q < AIR_QUEUES; q++)
		for (; rte_ring_dequeue(s->air.tx[q], (void **)&m) == 0; n++)
			port_frame_take(s, m, now);
	return n;
}

// What the emulator's wire held back is out now: a phone may have got something, too.
static unsigned phones_poll(struct sim *s, const struct ue_now *now)
{
	uint8_t out[UE_FRAME_MAX_BYTES];
	bool was_due = ue_site_due(s->air.phones) <= now->mono;
	unsigned n = 0;
	size_t len;

	while ((len = ue_site_poll(s->air.phones, now, out, sizeof(out))) > 0) {
		answer_take(s, out, len);
		n++;
	}
	for (unsigned i = 0; was_due && i < s->crowd.n; i++)
		judge_phone(s, i);
	return n;
}

unsigned air_carry(struct sim *s)
{
	struct ue_now now = {
		.wall = OS_TRUE_BASE_S * INT64_C(1000000) + (int64_t)(os.ns / 1000),
		.mono = (int64_t)(os.ns / 1000),
	};
	unsigned moved = port_drain(s, &now);

	moved += phones_poll(s, &now);
	return moved + late_deliver(s);
}
