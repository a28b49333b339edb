// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Measures the intake of verifications: one worker, a store of its own, a port made of rings.
// Frames of phones drawn at random are built ahead, with the right MACs; then the worker takes them
// (stage_rx, stage_check), and that is what the clock of its thread counts: the median of many
// short looks, because others use the machine as well. JSON on stdout.
//   bench-verify [--subscribers N] [--seconds S] [--store DIR]
// A store that is named is made once, and kept.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eth_ring.h>

#include "bench_worker.h"
#include "translate.h"

#define FRAMES 2048 // built at a time
#define RING 4096
#define LOOKS 100000 // most of them that are kept

// What taking FRAMES answers cost.
enum cost {
	COST_SECONDS,
	COST_RX, // cycles
	COST_CHECK,
	COSTS,
};

struct bench {
	struct bench_worker base;
	double seconds;
	struct rte_ring *rx, *tx;
	struct rte_mempool *pool;
	struct crypto *crypto; // of the phones
	uint64_t seed;
	double spent_s;
	double cost[COSTS][LOOKS];
	size_t looks;
};

static void check(const struct bench *b, int rc, const char *what)
{
	bench_check(&b->base, rc, what);
}

static void port_make(struct bench *b)
{
	b->rx = rte_ring_create("rx", RING, SOCKET_ID_ANY, 0);
	b->tx = rte_ring_create("tx", RING, SOCKET_ID_ANY, 0);
	if (b->rx == NULL || b->tx == NULL ||
		rte_eth_from_rings("verify", &b->rx, 1, &b->tx, 1, 0) < 0)
		check(b, -ENOMEM, "port");
	b->pool = rte_pktmbuf_pool_create("phones", 2 * RING - 1, 256, 0, 640, SOCKET_ID_ANY);
	if (b->pool == NULL)
		check(b, -ENOMEM, "frames");
	check(b, crypto_create(&b->crypto), "crypto");
}

// --- Phones ---------------------------------------------------------------------------------

static void headers_put(const struct dp_port_conf *port, uint8_t *at, uint16_t message_len)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)at;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	memset(at, 0, sizeof(*ether) + sizeof(*ip) + sizeof(*udp));
	memcpy(&ether->dst_addr, port->mac, 6);
	ether->src_addr.addr_bytes[0] = 2;
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(sizeof(*ip) + sizeof(*udp) + message_len);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1));
	memcpy(&ip->dst_addr, port->address[0].addr.byte + 12, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = udp->dst_port = rte_cpu_to_be_16(BENCH_PORT);
	udp->dgram_len = rte_cpu_to_be_16(sizeof(*udp) + message_len);
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
}

// What the MAC covers of an answer of subscriber i, and where it goes: the seal puts the MAC there.
struct answer {
	uint8_t data[512];
	struct crypto_hmac_state psk;
	struct mikey_layout layout;
};

static void answer_make(struct bench *b, struct answer *a, uint32_t i, struct crypto_seal_msg *msg)
{
	struct store_subscriber row;
	struct mikey_verification v = {.csb_id = b->base.campaign->msk.csb_id, .counter = 1001};
	struct mikey_bytes idi = {(const uint8_t *)BENCH_IDI, sizeof(BENCH_IDI) - 1};
	size_t head;

	bench_row(i, &row);
	v.idr = (struct mikey_bytes){(const uint8_t *)row.btid, (uint16_t)strlen(row.btid)};
	mikey_verification_build(a->data, sizeof(a->data), &v, &a->layout);
	head = a->layout.mac.off;
	head += mikey_verification_tail(a->data + head, 256, idi, v.idr, v.counter, 4);
	a->psk = *translate_psk(&row.muk_state);
	*msg = (struct crypto_seal_msg){&a->psk, a->data, 0, 0, (uint16_t)head};
}

static void frames_put(struct bench *b, struct answer *answers, const struct crypto_seal_msg *msgs)
{
	const size_t headers = sizeof(struct rte_ether_hdr) + FRAME_V4_BYTES;
	struct rte_mbuf *m[BURST];

	if (rte_pktmbuf_alloc_bulk(b->pool, m, BURST) != 0)
		check(b, -ENOMEM, "frames");
	for (unsigned i = 0; i < BURST; i++) {
		struct answer *a = &answers[i];
		uint8_t *at = rte_pktmbuf_mtod(m[i], uint8_t *);

		if (rte_pktmbuf_append(m[i], (uint16_t)(headers + a->layout.len)) == NULL)
			check(b, -ENOBUFS, "frame");

		memcpy(a->data + a->layout.mac.off, a->data + msgs[i].mac_off, MIKEY_MAC_BYTES);
		memcpy(at + headers, a->data, a->layout.len);
		headers_put(&b->base.conf.port[0], at, a->layout.len);
	}
	if (rte_ring_enqueue_bulk(b->rx, (void **)m, BURST, NULL) == 0)
		check(b, -ENOBUFS, "ring");
}

static void frames_make(struct bench *b)
{
	static struct answer answers[BURST];
	struct crypto_seal_msg msgs[BURST];
	struct crypto_label label;

	translate_label(&b->base.campaign->msk, &label);
	for (unsigned done = 0; done < FRAMES; done += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			answer_make(b, &answers[i],
				(uint32_t)(bench_mix(b->seed++) % b->base.subscribers), &msgs[i]);
		crypto_seal_burst(b->crypto, &label, 0, msgs, BURST);
		frames_put(b, answers, msgs);
	}
}

// --- The measurement ------------------------------------------------------------------------

static void frames_take(struct bench *b)
{
	struct worker *w = b->base.shared.worker[0];
	struct dp_now now = {.ns = 2, .counter = 1001, .unix_s = 1};
	double begin = bench_thread_s(), cost[COSTS] = {0};

	for (unsigned n = BURST; n == BURST;) {
		uint64_t tsc[3] = {rte_rdtsc()};

		n = stage_rx(w, 0, &now);
		tsc[1] = rte_rdtsc();
		stage_check(w, &now);
		tsc[2] = rte_rdtsc();
		cost[COST_RX] += (double)(tsc[1] - tsc[0]);
		cost[COST_CHECK] += (double)(tsc[2] - tsc[1]);
	}
	cost[COST_SECONDS] = bench_thread_s() - begin;
	b->spent_s += cost[COST_SECONDS];
	for (unsigned i = 0; i < COSTS && b->looks < LOOKS; i++)
		b->cost[i][b->looks] = cost[i] / FRAMES;
	b->looks++;
}

static uint64_t taken(const struct bench *b)
{
	const struct dp_stats *stats = &b->base.shared.worker[0]->stats;

	return stats->verified + stats->drop[DP_DROP_DUPLICATE];
}

static void run(struct bench *b)
{
	uint64_t frames = 0, before;

	for (double begin = bench_thread_s(); bench_thread_s() - begin < b->seconds;) {
		frames_make(b);
		frames_take(b);
	}
	before = taken(b);
	b->spent_s = 0;
	b->looks = 0;
	while (b->spent_s < b->seconds && b->looks < LOOKS) {
		frames_make(b);
		frames_take(b);
		frames += FRAMES;
	}
	if (taken(b) - before != frames)
		check(b, -EIO, "not every answer was taken");
}

// What an answer cost in that part of the looks which cost least.
static double quantile(struct bench *b, enum cost cost, double part)
{
	qsort(b->cost[cost], b->looks, sizeof(double), bench_compare);
	return b->cost[cost][(size_t)((double)b->looks * part)];
}

int main(int argc, char **argv)
{
	static struct bench b = {.base.program = "bench-verify"};

	if (!bench_args_read(&b.base, &b.seconds, argc, argv)) {
		fprintf(stderr,
			"usage: bench-verify [--subscribers N] [--seconds S] [--store DIR]\n");
		return 2;
	}
	bench_store_open(&b.base);
	bench_eal_start(&b.base);
	port_make(&b);
	bench_worker_start(&b.base, "net_ring_verify");
	bench_campaign_open(&b.base, 1);
	run(&b);
	printf("{\"verify\": %.0f, \"verify_undisturbed\": %.0f, \"verify_subscribers\": %" PRIu32
	       ", \"verify_cycles_rx\": %.1f, \"verify_cycles_check\": %.1f}\n",
		1 / quantile(&b, COST_SECONDS, 0.5), 1 / quantile(&b, COST_SECONDS, 0.1),
		b.base.subscribers, quantile(&b, COST_RX, 0.5), quantile(&b, COST_CHECK, 0.5));
	bench_end(&b.base);
	return 0;
}
