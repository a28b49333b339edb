// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Measures the store alone: import, look-ups, scan, renewal, room. JSON on stdout.
//   bench-store [--subscribers N] [--dir DIR] [--wrapping-key SOURCE]
// DIR is kept; without it a fresh one is removed.

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"

#define BURST 64
#define LOOKUPS (1 << 18) // B-TIDs looked up in one pass
#define PASSES 8

struct bench {
	uint32_t subscribers;
	const char *dir;
	const char *wrapping_key;
	struct store_env *env;
	double import_s;
	double import_cpu_s; // without waiting for the disk
	uint64_t used_bytes; // after the import
	double reimport_s;
	double longest_step_s; // what one call holds the writer
	double lookup_per_s;
	double scan_per_s;
	double renew_s;
	double verified_per_s;
};

static double clock_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void fill(void *out, size_t len, uint64_t seed)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(mix(seed + i / 8) >> 8 * (i % 8));
}

static size_t make_btid(uint32_t i, char out[STORE_NAI_MAX + 1])
{
	static const char letter[65] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t half[2] = {mix(2 * (uint64_t)i), mix(2 * (uint64_t)i + 1)};

	for (unsigned n = 0; n < 22; n++)
		out[n] = letter[half[n / 11] >> 5 * (n % 11) & 63];
	out[21] = letter[half[1] >> 60 << 4 & 63];
	strcpy(out + 22, "==@bsf.mnc001.mcc001.pub.3gppnetwork.org");
	return strlen(out);
}

static void make_row(uint32_t i, struct store_subscriber *row)
{
	memset(row, 0, sizeof(*row));
	snprintf(row->impi, sizeof(row->impi),
		"001010%09" PRIu32 "@ims.mnc001.mcc001.3gppnetwork.org", i);
	make_btid(i, row->btid);
	row->flags = STORE_HAS_MUK | STORE_HAS_MRK;
	row->port = 2269;
	row->expires = 1900000000;
	fill(&row->addr, sizeof(row->addr), i);
	fill(&row->muk, sizeof(row->muk), i + UINT64_C(1) * 1000000007);
	fill(&row->muk_state, sizeof(row->muk_state), i + UINT64_C(2) * 1000000007);
	fill(&row->mrk, sizeof(row->mrk), i + UINT64_C(3) * 1000000007);
}

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench-store: %s: %s\n", what, strerror(-rc));
	exit(1);
}

struct lap {
	double wall_s;
	double cpu_s;
};

static struct lap lap_begin(void)
{
	return (struct lap){now_s(), clock_s(CLOCK_PROCESS_CPUTIME_ID)};
}

// Times one call of the store.
static void lap_end(struct bench *b, struct lap start)
{
	double took = now_s() - start.wall_s;

	b->import_s += took;
	b->import_cpu_s += clock_s(CLOCK_PROCESS_CPUTIME_ID) - start.cpu_s;
	if (took > b->longest_step_s)
		b->longest_step_s = took;
}

static struct store_import_result import(struct bench *b)
{
	struct store_subscriber *rows = calloc(STORE_IMPORT_CHUNK, sizeof(*rows));
	enum store_row *verdict = calloc(STORE_IMPORT_CHUNK, sizeof(*verdict));
	struct store_import_result result;
	struct store_import *imp;
	struct lap start = lap_begin();
	int rc;

	if (rows == NULL || verdict == NULL)
		check(-ENOMEM, "rows");
	check(store_import_begin(b->env, 0, &imp), "import");
	lap_end(b, start);
	for (uint32_t at = 0; at < b->subscribers;) {
		uint32_t n = 0;

		for (; n < STORE_IMPORT_CHUNK && at < b->subscribers; n++, at++)
			make_row(at, &rows[n]);
		start = lap_begin();
		check(store_import_add(imp, rows, n, verdict), "rows");
		lap_end(b, start);
	}
	do {
		start = lap_begin();
		rc = store_import_publish(imp);
		check(rc, "publish");
		lap_end(b, start);
	} while (rc == 1);
	store_import_end(imp, &result);
	free(rows);
	free(verdict);
	return result;
}

// Twice: into an empty store, and the same rows once more, which changes nothing.
static void imports(struct bench *b)
{
	struct store_env_info info;
	struct bench again;

	if (import(b).added != b->subscribers)
		check(-EIO, "not all rows were added");
	check(store_env_info(b->env, &info), "info");
	b->used_bytes = info.used_bytes;
	again = *b;
	again.import_s = 0;
	if (import(&again).unchanged != b->subscribers)
		check(-EIO, "rows changed");
	b->reimport_s = again.import_s;
}

static void look_up(struct bench *b, const struct store_reader *r)
{
	char(*text)[80] = calloc(LOOKUPS, sizeof(*text));
	struct store_bytes *btids = calloc(LOOKUPS, sizeof(*btids));
	char btid[STORE_NAI_MAX + 1];
	store_id ids[BURST];
	uint8_t is_prev[BURST];
	double start = 0;

	if (text == NULL || btids == NULL)
		check(-ENOMEM, "look-ups");
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		btids[i].len = (uint16_t)make_btid((uint32_t)(mix(i) % b->subscribers), btid);
		btids[i].data = (const uint8_t *)memcpy(text[i], btid, sizeof(text[i]));
	}
	for (unsigned pass = 0; pass <= PASSES; pass++) {
		if (pass == 1) // the first one only warms up
			start = now_s();
		for (uint32_t i = 0; i < LOOKUPS; i += BURST) {
			store_reader_find_btid_burst(r, btids + i, BURST, ids, is_prev);
			if (ids[0] != mix(i) % b->subscribers)
				check(-EIO, "a B-TID was not found");
		}
	}
	b->lookup_per_s = (double)LOOKUPS * PASSES / (now_s() - start);
	free(btids);
	free(text);
}

static void scan(struct bench *b, struct store_reader *r)
{
	double start = now_s();
	uint64_t sum = 0;

	for (unsigned pass = 0; pass < PASSES; pass++)
		for (store_id id = 0; id < store_reader_span(r); id++) {
			const struct store_hot *hot = store_reader_hot(r, id);
			struct store_muk_state muk;

			check(store_reader_muk(r, id, &muk), "MUK");
			sum += hot->expires + muk.inner[0];
		}
	b->scan_per_s = (double)store_reader_span(r) * PASSES / (now_s() - start);
	if (sum == 0)
		check(-EIO, "scan");
}

static void verify(struct bench *b, struct store_reader *r)
{
	uint32_t n = b->subscribers < 10000 ? b->subscribers : 10000;
	store_id *ids = calloc(n, sizeof(*ids));
	struct store_txn *txn;
	double start = now_s();

	if (ids == NULL)
		check(-ENOMEM, "ids");
	for (uint32_t i = 0; i < n; i++)
		ids[i] = i;
	check(store_txn_begin(b->env, &txn), "transaction");
	check(store_subscriber_verified(txn, ids, n), "verified");
	check(store_txn_commit(txn), "commit");
	b->verified_per_s = n / (now_s() - start);
	start = now_s();
	check(store_reader_renew(r), "renew");
	b->renew_s = now_s() - start;
	free(ids);
}

static void report(const struct bench *b)
{
	printf("{\"subscribers\": %" PRIu32, b->subscribers);
	printf(", \"import\": %.0f", b->subscribers / b->import_s);
	printf(", \"import_s\": %.3f", b->import_s);
	printf(", \"import_cpu_s\": %.3f", b->import_cpu_s);
	printf(", \"longest_step_ms\": %.1f", 1e3 * b->longest_step_s);
	printf(", \"reimport\": %.0f", b->subscribers / b->reimport_s);
	printf(", \"bytes_per_subscriber\": %.1f", (double)b->used_bytes / b->subscribers);
	printf(", \"btid_lookups\": %.0f", b->lookup_per_s);
	printf(", \"scan\": %.0f", b->scan_per_s);
	printf(", \"renew_ms\": %.3f", 1e3 * b->renew_s);
	printf(", \"verified\": %.0f}\n", b->verified_per_s);
}

static void dir_remove(const char *dir)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
	char path[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void options(struct bench *b, int argc, char **argv)
{
	static const struct option known[] = {
		{"subscribers", required_argument, NULL, 's'},
		{"dir", required_argument, NULL, 'd'},
		{"wrapping-key", required_argument, NULL, 'w'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			b->subscribers = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			b->dir = optarg;
		else if (c == 'w')
			b->wrapping_key = optarg;
		else
			exit(2);
	}
	if (b->subscribers == 0) {
		fprintf(stderr, "bench-store: --subscribers has to be a number above 0\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct bench b = {.subscribers = 1000000};
	char fresh[] = "/tmp/bench-store.XXXXXX";
	struct store_env_conf conf = {.max_readers = 8};
	struct store_reader *reader;
	char why[256];

	options(&b, argc, argv);
	conf.dir = b.dir != NULL ? b.dir : mkdtemp(fresh);
	conf.wrapping_key = b.wrapping_key;
	conf.map_bytes = (UINT64_C(64) << 20) + b.subscribers * UINT64_C(256);
	if (conf.dir == NULL || store_env_open(&conf, &b.env, why) != 0) {
		fprintf(stderr, "bench-store: %s\n", conf.dir != NULL ? why : strerror(errno));
		return 1;
	}
	imports(&b);
	check(store_reader_create(b.env, &reader), "reader");
	scan(&b, reader); // also brings the map into the page tables
	look_up(&b, reader);
	verify(&b, reader);
	report(&b);
	store_reader_destroy(reader);
	store_env_close(b.env);
	if (b.dir == NULL)
		dir_remove(conf.dir);
	return 0;
}
