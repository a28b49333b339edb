// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as an Authorization header. What is taken has to be what Digest relies on, and lies in
// the header or the scratch.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ua_digest.h"
#include "ua_nonce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

// Reads every octet, so that a sanitizer sees what is out of bounds.
static void text_check(struct ua_text text, size_t most)
{
	unsigned sum = 0;

	require(text.data != NULL && text.len <= most);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char octet = (unsigned char)text.data[i];

		require((octet >= ' ' && octet != 0x7f) || octet == '\t');
		sum += octet;
	}
	require(sum >= text.len * '\t');
}

static void taken_check(const struct ua_authorization *a)
{
	static const uint8_t key[32] = {1};
	uint8_t ha1[UA_HASH_MAX], body_hash[UA_HASH_MAX] = {0};
	char rspauth[UA_HASH_HEX_MAX];
	struct ua_nonce nonce;

	text_check(a->username, UA_BTID_MAX);
	text_check(a->realm, UA_AUTHORIZATION_MAX);
	text_check(a->nonce, UA_AUTHORIZATION_MAX);
	text_check(a->uri, UA_AUTHORIZATION_MAX);
	text_check(a->cnonce, UA_CNONCE_MAX);
	text_check(a->qop_text, 8);
	require(a->username.len > 0 && a->cnonce.len > 0 && a->nc != 0 && a->nc_text.len == 8);
	// It is sent back between quotes.
	require(memchr(a->cnonce.data, '"', a->cnonce.len) == NULL);
	require(a->qop == UA_QOP_AUTH || a->qop == UA_QOP_AUTH_INT);
	ua_nonce_read(a->nonce, &nonce);
	ua_digest_ha1_of_mrk(a->alg, a->username, a->realm, key, ha1);
	ua_digest_is_right(a, ha1, ua_text_of("POST"), body_hash);
	require(ua_digest_rspauth(a, ha1, body_hash, rspauth) == 2 * ua_hash_len(a->alg));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *scratch = malloc(UA_AUTHORIZATION_MAX);
	struct ua_authorization a;

	require(scratch != NULL);
	if (ua_authorization_parse((const char *)data, size, scratch, &a) == UA_AUTHORIZATION_OK)
		taken_check(&a);
	free(scratch);
	return 0;
}
