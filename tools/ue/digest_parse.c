// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// WWW-Authenticate and Authentication-Info: lists of parameters (RFC 7235 2.1, RFC 7616 3.3, 3.5).

#include "digest.h"

#include <ctype.h>

// Steps through "name=value, name="value", Scheme name=value".
struct scanner {
	const char *at;
	const char *end;
	bool is_bad;
};

struct item {
	struct ue_text name; // of the parameter, or the scheme
	struct ue_text value;
	bool is_scheme;
};

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void blanks_skip(struct scanner *scanner, bool with_commas)
{
	while (scanner->at < scanner->end &&
		(is_blank(*scanner->at) || (with_commas && *scanner->at == ',')))
		scanner->at++;
}

static struct ue_text token_take(struct scanner *scanner)
{
	const char *start = scanner->at;

	while (scanner->at < scanner->end && is_token(*scanner->at))
		scanner->at++;
	return (struct ue_text){start, (size_t)(scanner->at - start)};
}

// What stands between the quotes, escapes and all.
static struct ue_text quoted_take(struct scanner *scanner)
{
	const char *start = ++scanner->at;

	while (scanner->at < scanner->end && *scanner->at != '"')
		scanner->at += *scanner->at == '\\' ? 2 : 1;
	if (scanner->at >= scanner->end) {
		scanner->is_bad = true;
		scanner->at = scanner->end;
		return (struct ue_text){start, 0};
	}
	scanner->at++;
	return (struct ue_text){start, (size_t)(scanner->at - 1 - start)};
}

static bool item_fail(struct scanner *scanner)
{
	scanner->is_bad = true;
	return false;
}

// The next parameter or scheme; false at the end, or when the text is malformed.
static bool item_take(struct scanner *scanner, struct item *item)
{
	const char *behind;

	blanks_skip(scanner, true);
	if (scanner->at == scanner->end)
		return false;
	item->name = token_take(scanner);
	behind = scanner->at;
	blanks_skip(scanner, false);
	item->is_scheme = scanner->at == scanner->end || *scanner->at != '=';
	if (item->name.len == 0)
		return item_fail(scanner);
	if (item->is_scheme)
		return scanner->at > behind || scanner->at == scanner->end || *scanner->at == ',' ||
			item_fail(scanner);
	scanner->at++;
	blanks_skip(scanner, false);
	if (scanner->at < scanner->end && *scanner->at == '"')
		item->value = quoted_take(scanner);
	else
		item->value = token_take(scanner);
	blanks_skip(scanner, false);
	if (scanner->at < scanner->end && *scanner->at != ',')
		return item_fail(scanner);
	return !scanner->is_bad;
}

// Another scheme may carry what is no list of parameters.
static void scheme_skip(struct scanner *scanner)
{
	while (scanner->at < scanner->end && *scanner->at != ',') {
		if (*scanner->at == '"')
			quoted_take(scanner);
		else
			scanner->at++;
	}
}

static enum ue_digest_algorithm algorithm_read(struct ue_text text)
{
	static const char *const names[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};

	for (int i = 0; i < UE_DIGEST_UNKNOWN; i++) {
		if (ue_text_is(text, names[i]))
			return (enum ue_digest_algorithm)i;
	}
	return UE_DIGEST_UNKNOWN;
}

static void qop_read(struct ue_challenge *challenge, struct ue_text list)
{
	struct scanner scanner = {list.data, list.data + list.len, false};

	for (;;) {
		struct ue_text qop;

		blanks_skip(&scanner, true);
		qop = token_take(&scanner);
		if (qop.len == 0)
			return;
		challenge->offers_auth_int |= ue_text_is(qop, "auth-int");
		challenge->offers_auth |= ue_text_is(qop, "auth");
	}
}

// A parameter that may come once.
static bool once(struct ue_text *to, struct ue_text value)
{
	bool is_first = to->data == NULL;

	*to = value;
	return is_first;
}

static bool challenge_take(struct ue_challenge *challenge, const struct item *item)
{
	if (ue_text_is(item->name, "realm"))
		return once(&challenge->realm, item->value);
	if (ue_text_is(item->name, "nonce"))
		return once(&challenge->nonce, item->value);
	if (ue_text_is(item->name, "opaque"))
		return once(&challenge->opaque, item->value);
	if (ue_text_is(item->name, "algorithm"))
		challenge->algorithm = algorithm_read(item->value);
	else if (ue_text_is(item->name, "qop"))
		qop_read(challenge, item->value);
	else if (ue_text_is(item->name, "stale"))
		challenge->is_stale = ue_text_is(item->value, "true");
	return true;
}

static bool challenges_are_whole(const struct ue_challenge *challenges, int count)
{
	for (int i = 0; i < count; i++) {
		if (challenges[i].realm.data == NULL || challenges[i].nonce.data == NULL)
			return false;
	}
	return true;
}

int ue_challenges_parse(struct ue_text header, struct ue_challenge challenges[UE_CHALLENGES_MAX])
{
	struct scanner scanner = {header.data, header.data + header.len, false};
	bool is_digest = false, is_other = false;
	struct item item;
	int count = 0;

	while (item_take(&scanner, &item)) {
		if (!item.is_scheme) {
			if (!is_other &&
				(!is_digest || !challenge_take(&challenges[count - 1], &item)))
				return -1;
			continue;
		}
		is_digest = ue_text_is(item.name, "Digest") && count < UE_CHALLENGES_MAX;
		is_other = !is_digest;
		if (is_digest)
			challenges[count++] = (struct ue_challenge){.algorithm = UE_DIGEST_MD5};
		else
			scheme_skip(&scanner);
	}
	return scanner.is_bad || !challenges_are_whole(challenges, count) ? -1 : count;
}

static bool info_take(struct ue_authentication_info *info, const struct item *item)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{"rspauth", offsetof(struct ue_authentication_info, rspauth)},
		{"qop", offsetof(struct ue_authentication_info, qop)},
		{"nc", offsetof(struct ue_authentication_info, nc)},
		{"cnonce", offsetof(struct ue_authentication_info, cnonce)},
		{"nextnonce", offsetof(struct ue_authentication_info, nextnonce)},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (ue_text_is(item->name, fields[i].name))
			return once(
				(struct ue_text *)((char *)info + fields[i].offset), item->value);
	}
	return true;
}

bool ue_authentication_info_parse(struct ue_text header, struct ue_authentication_info *info)
{
	struct scanner scanner = {header.data, header.data + header.len, false};
	struct item item;

	*info = (struct ue_authentication_info){.rspauth = {NULL, 0}};
	while (item_take(&scanner, &item)) {
		if (item.is_scheme || !info_take(info, &item))
			return false;
	}
	return !scanner.is_bad;
}
