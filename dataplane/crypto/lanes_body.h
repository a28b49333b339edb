// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What struct lanes_isa asks for besides SHA-1: octets of messages into lanes and back, AES.
// Included once for each instruction set, which defines `vec` and `aes` and what is done with them.
//
// A vector is LANES / 4 pieces of 16 octets. Message m of a vector's LANES sits in piece m / 4; so
// four vectors that take a piece each from messages r, r + 4, r + 8, ... (r = 0 to 3) become
// four rows of words by transposing inside the pieces, without moving anything between them.

#pragma once

#include <string.h>

#include "lanes_sha1.h"

#define VECTORS (LANES_IN_USE / LANES)

// --- Words of messages -----------------------------------------------------------------------

struct quad {
	vec x[4];
};

INLINE struct quad quad_transpose(struct quad q)
{
	vec lo01 = vec_unpack_lo32(q.x[0], q.x[1]), hi01 = vec_unpack_hi32(q.x[0], q.x[1]);
	vec lo23 = vec_unpack_lo32(q.x[2], q.x[3]), hi23 = vec_unpack_hi32(q.x[2], q.x[3]);

	return (struct quad){{vec_unpack_lo64(lo01, lo23), vec_unpack_hi64(lo01, lo23),
		vec_unpack_lo64(hi01, hi23), vec_unpack_hi64(hi01, hi23)}};
}

INLINE struct quad quad_swap(struct quad q)
{
	return (struct quad){{vec_swap_octets(q.x[0]), vec_swap_octets(q.x[1]),
		vec_swap_octets(q.x[2]), vec_swap_octets(q.x[3])}};
}

// 16 octets of each message of one vector.
INLINE struct quad quad_load(const uint8_t *const *from, size_t off)
{
	return (struct quad){{pieces_load(from, off), pieces_load(from + 1, off),
		pieces_load(from + 2, off), pieces_load(from + 3, off)}};
}

INLINE void quad_store(struct quad q, uint8_t *const *to, size_t off)
{
	pieces_store(q.x[0], to, off);
	pieces_store(q.x[1], to + 1, off);
	pieces_store(q.x[2], to + 2, off);
	pieces_store(q.x[3], to + 3, off);
}

static void states_load(struct lanes_state *inner, struct lanes_state *outer, lanes_from from)
{
	for (int j = 0; j < VECTORS; j++) {
		const uint8_t *const *messages = from + j * LANES;
		struct quad first = quad_transpose(quad_load(messages, 0)); // words 0 to 3
		struct quad second = quad_transpose(quad_load(messages, 16)); // 4 to 7
		struct quad third = quad_transpose(quad_load(messages, 24)); // 6 to 9

		*row_vec(inner->w[0], j) = first.x[0];
		*row_vec(inner->w[1], j) = first.x[1];
		*row_vec(inner->w[2], j) = first.x[2];
		*row_vec(inner->w[3], j) = first.x[3];
		*row_vec(inner->w[4], j) = second.x[0];
		*row_vec(outer->w[0], j) = second.x[1];
		*row_vec(outer->w[1], j) = second.x[2];
		*row_vec(outer->w[2], j) = second.x[3];
		*row_vec(outer->w[3], j) = third.x[2];
		*row_vec(outer->w[4], j) = third.x[3];
	}
}

INLINE struct quad quad_of_state(const struct lanes_state *state, int j)
{
	return quad_transpose(
		(struct quad){{*row_vec_const(state->w[0], j), *row_vec_const(state->w[1], j),
			*row_vec_const(state->w[2], j), *row_vec_const(state->w[3], j)}});
}

static void key_store(const struct lanes_state *state, lanes_to to)
{
	for (int j = 0; j < VECTORS; j++)
		quad_store(quad_swap(quad_of_state(state, j)), to + j * LANES, 0);
}

static void state_store(struct lanes_scratch *s, const struct lanes_state *state, lanes_to to,
	enum lanes_order order)
{
	for (int j = 0; j < VECTORS; j++) {
		struct quad q = quad_of_state(state, j);
		vec last = *row_vec_const(state->w[4], j);

		if (order == LANES_BIG_ENDIAN) {
			q = quad_swap(q);
			last = vec_swap_octets(last);
		}
		quad_store(q, to + j * LANES, 0);
		*row_vec(s->words, j) = last;
	}
	for (int i = 0; i < LANES_IN_USE; i++)
		memcpy(to[i] + 16, &s->words[i], 4);
}

static void state_fill(struct lanes_state *state, const uint32_t words[SHA1_DIGEST_WORDS])
{
	for (int i = 0; i < SHA1_DIGEST_WORDS; i++)
		for (int j = 0; j < VECTORS; j++)
			*row_vec(state->w[i], j) = vec_broadcast(words[i]);
}

static void rows_xor(
	uint32_t (*to)[LANES_MAX], const uint32_t (*from)[LANES_MAX], size_t rows, uint32_t word)
{
	for (size_t i = 0; i < rows; i++)
		for (int j = 0; j < VECTORS; j++)
			*row_vec(to[i], j) =
				vec_xor(*row_vec_const(from[i], j), vec_broadcast(word));
}

static void block_load(struct lanes_scratch *s, lanes_from from, size_t off)
{
	for (int j = 0; j < VECTORS; j++) {
		for (int at = 0; at < 16; at += 4) {
			struct quad q = quad_load(from + j * LANES, off + 4 * (size_t)at);

			q = quad_transpose(quad_swap(q));
			*row_vec(s->ring[at], j) = q.x[0];
			*row_vec(s->ring[at + 1], j) = q.x[1];
			*row_vec(s->ring[at + 2], j) = q.x[2];
			*row_vec(s->ring[at + 3], j) = q.x[3];
		}
	}
}

static void rows_pad(
	struct lanes_rows *to, lanes_from from, const uint32_t len[LANES_MAX], uint32_t b)
{
	const uint32_t done = b * SHA1_BLOCK_BYTES;

	for (int i = 0; i < LANES_IN_USE; i++) {
		uint32_t bits = 8 * (SHA1_BLOCK_BYTES + len[i]);

		if (len[i] >= done)
			row_pad(to->row[i], from[i] + done, len[i] - done, bits);
		else
			row_end(to->row[i], len[i] + SHA1_PADDING_MIN > done ? bits : 0);
	}
}

static bool is_same_block(lanes_from from)
{
	vec differ = vec_broadcast(0);

	for (size_t at = 0; at < SHA1_BLOCK_BYTES; at += sizeof(vec)) {
		vec first = vec_load_octets(from[0] + at);

		for (int i = 1; i < LANES_IN_USE; i++)
			differ = vec_or_xor(differ, first, vec_load_octets(from[i] + at));
	}
	return vec_is_zero(differ);
}

// --- AES -------------------------------------------------------------------------------------

// A key and the two counter blocks it encrypts, of as many messages as `aes` holds. Round keys are
// made where they are used and kept nowhere.
struct cipher {
	aes key, even, odd;
};

INLINE void cipher_begin(
	struct cipher *c, const uint8_t *const *key, const uint8_t *const *salt, aes even, aes odd)
{
	// The salt has 14 octets.
	aes x = aes_shuffle(aes_load(salt),
		_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, -1, -1));

	c->key = aes_load(key);
	c->even = aes_xor3(x, even, c->key);
	c->odd = aes_xor3(x, odd, c->key);
}

// FIPS 197, 5.2. All columns of the input to aes_last_round() are RotWord(last word), so its
// ShiftRows does nothing, and what comes out is SubWord(RotWord(last word)) XOR Rcon.
INLINE aes aes_next_key(aes key, aes rcon)
{
	aes word = aes_last_round(aes_shuffle(key, _mm_set1_epi32(0x0c0f0e0d)), rcon);

	key = aes_xor(key, aes_shift4(key));
	return aes_xor3(key, aes_shift8(key), word);
}

INLINE void cipher_round(struct cipher *c, aes rcon)
{
	c->key = aes_next_key(c->key, rcon);
	c->even = aes_round(c->even, c->key);
	c->odd = aes_round(c->odd, c->key);
}

INLINE void cipher_end(struct cipher *c, aes rcon, uint8_t *const *span)
{
	c->key = aes_next_key(c->key, rcon);
	aes_store(aes_last_round(c->even, c->key), span, 0);
	aes_store(aes_last_round(c->odd, c->key), span, 16);
}

static void keystream(
	lanes_to span, lanes_from key, lanes_from salt, const uint8_t iv[16], unsigned block)
{
	static const uint8_t rcon[9] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b};
	uint8_t counter[2][16];

	for (unsigned i = 0; i < 2; i++) {
		memcpy(counter[i], iv, 16);
		counter[i][15] = (uint8_t)(iv[15] ^ (block + i));
	}
	aes even = aes_broadcast16(counter[0]), odd = aes_broadcast16(counter[1]);
	for (int at = 0; at < LANES_IN_USE; at += 4 * AES_MESSAGES) {
		struct cipher c0, c1, c2, c3;

		cipher_begin(&c0, key + at, salt + at, even, odd);
		cipher_begin(&c1, key + at + 1, salt + at + 1, even, odd);
		cipher_begin(&c2, key + at + 2, salt + at + 2, even, odd);
		cipher_begin(&c3, key + at + 3, salt + at + 3, even, odd);
		for (int i = 0; i < 9; i++) {
			aes x = aes_broadcast(rcon[i]);

			cipher_round(&c0, x);
			cipher_round(&c1, x);
			cipher_round(&c2, x);
			cipher_round(&c3, x);
		}
		cipher_end(&c0, aes_broadcast(0x36), span + at);
		cipher_end(&c1, aes_broadcast(0x36), span + at + 1);
		cipher_end(&c2, aes_broadcast(0x36), span + at + 2);
		cipher_end(&c3, aes_broadcast(0x36), span + at + 3);
	}
}

// Memory, and what is left in registers. Not a memset(), which would be slower to begin.
static void wipe(struct lanes_scratch *s)
{
	vec *x = (vec *)s;

	for (size_t i = 0; i < sizeof(*s) / sizeof(vec); i++) {
		x[i] = vec_broadcast(0);
		__asm__ volatile("" : : "r"(s) : "memory");
	}
	registers_wipe();
}

// --- The table -------------------------------------------------------------------------------

#define LANES_ISA(text)                                                                       \
	{                                                                                     \
		.name = (text), .lanes = LANES_IN_USE, .states_load = states_load,            \
		.state_store = state_store, .key_store = key_store, .state_fill = state_fill, \
		.rows_xor = rows_xor, .block_load = block_load, .rows_pad = rows_pad,         \
		.is_same_block = is_same_block, .compress = compress,                         \
		.compress_digest = compress_digest, .compress_common = compress_common,       \
		.keystream = keystream, .wipe = wipe,                                         \
	}
