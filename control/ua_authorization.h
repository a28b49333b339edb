// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The Authorization header of HTTP Digest (RFC 2617 3.2.2, RFC 7616 3.4), from octets to a view.

#pragma once

#include <stdint.h>

#include "ua_hash.h"
#include "ua_text.h"

#define UA_AUTHORIZATION_MAX 4096 // octets of the header; longer ones are malformed
#define UA_CNONCE_MAX 256
#define UA_BTID_MAX 253 // RFC 4282: a B-TID is a NAI

enum ua_qop {
	UA_QOP_AUTH = 1,
	UA_QOP_AUTH_INT = 2,
};

// Texts point into the header, or into the scratch where something was quoted with a backslash.
struct ua_authorization {
	struct ua_text username;
	struct ua_text realm;
	struct ua_text nonce;
	struct ua_text uri;
	struct ua_text cnonce;
	struct ua_text qop_text;
	struct ua_text nc_text; // 8 hex digits as they came: they are hashed
	enum ua_alg alg;
	bool is_session; // MD5-sess, SHA-256-sess
	enum ua_qop qop;
	uint32_t nc; // never 0
	uint8_t response[UA_HASH_MAX]; // ua_hash_len(alg) of them
};

enum ua_authorization_verdict {
	UA_AUTHORIZATION_OK,
	UA_AUTHORIZATION_OTHER, // another scheme: no credentials of ours
	UA_AUTHORIZATION_NO_QOP, // RFC 2069: without integrity, and without nonce count
	UA_AUTHORIZATION_MALFORMED,
};

// scratch has room for UA_AUTHORIZATION_MAX octets and lives as long as out. Parameters that are
// not known are passed over; one that comes twice is malformed.
enum ua_authorization_verdict ua_authorization_parse(
	const char *header, size_t len, char *scratch, struct ua_authorization *out);
