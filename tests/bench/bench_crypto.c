// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Measures the crypto room alone, without a wire: messages per second and TSC cycles per message
// of each burst function, as JSON.

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
#define ENCR_OFF 137
#define ENCR_BYTES 26
#define MAC_BYTES 20
#define MUK_BYTES 32
#define SUBSCRIBERS 4096 // their states do not fit into the first cache

struct bench {
	struct crypto *crypto;
	struct crypto_label label;
	uint8_t *muks;
	struct crypto_hmac_state *states;
	size_t next; // subscriber
	uint8_t data[CRYPTO_BURST][256];
	struct crypto_seal_msg seal[CRYPTO_BURST];
	struct crypto_check_msg check[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];
};

struct measure {
	const char *name;
	void (*burst)(struct bench *b); // CRYPTO_BURST messages
};

static const struct crypto_hmac_state *next_states(struct bench *b)
{
	const struct crypto_hmac_state *states = &b->states[b->next];

	b->next = (b->next + CRYPTO_BURST) % SUBSCRIBERS;
	return states;
}

static void seal(struct bench *b, uint16_t encr_len, uint16_t len)
{
	const struct crypto_hmac_state *states = next_states(b);

	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		b->seal[i] = (struct crypto_seal_msg){
			.psk = &states[i],
			.data = b->data[i],
			.encr_off = ENCR_OFF,
			.encr_len = encr_len,
			.mac_off = (uint16_t)(len - MAC_BYTES),
		};
	}
	crypto_seal_burst(b->crypto, &b->label, 1, b->seal, CRYPTO_BURST);
}

static void seal_burst(struct bench *b)
{
	seal(b, ENCR_BYTES, PUSH_BYTES);
}

static void solicit_burst(struct bench *b)
{
	seal(b, 0, SOLICIT_BYTES);
}

static void check_burst(struct bench *b)
{
	const struct crypto_hmac_state *states = next_states(b);

	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		b->check[i] = (struct crypto_check_msg){
			.psk = &states[i],
			.data = b->data[i],
			.len = CHECKED_BYTES,
			.mac = b->data[i] + CHECKED_BYTES,
		};
	}
	crypto_check_burst(b->crypto, &b->label, b->check, CRYPTO_BURST, b->is_good);
}

static void hmac_state_burst(struct bench *b)
{
	crypto_hmac_state_burst(b->crypto, &b->muks[b->next * MUK_BYTES], MUK_BYTES, MUK_BYTES,
		&b->states[b->next], CRYPTO_BURST);
	b->next = (b->next + CRYPTO_BURST) % SUBSCRIBERS;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void measure_run(const struct measure *m, struct bench *b, double seconds)
{
	size_t messages = 0;
	double start = now_s();
	double end;
	uint64_t start_tsc = __rdtsc();

	do {
		for (int i = 0; i < 100; i++)
			m->burst(b);
		messages += 100 * CRYPTO_BURST;
		end = now_s();
	} while (end - start < seconds);
	double cycles = (double)(__rdtsc() - start_tsc);
	printf("  \"%s\": %.0f,\n  \"%s_cycles\": %.0f,\n", m->name,
		(double)messages / (end - start), m->name, cycles / (double)messages);
}

// Keys and messages are noise: no branch of the measured code depends on them.
static int bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->muks = malloc((size_t)SUBSCRIBERS * MUK_BYTES);
	b->states = malloc(SUBSCRIBERS * sizeof(*b->states));
	if (b->muks == NULL || b->states == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)SUBSCRIBERS * MUK_BYTES; i++)
		b->muks[i] = (uint8_t)(i * 2654435761u >> 24);
	b->label.csb_id = 0x12345678;
	b->label.rand_len = 16;
	int rc = crypto_create(&b->crypto);
	if (rc != 0)
		return rc;
	crypto_hmac_state_burst(b->crypto, b->muks, MUK_BYTES, MUK_BYTES, b->states, SUBSCRIBERS);
	return 0;
}

static void bench_fini(struct bench *b)
{
	crypto_destroy(b->crypto);
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

int main(int argc, char **argv)
{
	static const struct measure measures[] = {
		{"seal", seal_burst},
		{"solicit", solicit_burst},
		{"check", check_burst},
		{"hmac_state", hmac_state_burst},
	};
	const size_t count = sizeof(measures) / sizeof(measures[0]);
	static struct bench b;
	double seconds = 3;

	if (!seconds_parse(argc, argv, &seconds)) {
		fprintf(stderr, "usage: bench-crypto [--seconds S], all measurements together\n");
		return 2;
	}
	int rc = bench_init(&b);
	if (rc != 0) {
		fprintf(stderr, "bench-crypto: no crypto context: %s\n", strerror(-rc));
		bench_fini(&b);
		return 1;
	}
	printf("{\n");
	for (size_t i = 0; i < count; i++)
		measure_run(&measures[i], &b, seconds / (double)count);
	printf("  \"path\": \"%s\"\n}\n", crypto_path_text(b.crypto));
	bench_fini(&b);
	return 0;
}
