// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A set of 64-bit hashes: which IMPIs and B-TIDs a file has named. Two names share a hash with a
// chance of n * n / 2^65, three in a million for ten million rows; the later row is refused then.
//
// A full table is not copied into a larger one, which would hold the writer: a larger one is put
// beside it, and look-ups go through all.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYSET_TABLES 8

struct keyset_table {
	uint64_t *slot; // 0 = free
	size_t room; // a power of two
	size_t count;
};

struct keyset {
	struct keyset_table table[KEYSET_TABLES];
	unsigned tables;
};

int keyset_init(struct keyset *set, size_t expected);
void keyset_fini(struct keyset *set);
bool keyset_has(const struct keyset *set, uint64_t key);
// -ENOMEM when it could not grow.
int keyset_add(struct keyset *set, uint64_t key);
void keyset_prefetch(const struct keyset *set, uint64_t key);
