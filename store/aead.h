// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// AES-256-GCM (NIST SP 800-38D) for what lies on disk. aead.c is the one file of the store that
// sees ipsec-mb: for blocks of a few thousand octets it takes a third of libcrypto's time.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES 32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16

struct aead; // shared by all threads

// A key made ready. As secret as the key.
struct aead_key {
	_Alignas(64) uint8_t expanded[1088];
};

struct aead_text {
	const uint8_t *nonce; // AEAD_NONCE_BYTES
	const uint8_t *aad;
	size_t aad_len;
};

// -ENOMEM; -EIO: its known answers are wrong on this machine.
int aead_create(struct aead **out);
void aead_destroy(struct aead *aead);

void aead_key_init(
	const struct aead *aead, const uint8_t key[AEAD_KEY_BYTES], struct aead_key *out);
// in and out may be the same.
void aead_seal(const struct aead *aead, const struct aead_key *key, const struct aead_text *text,
	const void *in, void *out, size_t len, uint8_t tag[AEAD_TAG_BYTES]);
// False when the tag is wrong: out is zero then.
bool aead_open(const struct aead *aead, const struct aead_key *key, const struct aead_text *text,
	const void *in, void *out, size_t len, const uint8_t tag[AEAD_TAG_BYTES]);
