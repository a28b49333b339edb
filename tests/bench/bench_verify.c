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
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "translate.h"
#include "worker.h"
#include "writer.h"

#define FRAMES 2048 // built at a time
#define RING 4096
#define IDI "bmsc.example.org"
#define PORT 2269
#define LOOKS 100000 // most of them that are kept

// What taking FRAMES answers cost.
enum cost {
	COST_SECONDS,
	COST_RX, // cycles
	COST_CHECK,
	COSTS,
};

struct bench {
	uint32_t subscribers;
	double seconds;
	const char *store; // that of the caller, or NULL
	char dir[64];
	struct store_env *env;
	struct dp_shared shared;
	struct dp_campaign *campaign;
	struct rte_ring *rx, *tx;
	struct rte_mempool *pool;
	struct crypto *crypto; // of the phones
	uint64_t seed;
	double spent_s;
	double cost[COSTS][LOOKS];
	size_t looks;
};

static const struct dp_conf conf = {
	.ports = 1,
	.port[0] = {.name = "port0",
		.device = "net_ring_verify",
		.mac = {0x02, 0, 0, 0, 0, 0x01},
		.addresses = 1,
		.address[0] = {{{[10] = 0xff, 0xff, 192, 168, 26, 1}}, 120},
		.gateways = 1,
		.gateway[0] = {{[10] = 0xff, 0xff, 192, 168, 26, 254}},
		.mtu = 1500,
		.udp_port = PORT,
		.tx_descriptors = 512,
		.rx_descriptors = 512,
		.mbufs = 2047},
	.memory_mb = 256,
	.workers = 1,
	.single_sends = 1,
	.ts_bytes = 4,
	.idi = IDI,
	.max_subscribers = 10000001,
};

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench-verify: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static double thread_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

// --- The store ------------------------------------------------------------------------------

static void row_make(uint32_t i, struct store_subscriber *row)
{
	static const char letter[65] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t half[2] = {mix(2 * (uint64_t)i), mix(2 * (uint64_t)i + 1)};
	uint64_t state[5];

	memset(row, 0, sizeof(*row));
	snprintf(row->impi, sizeof(row->impi),
		"001010%09" PRIu32 "@ims.mnc001.mcc001.3gppnetwork.org", i);
	for (unsigned n = 0; n < 22; n++)
		row->btid[n] = letter[half[n / 11] >> 5 * (n % 11) & 63];
	row->btid[21] = letter[half[1] >> 60 << 4 & 63];
	strcpy(row->btid + 22, "==@bsf.mnc001.mcc001.pub.3gppnetwork.org");
	row->flags = STORE_HAS_MUK | STORE_HAS_MRK;
	row->port = PORT;
	row->expires = 1900000000;
	for (unsigned n = 0; n < 5; n++)
		state[n] = mix((uint64_t)i * 8 + n);
	memcpy(&row->muk_state, state, sizeof(state));
}

static void store_fill(struct bench *b)
{
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));
	enum store_row *verdict = calloc(STORE_IMPORT_CHUNK, sizeof(*verdict));
	struct store_import_result result;
	struct store_import *imp;
	int rc;

	if (rows == NULL || verdict == NULL)
		check(-ENOMEM, "rows");
	check(store_import_begin(b->env, 0, &imp), "import");
	for (uint32_t at = 0, n; at < b->subscribers; at += n) {
		uint32_t left = b->subscribers - at;

		n = left < STORE_IMPORT_CHUNK ? left : STORE_IMPORT_CHUNK;
		for (uint32_t i = 0; i < n; i++)
			row_make(at + i, &rows[i]);
		check(store_import_add(imp, rows, n, verdict), "rows");
	}
	do
		check(rc = store_import_publish(imp), "publish");
	while (rc == 1);
	store_import_end(imp, &result);
	free(verdict);
	free(rows);
}

static void group_add(struct bench *b)
{
	struct store_group group = {.id = {{0, 0xf1, 0x10}, 1}};
	struct store_txn *txn;

	check(store_txn_begin(b->env, &txn), "transaction");
	check(store_group_put(txn, &group), "group");
	check(store_txn_commit(txn), "commit");
}

static bool store_is_filled(const struct bench *b)
{
	struct store_reader *r;
	uint32_t span;

	check(store_reader_create(b->env, &r), "store");
	span = store_reader_span(r);
	store_reader_destroy(r);
	if (span != 0 && span != b->subscribers)
		check(-EEXIST, "a store of another size");
	return span != 0;
}

static void store_make(struct bench *b)
{
	struct store_env_conf env = {
		.dir = b->dir,
		.map_bytes = (64ull << 20) + b->subscribers * 260ull,
		.max_readers = 8,
	};
	char why[256];

	snprintf(b->dir, sizeof(b->dir), "/tmp/bench-verify-XXXXXX");
	if (b->store == NULL && mkdtemp(b->dir) == NULL)
		check(-errno, "directory");
	if (b->store != NULL)
		env.dir = b->store;
	check(store_env_open(&env, &b->env, why), "store");
	if (store_is_filled(b))
		return;
	group_add(b);
	store_fill(b);
}

static void store_remove(struct bench *b)
{
	char command[128];

	store_env_close(b->env);
	if (b->store != NULL)
		return;
	snprintf(command, sizeof(command), "rm -r '%s'", b->dir);
	if (system(command) != 0)
		fprintf(stderr, "bench-verify: %s is left\n", b->dir);
}

// --- The worker -----------------------------------------------------------------------------

static void eal_start(void)
{
	char prefix[64];
	char *args[] = {(char *)"bench-verify", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-m", (char *)"256", (char *)"--no-telemetry",
		(char *)"--log-level=error", prefix, (char *)"--lcores=0@0"};

	snprintf(prefix, sizeof(prefix), "--file-prefix=bv%d", (int)getpid());
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		check(-EIO, "DPDK");
}

static void worker_make(struct bench *b)
{
	struct dp_counter_start start = {.first = 1000};
	char why[256] = "";

	b->rx = rte_ring_create("rx", RING, SOCKET_ID_ANY, 0);
	b->tx = rte_ring_create("tx", RING, SOCKET_ID_ANY, 0);
	if (b->rx == NULL || b->tx == NULL ||
		rte_eth_from_rings("verify", &b->rx, 1, &b->tx, 1, 0) < 0)
		check(-ENOMEM, "port");
	b->pool = rte_pktmbuf_pool_create("phones", 2 * RING - 1, 256, 0, 640, SOCKET_ID_ANY);
	if (b->pool == NULL)
		check(-ENOMEM, "frames");
	check(shared_init(&b->shared, &conf, &start, why), why);
	check(shared_workers_create(&b->shared, b->env, why), why);
	check(ports_start(&b->shared, why), why);
	check(crypto_create(&b->crypto), "crypto");
}

// As the daemon's campaigns have them (campaign_run.c).
static uint8_t *members_make(uint32_t span, uint8_t value)
{
	size_t page = (size_t)2 << 20, bytes = (span + page) / page * page;
	uint8_t *octet = aligned_alloc(page, bytes);

	if (octet == NULL)
		check(-ENOMEM, "members");
	madvise(octet, bytes, MADV_HUGEPAGE);
	memset(octet, value, span);
	return octet;
}

// A campaign that has sent to everybody, and waits for answers.
static void campaign_make(struct bench *b)
{
	struct dp_campaign *c = aligned_alloc(_Alignof(struct dp_campaign), sizeof(*c));
	struct dp_cmd cmd = {.kind = DP_CMD_CAMPAIGN_OPEN};
	struct dp_now now = {.ns = 1, .counter = 1000, .unix_s = 1};

	if (c == NULL)
		check(-ENOMEM, "campaign");
	memset(c, 0, sizeof(*c));
	c->msk = (struct dp_msk){.kdi = {0, 0xf1, 0x10},
		.group = 1,
		.number = 1,
		.csb_id = 0x12345678,
		.rand = {1, 2, 3},
		.key = {4, 5, 6}};
	c->sends = 8;
	c->span = b->subscribers;
	c->only = UINT32_MAX;
	c->round = members_make(b->subscribers, 1);
	c->done = members_make(b->subscribers, 0);
	c->is_dirty = calloc(b->subscribers / STORE_SLICE + 1, 1);
	if (c->is_dirty == NULL)
		check(-ENOMEM, "members");
	atomic_store(&c->is_paused, true);
	atomic_store(&c->first_counter, 1001);
	for (uint32_t id = 0; id < b->subscribers; id++)
		b->shared.counter.advance[id] = 1;
	b->campaign = cmd.campaign = c;
	check(shared_command(&b->shared, &cmd), "command");
	worker_commands(b->shared.worker[0], &now);
	if (b->shared.worker[0]->runs != 1)
		check(-EIO, "the worker did not take the campaign up");
}

// --- Phones ---------------------------------------------------------------------------------

static void headers_put(uint8_t *at, uint16_t message_len)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)at;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	memset(at, 0, sizeof(*ether) + sizeof(*ip) + sizeof(*udp));
	memcpy(&ether->dst_addr, conf.port[0].mac, 6);
	ether->src_addr.addr_bytes[0] = 2;
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(sizeof(*ip) + sizeof(*udp) + message_len);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1));
	memcpy(&ip->dst_addr, conf.port[0].address[0].addr.byte + 12, 4);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = udp->dst_port = rte_cpu_to_be_16(PORT);
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
	struct mikey_verification v = {.csb_id = b->campaign->msk.csb_id, .counter = 1001};
	struct mikey_bytes idi = {(const uint8_t *)IDI, sizeof(IDI) - 1};
	size_t head;

	row_make(i, &row);
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
		check(-ENOMEM, "frames");
	for (unsigned i = 0; i < BURST; i++) {
		struct answer *a = &answers[i];
		uint8_t *at = rte_pktmbuf_mtod(m[i], uint8_t *);

		if (rte_pktmbuf_append(m[i], (uint16_t)(headers + a->layout.len)) == NULL)
			check(-ENOBUFS, "frame");

		memcpy(a->data + a->layout.mac.off, a->data + msgs[i].mac_off, MIKEY_MAC_BYTES);
		memcpy(at + headers, a->data, a->layout.len);
		headers_put(at, a->layout.len);
	}
	if (rte_ring_enqueue_bulk(b->rx, (void **)m, BURST, NULL) == 0)
		check(-ENOBUFS, "ring");
}

static void frames_make(struct bench *b)
{
	static struct answer answers[BURST];
	struct crypto_seal_msg msgs[BURST];
	struct crypto_label label;

	translate_label(&b->campaign->msk, &label);
	for (unsigned done = 0; done < FRAMES; done += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			answer_make(b, &answers[i], (uint32_t)(mix(b->seed++) % b->subscribers),
				&msgs[i]);
		crypto_seal_burst(b->crypto, &label, 0, msgs, BURST);
		frames_put(b, answers, msgs);
	}
}

// --- The measurement ------------------------------------------------------------------------

static void frames_take(struct bench *b)
{
	struct worker *w = b->shared.worker[0];
	struct dp_now now = {.ns = 2, .counter = 1001, .unix_s = 1};
	double begin = thread_s(), cost[COSTS] = {0};

	for (unsigned n = BURST; n == BURST;) {
		uint64_t tsc[3] = {rte_rdtsc()};

		n = stage_rx(w, 0, &now);
		tsc[1] = rte_rdtsc();
		stage_check(w, &now);
		tsc[2] = rte_rdtsc();
		cost[COST_RX] += (double)(tsc[1] - tsc[0]);
		cost[COST_CHECK] += (double)(tsc[2] - tsc[1]);
	}
	cost[COST_SECONDS] = thread_s() - begin;
	b->spent_s += cost[COST_SECONDS];
	for (unsigned i = 0; i < COSTS && b->looks < LOOKS; i++)
		b->cost[i][b->looks] = cost[i] / FRAMES;
	b->looks++;
}

static uint64_t taken(const struct bench *b)
{
	const struct dp_stats *stats = &b->shared.worker[0]->stats;

	return stats->verified + stats->drop[DP_DROP_DUPLICATE];
}

// A daemon that has sent to everybody has touched the whole store: so has this one, before it
// counts.
static void store_touch(const struct bench *b)
{
	uint32_t blocks = b->subscribers / STORE_BLOCK_SUBSCRIBERS;
	volatile uint8_t octet = 0;

	for (uint32_t i = 0; i < blocks; i++)
		octet = store_reader_block(b->shared.worker[0]->reader, i)->version;
	(void)octet;
}

static void run(struct bench *b)
{
	uint64_t frames = 0, before;

	store_touch(b);
	for (double begin = thread_s(); thread_s() - begin < b->seconds;) {
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
		check(-EIO, "not every answer was taken");
}

static int number_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// What an answer cost in that part of the looks which cost least.
static double quantile(struct bench *b, enum cost cost, double part)
{
	qsort(b->cost[cost], b->looks, sizeof(double), number_compare);
	return b->cost[cost][(size_t)((double)b->looks * part)];
}

static bool args_read(struct bench *b, int argc, char **argv)
{
	b->subscribers = 1000000;
	b->seconds = 2;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--subscribers") == 0)
			b->subscribers = (uint32_t)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			b->seconds = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--store") == 0)
			b->store = argv[i + 1];
		else
			return false;
	}
	return argc % 2 == 1 && b->subscribers > 0 && b->subscribers < conf.max_subscribers &&
		b->seconds > 0;
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (!args_read(&b, argc, argv)) {
		fprintf(stderr,
			"usage: bench-verify [--subscribers N] [--seconds S] [--store DIR]\n");
		return 2;
	}
	store_make(&b);
	eal_start();
	worker_make(&b);
	campaign_make(&b);
	run(&b);
	printf("{\"verify\": %.0f, \"verify_undisturbed\": %.0f, \"verify_subscribers\": %" PRIu32
	       ", \"verify_cycles_rx\": %.1f, \"verify_cycles_check\": %.1f}\n",
		1 / quantile(&b, COST_SECONDS, 0.5), 1 / quantile(&b, COST_SECONDS, 0.1),
		b.subscribers, quantile(&b, COST_RX, 0.5), quantile(&b, COST_CHECK, 0.5));
	shared_fini(&b.shared);
	store_remove(&b);
	return 0;
}
