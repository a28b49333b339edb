// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_nonce.h"

#include <errno.h>

#include <openssl/crypto.h>

#define HEAD 12 // octets of time and number
#define HMAC_BLOCK 64

static void head_write(const struct ua_nonce *nonce, uint8_t out[HEAD])
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(nonce->issued_s >> (24 - 8 * i));
	for (int i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(nonce->number >> (56 - 8 * i));
}

void ua_nonce_key_init(struct ua_nonce_key *key, const uint8_t secret[32], struct ua_text realms)
{
	uint8_t inner[HMAC_BLOCK], outer[HMAC_BLOCK];

	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (int i = 0; i < 32; i++) {
		inner[i] ^= secret[i];
		outer[i] ^= secret[i];
	}
	ua_hash_begin(&key->inner, UA_ALG_SHA256);
	ua_hash_add(&key->inner, inner, sizeof(inner));
	ua_hash_add(&key->inner, realms.data, realms.len);
	ua_hash_begin(&key->outer, UA_ALG_SHA256);
	ua_hash_add(&key->outer, outer, sizeof(outer));
	explicit_bzero(inner, sizeof(inner));
	explicit_bzero(outer, sizeof(outer));
}

static void mac_make(
	const struct ua_nonce_key *key, const struct ua_nonce *nonce, uint8_t out[UA_NONCE_MAC])
{
	struct ua_hash h = key->inner;
	uint8_t head[HEAD], digest[UA_HASH_MAX];

	head_write(nonce, head);
	ua_hash_add(&h, head, sizeof(head));
	ua_hash_end(&h, digest);
	h = key->outer;
	ua_hash_add(&h, digest, sizeof(digest));
	ua_hash_end(&h, digest);
	memcpy(out, digest, UA_NONCE_MAC);
}

void ua_nonce_make(
	const struct ua_nonce_key *key, uint32_t now_s, uint64_t number, struct ua_nonce *out)
{
	out->issued_s = now_s;
	out->number = number;
	mac_make(key, out, out->mac);
}

void ua_nonce_write(const struct ua_nonce *nonce, char out[UA_NONCE_TEXT])
{
	uint8_t head[HEAD];

	head_write(nonce, head);
	ua_hex_write(out, head, sizeof(head));
	ua_hex_write(out + 2 * HEAD, nonce->mac, UA_NONCE_MAC);
}

int ua_nonce_read(struct ua_text text, struct ua_nonce *out)
{
	uint8_t octet[HEAD + UA_NONCE_MAC];

	_Static_assert(UA_NONCE_TEXT == 2 * sizeof(octet), "a nonce is its octets in hex");
	if (ua_hex_read(text.data, text.len, octet, sizeof(octet)) != 0)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < 4; i++)
		out->issued_s = out->issued_s << 8 | octet[i];
	for (int i = 4; i < HEAD; i++)
		out->number = out->number << 8 | octet[i];
	memcpy(out->mac, octet + HEAD, UA_NONCE_MAC);
	return 0;
}

bool ua_nonce_is_ours(const struct ua_nonce_key *key, const struct ua_nonce *nonce)
{
	uint8_t mac[UA_NONCE_MAC];

	mac_make(key, nonce, mac);
	return CRYPTO_memcmp(mac, nonce->mac, sizeof(mac)) == 0;
}
