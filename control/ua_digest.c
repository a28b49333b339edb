// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

static void colon_add(struct ua_hash *h)
{
	ua_hash_add(h, ":", 1);
}

static void text_add(struct ua_hash *h, struct ua_text text)
{
	ua_hash_add(h, text.data, text.len);
}

static void hex_add(struct ua_hash *h, const uint8_t *hash, size_t len)
{
	char hex[UA_HASH_HEX_MAX];

	ua_hex_write(hex, hash, len);
	ua_hash_add(h, hex, 2 * len);
	explicit_bzero(hex, sizeof(hex));
}

void ua_digest_ha1(enum ua_alg alg, struct ua_text user, struct ua_text realm,
	struct ua_text password, uint8_t out[UA_HASH_MAX])
{
	struct ua_hash h;

	ua_hash_begin(&h, alg);
	text_add(&h, user);
	colon_add(&h);
	text_add(&h, realm);
	colon_add(&h);
	text_add(&h, password);
	ua_hash_end(&h, out);
}

void ua_digest_ha1_of_mrk(enum ua_alg alg, struct ua_text btid, struct ua_text realm,
	const uint8_t mrk[32], uint8_t out[UA_HASH_MAX])
{
	unsigned char text[48];
	int len = EVP_EncodeBlock(text, mrk, 32);

	ua_digest_ha1(alg, btid, realm, (struct ua_text){(const char *)text, (size_t)len}, out);
	explicit_bzero(text, sizeof(text));
}

// MD5-sess and the like (RFC 7616 3.4.2). Nonce and cnonce are those of the request at hand.
static void ha1_of_session(
	const struct ua_authorization *a, const uint8_t *ha1, uint8_t out[UA_HASH_MAX])
{
	struct ua_hash h;

	ua_hash_begin(&h, a->alg);
	hex_add(&h, ha1, ua_hash_len(a->alg));
	colon_add(&h);
	text_add(&h, a->nonce);
	colon_add(&h);
	text_add(&h, a->cnonce);
	ua_hash_end(&h, out);
}

// HA2; the method of an answer is empty.
static void ha2_make(const struct ua_authorization *a, struct ua_text method,
	const uint8_t *body_hash, uint8_t out[UA_HASH_MAX])
{
	struct ua_hash h;

	ua_hash_begin(&h, a->alg);
	text_add(&h, method);
	colon_add(&h);
	text_add(&h, a->uri);
	if (a->qop == UA_QOP_AUTH_INT) {
		colon_add(&h);
		hex_add(&h, body_hash, ua_hash_len(a->alg));
	}
	ua_hash_end(&h, out);
}

static void response_make(const struct ua_authorization *a, const uint8_t *ha1,
	struct ua_text method, const uint8_t *body_hash, uint8_t out[UA_HASH_MAX])
{
	uint8_t ha2[UA_HASH_MAX], session[UA_HASH_MAX];
	struct ua_hash h;

	if (a->is_session) {
		ha1_of_session(a, ha1, session);
		ha1 = session;
	}
	ha2_make(a, method, body_hash, ha2);
	ua_hash_begin(&h, a->alg);
	hex_add(&h, ha1, ua_hash_len(a->alg));
	colon_add(&h);
	text_add(&h, a->nonce);
	colon_add(&h);
	text_add(&h, a->nc_text);
	colon_add(&h);
	text_add(&h, a->cnonce);
	colon_add(&h);
	text_add(&h, a->qop_text);
	colon_add(&h);
	hex_add(&h, ha2, ua_hash_len(a->alg));
	ua_hash_end(&h, out);
	if (a->is_session)
		explicit_bzero(session, sizeof(session));
}

bool ua_digest_is_right(const struct ua_authorization *a, const uint8_t *ha1, struct ua_text method,
	const uint8_t *body_hash)
{
	uint8_t response[UA_HASH_MAX];

	response_make(a, ha1, method, body_hash, response);
	return CRYPTO_memcmp(response, a->response, ua_hash_len(a->alg)) == 0;
}

size_t ua_digest_rspauth(const struct ua_authorization *a, const uint8_t *ha1,
	const uint8_t *body_hash, char out[UA_HASH_HEX_MAX])
{
	uint8_t response[UA_HASH_MAX];

	response_make(a, ha1, (struct ua_text){"", 0}, body_hash, response);
	ua_hex_write(out, response, ua_hash_len(a->alg));
	return 2 * ua_hash_len(a->alg);
}
