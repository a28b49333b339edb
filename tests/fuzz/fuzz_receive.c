// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as frames of a port, one with IPv4 and IPv6 or one with tags: the whole receive path
// of a worker but the check of MACs, up to the answers. Whatever comes, it takes the frame, drops
// it by name or answers it; no buffer is lost; and a next hop whose MAC is fixed keeps it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "packet.h"
#include "worker.h"

#define POOL_FRAMES 255
#define FRAME_MAX 1514

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dp_shared shared;
static struct worker worker;
static struct dp_conf conf;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void port_describe(struct dp_port_conf *port, bool is_tagged)
{
	*port = (struct dp_port_conf){
		.name = "port",
		.device = "none",
		.addresses = 2,
		.address = {{{{[10] = 0xff, 0xff, 192, 168, 26, 1}}, 120},
			{{{0xfd, 0x00, 0x00, 0x26, [15] = 1}}, 64}},
		.gateways = 2,
		.gateway = {{{[10] = 0xff, 0xff, 192, 168, 26, 2}},
			{{0xfd, 0x00, 0x00, 0x26, [15] = 2}}},
		.gateway_mac = {{2, 0, 0, 0, 0, 9}},
		.mtu = 1500,
		.udp_port = 2269,
	};
	if (is_tagged) {
		port->name = "tagged";
		port->vlans = 2;
		port->vlan[0] = 5;
		port->vlan[1] = 6;
		port->address[0].addr.byte[14] = port->gateway[0].byte[14] = 27;
		port->address[1].addr.byte[3] = port->gateway[1].byte[3] = 0x27;
	}
}

static void port_make(unsigned i)
{
	struct port *port = &shared.port[i];

	port->conf = &conf.port[i];
	port->mac = (struct rte_ether_addr){{2, 0, 0, 0, 0, 1}};
	port->link_local = (struct dp_addr){{0xfe, 0x80, [11] = 0xff, 0xfe, [15] = 1}};
	port->has_v4 = port->has_v6 = true;
	port->l2_len = (uint16_t)(RTE_ETHER_HDR_LEN + 4 * port->conf->vlans);
	atomic_store(&port->state, PORT_UP);
}

static void receiver_make(void)
{
	char prefix[48];
	char *args[] = {(char *)"fuzz", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-m", (char *)"64", (char *)"--no-telemetry",
		(char *)"--log-level=error", prefix};
	char why[256];

	snprintf(prefix, sizeof(prefix), "--file-prefix=fuzz%d", (int)getpid());
	require(rte_eal_init(RTE_DIM(args), args) >= 0);
	conf.ports = 2;
	for (unsigned i = 0; i < 2; i++)
		port_describe(&conf.port[i], i == 1);
	shared.conf = &conf;
	shared.ports = 2;
	require(routes_init(&shared.routes, &conf, why) == 0);
	for (unsigned i = 0; i < 2; i++)
		port_make(i);
	shared.events = rte_ring_create_elem(
		"events", sizeof(struct dp_event), 64, SOCKET_ID_ANY, RING_F_SC_DEQ);
	worker.shared = &shared;
	worker.pool = rte_pktmbuf_pool_create(
		"frames", POOL_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	require(shared.events != NULL && worker.pool != NULL);
}

static uint64_t outcomes(void)
{
	const struct dp_stats *s = &worker.stats;
	uint64_t n = s->arp_answers + s->arp_replies + s->nd_answers + s->nd_replies +
		s->echo_answers + s->icmp_unreachable;

	for (int i = 0; i < DP_DROP_COUNT; i++)
		n += s->drop[i];
	return n;
}

// What was taken for the check stage, and what waits to be sent, goes.
static void frames_free(void)
{
	struct dp_event event;

	rte_pktmbuf_free_bulk(worker.intake.mbuf, worker.intake.n);
	worker.intake.n = 0;
	for (unsigned p = 0; p < 2; p++) {
		struct egress *e = &worker.egress[p];

		for (unsigned i = 0; i < e->out_n; i++)
			require(e->out[i]->data_len >= 42 && e->out[i]->data_len <= FRAME_MAX);
		rte_pktmbuf_free_bulk(e->out, e->out_n);
		e->out_n = 0;
	}
	while (rte_ring_dequeue_elem(shared.events, &event, sizeof(event)) == 0)
		;
}

static void frame_run(unsigned port, const uint8_t *data, size_t len, struct dp_now *now)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(worker.pool);
	uint64_t before = outcomes();

	require(m != NULL);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	worker_receive(&worker, port, m, now);
	require(outcomes() + worker.intake.n == before + 1);
	frames_free();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rte_ether_addr fixed = {{2, 0, 0, 0, 0, 9}};
	static struct dp_now now = {.ns = 1000000000};
	struct rte_ether_addr mac;

	if (worker.pool == NULL)
		receiver_make();
	// A length in two octets, and a frame of that length; and so on.
	while (size >= 3) {
		size_t len = ((size_t)data[0] << 8 | data[1]) % (FRAME_MAX + 1);
		unsigned port = data[0] >> 7;

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		frame_run(port, data, len, &now);
		data += len;
		size -= len;
		now.ns += 100000000;
		for (unsigned h = 0; h < shared.routes.hops; h++)
			if (neigh_due(&shared.routes.hop[h].neigh, now.ns) != NEIGH_ASK_NOBODY)
				neigh_asked(&shared.routes.hop[h].neigh, now.ns);
	}
	require(neigh_mac(&shared.routes.hop[0].neigh, &mac) &&
		rte_is_same_ether_addr(&mac, &fixed));
	require(rte_mempool_in_use_count(worker.pool) == 0);
	return 0;
}
