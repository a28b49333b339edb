// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A wrapped store, its key, and its cipher done by libcrypto.

#pragma once

#include <sys/types.h>

#include "support.h"
#include "view.h"

#define WRAPPED_PEOPLE 100

extern const uint8_t wrapped_key[32];

// Writes a key file; the source that names it, behind "file:" or "passphrase-file:". It lives until
// the next but one.
const char *wrapped_key_file(const char *kind, const void *data, size_t len, mode_t mode);
const char *wrapped_right_key(void); // the source of wrapped_key
struct store_env *wrapped_open(const char *dir, const char *source);
void wrapped_expect_refused(const char *dir, const char *source, int rc, const char *sentence);
// A store with one record of each kind that is sealed, and WRAPPED_PEOPLE subscribers.
struct store_env *wrapped_fill(const char *dir, const char *source);
// AES-256-GCM: whether the tag is right; out gets the clear text.
bool wrapped_gcm_open(const uint8_t key[32], const uint8_t *nonce, struct blob aad, struct blob in,
	const uint8_t *tag, uint8_t *out);
