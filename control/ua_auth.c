// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who it is: HTTP Digest over a call (RFC 2617, RFC 7616, TS 24.109). A plain 401 makes the phone
// bootstrap again, so it is given only to requests without credentials, under a B-TID nobody knows,
// under an expired key, and with a wrong response. A right response with a nonce that is not good
// any more gets a 401 that says stale.

#include <stdio.h>

#include "ua_digest.h"
#include "ua_names.h"
#include "ua_server.h"

// --- The header -----------------------------------------------------------------------------

static bool alg_is_offered(const struct conf *conf, enum ua_alg alg)
{
	if (conf->ua.algorithms == CONF_UA_ALGORITHMS_BOTH)
		return true;
	return (alg == UA_ALG_SHA256) == (conf->ua.algorithms == CONF_UA_ALGORITHMS_SHA256);
}

static bool realm_is_ours(const struct ua *ua, struct ua_text realm)
{
	for (unsigned i = 0; i < ua->realms; i++)
		if (ua_text_is(realm, ua->realm[i]))
			return true;
	return false;
}

// What stands behind scheme and authority (RFC 7230 5.3.2: a request target may be absolute).
static struct ua_text origin_form(struct ua_text uri)
{
	const char *begin = memmem(uri.data, uri.len, "://", 3), *slash;

	if (uri.len == 0 || uri.data[0] == '/' || begin == NULL)
		return uri;
	begin += 3;
	slash = memchr(begin, '/', (size_t)(uri.data + uri.len - begin));
	if (slash == NULL)
		return uri;
	return (struct ua_text){slash, (size_t)(uri.data + uri.len - slash)};
}

static bool uri_is_target(const struct ua_call *call)
{
	struct ua_text uri = origin_form(call->auth.uri);
	struct ua_text target = origin_form((struct ua_text){call->target, call->target_len});

	return uri.len == target.len && memcmp(uri.data, target.data, uri.len) == 0;
}

static enum ua_result credentials_check(const struct ua_call *call)
{
	const struct ua *ua = call->thread->ua;
	const struct ua_authorization *a = &call->auth;

	if (a->qop == UA_QOP_AUTH && !ua->conf->ua.allow_qop_auth)
		return UA_NO_QOP;
	if (!alg_is_offered(ua->conf, a->alg))
		return UA_OTHER_ALGORITHM;
	if (!uri_is_target(call))
		return UA_OTHER_URI;
	return realm_is_ours(ua, a->realm) ? UA_OK : UA_OTHER_REALM;
}

bool ua_auth_header(struct ua_call *call)
{
	enum ua_authorization_verdict verdict;

	if (call->authorizations != 1) {
		call->result = call->authorizations == 0 ? UA_NO_CREDENTIALS : UA_TWO_CREDENTIALS;
		return false;
	}
	verdict = ua_authorization_parse(
		call->authorization.data, call->authorization.len, call->scratch, &call->auth);
	if (verdict == UA_AUTHORIZATION_OK)
		call->result = credentials_check(call);
	else
		call->result = verdict == UA_AUTHORIZATION_OTHER ? UA_NO_CREDENTIALS
			: verdict == UA_AUTHORIZATION_NO_QOP	 ? UA_NO_QOP
								 : UA_BAD_CREDENTIALS;
	return call->result == UA_OK;
}

// --- HA1 ------------------------------------------------------------------------------------

static uint32_t tag_add(uint32_t tag, struct ua_text text)
{
	for (size_t i = 0; i < text.len; i++)
		tag = (tag ^ (uint8_t)text.data[i]) * 16777619u;
	return tag;
}

static struct ua_ha1_key ha1_key(const struct ua_call *call)
{
	const struct ua_authorization *a = &call->auth;
	uint32_t tag = 2166136261u + a->alg;

	return (struct ua_ha1_key){
		.id = call->id,
		.tag = tag_add(tag_add(tag, a->username), a->realm),
		.version = store_reader_version(call->thread->reader),
	};
}

void ua_auth_ha1(struct ua_call *call, const uint8_t mrk[32])
{
	const struct ua_authorization *a = &call->auth;

	ua_digest_ha1_of_mrk(a->alg, a->username, a->realm, mrk, call->ha1);
}

// HA1 of a subscriber of the store, ready or made from its record. False: it has no MRK.
static bool ha1_find(struct ua_call *call)
{
	struct ua_thread *t = call->thread;
	struct ua_ha1_key key = ha1_key(call);
	struct store_subscriber sub;
	bool has;

	if (ua_ha1_get(t->ua->ha1, &key, call->ha1))
		return true;
	has = store_reader_subscriber(t->reader, call->id, &sub) == 0 &&
		(sub.flags & STORE_HAS_MRK) != 0;
	if (has) {
		ua_auth_ha1(call, sub.mrk.byte);
		ua_ha1_put(t->ua->ha1, &key, call->ha1);
		t->stats.ha1_made++;
	}
	explicit_bzero(&sub, sizeof(sub));
	return has;
}

// --- The response ---------------------------------------------------------------------------

// Limits apply to wrong responses alone: B-TIDs are public, and nobody may lock out their owners.
static enum ua_result wrong_result(struct ua_call *call)
{
	const struct ua_thread *t = call->thread;
	const struct conf *conf = t->ua->conf;
	struct ua_text address = ua_text_of(ua_call_address(call));
	bool exceeds = ua_limit_exceeds(t->ua->limit, call->auth.username, address,
		(uint32_t)conf->ua.wrong_per_btid, t->now_s);

	if (ua_limit_exceeds(t->ua->limit, ua_text_of(""), address,
		    (uint32_t)conf->ua.wrong_per_address, t->now_s))
		exceeds = true;
	return exceeds ? UA_LIMITED : UA_WRONG_RESPONSE;
}

static bool nonce_is_fresh(struct ua_call *call)
{
	struct ua *ua = call->thread->ua;

	if (ua_nonce_read(call->auth.nonce, &call->nonce) != 0)
		return false;
	if (!ua_replay_knows(ua->replay, &call->nonce) &&
		!ua_nonce_is_ours(&ua->nonce_key, &call->nonce))
		return false;
	return ua_replay_take(ua->replay, &call->nonce, call->auth.nc, call->thread->now_s);
}

bool ua_auth_is_right(struct ua_call *call)
{
	if (!ua_digest_is_right(&call->auth, call->ha1, call->method, call->body_hash))
		call->result = wrong_result(call);
	return call->result == UA_OK;
}

bool ua_auth_is_fresh(struct ua_call *call, int64_t expires)
{
	if (!ua_muk_is_fresh(call->thread, expires))
		call->result = UA_EXPIRED;
	else if (!nonce_is_fresh(call))
		call->result = UA_STALE;
	call->is_authenticated = call->result == UA_OK;
	return call->is_authenticated;
}

bool ua_muk_is_fresh(const struct ua_thread *t, int64_t expires)
{
	return expires > t->unix_s + (int64_t)t->ua->conf->muk_margin_s;
}

static store_id btid_find(const struct ua_call *call)
{
	const struct ua_text *name = &call->auth.username;
	const struct store_bytes btid = {(const uint8_t *)name->data, (uint16_t)name->len};
	uint8_t is_prev;
	store_id id;

	store_reader_find_btid_burst(call->thread->reader, &btid, 1, &id, &is_prev);
	// Of the bootstrapping before, only the MUK is kept.
	return is_prev ? STORE_ID_NONE : id;
}

store_id ua_auth_find(struct ua_call *call)
{
	store_id id = btid_find(call);

	if (id != STORE_ID_NONE)
		return id;
	// It may have come a moment ago.
	ua_thread_follow(call->thread, true);
	return btid_find(call);
}

static void body_hash(struct ua_call *call)
{
	struct ua_hash h;

	ua_hash_begin(&h, call->auth.alg);
	ua_hash_add(&h, call->body, call->body_len);
	ua_hash_end(&h, call->body_hash);
}

enum ua_auth_verdict ua_auth_check(struct ua_call *call)
{
	const struct store_hot *hot;

	body_hash(call);
	call->id = ua_auth_find(call);
	if (call->id == STORE_ID_NONE || !ha1_find(call)) {
		if (call->thread->ua->key_source != NULL)
			return UA_AUTH_ASK_KEY;
		call->result = UA_UNKNOWN_BTID;
		return UA_AUTH_DONE;
	}
	hot = store_reader_hot(call->thread->reader, call->id);
	return ua_auth_is_right(call) && ua_auth_is_fresh(call, hot->expires) ? UA_AUTH_GOOD
									      : UA_AUTH_DONE;
}

// --- What is sent back ----------------------------------------------------------------------

static void nonce_issue(struct ua_thread *t, char out[UA_NONCE_TEXT + 1])
{
	struct ua_nonce nonce;

	ua_nonce_make(
		&t->ua->nonce_key, t->now_s, atomic_fetch_add(&t->ua->nonce_number, 1) + 1, &nonce);
	ua_nonce_write(&nonce, out);
	out[UA_NONCE_TEXT] = '\0';
}

void ua_auth_challenge(struct ua_call *call, enum ua_alg alg, char out[UA_HEADER_MAX])
{
	const struct ua *ua = call->thread->ua;
	char nonce[UA_NONCE_TEXT + 1];

	nonce_issue(call->thread, nonce);
	snprintf(out, UA_HEADER_MAX,
		"Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"%s\", opaque=\"%s\"%s",
		ua->offered, nonce, alg == UA_ALG_MD5 ? "MD5" : "SHA-256",
		ua->conf->ua.allow_qop_auth ? "auth-int,auth" : "auth-int", ua->opaque,
		call->result == UA_STALE || call->result == UA_REAUTHENTICATE ? ", stale=true"
									      : "");
}

static char *put(char *to, const char *text)
{
	return stpcpy(to, text);
}

static char *put_text(char *to, struct ua_text text)
{
	return mempcpy(to, text.data, text.len);
}

static const uint8_t *reply_hash(const struct ua_call *call, uint8_t empty[UA_HASH_MAX])
{
	struct ua_hash h;

	if (call->reply_len != 0)
		return call->items->reply_hash;
	ua_hash_begin(&h, call->auth.alg);
	ua_hash_end(&h, empty);
	return empty;
}

// A client that works in a pipeline goes on with the nonce it has for the first half of its life.
void ua_auth_info(struct ua_call *call, char out[UA_HEADER_MAX])
{
	struct ua_thread *t = call->thread;
	const struct ua_authorization *a = &call->auth;
	char nonce[UA_NONCE_TEXT + 1], *to = put(out, "rspauth=\"");
	uint8_t empty[UA_HASH_MAX];

	_Static_assert(UA_HEADER_MAX > UA_CNONCE_MAX + UA_HASH_HEX_MAX + UA_NONCE_TEXT + 128,
		"all of it fits");
	to += ua_digest_rspauth(a, call->ha1, reply_hash(call, empty), to);
	to = put(to, "\", qop=");
	to = put_text(to, a->qop_text);
	to = put(to, ", cnonce=\"");
	to = put_text(to, a->cnonce);
	to = put(to, "\", nc=");
	to = put_text(to, a->nc_text);
	if (ua_replay_is_aging(t->ua->replay, &call->nonce, t->now_s)) {
		nonce_issue(t, nonce);
		to = put(put(put(to, ", nextnonce=\""), nonce), "\"");
	}
	*to = '\0';
}
