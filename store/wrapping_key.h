// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Where the wrapping key comes from (writer.h has the words for it), and the key itself, which
// lives no longer than it takes to wrap or unwrap the data keys.

#pragma once

#include "aead.h"

#define WRAPPING_SALT_BYTES 16

enum wrapping_kind {
	WRAPPING_NONE,
	WRAPPING_KEY, // 32 octets, or 64 hex digits
	WRAPPING_PASSPHRASE, // one line
};

// How a passphrase becomes a key (RFC 7914); stored beside what it wraps. Little endian.
struct wrapping_scrypt {
	uint8_t salt[WRAPPING_SALT_BYTES];
	uint8_t log2_n;
	uint8_t r;
	uint8_t p;
	uint8_t zero;
};

// Takes a source apart. path has room for PATH_BYTES. -EINVAL with a sentence.
int wrapping_source(const char *source, enum wrapping_kind *kind, char *path, char *why);
// The parameters for a new passphrase: N = 2^17, r = 8, p = 1, and a salt of chance.
int wrapping_scrypt_draw(struct wrapping_scrypt *out);
// Reads the key. scrypt is looked at for passphrases only. Wipe the key. -errno with a sentence.
int wrapping_key_read(const char *source, const struct wrapping_scrypt *scrypt,
	uint8_t key[AEAD_KEY_BYTES], char *why);
