// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MD5_*() and SHA256_*() are deprecated since OpenSSL 3.0; EVP fetches and allocates for each hash,
// which costs more than the hash.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "digest.h"

#include <errno.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "csv.h"

#define NC_DIGITS 8

static bool is_sha256(enum ue_digest_algorithm algorithm)
{
	return algorithm == UE_DIGEST_SHA256 || algorithm == UE_DIGEST_SHA256_SESS;
}

static bool is_session(enum ue_digest_algorithm algorithm)
{
	return algorithm == UE_DIGEST_MD5_SESS || algorithm == UE_DIGEST_SHA256_SESS;
}

static void md5_hash(const struct ue_text *parts, size_t count, struct ue_digest *out)
{
	uint8_t hash[MD5_DIGEST_LENGTH];
	MD5_CTX md5;

	MD5_Init(&md5);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			MD5_Update(&md5, ":", 1);
		MD5_Update(&md5, parts[i].data, parts[i].len);
	}
	MD5_Final(hash, &md5);
	ue_hex_put(out->hex, hash, sizeof(hash));
	out->len = 2 * MD5_DIGEST_LENGTH;
}

static void sha256_hash(const struct ue_text *parts, size_t count, struct ue_digest *out)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	SHA256_Init(&sha);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			SHA256_Update(&sha, ":", 1);
		SHA256_Update(&sha, parts[i].data, parts[i].len);
	}
	SHA256_Final(hash, &sha);
	ue_hex_put(out->hex, hash, sizeof(hash));
	out->len = 2 * SHA256_DIGEST_LENGTH;
}

void ue_digest_hash(enum ue_digest_algorithm algorithm, const struct ue_text *parts, size_t count,
	struct ue_digest *out)
{
	if (is_sha256(algorithm))
		sha256_hash(parts, count, out);
	else
		md5_hash(parts, count, out);
}

static struct ue_text hex_of(const struct ue_digest *digest)
{
	return (struct ue_text){digest->hex, digest->len};
}

// H(method:uri) or H(method:uri:H(body)).
static void ha2_make(enum ue_digest_algorithm algorithm, enum ue_digest_qop qop,
	struct ue_text parts[3], struct ue_text body, struct ue_digest *out)
{
	struct ue_digest of_body;

	if (qop == UE_QOP_AUTH_INT) {
		ue_digest_hash(algorithm, &body, 1, &of_body);
		parts[2] = hex_of(&of_body);
	}
	ue_digest_hash(algorithm, parts, qop == UE_QOP_AUTH_INT ? 3 : 2, out);
}

void ue_digest_target_init(struct ue_digest_target *target, const char *method, struct ue_text uri,
	struct ue_text body)
{
	static const enum ue_digest_algorithm algorithms[2] = {UE_DIGEST_MD5, UE_DIGEST_SHA256};
	struct ue_text parts[3] = {ue_text_of(method), uri};

	target->uri = uri;
	for (int i = 0; i < 2; i++) {
		for (int qop = 0; qop < 2; qop++)
			ha2_make(algorithms[i], (enum ue_digest_qop)qop, parts, body,
				&target->ha2[i][qop]);
	}
}

struct ue_text ue_realm_choose(struct ue_text realm, const char *fqdn, bool keys_in_uicc)
{
	static const char *const prefixes[] = {"3GPP-bootstrapping@", "3GPP-bootstrapping-uicc@"};
	const char *end = realm.data + realm.len;

	for (int i = 0; i < (keys_in_uicc ? 2 : 1); i++) {
		size_t prefix = strlen(prefixes[i]);

		for (const char *at = realm.data, *stop; at <= end; at = stop + 1) {
			size_t len;

			stop = memchr(at, ';', (size_t)(end - at));
			if (stop == NULL)
				stop = end;
			len = (size_t)(stop - at);
			if (len == prefix + strlen(fqdn) && memcmp(at, prefixes[i], prefix) == 0 &&
				memcmp(at + prefix, fqdn, len - prefix) == 0)
				return (struct ue_text){at, len};
		}
	}
	return (struct ue_text){NULL, 0};
}

// RFC 2617 3.2.2.2: with "-sess" the nonces of the session go in.
static void ha1_make(struct ue_association *association)
{
	const struct ue_text parts[] = {
		hex_of(&association->secret), association->nonce, association->cnonce};

	association->ha1 = association->secret;
	if (is_session(association->algorithm))
		ue_digest_hash(association->algorithm, parts, 3, &association->ha1);
}

static struct ue_text text_keep(char **at, struct ue_text text)
{
	struct ue_text kept = {NULL, text.len};

	if (text.data == NULL)
		return kept;
	memcpy(*at, text.data, text.len);
	kept.data = *at;
	*at += text.len;
	return kept;
}

// Copies what `like` says into a new one, which may have another nonce. Its nc is 0.
static struct ue_association *association_copy(
	const struct ue_association *like, struct ue_text nonce, struct ue_text cnonce)
{
	size_t len = like->realm.len + nonce.len + like->opaque.len + cnonce.len;
	struct ue_association *association = malloc(sizeof(*association) + len);
	char *at;

	if (association == NULL)
		return NULL;
	*association = *like;
	at = association->text;
	association->nc = 0;
	association->realm = text_keep(&at, like->realm);
	association->nonce = text_keep(&at, nonce);
	association->opaque = text_keep(&at, like->opaque);
	association->cnonce = text_keep(&at, cnonce);
	ha1_make(association);
	return association;
}

struct ue_association *ue_association_create(
	const struct ue_challenge *challenge, const struct ue_digest_user *user)
{
	const struct ue_text parts[] = {user->user, user->realm, user->password};
	struct ue_association like = {
		.algorithm = challenge->algorithm,
		.qop = challenge->offers_auth_int ? UE_QOP_AUTH_INT : UE_QOP_AUTH,
		.user = user->user,
		.realm = user->realm,
		.opaque = challenge->opaque,
	};
	struct ue_association *association;

	ue_digest_hash(challenge->algorithm, parts, 3, &like.secret);
	association = association_copy(&like, challenge->nonce, user->cnonce);
	explicit_bzero(&like, sizeof(like));
	return association;
}

int ue_association_renew(
	struct ue_association **association, struct ue_text nonce, struct ue_text cnonce)
{
	struct ue_association *renewed = association_copy(*association, nonce, cnonce);

	if (renewed == NULL)
		return -ENOMEM;
	ue_association_destroy(*association);
	*association = renewed;
	return 0;
}

void ue_association_destroy(struct ue_association *association)
{
	if (association == NULL)
		return;
	explicit_bzero(association, sizeof(*association));
	free(association);
}

static void nc_put(char out[NC_DIGITS], uint32_t nc)
{
	const uint8_t octets[] = {
		(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8), (uint8_t)nc};

	ue_hex_put(out, octets, sizeof(octets));
}

static struct ue_text qop_text(enum ue_digest_qop qop)
{
	return ue_text_of(qop == UE_QOP_AUTH_INT ? "auth-int" : "auth");
}

// H(HA1:nonce:nc:cnonce:qop:HA2), the same for request and answer.
static void response_make(const struct ue_association *association, const char *nc,
	const struct ue_digest *ha2, struct ue_digest *out)
{
	const struct ue_text parts[] = {hex_of(&association->ha1), association->nonce,
		{nc, NC_DIGITS}, association->cnonce, qop_text(association->qop), hex_of(ha2)};

	ue_digest_hash(association->algorithm, parts, sizeof(parts) / sizeof(parts[0]), out);
}

void ue_authorization_put(struct ue_writer *out, struct ue_association *association,
	const struct ue_digest_target *target)
{
	static const char *const algorithms[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};
	struct ue_digest response;
	char nc[NC_DIGITS];

	nc_put(nc, ++association->nc);
	response_make(association, nc,
		&target->ha2[is_sha256(association->algorithm)][association->qop], &response);
	ue_write_literal(out, "Digest username=\"");
	ue_write_text(out, association->user);
	ue_write_literal(out, "\", realm=\"");
	ue_write_text(out, association->realm);
	ue_write_literal(out, "\", nonce=\"");
	ue_write_text(out, association->nonce);
	ue_write_literal(out, "\", uri=\"");
	ue_write_text(out, target->uri);
	ue_write_literal(out, "\", response=\"");
	ue_write_text(out, hex_of(&response));
	ue_write_literal(out, "\", cnonce=\"");
	ue_write_text(out, association->cnonce);
	ue_write_literal(out, "\", nc=");
	ue_write(out, nc, sizeof(nc));
	ue_write_literal(out, ", qop=");
	ue_write_text(out, qop_text(association->qop));
	ue_write_literal(out, ", algorithm=");
	ue_write_text(out, ue_text_of(algorithms[association->algorithm]));
	if (association->opaque.data != NULL) {
		ue_write_literal(out, ", opaque=\"");
		ue_write_text(out, association->opaque);
		ue_write_literal(out, "\"");
	}
}

// RFC 2617 3.2.3: all three have to be there when the request had a qop.
static bool is_echoed(
	const struct ue_association *association, const struct ue_authentication_info *info)
{
	char nc[NC_DIGITS];

	nc_put(nc, association->nc);
	return ue_text_is(info->qop, qop_text(association->qop).data) &&
		ue_text_equal(info->nc, (struct ue_text){nc, NC_DIGITS}) &&
		ue_text_equal(info->cnonce, association->cnonce);
}

enum ue_proof ue_proof_check(const struct ue_association *association,
	const struct ue_authentication_info *info, struct ue_text uri, struct ue_text body)
{
	struct ue_text parts[3] = {{"", 0}, uri};
	struct ue_digest ha2, wanted;
	char nc[NC_DIGITS];

	if (info->rspauth.data == NULL)
		return UE_PROOF_MISSING;
	if (!is_echoed(association, info))
		return UE_PROOF_OTHER;
	nc_put(nc, association->nc);
	ha2_make(association->algorithm, association->qop, parts, body, &ha2);
	response_make(association, nc, &ha2, &wanted);
	return ue_text_equal(info->rspauth, hex_of(&wanted)) ? UE_PROOF_GOOD : UE_PROOF_WRONG;
}
