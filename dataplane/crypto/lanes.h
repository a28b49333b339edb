// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Many messages side by side. lanes.c knows what is computed, for any number of lanes; what one
// instruction set does stands in struct lanes_isa. Arrays are structures of arrays: row, then
// lane, so that a vector holds the same word of neighbouring messages.

#pragma once

#include <stdbool.h>

#include "common_block.h"
#include "crypto.h"

#define LANES_MAX 32
#define LANES_RING_ROWS 20
#define LANES_SPAN_BYTES 32 // of keystream at a time: what an MSK needs

// SHA-1 states or digests. Words in host order.
struct lanes_state {
	_Alignas(64) uint32_t w[SHA1_DIGEST_WORDS][LANES_MAX];
};

// What lanes compute with, all of it secret. Wiped after each burst.
struct lanes_scratch {
	union {
		// Message schedule of SHA-1; a block to compress stands in the first 16 rows.
		_Alignas(64) uint32_t ring[LANES_RING_ROWS][LANES_MAX];
		struct lanes_state digest; // what HMAC hashes is mostly a digest
	};
	struct lanes_state psk_inner;
	struct lanes_state psk_outer;
	struct lanes_state auth_inner;
	struct lanes_state auth_outer;
	struct lanes_state next;
	_Alignas(64) uint8_t encr[LANES_MAX][16]; // keys
	_Alignas(64) uint8_t salt[LANES_MAX][16]; // the first 14 octets
	_Alignas(64) uint8_t span[LANES_MAX][LANES_SPAN_BYTES]; // keystream
	_Alignas(64) uint8_t mac[LANES_MAX][24]; // the first 20 octets
	_Alignas(64) uint32_t words[LANES_MAX];
};

// Octets of messages, brought together.
struct lanes_rows {
	_Alignas(64) uint8_t row[LANES_MAX][SHA1_BLOCK_BYTES];
};

// Pointers to octets of each message. Those of lanes that are not in use repeat others, so that
// nobody has to ask.
typedef const uint8_t *const lanes_from[LANES_MAX];
typedef uint8_t *const lanes_to[LANES_MAX];

enum lanes_order {
	LANES_HOST_ORDER,
	LANES_BIG_ENDIAN
};

struct lanes_isa {
	const char *name;
	size_t lanes; // messages side by side

	// Loads the states at from[] (struct crypto_hmac_state each).
	void (*states_load)(struct lanes_state *inner, struct lanes_state *outer, lanes_from from);
	// Writes 20 octets to each of to[].
	void (*state_store)(struct lanes_scratch *s, const struct lanes_state *state, lanes_to to,
		enum lanes_order order);
	// Writes the first 16 of them, in big-endian order.
	void (*key_store)(const struct lanes_state *state, lanes_to to);
	// Sets all lanes to the same five words.
	void (*state_fill)(struct lanes_state *state, const uint32_t words[SHA1_DIGEST_WORDS]);
	void (*rows_xor)(uint32_t (*to)[LANES_MAX], const uint32_t (*from)[LANES_MAX], size_t rows,
		uint32_t word);

	// Loads 64 octets at `off` behind each from[] into the first 16 rows of the ring.
	void (*block_load)(struct lanes_scratch *s, lanes_from from, size_t off);
	// Block b of messages of len[i] octets at from[] that stand behind a block of HMAC's key:
	// octets that are there, padding (FIPS 180-4, 5.1.1), or zeros where the message has ended.
	void (*rows_pad)(
		struct lanes_rows *to, lanes_from from, const uint32_t len[LANES_MAX], uint32_t b);
	// Whether the 64 octets at from[] are the same for all. They must not be secret.
	bool (*is_same_block)(lanes_from from);

	// SHA-1 compression: to = from + what the block does to it. The block is in the ring; of
	// compress_digest() its first five rows, behind which come the words of `block`. Spoils
	// the ring, of which `to` may be a part, `from` not.
	void (*compress)(
		struct lanes_scratch *s, struct lanes_state *to, const struct lanes_state *from);
	void (*compress_digest)(struct lanes_scratch *s, struct lanes_state *to,
		const struct lanes_state *from, const struct digest_block *block);
	void (*compress_common)(struct lanes_state *to, const struct lanes_state *from,
		const struct common_block *block);

	// AES-128 in counter mode (NIST SP 800-38A, 6.5): writes keystream blocks `block` and
	// `block` + 1 to span[], under the keys at key[] (16 octets) and IVs that are iv XOR the
	// 14 octets at salt[] (16 octets are read).
	void (*keystream)(lanes_to span, lanes_from key, lanes_from salt, const uint8_t iv[16],
		unsigned block);

	// Clears the scratch and all vector registers.
	void (*wipe)(struct lanes_scratch *s);
};
extern const struct lanes_isa lanes_avx512;
extern const struct lanes_isa lanes_avx512_aesni;
extern const struct lanes_isa lanes_avx2;
