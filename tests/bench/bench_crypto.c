// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Measures the crypto room alone, without a wire, on every path this machine has, as JSON:
// messages per second and TSC cycles per message of each burst function, and the floor: SHA-1
// compressions per second of each path, and how many pushes (18 of them) and solicited pulls (10)
// they would be.
//
// All measurements take turns in windows of about a millisecond, and the median window counts: so
// their ratios hold on a machine that others use, too.

#include "crypto.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define PUSH_BYTES 184 // an MSK message
#define SOLICIT_BYTES 158 // a solicited pull
#define CHECKED_BYTES 164 // what the MAC of a verification covers
#define FIRST_BYTES 64 // the same in all messages of a campaign, and some more
#define ENCR_OFF 137
#define ENCR_BYTES 26
#define MAC_BYTES 20
#define MUK_BYTES 32
#define SUBSCRIBERS 4096 // their states do not fit into the first cache
#define WINDOW_BURSTS 64
#define WINDOWS_MAX 100000
#define PUSH_COMPRESSIONS 18
#define SOLICIT_COMPRESSIONS 10

struct bench {
	struct crypto *crypto;
	struct crypto_label label;
	uint8_t *muks;
	struct crypto_hmac_state *states;
	struct crypto_staged_keys *staged;
	size_t next; // subscriber
	uint8_t data[CRYPTO_BURST][256];
	struct crypto_seal_msg seal[CRYPTO_BURST];
	struct crypto_check_msg check[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];
	const struct crypto_hmac_state *psk[CRYPTO_BURST];
	const struct crypto_staged_keys *keys[CRYPTO_BURST];
};

struct window {
	double seconds;
	double cycles;
};

struct measure {
	const char *name;
	size_t (*burst)(struct bench *b); // returns how many messages
	struct window window[WINDOWS_MAX]; // per message
};

static size_t next_subscribers(struct bench *b)
{
	size_t first = b->next;

	b->next = (b->next + CRYPTO_BURST) % SUBSCRIBERS;
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		b->psk[i] = &b->states[first + i];
		b->keys[i] = &b->staged[first + i];
	}
	return first;
}

static void seal_prepare(struct bench *b, uint16_t encr_len, uint16_t len)
{
	next_subscribers(b);
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		b->seal[i] = (struct crypto_seal_msg){
			.psk = b->psk[i],
			.data = b->data[i],
			.encr_off = ENCR_OFF,
			.encr_len = encr_len,
			.mac_off = (uint16_t)(len - MAC_BYTES),
		};
	}
}

static size_t seal_burst(struct bench *b)
{
	seal_prepare(b, ENCR_BYTES, PUSH_BYTES);
	return crypto_seal_burst(b->crypto, &b->label, 1, b->seal, CRYPTO_BURST);
}

static size_t solicit_burst(struct bench *b)
{
	seal_prepare(b, 0, SOLICIT_BYTES);
	return crypto_seal_burst(b->crypto, &b->label, 1, b->seal, CRYPTO_BURST);
}

static size_t staged_burst(struct bench *b)
{
	seal_prepare(b, ENCR_BYTES, PUSH_BYTES);
	return crypto_seal_staged_burst(
		b->crypto, b->label.csb_id, 1, b->keys, b->seal, CRYPTO_BURST);
}

static size_t staged_solicit_burst(struct bench *b)
{
	seal_prepare(b, 0, SOLICIT_BYTES);
	return crypto_seal_staged_burst(
		b->crypto, b->label.csb_id, 1, b->keys, b->seal, CRYPTO_BURST);
}

static size_t derive_burst(struct bench *b)
{
	size_t first = next_subscribers(b);

	return crypto_derive_burst(b->crypto, &b->label, b->psk, CRYPTO_BURST, &b->staged[first]);
}

static size_t check_burst(struct bench *b)
{
	next_subscribers(b);
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		b->check[i] = (struct crypto_check_msg){
			.psk = b->psk[i],
			.data = b->data[i],
			.len = CHECKED_BYTES,
			.mac = b->data[i] + CHECKED_BYTES,
		};
	}
	crypto_check_burst(b->crypto, &b->label, b->check, CRYPTO_BURST, b->is_good);
	return CRYPTO_BURST;
}

static size_t hmac_state_burst(struct bench *b)
{
	size_t first = next_subscribers(b);

	crypto_hmac_state_burst(b->crypto, &b->muks[first * MUK_BYTES], MUK_BYTES, MUK_BYTES,
		&b->states[first], CRYPTO_BURST);
	return CRYPTO_BURST;
}

static size_t compression_burst(struct bench *b)
{
	return crypto_compress(b->crypto, (size_t)PUSH_COMPRESSIONS * CRYPTO_BURST);
}

static struct measure measures[] = {
	{.name = "seal", .burst = seal_burst},
	{.name = "solicit", .burst = solicit_burst},
	{.name = "check", .burst = check_burst},
	{.name = "hmac_state", .burst = hmac_state_burst},
	{.name = "derive", .burst = derive_burst},
	{.name = "staged", .burst = staged_burst},
	{.name = "staged_solicit", .burst = staged_solicit_burst},
	{.name = "compression", .burst = compression_burst},
};
#define MEASURES (sizeof(measures) / sizeof(measures[0]))

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static struct window window_run(const struct measure *m, struct bench *b)
{
	size_t messages = 0;
	double start = now_s();
	uint64_t start_tsc = __rdtsc();

	for (int i = 0; i < WINDOW_BURSTS; i++)
		messages += m->burst(b);
	double cycles = (double)(__rdtsc() - start_tsc);
	return (struct window){(now_s() - start) / (double)messages, cycles / (double)messages};
}

static int window_compare(const void *a, const void *b)
{
	double x = ((const struct window *)a)->seconds, y = ((const struct window *)b)->seconds;

	return (x > y) - (x < y);
}

static void print_rate(const char *path, const char *name, double rate)
{
	printf("  \"%s%s%s\": %.0f,\n", path, *path == '\0' ? "" : "_", name, rate);
}

// The medians, with the name of the path before each key; none for the path that is taken when
// nobody chooses.
static void print_medians(const char *path, size_t windows)
{
	for (size_t i = 0; i < MEASURES; i++) {
		struct measure *m = &measures[i];
		const struct window *median = &m->window[windows / 2];
		char key[64];

		qsort(m->window, windows, sizeof(m->window[0]), window_compare);
		print_rate(path, m->name, 1 / median->seconds);
		snprintf(key, sizeof(key), "%s_cycles", m->name);
		printf("  \"%s%s%s\": %.1f,\n", path, *path == '\0' ? "" : "_", key,
			median->cycles);
		if (m->burst != compression_burst)
			continue;
		print_rate(path, "floor_push", 1 / median->seconds / PUSH_COMPRESSIONS);
		print_rate(path, "floor_solicit", 1 / median->seconds / SOLICIT_COMPRESSIONS);
	}
}

static void path_run(struct bench *b, const char *path, double seconds)
{
	double end = now_s() + seconds;
	size_t windows = 0;

	crypto_hmac_state_burst(b->crypto, b->muks, MUK_BYTES, MUK_BYTES, b->states, SUBSCRIBERS);
	for (int i = 0; i < SUBSCRIBERS / CRYPTO_BURST; i++)
		derive_burst(b);
	for (; windows < WINDOWS_MAX && (windows == 0 || now_s() < end); windows++)
		for (size_t i = 0; i < MEASURES; i++)
			measures[i].window[windows] = window_run(&measures[i], b);
	print_medians(path, windows);
}

// Keys and messages are noise: no branch of the measured code depends on them. Messages differ from
// their 65th octet on.
static int bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->muks = malloc((size_t)SUBSCRIBERS * MUK_BYTES);
	b->states = malloc(SUBSCRIBERS * sizeof(*b->states));
	b->staged = malloc(SUBSCRIBERS * sizeof(*b->staged));
	if (b->muks == NULL || b->states == NULL || b->staged == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)SUBSCRIBERS * MUK_BYTES; i++)
		b->muks[i] = (uint8_t)(i * 2654435761u >> 24);
	for (size_t i = 0; i < CRYPTO_BURST; i++)
		for (size_t k = FIRST_BYTES; k < sizeof(b->data[i]); k++)
			b->data[i][k] = (uint8_t)((i * sizeof(b->data[i]) + k) * 2246822519u >> 24);
	b->label.csb_id = 0x12345678;
	b->label.rand_len = 16;
	return 0;
}

static void bench_fini(struct bench *b)
{
	free(b->staged);
	free(b->states);
	free(b->muks);
}

static bool seconds_parse(int argc, char **argv, double *seconds)
{
	char *end;

	if (argc == 1)
		return true;
	if (argc != 3 || strcmp(argv[1], "--seconds") != 0)
		return false;
	*seconds = strtod(argv[2], &end);
	return end != argv[2] && *end == '\0' && *seconds > 0 && *seconds <= 3600;
}

static int paths_run(struct bench *b, double seconds)
{
	for (enum crypto_path_id id = CRYPTO_PATH_AUTO; id < CRYPTO_PATH_COUNT; id++) {
		int rc = crypto_create_path(id, &b->crypto);

		if (rc == -ENOSYS && id != CRYPTO_PATH_AUTO)
			continue;
		if (rc != 0)
			return rc;
		path_run(b, id == CRYPTO_PATH_AUTO ? "" : crypto_path_name(id),
			seconds / CRYPTO_PATH_COUNT);
		if (id == CRYPTO_PATH_AUTO)
			printf("  \"path\": \"%s\",\n", crypto_path_text(b->crypto));
		crypto_destroy(b->crypto);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	double seconds = 4;

	if (!seconds_parse(argc, argv, &seconds)) {
		fprintf(stderr, "usage: bench-crypto [--seconds S], all measurements together\n");
		return 2;
	}
	printf("{\n");
	int rc = bench_init(&b);
	if (rc == 0)
		rc = paths_run(&b, seconds);
	bench_fini(&b);
	if (rc != 0) {
		fprintf(stderr, "bench-crypto: no crypto context: %s\n", strerror(-rc));
		return 1;
	}
	printf("  \"burst\": %d\n}\n", CRYPTO_BURST);
	return 0;
}
