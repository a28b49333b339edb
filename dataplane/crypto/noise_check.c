// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What known answers do not reach: messages of all lengths in one burst, once by the path and once
// by ipsec-mb.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"

#define NOISE_BYTES 352
#define LENGTH_STEP 5 // goes through all places where a message may end in a block

struct noise {
	struct crypto_hmac_state psk[CRYPTO_BURST];
	struct crypto_staged_keys keys[CRYPTO_BURST];
	uint8_t data[CRYPTO_BURST][NOISE_BYTES];
	struct crypto_seal_msg seal[CRYPTO_BURST];
	struct crypto_check_msg check[CRYPTO_BURST];
	const struct crypto_hmac_state *psks[CRYPTO_BURST];
	const struct crypto_staged_keys *staged[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];
};

static const struct crypto_label label = {
	.csb_id = 0x9e3779b9, .rand_len = 200, .rand = {3, 1, 4, 1, 5}};

static void fill(void *to, size_t len, uint32_t seed)
{
	uint8_t *octets = to;

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		octets[i] = (uint8_t)(seed >> 24);
	}
}

static void noise_init(struct noise *n)
{
	_Static_assert(LENGTH_STEP * CRYPTO_BURST + MIKEY_MAC_BYTES <= NOISE_BYTES, "has room");
	for (size_t i = 0; i < CRYPTO_BURST; i++) {
		// Neighbours have different lengths.
		uint16_t len = (uint16_t)(LENGTH_STEP * (i * 29 % CRYPTO_BURST) + 1);

		fill(n->data[i], NOISE_BYTES, (uint32_t)i);
		n->psks[i] = &n->psk[i];
		n->staged[i] = &n->keys[i];
		n->seal[i] = (struct crypto_seal_msg){
			.psk = &n->psk[i],
			.data = n->data[i],
			.encr_off = len / 4,
			.encr_len = i % 8 == 7 ? 0 : len / 2,
			.mac_off = len,
		};
		n->check[i] =
			(struct crypto_check_msg){&n->psk[i], n->data[i], len, n->data[i] + len};
	}
}

static void noise_run(struct crypto *c, const struct crypto_path *path, struct noise *n)
{
	const struct crypto_path *own = c->path;
	uint8_t keys[CRYPTO_BURST][32];

	fill(keys, sizeof(keys), 0x5eed);
	noise_init(n);
	c->path = path;
	crypto_hmac_state_burst(c, keys[0], 32, 32, n->psk, CRYPTO_BURST);
	crypto_derive_burst(c, &label, n->psks, CRYPTO_BURST, n->keys);
	crypto_seal_staged_burst(c, label.csb_id, 1, n->staged, n->seal, CRYPTO_BURST);
	n->data[CRYPTO_BURST / 2][0] ^= 1;
	crypto_check_burst(c, &label, n->check, CRYPTO_BURST, n->is_good);
	crypto_seal_burst(c, &label, 2, n->seal, CRYPTO_BURST);
	c->path = own;
}

static bool is_same(const struct noise *a, const struct noise *b)
{
	return memcmp(a->psk, b->psk, sizeof(a->psk)) == 0 &&
		memcmp(a->keys, b->keys, sizeof(a->keys)) == 0 &&
		memcmp(a->data, b->data, sizeof(a->data)) == 0 &&
		memcmp(a->is_good, b->is_good, sizeof(a->is_good)) == 0;
}

int crypto_noise_check(struct crypto *c)
{
	struct noise *n = calloc(2, sizeof(*n));
	int rc;

	if (n == NULL)
		return -ENOMEM;
	noise_run(c, c->path, &n[0]);
	noise_run(c, &crypto_path_mb, &n[1]);
	rc = is_same(&n[0], &n[1]) ? 0 : -EIO;
	free(n);
	return rc;
}
