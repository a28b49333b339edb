// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MD5_* and SHA256_* are deprecated since OpenSSL 3.0, and several times as fast as EVP_Digest*
// over the few octets of a Digest.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "ua_hash.h"

#include <errno.h>
#include <string.h>

void ua_hash_begin(struct ua_hash *hash, enum ua_alg alg)
{
	hash->alg = alg;
	if (alg == UA_ALG_MD5)
		MD5_Init(&hash->md5);
	else
		SHA256_Init(&hash->sha256);
}

void ua_hash_add(struct ua_hash *hash, const void *data, size_t len)
{
	if (hash->alg == UA_ALG_MD5)
		MD5_Update(&hash->md5, data, len);
	else
		SHA256_Update(&hash->sha256, data, len);
}

void ua_hash_end(struct ua_hash *hash, uint8_t out[UA_HASH_MAX])
{
	if (hash->alg == UA_ALG_MD5)
		MD5_Final(out, &hash->md5);
	else
		SHA256_Final(out, &hash->sha256);
	explicit_bzero(hash, sizeof(*hash));
}

void ua_hex_write(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 0xf];
	}
}

// Values of hex digits, plus one; 0: none.
static const uint8_t digit_values[256] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16,
};

int ua_hex_read(const char *text, size_t text_len, uint8_t *out, size_t len)
{
	if (text_len != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		uint8_t high = digit_values[(uint8_t)text[2 * i]];
		uint8_t low = digit_values[(uint8_t)text[2 * i + 1]];

		if (high == 0 || low == 0)
			return -EINVAL;
		out[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return 0;
}
