// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key derivation and protection of MIKEY messages, in bursts (RFC 3830 4.1 and 4.2).
// The caller lays messages out (mikey.h) and hands over where to encrypt and where the MAC goes.
//
// A `struct crypto` belongs to one thread. Nothing is allocated per message, nothing here reads
// the clock, random numbers or the store. Derived keys live in the context and are wiped before
// a burst function returns.

#pragma once

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_BURST 64 // most messages one call takes

// HMAC-SHA-1 with a key, ready to use: the SHA-1 states after the key's inner and outer block.
// Stands in for the key (MUK or MSK) and is as secret as the key.
struct crypto_hmac_state {
	uint32_t inner[5]; // host order
	uint32_t outer[5];
};

// The derivation inputs all messages of a burst share: CSB ID and RAND.
struct crypto_label {
	uint32_t csb_id;
	uint8_t rand_len; // 0: mtk_rand = none
	uint8_t rand[255];
};

// One message to protect. Lengths in octets.
struct crypto_seal_msg {
	const struct crypto_hmac_state *psk; // not looked at where keys are staged
	uint8_t *data; // the whole message
	uint16_t encr_off; // plain key data, encrypted in place
	uint16_t encr_len; // 0 for a solicited pull; at most 1,024
	uint16_t mac_off; // 1 to 2,048; the MAC covers data[0..mac_off) and is put behind
};

// One verification message to check.
struct crypto_check_msg {
	const struct crypto_hmac_state *psk;
	const uint8_t *data; // all octets the MAC covers, contiguous (mikey_verification_tail)
	uint16_t len; // 1 to 2,048
	const uint8_t *mac; // 20 octets as received
};

// What one message needs, derived ahead of the moment it is sealed. As secret as its PSK.
struct crypto_staged_keys {
	uint8_t encr[16];
	uint8_t salt[16]; // 14 octets, then zeros
	struct crypto_hmac_state auth;
};
_Static_assert(sizeof(struct crypto_staged_keys) == 72, "what arming costs per member");

struct crypto;

// Which code does the work. All of them give the same octets.
enum crypto_path_id {
	CRYPTO_PATH_AUTO, // the first of the following that this CPU can run
	CRYPTO_PATH_AVX512, // 32 messages side by side; needs VAES, too
	CRYPTO_PATH_AVX512_AESNI, // the same on CPUs without VAES
	CRYPTO_PATH_AVX2, // 16 messages side by side; needs AES-NI, too
	CRYPTO_PATH_IPSEC_MB,
	CRYPTO_PATH_COUNT
};

// As the configuration writes it: "auto", "avx512", "avx512-aesni", "avx2", "ipsec-mb".
const char *crypto_path_name(enum crypto_path_id path);

// Makes a context and runs the known answers; -EIO when one of them does not hold (then nothing
// may be sent), -ENOMEM, -ENOSYS when the CPU lacks what the path needs.
int crypto_create(struct crypto **out);
int crypto_create_path(enum crypto_path_id path, struct crypto **out);
void crypto_destroy(struct crypto *c);
// What this context uses, for `mskpush status`: "avx512 lanes, ipsec-mb 1.3.0 avx512".
const char *crypto_path_text(const struct crypto *c);

// NULL, or what came out differently when it was computed a second time: "a sealed message". Lanes
// have one message in 65,536 computed by ipsec-mb, too. After a fault no result of this context can
// be trusted, that of the burst before the call included: nothing may be sent any more.
const char *crypto_fault(const struct crypto *c);

// Prepares n keys of key_len octets (1..64), standing key_stride octets apart. Any n.
void crypto_hmac_state_burst(struct crypto *c, const uint8_t *keys, size_t key_stride,
	size_t key_len, struct crypto_hmac_state *states, size_t n);

// Derives encryption, salt and authentication keys of each message from its PSK and the label,
// encrypts with AES-CM-128 under counter T = counter, writes HMAC-SHA-1-160 MACs.
// n at most CRYPTO_BURST; returns n.
size_t crypto_seal_burst(struct crypto *c, const struct crypto_label *label, uint32_t counter,
	struct crypto_seal_msg *msgs, size_t n);

// Sets is_good[i] to 1 when the MAC of msgs[i] holds under its PSK and the label, else 0.
// Compares in constant time. n at most CRYPTO_BURST; returns how many are good.
size_t crypto_check_burst(struct crypto *c, const struct crypto_label *label,
	const struct crypto_check_msg *msgs, size_t n, uint8_t *is_good);

// Derives ahead what crypto_seal_burst() would derive for messages under these PSKs, into out[i].
// n at most CRYPTO_BURST; returns n.
size_t crypto_derive_burst(struct crypto *c, const struct crypto_label *label,
	const struct crypto_hmac_state *const *psks, size_t n, struct crypto_staged_keys *out);

// As crypto_seal_burst(), under keys that are ready: staged[i] for msgs[i]. csb_id is that of the
// label they were derived under.
size_t crypto_seal_staged_burst(struct crypto *c, uint32_t csb_id, uint32_t counter,
	const struct crypto_staged_keys *const *staged, struct crypto_seal_msg *msgs, size_t n);

// The PRF as the RFC writes it (4.1.2), for input keys of 1 to 1,024 octets, labels up to 264
// and outputs up to 256: for tests and for keys that are not derived in bursts.
void crypto_prf(struct crypto *c, const uint8_t *inkey, size_t inkey_len, const uint8_t *label,
	size_t label_len, uint8_t *out, size_t out_len);

// Does SHA-1 compressions and nothing else, at least n, as fast as this path can: the floor that a
// benchmark holds the bursts against. Returns how many.
size_t crypto_compress(struct crypto *c, size_t n);
