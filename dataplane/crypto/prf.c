// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "context.h"

#include <assert.h>
#include <string.h>

#define PRF_PIECE_BYTES 32 // RFC 3830 4.1.2: input keys are cut into pieces of 256 bits

void crypto_hmac_state_init(
	struct mb *mb, struct crypto_hmac_state *state, const uint8_t *key, size_t key_len)
{
	uint8_t block[MB_BLOCK_BYTES];

	memset(block, 0x36, sizeof(block));
	for (size_t i = 0; i < key_len; i++)
		block[i] ^= key[i];
	mb_sha1_state(mb, block, state->inner);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	mb_sha1_state(mb, block, state->outer);
	explicit_bzero(block, sizeof(block));
}

// XORs P(piece, label, m) into out.
static void prf_piece(struct crypto *c, const struct crypto_hmac_state *piece, const uint8_t *label,
	size_t label_len, uint8_t *out, size_t out_len)
{
	uint8_t step[MB_SHA1_BYTES + MIKEY_LABEL_MAX_BYTES]; // A_i || label
	uint8_t next[MB_SHA1_BYTES];
	uint8_t block[MB_SHA1_BYTES];
	struct mb_hmac first = {.key = piece, .data = label, .len = label_len, .tag = next};

	mb_hmac_burst(c->mb, &first, 1);
	memcpy(step + MB_SHA1_BYTES, label, label_len);
	for (size_t at = 0; at < out_len; at += MB_SHA1_BYTES) {
		memcpy(step, next, sizeof(next));
		const struct mb_hmac both[] = {
			{.key = piece,
				.data = step,
				.len = MB_SHA1_BYTES + label_len,
				.tag = block},
			{.key = piece, .data = step, .len = MB_SHA1_BYTES, .tag = next},
		};
		mb_hmac_burst(c->mb, both, 2);
		for (size_t i = 0; i < MB_SHA1_BYTES && at + i < out_len; i++)
			out[at + i] ^= block[i];
	}
	explicit_bzero(step, sizeof(step));
	explicit_bzero(next, sizeof(next));
	explicit_bzero(block, sizeof(block));
}

void crypto_prf(struct crypto *c, const uint8_t *inkey, size_t inkey_len, const uint8_t *label,
	size_t label_len, uint8_t *out, size_t out_len)
{
	struct crypto_hmac_state piece;

	assert(inkey_len >= 1 && label_len <= MIKEY_LABEL_MAX_BYTES);
	memset(out, 0, out_len);
	while (inkey_len > 0) {
		size_t len = inkey_len < PRF_PIECE_BYTES ? inkey_len : PRF_PIECE_BYTES;
		crypto_hmac_state_init(c->mb, &piece, inkey, len);
		prf_piece(c, &piece, label, label_len, out, out_len);
		inkey += len;
		inkey_len -= len;
	}
	explicit_bzero(&piece, sizeof(piece));
}
