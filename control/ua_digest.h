// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The arithmetic of HTTP Digest (RFC 2617 3.2.2, RFC 7616 3.4): HA1, response, rspauth.

#pragma once

#include "ua_authorization.h"

// HA1 = H(user:realm:password). Secret: it stands for the password.
void ua_digest_ha1(enum ua_alg alg, struct ua_text user, struct ua_text realm,
	struct ua_text password, uint8_t out[UA_HASH_MAX]);
// HA1 of a phone: the password is the base64 of its MRK (TS 24.109, TS 33.246).
void ua_digest_ha1_of_mrk(enum ua_alg alg, struct ua_text btid, struct ua_text realm,
	const uint8_t mrk[32], uint8_t out[UA_HASH_MAX]);

// Whether the response of a request is right under this HA1. body_hash is H(body), looked at
// with auth-int only. Takes the same time wherever they differ.
bool ua_digest_is_right(const struct ua_authorization *a, const uint8_t *ha1, struct ua_text method,
	const uint8_t *body_hash);
// The proof of the answer, as hex digits; returns how many. body_hash is that of the answer's body.
size_t ua_digest_rspauth(const struct ua_authorization *a, const uint8_t *ha1,
	const uint8_t *body_hash, char out[UA_HASH_HEX_MAX]);
