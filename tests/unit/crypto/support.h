// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the tests of the crypto room share: known answers from tests/vectors, a second
// implementation on OpenSSL, and noise that is the same in every run.

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"

#define KEY_DATA_BYTES 26 // of an MSK message
#define MAC_BYTES 20

// Octets of one entry of mikey-vectors.json. Fails the test when there is none.
struct vector {
	size_t len;
	uint8_t data[1024];
};
struct vector vector_get(const char *name);

// The MUK of the vectors E to K and the MSK a0..af, ready to use.
struct crypto_hmac_state vector_muk(struct crypto *c);
struct crypto_hmac_state vector_msk(struct crypto *c);
// CSB ID 12345678 and RAND 00..0f; v600 messages have CSB ID 1.
struct crypto_label vector_label(uint32_t csb_id, uint8_t rand_len);

// Runs the tests once for each path this machine has; *state is a struct crypto of that path.
// Returns how many failed.
#define run_on_every_path(tests) run_on_paths(tests, sizeof(tests) / sizeof((tests)[0]))
int run_on_paths(const struct CMUnitTest *tests, size_t n);

// xorshift64*, never 0.
uint64_t noise(uint64_t *seed);
uint32_t noise_between(uint64_t *seed, uint32_t low, uint32_t high);
void noise_fill(uint64_t *seed, uint8_t *to, size_t len);

// The second implementation takes keys, not states. Keys up to 64 octets.
void reference_hmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t tag[MAC_BYTES]);
// One PRF block: what a state of the key derives under a label (RFC 3830 4.1.2, n = m = 1).
void reference_derive(const uint8_t *key, size_t key_len, uint32_t constant,
	const struct crypto_label *label, uint8_t out[20]);
struct reference_msg {
	uint8_t key[64];
	size_t key_len;
	uint32_t counter;
	uint8_t *data;
	size_t encr_off;
	size_t encr_len;
	size_t mac_off;
};
void reference_seal(const struct crypto_label *label, const struct reference_msg *msg);
// Any length of input key (RFC 3830 4.1.2, all n and m).
void reference_prf(const uint8_t *inkey, size_t inkey_len, const uint8_t *label, size_t label_len,
	uint8_t *out, size_t out_len);
