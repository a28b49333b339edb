// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_authorization.h"

enum param {
	PARAM_USERNAME,
	PARAM_REALM,
	PARAM_NONCE,
	PARAM_URI,
	PARAM_RESPONSE,
	PARAM_ALGORITHM,
	PARAM_CNONCE,
	PARAM_QOP,
	PARAM_NC,
	PARAM_COUNT,
};

#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
static const struct ua_text param_names[PARAM_COUNT] = {
	[PARAM_USERNAME] = NAME("username"),
	[PARAM_REALM] = NAME("realm"),
	[PARAM_NONCE] = NAME("nonce"),
	[PARAM_URI] = NAME("uri"),
	[PARAM_RESPONSE] = NAME("response"),
	[PARAM_ALGORITHM] = NAME("algorithm"),
	[PARAM_CNONCE] = NAME("cnonce"),
	[PARAM_QOP] = NAME("qop"),
	[PARAM_NC] = NAME("nc"),
};
#undef NAME

// What is left of the header. A step that does not find what it wants returns false.
struct cursor {
	const char *at;
	const char *end;
	char *scratch; // where the next unquoted text goes
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

// RFC 7230 3.2.6: what a token is made of, by octet.
static const bool token_chars[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['#' ... '\''] = true,
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['^' ... '`'] = true,
	['|'] = true,
	['~'] = true,
};

static void blanks_skip(struct cursor *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

static bool char_take(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool token_take(struct cursor *c, struct ua_text *out)
{
	out->data = c->at;
	while (c->at < c->end && token_chars[(unsigned char)*c->at])
		c->at++;
	out->len = (size_t)(c->at - out->data);
	return out->len > 0;
}

// RFC 7230 3.2.6: no control characters, also not behind a backslash.
static bool is_quotable(char c)
{
	unsigned char octet = (unsigned char)c;

	return (octet >= ' ' || octet == '\t') && octet != 0x7f;
}

// Copies what stands before the closing quote, without the backslashes.
static bool quoted_copy(struct cursor *c, struct ua_text *out)
{
	char *to = c->scratch;

	while (c->at < c->end && *c->at != '"') {
		if (*c->at == '\\' && ++c->at == c->end)
			return false;
		if (!is_quotable(*c->at))
			return false;
		*to++ = *c->at++;
	}
	*out = (struct ua_text){c->scratch, (size_t)(to - c->scratch)};
	c->scratch = to;
	return char_take(c, '"');
}

static bool quoted_take(struct cursor *c, struct ua_text *out)
{
	const char *from = c->at;

	for (; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\') {
			c->at = from;
			return quoted_copy(c, out);
		}
		if (!is_quotable(*c->at))
			return false;
	}
	*out = (struct ua_text){from, (size_t)(c->at - from)};
	return char_take(c, '"');
}

static bool value_take(struct cursor *c, struct ua_text *out)
{
	return char_take(c, '"') ? quoted_take(c, out) : token_take(c, out);
}

static int param_find(struct ua_text name)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (name.len == param_names[i].len &&
			strncasecmp(name.data, param_names[i].data, name.len) == 0)
			return i;
	return PARAM_COUNT;
}

static bool param_take(struct cursor *c, struct ua_text values[PARAM_COUNT])
{
	struct ua_text name, value;
	int param;

	if (!token_take(c, &name))
		return false;
	blanks_skip(c);
	if (!char_take(c, '='))
		return false;
	blanks_skip(c);
	if (!value_take(c, &value))
		return false;
	param = param_find(name);
	if (param == PARAM_COUNT)
		return true;
	if (values[param].data != NULL)
		return false;
	values[param] = value;
	return true;
}

// A list may have empty members (RFC 7230 7).
static bool params_take(struct cursor *c, struct ua_text values[PARAM_COUNT])
{
	for (;;) {
		do
			blanks_skip(c);
		while (char_take(c, ','));
		if (c->at == c->end)
			return true;
		if (!param_take(c, values))
			return false;
		blanks_skip(c);
		if (c->at < c->end && *c->at != ',')
			return false;
	}
}

static bool algorithm_read(struct ua_text name, struct ua_authorization *out)
{
	static const struct {
		const char *name;
		enum ua_alg alg;
		bool is_session;
	} known[] = {
		{"MD5", UA_ALG_MD5, false},
		{"SHA-256", UA_ALG_SHA256, false},
		{"MD5-sess", UA_ALG_MD5, true},
		{"SHA-256-sess", UA_ALG_SHA256, true},
	};

	if (name.data == NULL)
		name = ua_text_of("MD5");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!ua_token_is(name, known[i].name))
			continue;
		out->alg = known[i].alg;
		out->is_session = known[i].is_session;
		return true;
	}
	return false;
}

static bool qop_read(struct ua_text qop, struct ua_authorization *out)
{
	out->qop_text = qop;
	out->qop = ua_token_is(qop, "auth-int") ? UA_QOP_AUTH_INT : UA_QOP_AUTH;
	return out->qop == UA_QOP_AUTH_INT || ua_token_is(qop, "auth");
}

static bool nc_read(struct ua_text nc, struct ua_authorization *out)
{
	uint8_t octet[4];

	if (nc.data == NULL || ua_hex_read(nc.data, nc.len, octet, sizeof(octet)) != 0)
		return false;
	out->nc_text = nc;
	out->nc = (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 | (uint32_t)octet[2] << 8 |
		octet[3];
	return out->nc != 0;
}

// It is sent back between quotes.
static bool cnonce_is_sound(struct ua_text cnonce)
{
	return cnonce.data != NULL && cnonce.len > 0 && cnonce.len <= UA_CNONCE_MAX &&
		memchr(cnonce.data, '"', cnonce.len) == NULL &&
		memchr(cnonce.data, '\\', cnonce.len) == NULL;
}

static bool name_is_sound(struct ua_text name)
{
	return name.len > 0 && name.len <= UA_BTID_MAX && memchr(name.data, '\0', name.len) == NULL;
}

static enum ua_authorization_verdict values_read(
	const struct ua_text v[PARAM_COUNT], struct ua_authorization *out)
{
	out->username = v[PARAM_USERNAME];
	out->realm = v[PARAM_REALM];
	out->nonce = v[PARAM_NONCE];
	out->uri = v[PARAM_URI];
	out->cnonce = v[PARAM_CNONCE];
	if (!name_is_sound(out->username) || out->realm.data == NULL || out->nonce.data == NULL ||
		out->uri.data == NULL || v[PARAM_RESPONSE].data == NULL ||
		!algorithm_read(v[PARAM_ALGORITHM], out))
		return UA_AUTHORIZATION_MALFORMED;
	if (v[PARAM_QOP].data == NULL)
		return UA_AUTHORIZATION_NO_QOP;
	if (!qop_read(v[PARAM_QOP], out) || !nc_read(v[PARAM_NC], out) ||
		!cnonce_is_sound(out->cnonce))
		return UA_AUTHORIZATION_MALFORMED;
	if (ua_hex_read(v[PARAM_RESPONSE].data, v[PARAM_RESPONSE].len, out->response,
		    ua_hash_len(out->alg)) != 0)
		return UA_AUTHORIZATION_MALFORMED;
	return UA_AUTHORIZATION_OK;
}

enum ua_authorization_verdict ua_authorization_parse(
	const char *header, size_t len, char *scratch, struct ua_authorization *out)
{
	struct cursor c = {header, header + len, scratch};
	struct ua_text values[PARAM_COUNT] = {0}, scheme;

	memset(out, 0, sizeof(*out));
	blanks_skip(&c);
	if (!token_take(&c, &scheme) || !ua_token_is(scheme, "Digest"))
		return UA_AUTHORIZATION_OTHER;
	if (len > UA_AUTHORIZATION_MAX || c.at == c.end || !is_blank(*c.at) ||
		!params_take(&c, values))
		return UA_AUTHORIZATION_MALFORMED;
	return values_read(values, out);
}
