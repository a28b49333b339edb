// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// HA1 of phones that came before, so that a request costs neither base64 nor that hash: a table of
// fixed size, by subscriber id. It holds secrets (HA1 stands for the MRK), in memory only, kept
// out of core dumps. Any thread.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ua_ha1;

// What an entry was made from.
struct ua_ha1_key {
	uint32_t id; // subscriber
	uint32_t tag; // of B-TID, realm and algorithm: two of them for one id differ
	uint64_t version; // of the store's snapshot
};

// entries is rounded up to a power of 2. -ENOMEM.
int ua_ha1_create(size_t entries, struct ua_ha1 **out);
void ua_ha1_destroy(struct ua_ha1 *table); // wipes it
// Copies 32 octets (16 of them with MD5); false when there is none.
bool ua_ha1_get(struct ua_ha1 *table, const struct ua_ha1_key *key, uint8_t out[32]);
// What was made from a snapshot that is older than a change of the id is not taken.
void ua_ha1_put(struct ua_ha1 *table, const struct ua_ha1_key *key, const uint8_t ha1[32]);
// Records of [first, first + n) change with the commit `version`: what is known of them goes.
void ua_ha1_forget(struct ua_ha1 *table, uint32_t first, uint32_t n, uint64_t version);
