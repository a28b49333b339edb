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
