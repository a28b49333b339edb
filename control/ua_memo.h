// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Hashes of what came before: phones send the same bodies to the same targets and get the same
// answers, and hashing them again would be most of the MD5 of a request. A table of fixed size by
// the octets themselves; nothing that is hashed here is a secret. One thread.

#pragma once

#include "ua_hash.h"
#include "ua_text.h"

#define UA_MEMO_OCTETS 1024 // longer texts are not kept

struct ua_memo;

// -ENOMEM.
int ua_memo_create(struct ua_memo **out);
void ua_memo_destroy(struct ua_memo *memo);
// H(text). memo = NULL: it is made.
void ua_memo_hash(
	struct ua_memo *memo, enum ua_alg alg, struct ua_text text, uint8_t out[UA_HASH_MAX]);
