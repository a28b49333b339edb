// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The hashes of HTTP Digest (RFC 2617, RFC 7616), without allocation: several of them are made in
// each request.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

enum ua_alg {
	UA_ALG_MD5,
	UA_ALG_SHA256,
};

#define UA_HASH_MAX 32
#define UA_HASH_HEX_MAX (2 * UA_HASH_MAX)

struct ua_hash {
	enum ua_alg alg;
	union {
		MD5_CTX md5;
		SHA256_CTX sha256;
	};
};

// Octets of a hash: 16 or 32.
static inline size_t ua_hash_len(enum ua_alg alg)
{
	return alg == UA_ALG_MD5 ? 16 : 32;
}

void ua_hash_begin(struct ua_hash *hash, enum ua_alg alg);
void ua_hash_add(struct ua_hash *hash, const void *data, size_t len);
// Wipes the state: it may have been fed with secrets.
void ua_hash_end(struct ua_hash *hash, uint8_t out[UA_HASH_MAX]);

// Lower-case hex digits, no terminator.
void ua_hex_write(char *out, const uint8_t *data, size_t len);
// -EINVAL unless text is 2 * len hex digits.
int ua_hex_read(const char *text, size_t text_len, uint8_t *out, size_t len);
