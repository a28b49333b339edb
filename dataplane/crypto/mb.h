// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The primitives of Intel ipsec-mb in bursts, without its header. One thread per `struct mb`.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto.h"

#define MB_BLOCK_BYTES 64 // of SHA-1
#define MB_SHA1_BYTES 20

struct mb;

// One HMAC-SHA-1 over data[0..len), under a key that is used often enough to have a state. len is
// at least 1: after an empty one ipsec-mb 1.3 computes wrong for good.
struct mb_hmac {
	const struct crypto_hmac_state *key;
	const uint8_t *data;
	size_t len;
	uint8_t *tag; // MB_SHA1_BYTES octets
};

// One SHA-1 over data[0..len).
struct mb_sha1 {
	const uint8_t *data;
	size_t len;
	uint8_t *digest; // MB_SHA1_BYTES octets
};

// One AES-128 counter mode run over data[0..len), in place.
struct mb_ctr {
	const uint8_t *key; // 16 octets
	const uint8_t *iv; // 16 octets, the first counter block
	uint8_t *data;
	size_t len;
};

// -ENOMEM, -ENOSYS when ipsec-mb cannot run on this CPU, -EIO when its self-test fails.
int mb_create(struct mb **out);
void mb_destroy(struct mb *mb);
const char *mb_version(void);
const char *mb_arch_name(const struct mb *mb);

// No output of a burst may be an input of the same burst.
void mb_hmac_burst(struct mb *mb, const struct mb_hmac *ops, size_t n);
// n at most CRYPTO_BURST.
void mb_sha1_burst(struct mb *mb, const struct mb_sha1 *ops, size_t n);
void mb_ctr_burst(struct mb *mb, const struct mb_ctr *ops, size_t n);

// The SHA-1 state, in host order, after the first block of a message.
void mb_sha1_state(struct mb *mb, const uint8_t block[MB_BLOCK_BYTES], uint32_t state[5]);
