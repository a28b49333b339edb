// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// HTTP Digest as the phones' side of Ua needs it (RFC 2617, RFC 7616; TS 33.246, TS 24.109):
// challenges, credentials, and the server's proof that it knows the key as well. Written for this
// side alone, on OpenSSL, so that phones and BM-SC check each other.

#pragma once

#include <stdint.h>

#include "span.h"

#define UE_DIGEST_HEX_BYTES 64 // the longer of the two hashes, in hex
#define UE_CHALLENGES_MAX 8

enum ue_digest_algorithm {
	UE_DIGEST_MD5,
	UE_DIGEST_MD5_SESS,
	UE_DIGEST_SHA256,
	UE_DIGEST_SHA256_SESS,
	UE_DIGEST_UNKNOWN,
};

enum ue_digest_qop {
	UE_QOP_AUTH_INT,
	UE_QOP_AUTH,
};

// A hash in hex.
struct ue_digest {
	char hex[UE_DIGEST_HEX_BYTES];
	uint8_t len; // 32 or 64
};

// H() over the parts with a colon between them.
void ue_digest_hash(enum ue_digest_algorithm algorithm, const struct ue_text *parts, size_t count,
	struct ue_digest *out);

// One Digest challenge of a WWW-Authenticate header. Values stand as they were sent, without
// their quotes: RFC 2617 hashes them so.
struct ue_challenge {
	struct ue_text realm;
	struct ue_text nonce;
	struct ue_text opaque; // data NULL: none
	enum ue_digest_algorithm algorithm;
	bool offers_auth_int;
	bool offers_auth;
	bool is_stale;
};

// Reads the challenges of one header; other schemes are passed over. Returns how many there are,
// at most UE_CHALLENGES_MAX, or -1 when the header is malformed.
int ue_challenges_parse(struct ue_text header, struct ue_challenge challenges[UE_CHALLENGES_MAX]);
// The part of the realm that a phone answers to (TS 24.109): 3GPP-bootstrapping@FQDN, or, when it
// is the only one and the phone's keys are in the UICC, 3GPP-bootstrapping-uicc@FQDN. data NULL
// when there is none.
struct ue_text ue_realm_choose(struct ue_text realm, const char *fqdn, bool keys_in_uicc);

// Digests that belong to one method, target and body; they serve every phone.
struct ue_digest_target {
	struct ue_text uri;
	struct ue_digest ha2[2][2]; // by hash (MD5, SHA-256) and by qop
};
void ue_digest_target_init(struct ue_digest_target *target, const char *method, struct ue_text uri,
	struct ue_text body);

// What a phone keeps between two requests. Secret.
struct ue_association {
	enum ue_digest_algorithm algorithm;
	enum ue_digest_qop qop;
	uint32_t nc; // of the last request
	struct ue_digest secret; // H(user:realm:password)
	struct ue_digest ha1; // the same, or that of the session (MD5-sess)
	struct ue_text user; // not owned
	struct ue_text realm;
	struct ue_text nonce;
	struct ue_text opaque;
	struct ue_text cnonce;
	char text[]; // of the last four
};

// Who answers a challenge. The texts are copied, except user, which has to live as long.
struct ue_digest_user {
	struct ue_text user;
	struct ue_text password;
	struct ue_text realm; // as chosen from the challenge
	struct ue_text cnonce;
};

// Takes up a challenge, with auth-int when it is offered. NULL when memory is out.
struct ue_association *ue_association_create(
	const struct ue_challenge *challenge, const struct ue_digest_user *user);
// Goes over to another nonce (nextnonce) with another cnonce. May move the association; -ENOMEM
// leaves it as it was.
int ue_association_renew(
	struct ue_association **association, struct ue_text nonce, struct ue_text cnonce);
void ue_association_destroy(struct ue_association *association);

// Writes the value of an Authorization header for the next request.
void ue_authorization_put(struct ue_writer *out, struct ue_association *association,
	const struct ue_digest_target *target);

// The parameters of an Authentication-Info header, as they stand there.
struct ue_authentication_info {
	struct ue_text rspauth;
	struct ue_text qop;
	struct ue_text nc;
	struct ue_text cnonce;
	struct ue_text nextnonce; // data NULL: none
};
// False when the header is malformed.
bool ue_authentication_info_parse(struct ue_text header, struct ue_authentication_info *info);

// What such a header proves.
enum ue_proof {
	UE_PROOF_GOOD,
	UE_PROOF_MISSING, // no rspauth
	UE_PROOF_OTHER, // qop, nc or cnonce are not those of the request
	UE_PROOF_WRONG,
};
// Checks the answer to the last request.
enum ue_proof ue_proof_check(const struct ue_association *association,
	const struct ue_authentication_info *info, struct ue_text uri, struct ue_text body);
