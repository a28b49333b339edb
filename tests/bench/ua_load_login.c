// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_load.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "ue/csv.h"

#define CNONCE "0123456789abcdef"

static const char *qop_of(const struct load_target *target)
{
	return target->mode == LOAD_MSK_REQUEST ? "auth-int" : "auth";
}

static void md5_hex(char hex[LOAD_HEX], MD5_CTX *md5)
{
	uint8_t hash[MD5_DIGEST_LENGTH];

	MD5_Final(hash, md5);
	ue_hex_put(hex, hash, sizeof(hash));
}

static void md5_text(char hex[LOAD_HEX], struct ue_text text)
{
	MD5_CTX md5;

	MD5_Init(&md5);
	MD5_Update(&md5, text.data, text.len);
	md5_hex(hex, &md5);
}

// H(method:uri) or H(method:uri:H(body)).
static void ha2_make(const struct load_target *target, const char *method, struct ue_text body,
	char hex[LOAD_HEX])
{
	char text[1024], of_body[LOAD_HEX];
	int len = snprintf(text, sizeof(text), "%s:%s", method, target->path);

	if (target->mode == LOAD_MSK_REQUEST) {
		md5_text(of_body, body);
		len += snprintf(text + len, sizeof(text) - (size_t)len, ":%.*s", LOAD_HEX, of_body);
	}
	md5_text(hex, (struct ue_text){text, (size_t)len});
}

void load_target_init(struct load_target *target, const struct ue_subject *key)
{
	bool is_get = target->mode == LOAD_GET_DIGEST;
	struct ue_writer writer = {target->body, target->body + sizeof(target->body), false};

	if (!is_get)
		ue_request_put(&writer, UE_FETCH, key, 1);
	target->body_len = (size_t)(writer.at - target->body);
	snprintf(target->path, sizeof(target->path), "%s%s", target->url.base,
		is_get ? "" : ue_procedure_target(UE_FETCH));
	if (target->path[0] == '\0')
		strcpy(target->path, "/");
	ha2_make(target, is_get ? "GET" : "POST", (struct ue_text){target->body, target->body_len},
		target->ha2);
}

static size_t head_put(const struct load_target *target, char *out)
{
	int len = snprintf(out, LOAD_REQUEST_MAX / 2,
		"%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: ua-load 3gpp-gba\r\n",
		target->mode == LOAD_GET_DIGEST ? "GET" : "POST", target->path,
		target->url.authority);

	if (target->mode != LOAD_GET_DIGEST)
		len += snprintf(out + len, LOAD_REQUEST_MAX / 2 - (size_t)len,
			"Content-Type: %s\r\nContent-Length: %zu\r\n",
			ue_procedure_request_type(UE_FETCH), target->body_len);
	return (size_t)len;
}

void load_login_begin(struct load_login *login, const struct load_target *target)
{
	struct ue_writer writer = {login->request, login->request + sizeof(login->request), false};

	login->nc_at = 0;
	login->nc = 0;
	writer.at += head_put(target, login->request);
	ue_write_literal(&writer, "\r\n");
	ue_write(&writer, target->body, target->body_len);
	login->len = (size_t)(writer.at - login->request);
}

static void ha1_make(const struct load_user *user, struct ue_text realm, char hex[LOAD_HEX])
{
	uint8_t password[48];
	MD5_CTX md5;

	MD5_Init(&md5);
	MD5_Update(&md5, user->name, user->name_len);
	MD5_Update(&md5, ":", 1);
	MD5_Update(&md5, realm.data, realm.len);
	MD5_Update(&md5, ":", 1);
	if (user->mrk != NULL)
		MD5_Update(
			&md5, password, (size_t)EVP_EncodeBlock(password, user->mrk, UE_KEY_BYTES));
	else
		MD5_Update(&md5, user->password, strlen(user->password));
	md5_hex(hex, &md5);
}

// Everything but nc and response is written once.
static bool request_make(struct load_login *login, const struct load_target *target,
	const struct load_user *user, const struct ue_challenge *challenge, struct ue_text realm)
{
	struct ue_writer writer = {login->request, login->request + sizeof(login->request), false};
	char ha1[LOAD_HEX];

	writer.at += head_put(target, login->request);
	ue_write_literal(&writer, "Authorization: Digest username=\"");
	ue_write(&writer, user->name, user->name_len);
	ue_write_literal(&writer, "\", realm=\"");
	ue_write_text(&writer, realm);
	ue_write_literal(&writer, "\", uri=\"");
	ue_write_text(&writer, ue_text_of(target->path));
	ue_write_literal(&writer, "\", algorithm=MD5, cnonce=\"" CNONCE "\", qop=");
	ue_write_text(&writer, ue_text_of(qop_of(target)));
	ue_write_literal(&writer, ", nc=");
	login->nc_at = (size_t)(writer.at - login->request);
	ue_write_literal(&writer, "00000000, response=\"");
	login->response_at = (size_t)(writer.at - login->request);
	ue_write_literal(&writer, "00000000000000000000000000000000\", nonce=\"");
	ue_write_text(&writer, challenge->nonce);
	if (challenge->opaque.data != NULL) {
		ue_write_literal(&writer, "\", opaque=\"");
		ue_write_text(&writer, challenge->opaque);
	}
	ue_write_literal(&writer, "\"\r\n\r\n");
	ue_write(&writer, target->body, target->body_len);
	login->len = (size_t)(writer.at - login->request);
	login->nc = 0;
	login->rest_len = (size_t)snprintf(
		login->rest, sizeof(login->rest), ":" CNONCE ":%s:", qop_of(target));
	ha1_make(user, realm, ha1);
	MD5_Init(&login->prefix);
	MD5_Update(&login->prefix, ha1, sizeof(ha1));
	MD5_Update(&login->prefix, ":", 1);
	MD5_Update(&login->prefix, challenge->nonce.data, challenge->nonce.len);
	MD5_Update(&login->prefix, ":", 1);
	return !writer.is_full;
}

bool load_login_answer(struct load_login *login, const struct load_target *target,
	const struct load_user *user, struct ue_text header)
{
	struct ue_challenge challenges[UE_CHALLENGES_MAX];
	int count = ue_challenges_parse(header, challenges);

	for (int i = 0; i < count; i++) {
		struct ue_text realm = challenges[i].realm;

		if (target->fqdn != NULL)
			realm = ue_realm_choose(realm, target->fqdn, true);
		if (realm.data != NULL && challenges[i].algorithm == UE_DIGEST_MD5 &&
			(login->nc_at == 0 || challenges[i].is_stale) &&
			(target->mode == LOAD_MSK_REQUEST ? challenges[i].offers_auth_int
							  : challenges[i].offers_auth))
			return request_make(login, target, user, &challenges[i], realm);
	}
	return false;
}

bool load_login_renew(struct load_login *login, const struct load_target *target,
	const struct load_user *user, struct ue_text nonce)
{
	struct ue_text request = {login->request, login->len};
	char copy[LOAD_REQUEST_MAX];
	const char *start;
	struct ue_text realm;
	struct ue_challenge challenge = {.nonce = nonce};

	memcpy(copy, request.data, request.len);
	start = memmem(copy, request.len, "realm=\"", 7);
	realm.data = start + 7;
	realm.len = (size_t)((const char *)memchr(realm.data, '"', 1024) - realm.data);
	start = memmem(copy, request.len, "opaque=\"", 8);
	if (start != NULL) {
		challenge.opaque.data = start + 8;
		challenge.opaque.len = (size_t)((const char *)memchr(start + 8, '"', 1024) -
			challenge.opaque.data);
	}
	return request_make(login, target, user, &challenge, realm);
}

static void nc_put(char out[LOAD_NC], uint32_t nc)
{
	const uint8_t octets[] = {
		(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8), (uint8_t)nc};

	ue_hex_put(out, octets, sizeof(octets));
}

static void response_make(const struct load_login *login, const char nc[LOAD_NC],
	const char ha2[LOAD_HEX], char hex[LOAD_HEX])
{
	MD5_CTX md5 = login->prefix;

	MD5_Update(&md5, nc, LOAD_NC);
	MD5_Update(&md5, login->rest, login->rest_len);
	MD5_Update(&md5, ha2, LOAD_HEX);
	md5_hex(hex, &md5);
}

size_t load_login_next(struct load_login *login, const struct load_target *target, char *out)
{
	login->nc++;
	if (login->nc_at > 0) {
		nc_put(login->request + login->nc_at, login->nc);
		response_make(login, login->request + login->nc_at, target->ha2,
			login->request + login->response_at);
	}
	memcpy(out, login->request, login->len);
	return login->len;
}

// Every item of an MSK request has to be granted.
static void answer_remember(struct load_target *target, struct ue_text body)
{
	static const char code[] = "<ResponseCode>", good[] = "<ResponseCode>200";
	const char *at = body.data, *end = body.data + body.len;

	memcpy(target->answer, body.data, body.len);
	target->answer_len = body.len;
	ha2_make(target, "", body, target->answer_ha2);
	target->answer_is_good = true;
	if (target->mode != LOAD_MSK_REQUEST)
		return;
	target->answer_is_good = memmem(body.data, body.len, code, sizeof(code) - 1) != NULL;
	while ((at = memmem(at, (size_t)(end - at), code, sizeof(code) - 1)) != NULL) {
		target->answer_is_good &= (size_t)(end - at) > sizeof(good) &&
			memcmp(at, good, sizeof(good) - 1) == 0;
		at++;
	}
}

bool load_login_check(const struct load_login *login, struct load_target *target, uint32_t nc,
	struct ue_text header, struct ue_text body, struct ue_text *nextnonce)
{
	struct ue_authentication_info info;
	char wanted[LOAD_HEX], count[LOAD_NC];

	if (header.data == NULL || !ue_authentication_info_parse(header, &info))
		return false;
	if (!ue_text_equal(body, (struct ue_text){target->answer, target->answer_len}))
		answer_remember(target, body);
	nc_put(count, nc);
	response_make(login, count, target->answer_ha2, wanted);
	*nextnonce = info.nextnonce;
	return ue_text_equal(info.rspauth, (struct ue_text){wanted, LOAD_HEX}) &&
		ue_text_equal(info.nc, (struct ue_text){count, LOAD_NC}) && target->answer_is_good;
}
