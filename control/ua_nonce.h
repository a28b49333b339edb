// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Nonces of HTTP Digest: when one was issued, a number that no other has, and a MAC over both and
// the realms. The key is drawn at start, so that nonces from before are foreign. Time and
// randomness are arguments.

#pragma once

#include "ua_hash.h"
#include "ua_text.h"

#define UA_NONCE_MAC 16
#define UA_NONCE_TEXT 56 // hex digits of time, number and MAC

struct ua_nonce {
	uint32_t issued_s;
	uint64_t number; // from 1, in the order of issue
	uint8_t mac[UA_NONCE_MAC];
};

// HMAC-SHA-256 states of the key, with the realms already in the inner one. Secret.
struct ua_nonce_key {
	struct ua_hash inner;
	struct ua_hash outer;
};

void ua_nonce_key_init(struct ua_nonce_key *key, const uint8_t secret[32], struct ua_text realms);
// Issues a nonce.
void ua_nonce_make(
	const struct ua_nonce_key *key, uint32_t now_s, uint64_t number, struct ua_nonce *out);
void ua_nonce_write(const struct ua_nonce *nonce, char out[UA_NONCE_TEXT]);
// -EINVAL: not of our form. The MAC is not looked at.
int ua_nonce_read(struct ua_text text, struct ua_nonce *out);
// Whether it was issued under this key.
bool ua_nonce_is_ours(const struct ua_nonce_key *key, const struct ua_nonce *nonce);
// How long ago one was issued. Threads look at the clock at different moments: one may be a second
// behind the issuer, for which that is -1.
static inline int32_t ua_nonce_age_s(uint32_t issued_s, uint32_t now_s)
{
	return (int32_t)(now_s - issued_s);
}
