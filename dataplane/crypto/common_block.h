// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Blocks of SHA-1 (FIPS 180-4, 6.1.2) that many messages have in common, all of them or all but
// their first five words: what can be worked out once of the message schedule W and the round
// constants K. Nothing in them is secret.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA1_BLOCK_BYTES 64
#define SHA1_DIGEST_BYTES 20
#define SHA1_DIGEST_WORDS 5
#define SHA1_ROUNDS 80
#define SHA1_PADDING_MIN 9 // 0x80 and a length of 64 bits

#define SHA1_K0 0x5a827999u
#define SHA1_K1 0x6ed9eba1u
#define SHA1_K2 0x8f1bbcdcu
#define SHA1_K3 0xca62c1d6u

// All messages have the same 16 words here.
struct common_block {
	uint32_t wk[SHA1_ROUNDS]; // W_t + K_t
};

// Behind a digest, or a key as long as one, all messages have the same 11 words.
struct digest_block {
	uint32_t w[16]; // W_t, from t = 5
	uint32_t wk[16]; // W_t + K_t
};

void common_block_init(struct common_block *b, const uint8_t block[SHA1_BLOCK_BYTES]);
// The first SHA1_DIGEST_BYTES octets do not count.
void digest_block_init(struct digest_block *b, const uint8_t block[SHA1_BLOCK_BYTES]);

static inline uint32_t sha1_load_be(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline void sha1_store_be(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 24);
	to[1] = (uint8_t)(value >> 16);
	to[2] = (uint8_t)(value >> 8);
	to[3] = (uint8_t)value;
}

// Blocks of a message of len octets, with its padding.
static inline uint32_t sha1_blocks(size_t len)
{
	return (uint32_t)((len + SHA1_PADDING_MIN + SHA1_BLOCK_BYTES - 1) / SHA1_BLOCK_BYTES);
}
