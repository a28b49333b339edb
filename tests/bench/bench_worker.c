// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "bench_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#define SENDS 8
#define COUNTER_FIRST 1000

static const struct store_group group = {.id = {{0, 0xf1, 0x10}, 1}};

static const struct dp_conf conf = {
	.ports = 1,
	.port[0] = {.name = "port0",
		.mac = {0x02, 0, 0, 0, 0, 0x01},
		.addresses = 1,
		.address[0] = {{{[10] = 0xff, 0xff, 192, 168, 26, 1}}, 120},
		.gateways = 1,
		.gateway[0] = {{[10] = 0xff, 0xff, 192, 168, 26, 254}},
		.gateway_mac[0] = {0x02, 0, 0, 0, 0, 0x02},
		.mtu = 1500,
		.udp_port = BENCH_PORT,
		.tx_descriptors = 512,
		.rx_descriptors = 512,
		.mbufs = 2047},
	.memory_mb = 256,
	.workers = 1,
	.single_sends = 1,
	.ts_bytes = 4,
	.idi = BENCH_IDI,
	.max_subscribers = 10000001,
};

void bench_check(const struct bench_worker *b, int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s: %s\n", b->program, what, strerror(-rc));
	exit(1);
}

double bench_thread_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

uint64_t bench_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// --- The store ------------------------------------------------------------------------------

void bench_row(uint32_t i, struct store_subscriber *row)
{
	static const char letter[65] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	uint64_t half[2] = {bench_mix(2 * (uint64_t)i), bench_mix(2 * (uint64_t)i + 1)};
	uint32_t address = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1) + i);
	uint64_t state[5];

	memset(row, 0, sizeof(*row));
	snprintf(row->impi, sizeof(row->impi),
		"001010%09" PRIu32 "@ims.mnc001.mcc001.3gppnetwork.org", i);
	for (unsigned n = 0; n < 22; n++)
		row->btid[n] = letter[half[n / 11] >> 5 * (n % 11) & 63];
	row->btid[21] = letter[half[1] >> 60 << 4 & 63];
	strcpy(row->btid + 22, "==@bsf.mnc001.mcc001.pub.3gppnetwork.org");
	row->flags = STORE_HAS_MUK | STORE_HAS_MRK;
	row->port = BENCH_PORT;
	row->expires = 1900000000;
	memcpy(row->addr.byte, v4, sizeof(v4));
	memcpy(row->addr.byte + sizeof(v4), &address, sizeof(address));
	for (unsigned n = 0; n < 5; n++)
		state[n] = bench_mix((uint64_t)i * 8 + n);
	memcpy(&row->muk_state, state, sizeof(state));
}

static void rows_add(struct bench_worker *b, struct store_import *imp, store_set set)
{
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));
	enum store_row *verdict = calloc(STORE_IMPORT_CHUNK, sizeof(*verdict));

	if (rows == NULL || verdict == NULL)
		bench_check(b, -ENOMEM, "rows");
	for (uint32_t at = 0, n; at < b->subscribers; at += n) {
		n = RTE_MIN(b->subscribers - at, (uint32_t)STORE_IMPORT_CHUNK);
		for (uint32_t i = 0; i < n; i++) {
			bench_row(at + i, &rows[i]);
			rows[i].authorised = rows[i].registered = set;
		}
		bench_check(b, store_import_add(imp, rows, n, verdict), "rows");
	}
	free(verdict);
	free(rows);
}

static void store_fill(struct bench_worker *b, store_service_id service)
{
	struct store_import_result result;
	struct store_import *imp;
	store_set set;
	int rc;

	bench_check(b, store_import_begin(b->env, 0, &imp), "import");
	bench_check(b, store_import_set(imp, &service, 1, &set), "services");
	rows_add(b, imp, set);
	do
		bench_check(b, rc = store_import_publish(imp), "publish");
	while (rc == 1);
	store_import_end(imp, &result);
}

static store_service_id group_add(struct bench_worker *b)
{
	struct store_service service = {.name = "urn:bench", .group_count = 1, .group = {group.id}};
	struct store_txn *txn;

	bench_check(b, store_txn_begin(b->env, &txn), "transaction");
	bench_check(b, store_group_put(txn, &group), "group");
	bench_check(b, store_service_put(txn, &service), "service");
	bench_check(b, store_txn_commit(txn), "commit");
	return service.id;
}

static bool store_is_filled(const struct bench_worker *b)
{
	struct store_reader *r;
	uint32_t span;

	bench_check(b, store_reader_create(b->env, &r), "store");
	span = store_reader_span(r);
	store_reader_destroy(r);
	if (span != 0 && span != b->subscribers)
		bench_check(b, -EEXIST, "a store of another size");
	return span != 0;
}

void bench_store_open(struct bench_worker *b)
{
	struct store_env_conf env = {
		.dir = b->dir,
		.map_bytes = (64ull << 20) + b->subscribers * 260ull,
		.max_readers = 8,
	};
	char why[256];

	snprintf(b->dir, sizeof(b->dir), "/tmp/bench-worker-XXXXXX");
	if (b->store == NULL && mkdtemp(b->dir) == NULL)
		bench_check(b, -errno, "directory");
	if (b->store != NULL)
		env.dir = b->store;
	bench_check(b, store_env_open(&env, &b->env, why), "store");
	if (!store_is_filled(b))
		store_fill(b, group_add(b));
}

static void store_remove(struct bench_worker *b)
{
	char command[128];

	store_env_close(b->env);
	if (b->store != NULL)
		return;
	snprintf(command, sizeof(command), "rm -r '%s'", b->dir);
	if (system(command) != 0)
		fprintf(stderr, "%s: %s is left\n", b->program, b->dir);
}

// --- The worker -----------------------------------------------------------------------------

void bench_eal_start(const struct bench_worker *b)
{
	char prefix[64];
	char *args[] = {(char *)b->program, (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-m", (char *)"256", (char *)"--no-telemetry",
		(char *)"--log-level=error", prefix, (char *)"--lcores=0@0"};

	snprintf(prefix, sizeof(prefix), "--file-prefix=bw%d", (int)getpid());
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		bench_check(b, -EIO, "DPDK");
}

// A daemon that has sent to everybody has touched the whole store: so has this one, before it
// counts.
static void store_touch(const struct bench_worker *b)
{
	uint32_t blocks = b->subscribers / STORE_BLOCK_SUBSCRIBERS;
	volatile uint8_t octet = 0;

	for (uint32_t i = 0; i < blocks; i++)
		octet = store_reader_block(b->shared.worker[0]->reader, i)->version;
	(void)octet;
}

void bench_worker_start(struct bench_worker *b, const char *device)
{
	struct dp_counter_start start = {.first = COUNTER_FIRST};
	char why[256] = "";

	b->conf = conf;
	b->conf.port[0].device = device;
	bench_check(b, shared_init(&b->shared, &b->conf, &start, why), why);
	bench_check(b, shared_workers_create(&b->shared, b->env, why), why);
	bench_check(b, ports_start(&b->shared, why), why);
	atomic_store(&b->shared.mark, COUNTER_MAX);
	store_touch(b);
}

// --- The campaign ---------------------------------------------------------------------------

// As the daemon's campaigns have them (campaign_run.c).
static uint8_t *members_make(const struct bench_worker *b, uint8_t value)
{
	uint32_t span = b->subscribers;
	size_t page = (size_t)2 << 20, bytes = (span + page) / page * page;
	uint8_t *octet = aligned_alloc(page, bytes);

	if (octet == NULL)
		bench_check(b, -ENOMEM, "members");
	madvise(octet, bytes, MADV_HUGEPAGE);
	memset(octet, value, span);
	return octet;
}

static struct dp_campaign *campaign_make(const struct bench_worker *b, uint8_t sent)
{
	struct dp_campaign *c = aligned_alloc(_Alignof(struct dp_campaign), sizeof(*c));

	if (c == NULL)
		bench_check(b, -ENOMEM, "campaign");
	memset(c, 0, sizeof(*c));
	c->msk = (struct dp_msk){.group = group.id.group,
		.number = 1,
		.csb_id = 0x12345678,
		.rand = {1, 2, 3},
		.key = {4, 5, 6},
		.seq_u = 9};
	memcpy(c->msk.kdi, group.id.kdi, sizeof(c->msk.kdi));
	c->sends = SENDS;
	c->first_round = 1;
	c->span = b->subscribers;
	c->only = UINT32_MAX;
	c->round = members_make(b, sent);
	c->done = members_make(b, 0);
	c->is_dirty = calloc(b->subscribers / STORE_SLICE + 1, 1);
	if (c->is_dirty == NULL)
		bench_check(b, -ENOMEM, "members");
	return c;
}

void bench_campaign_open(struct bench_worker *b, uint8_t sent)
{
	struct dp_cmd cmd = {.kind = DP_CMD_CAMPAIGN_OPEN, .campaign = campaign_make(b, sent)};
	struct dp_now now = {.ns = 1, .counter = COUNTER_FIRST, .unix_s = 1};

	for (uint32_t id = 0; sent > 0 && id < b->subscribers; id++)
		b->shared.counter.advance[id] = 1;
	atomic_store(&cmd.campaign->is_paused, sent > 0);
	atomic_store(&cmd.campaign->first_counter, sent > 0 ? COUNTER_FIRST + 1 : 0);
	b->campaign = cmd.campaign;
	bench_check(b, shared_command(&b->shared, &cmd), "command");
	worker_commands(b->shared.worker[0], &now);
	if (b->shared.worker[0]->runs != 1)
		bench_check(b, -EIO, "the worker did not take the campaign up");
}

void bench_end(struct bench_worker *b)
{
	shared_fini(&b->shared);
	store_remove(b);
}

bool bench_args_read(struct bench_worker *b, double *seconds, int argc, char **argv)
{
	b->subscribers = 1000000;
	*seconds = 2;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--subscribers") == 0)
			b->subscribers = (uint32_t)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			*seconds = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--store") == 0)
			b->store = argv[i + 1];
		else
			return false;
	}
	return argc % 2 == 1 && b->subscribers > 0 &&
		b->subscribers<conf.max_subscribers && * seconds> 0;
}
