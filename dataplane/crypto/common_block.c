// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "common_block.h"

#include <string.h>

static uint32_t round_constant(unsigned t)
{
	static const uint32_t k[] = {SHA1_K0, SHA1_K1, SHA1_K2, SHA1_K3};

	return k[t / 20];
}

static uint32_t rol1(uint32_t x)
{
	return x << 1 | x >> 31;
}

void common_block_init(struct common_block *b, const uint8_t block[SHA1_BLOCK_BYTES])
{
	uint32_t w[SHA1_ROUNDS];

	for (unsigned t = 0; t < 16; t++)
		w[t] = sha1_load_be(block + 4 * t);
	for (unsigned t = 16; t < SHA1_ROUNDS; t++)
		w[t] = rol1(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]);
	for (unsigned t = 0; t < SHA1_ROUNDS; t++)
		b->wk[t] = w[t] + round_constant(t);
}

void digest_block_init(struct digest_block *b, const uint8_t block[SHA1_BLOCK_BYTES])
{
	memset(b, 0, sizeof(*b));
	for (unsigned t = SHA1_DIGEST_WORDS; t < 16; t++) {
		b->w[t] = sha1_load_be(block + 4 * t);
		b->wk[t] = b->w[t] + round_constant(t);
	}
}
