// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A set of 64-bit hashes: which IMPIs and B-TIDs a file has named. Two names share a hash with a
// chance of n * n / 2^65, three in a million for ten million rows; the later row is refused then.
//
// It is kept in parts, so that growing copies a small table and never holds the writer for long.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYSET_PARTS 256

struct keyset_part {
	uint64_t *slot; // 0 = free
	size_t room; // a power of two
	size_t count;
};

struct keyset {
	struct keyset_part part[KEYSET_PARTS];
};

int keyset_init(struct keyset *set, size_t expected);
void keyset_fini(struct keyset *set);
bool keyset_has(const struct keyset *set, uint64_t key);
// -ENOMEM when it could not grow.
int keyset_add(struct keyset *set, uint64_t key);
void keyset_prefetch(const struct keyset *set, uint64_t key);
