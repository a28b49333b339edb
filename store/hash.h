// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// SipHash-1-3, keyed with a random key of the store: B-TIDs come from outside, and nobody there
// can choose them so that they fall together.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0;
	uint64_t k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

struct hash_text {
	const void *data;
	size_t len;
};

// The hashes of two texts in little more than the time of one: each round waits for the one before.
void hash_pair(const struct hash_key *key, const struct hash_text text[2], uint64_t hash[2]);
