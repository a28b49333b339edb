// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The blocks of SHA-1 that deriving under one label takes (RFC 3830 4.1.2): all messages of a
// burst, and mostly all of a campaign, share them.

#pragma once

#include <stdbool.h>

#include "common_block.h"
#include "context.h"

// Of HMAC's inner hash, behind the key block: the label, and A_1 before the label.
#define LABEL_FIRST_MAX 5
#define LABEL_REST_MAX 4

// Blocks of one key.
struct label_blocks {
	size_t first_count;
	struct common_block first[LABEL_FIRST_MAX]; // the label alone
	struct digest_block head; // A_1 and how much of the label fits
	size_t rest_count;
	struct common_block rest[LABEL_REST_MAX];
};

struct lanes_label {
	bool is_set;
	struct crypto_label label;
	struct label_blocks key[CRYPTO_KEY_KINDS];
};

// Makes the blocks unless they are those of this label already.
void lanes_label_set(struct lanes_label *l, const struct crypto_label *label);
