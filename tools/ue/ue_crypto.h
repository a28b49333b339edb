// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a phone computes, on OpenSSL: deliberately not the dataplane's own code, so that the two
// check each other.

#pragma once

#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

#include "mikey.h"

#define UE_KEY_BYTES 32 // MUK and MRK: outputs of the GBA KDF

// HMAC-SHA-1 with a key taken in. As secret as the key.
struct ue_hmac {
	SHA_CTX inner;
	SHA_CTX outer;
};

// len at most 64.
void ue_hmac_init(struct ue_hmac *hmac, const uint8_t *key, size_t len);
// MAC over a and then b; b may be empty.
void ue_hmac_sum(const struct ue_hmac *hmac, struct mikey_bytes a, struct mikey_bytes b,
	uint8_t mac[MIKEY_MAC_BYTES]);

// One key derived in PSK mode (RFC 3830 4.1.4): out_len at most 20, a PSK of at most 32 octets.
void ue_derive(const struct ue_hmac *psk, uint32_t constant, uint32_t csb_id,
	struct mikey_bytes rand, uint8_t *out, size_t out_len);

// Decrypts the key data of a parsed message with AES-CM-128 under the keys that follow from psk,
// CSB ID, RAND and counter (RFC 3830 4.2.3). out takes msg->encr.len octets.
void ue_decrypt(const struct ue_hmac *psk, const struct mikey_view *msg, uint8_t *out);

// The KDF of TS 33.220 annex B: HMAC-SHA-256(key, input). out may not overlap input.
void ue_kdf(const uint8_t key[UE_KEY_BYTES], const uint8_t *input, size_t len,
	uint8_t out[UE_KEY_BYTES]);

// Key check value: the first three octets of SHA-256 of an MSK.
void ue_check_value(const uint8_t msk[MIKEY_MSK_BYTES], uint8_t check[3]);
