// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "bmsc.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static char text[8192];

static void md5(char hex[33], const char *data)
{
	unsigned char hash[EVP_MAX_MD_SIZE];

	EVP_Digest(data, strlen(data), hash, NULL, EVP_md5(), NULL);
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

// Copies what stands between `before` and the first of `stops`.
static void part(char *out, size_t room, const char *from, const char *before, const char *stops)
{
	const char *at = strstr(from, before);
	size_t len;

	out[0] = '\0';
	if (at == NULL)
		return;
	at += strlen(before);
	len = strcspn(at, stops);
	snprintf(out, room, "%.*s", (int)len, at);
}

struct bmsc_request bmsc_read(const char *request, size_t len)
{
	struct bmsc_request r = {.line = ""};
	char copy[8192], *body;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, request);
	body = strstr(copy, "\r\n\r\n");
	if (body == NULL)
		return r;
	*body = '\0';
	snprintf(r.body, sizeof(r.body), "%s", body + 4);
	snprintf(r.line, sizeof(r.line), "%.*s", (int)strcspn(copy, "\r"), copy);
	part(r.type, sizeof(r.type), copy, "\r\nContent-Type: ", "\r");
	part(r.agent, sizeof(r.agent), copy, "\r\nUser-Agent: ", "\r");
	part(r.user, sizeof(r.user), copy, "username=\"", "\"");
	part(r.realm, sizeof(r.realm), copy, "realm=\"", "\"");
	part(r.nonce, sizeof(r.nonce), copy, " nonce=\"", "\"");
	part(r.uri, sizeof(r.uri), copy, "uri=\"", "\"");
	part(r.response, sizeof(r.response), copy, "response=\"", "\"");
	part(r.cnonce, sizeof(r.cnonce), copy, "cnonce=\"", "\"");
	part(r.nc, sizeof(r.nc), copy, "nc=", ",\r");
	part(r.qop, sizeof(r.qop), copy, "qop=", ",\r");
	part(r.algorithm, sizeof(r.algorithm), copy, "algorithm=", ",\r");
	part(r.opaque, sizeof(r.opaque), copy, "opaque=\"", "\"");
	return r;
}

// H(H(user:realm:password):nonce:nc:cnonce:auth-int:H(method:uri:H(body)))
static void digest(char hex[33], const struct bmsc_request *r, const char *password,
	const char *method, const char *body)
{
	char buffer[8192], ha1[33], ha2[33];

	snprintf(buffer, sizeof(buffer), "%s:%s:%s", r->user, r->realm, password);
	md5(ha1, buffer);
	md5(hex, body);
	snprintf(buffer, sizeof(buffer), "%s:%s:%s", method, r->uri, hex);
	md5(ha2, buffer);
	snprintf(buffer, sizeof(buffer), "%s:%s:%s:%s:auth-int:%s", ha1, r->nonce, r->nc, r->cnonce,
		ha2);
	md5(hex, buffer);
}

bool bmsc_is_right(const struct bmsc_request *request, const char *password)
{
	char hex[33];

	digest(hex, request, password, "POST", request->body);
	return strcmp(hex, request->response) == 0 && strcmp(request->qop, "auth-int") == 0;
}

const char *bmsc_challenge(const char *nonce, const char *more)
{
	snprintf(text, sizeof(text),
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest "
		"realm=\"3GPP-bootstrapping@bmsc.home1.net\", nonce=\"%s\", qop=\"auth-int\", "
		"algorithm=MD5%s\r\n\r\n",
		nonce, more);
	return text;
}

const char *bmsc_status(const char *status_and_headers)
{
	snprintf(
		text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status_and_headers);
	return text;
}

const char *bmsc_ok(
	const struct bmsc_request *request, const char *password, const struct bmsc_answer *answer)
{
	const char *type = strcmp(request->type, "application/mbms-msk+xml") == 0
		? "application/mbms-msk-response+xml"
		: "application/mbms-register-response+xml";
	char hex[33], info[512] = "", next[128] = "";

	digest(hex, request, password, "", answer->body);
	if (answer->nextnonce != NULL)
		snprintf(next, sizeof(next), ", nextnonce=\"%s\"", answer->nextnonce);
	if (!answer->has_no_info)
		snprintf(info, sizeof(info),
			"Authentication-Info: rspauth=\"%s\", qop=%s, cnonce=\"%s\", nc=%s%s\r\n",
			answer->rspauth != NULL ? answer->rspauth : hex,
			answer->qop != NULL ? answer->qop : "auth-int", request->cnonce,
			request->nc, next);
	snprintf(text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		answer->type != NULL ? answer->type : type, strlen(answer->body), info,
		answer->body);
	return text;
}
