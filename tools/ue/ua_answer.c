// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a phone makes of an answer. Only a 200 whose Authentication-Info holds is believed: rspauth
// shows that the BM-SC knows the MRK and that nobody has changed the body (RFC 2617 3.2.3, qop
// auth-int). A refusal to talk (4xx, 5xx) can come from before the keys are looked at, so it is
// taken without, but not with a proof that is wrong.

#include "ua_inside.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define STALE_MAX 3 // in a row, then it counts as a failure
#define RENEGOTIATIONS_MAX 3
#define RETRY_AFTER_MAX_S 3600
#define CODE_NONE 204 // of an item: the key group has no MSK
#define PASSWORD_BYTES 45 // base64 of a key, with its end

// An answer on its way through the rules.
struct answer {
	struct ue_ua *ua;
	uint32_t phone;
	struct ue_ua_phone *s;
	const struct ue_response *response;
	const char *data;
	const struct ue_now *now;
};

static struct ue_text field(const struct answer *answer, enum ue_response_field name)
{
	return ue_response_text(answer->data, answer->response->fields[name]);
}

void ue_ua_refuse(
	struct ue_ua *ua, uint32_t phone, enum ue_ua_refusal refusal, const struct ue_now *now)
{
	ua->refused[refusal]++;
	// Whatever was agreed with whoever that is does not count any more.
	ue_ua_forget_association(&ua->states[phone]);
	ue_ua_retry(ua, phone, 0, UE_UA_LEFT_UNAVAILABLE, now);
}

void ue_ua_fail(struct ue_ua *ua, uint32_t phone, enum ue_ua_event event, const struct ue_now *now)
{
	ua->events[event]++;
	// A connection that had ended before says nothing about the BM-SC.
	if (event == UE_UA_REOPENED) {
		ue_ua_want_again(ua, phone);
		ue_ua_enter(ua, phone, UE_UA_DUE, now->mono);
		return;
	}
	ue_ua_retry(ua, phone, 0, UE_UA_LEFT_UNAVAILABLE, now);
}

static bool refuse(const struct answer *answer, enum ue_ua_refusal refusal)
{
	ue_ua_refuse(answer->ua, answer->phone, refusal, answer->now);
	return false;
}

// --- 401 ------------------------------------------------------------------------------------

static struct ue_association *associate(
	const struct answer *answer, const struct ue_challenge *challenge, struct ue_text realm)
{
	const struct ue_credential *credential =
		&answer->ua->phones->credentials[answer->s->credential];
	uint8_t derived[UE_KEY_BYTES], password[PASSWORD_BYTES];
	const uint8_t *mrk = credential->mrk;
	struct ue_digest_user user = {
		.user = {credential->btid, credential->btid_len},
		.password = {(const char *)password, PASSWORD_BYTES - 1},
		.realm = realm,
	};
	struct ue_association *association;
	char cnonce[UE_UA_CNONCE_BYTES];

	if (!credential->has_mrk) {
		ue_mrk(credential->muk, derived);
		mrk = derived;
	}
	EVP_EncodeBlock(password, mrk, UE_KEY_BYTES);
	user.cnonce = ue_ua_cnonce(answer->ua, cnonce);
	association = ue_association_create(challenge, &user);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(derived, sizeof(derived));
	return association;
}

// The first challenge that a phone can answer: of its BM-SC, with integrity protection.
static bool challenge_find(
	const struct answer *answer, struct ue_challenge *found, struct ue_text *realm)
{
	const struct ue_ua *ua = answer->ua;
	bool keys_in_uicc = ua->phones->phones[answer->phone].keys_in_uicc;
	struct ue_challenge challenges[UE_CHALLENGES_MAX];

	for (int i = 0; i < answer->response->challenge_count; i++) {
		struct ue_text header =
			ue_response_text(answer->data, answer->response->challenges[i]);
		int count = ue_challenges_parse(header, challenges);

		for (int k = 0; k < count; k++) {
			*found = challenges[k];
			*realm = ue_realm_choose(found->realm, ua->conf.fqdn, keys_in_uicc);
			if (realm->data != NULL && found->offers_auth_int &&
				found->algorithm != UE_DIGEST_UNKNOWN)
				return true;
		}
	}
	return false;
}

// Spec 5.3: a 401 that is not stale, to a request with bootstrapped credentials, means that they
// are to be replaced. False when the phone has left for it.
static bool renegotiate(const struct answer *answer)
{
	struct ue_ua *ua = answer->ua;
	struct ue_ua_phone *s = answer->s;
	uint32_t current;

	ua->events[UE_UA_RENEGOTIATED]++;
	current = ua->phones->phones[answer->phone].current;
	if (++s->renegotiations > RENEGOTIATIONS_MAX ||
		(s->credential == current && !ue_ua_bootstrap(ua, answer->phone, answer->now))) {
		ue_ua_leave(ua, answer->phone, UE_UA_LEFT_RENEGOTIATION);
		return false;
	}
	s->credential = ua->phones->phones[answer->phone].current;
	return true;
}

// True when the phone asks again at once.
static bool challenge_take(const struct answer *answer)
{
	struct ue_ua *ua = answer->ua;
	struct ue_ua_phone *s = answer->s;
	struct ue_challenge challenge;
	struct ue_text realm;

	if (!challenge_find(answer, &challenge, &realm))
		return refuse(answer, UE_UA_REFUSED_CHALLENGE);
	if (!s->is_authenticated) {
		ua->events[UE_UA_CHALLENGED]++;
	} else if (challenge.is_stale) {
		ua->events[UE_UA_STALE]++;
		if (++s->stale > STALE_MAX)
			return refuse(answer, UE_UA_REFUSED_CHALLENGE);
	} else if (!renegotiate(answer)) {
		return false;
	}
	ue_ua_forget_association(s);
	s->association = associate(answer, &challenge, realm);
	if (s->association == NULL) {
		ue_ua_fail(ua, answer->phone, UE_UA_MEMORY, answer->now);
		return false;
	}
	ue_ua_want_again(ua, answer->phone);
	return true;
}

// --- Proof ----------------------------------------------------------------------------------

static bool proof_check(const struct answer *answer, struct ue_text header)
{
	static const enum ue_ua_refusal refusals[] = {
		[UE_PROOF_MISSING] = UE_UA_REFUSED_NO_PROOF,
		[UE_PROOF_OTHER] = UE_UA_REFUSED_OTHER_PROOF,
		[UE_PROOF_WRONG] = UE_UA_REFUSED_WRONG_PROOF,
	};
	struct ue_authentication_info info;
	struct ue_ua_phone *s = answer->s;
	char cnonce[UE_UA_CNONCE_BYTES];
	enum ue_proof proof;

	if (!ue_authentication_info_parse(header, &info))
		return refuse(answer, UE_UA_REFUSED_BAD_PROOF);
	proof = ue_proof_check(s->association, &info, answer->ua->bodies[s->asked].target.uri,
		ue_response_text(answer->data, answer->response->body));
	if (proof != UE_PROOF_GOOD)
		return refuse(answer, refusals[proof]);
	if (info.nextnonce.data != NULL && info.nextnonce.len > 0) {
		answer->ua->events[UE_UA_NEXTNONCE]++;
		// Without memory for it the old nonce is as good, or stale.
		ue_association_renew(
			&s->association, info.nextnonce, ue_ua_cnonce(answer->ua, cnonce));
	}
	return true;
}

// --- 200 ------------------------------------------------------------------------------------

// The code of each subject of the request, in its order; false when they do not correspond.
static bool codes_find(
	const struct ue_ua_body *body, const struct ue_results *results, uint16_t *codes)
{
	if (results->count != body->count)
		return false;
	for (size_t i = 0; i < body->count; i++) {
		codes[i] = 0;
		for (size_t k = 0; k < results->count && codes[i] == 0; k++) {
			if (ue_subject_equal(&results->list[k].subject, &body->subjects[i]))
				codes[i] = (uint16_t)results->list[k].code;
		}
		if (codes[i] == 0)
			return false;
	}
	return true;
}

static bool answer_is_known(const struct ue_ua_body *body, struct ue_text text)
{
	return body->answer != NULL &&
		ue_text_equal((struct ue_text){body->answer, body->answer_len}, text);
}

// Reads the answer into body->codes, unless it is the one that is there already.
static bool codes_read(const struct answer *answer, struct ue_ua_body *body)
{
	struct ue_text text = ue_response_text(answer->data, answer->response->body);
	struct ue_results results;
	enum ue_answer_verdict verdict;
	char *copy;

	if (answer_is_known(body, text))
		return true;
	free(body->answer);
	body->answer = NULL;
	verdict = ue_answer_read(answer->ua->reader, body->procedure, text, &results);
	if (verdict == UE_ANSWER_MALFORMED)
		return refuse(answer, UE_UA_REFUSED_XML);
	if (verdict != UE_ANSWER_GOOD || !codes_find(body, &results, body->codes))
		return refuse(answer, UE_UA_REFUSED_ITEMS);
	copy = malloc(text.len);
	if (copy != NULL) {
		memcpy(copy, text.data, text.len);
		body->answer = copy;
		body->answer_len = text.len;
	}
	return true;
}

// What the codes of an answer come to.
struct verdict {
	uint64_t granted; // bit per subject
	bool has_none; // no MSK is to be had, and that is all right
	bool is_busy; // one of them is to be asked for again
	bool is_forbidden;
};

static struct verdict verdict_of(struct ue_ua *ua, const struct ue_ua_body *body)
{
	struct verdict verdict = {.granted = 0};

	for (size_t i = 0; i < body->count; i++) {
		unsigned code = body->codes[i];

		ua->items[body->procedure][code]++;
		if (code == 200)
			verdict.granted |= (uint64_t)1 << i;
		verdict.has_none |= code == CODE_NONE;
		verdict.is_busy |= code >= 500;
		verdict.is_forbidden |= code == 403;
	}
	return verdict;
}

static void fetch_end(const struct answer *answer, const struct verdict *verdict)
{
	struct ue_ua *ua = answer->ua;
	struct ue_ua_phone *s = answer->s;

	if (verdict->granted != 0) {
		ua->events[UE_UA_MSK_ASKED]++;
		s->awaited &= verdict->granted;
		s->promised_at = answer->now->mono;
		if (s->awaited == 0)
			ue_ua_msk_came(ua, answer->phone, answer->now);
	} else {
		ua->events[UE_UA_NONE_NEEDED]++;
		s->awaited = 0;
	}
	ue_ua_go_on(ua, answer->phone, answer->now);
}

// Writes down which services the phone is registered for now: granted ones of a registration,
// those that are left after a deregistration.
static void registration_end(const struct answer *answer, const struct verdict *verdict)
{
	const struct ue_ua_body *body = &answer->ua->bodies[answer->s->asked];
	bool wanted = body->procedure == UE_REGISTER;
	char list[4096];
	struct ue_writer writer = {list, list + sizeof(list), false};

	for (size_t i = 0; i < body->count; i++) {
		if (((verdict->granted >> i & 1) != 0) != wanted)
			continue;
		if (writer.at > list)
			ue_write_literal(&writer, " ");
		ue_write_text(&writer, body->subjects[i].service);
	}
	if (ue_phone_register(
		    answer->ua->phones, answer->phone, list, (size_t)(writer.at - list)) != 0)
		answer->ua->events[UE_UA_MEMORY]++;
	ue_ua_go_on(answer->ua, answer->phone, answer->now);
}

static void results_take(const struct answer *answer)
{
	struct ue_ua *ua = answer->ua;
	struct ue_ua_body *body = &ua->bodies[answer->s->asked];
	struct verdict verdict;

	if (!codes_read(answer, body))
		return;
	ue_histogram_add(&ua->latency[body->procedure], answer->now->mono - answer->s->sent_at);
	verdict = verdict_of(ua, body);
	if (verdict.is_busy)
		ue_ua_retry(ua, answer->phone, 0, UE_UA_LEFT_UNAVAILABLE, answer->now);
	else if (verdict.granted == 0 && !verdict.has_none)
		ue_ua_leave(ua, answer->phone,
			verdict.is_forbidden ? UE_UA_LEFT_FORBIDDEN : UE_UA_LEFT_UNKNOWN);
	else if (body->procedure == UE_FETCH)
		fetch_end(answer, &verdict);
	else
		registration_end(answer, &verdict);
}

// "application/x; charset=utf-8" is application/x.
static bool type_is(struct ue_text type, const char *wanted)
{
	size_t len = strlen(wanted);

	return type.len >= len && strncasecmp(type.data, wanted, len) == 0 &&
		(type.len == len || type.data[len] == ';' || type.data[len] == ' ');
}

static void ok_take(const struct answer *answer)
{
	struct ue_text info = field(answer, UE_FIELD_AUTHENTICATION_INFO);

	if (!answer->s->is_authenticated)
		refuse(answer, UE_UA_REFUSED_UNAUTHENTICATED);
	else if (info.data == NULL)
		refuse(answer, UE_UA_REFUSED_NO_PROOF);
	else if (!proof_check(answer, info))
		return;
	else if (!type_is(field(answer, UE_FIELD_CONTENT_TYPE),
			 ue_procedure_answer_type((enum ue_procedure)answer->s->asking)))
		refuse(answer, UE_UA_REFUSED_MEDIA_TYPE);
	else
		results_take(answer);
}

// --- The rest -------------------------------------------------------------------------------

static int64_t retry_after_us(const struct answer *answer)
{
	struct ue_text text = field(answer, UE_FIELD_RETRY_AFTER);
	unsigned long seconds;

	if (!ue_text_number(text, RETRY_AFTER_MAX_S, &seconds))
		return 0;
	return (int64_t)seconds * 1000000;
}

static void other_take(const struct answer *answer)
{
	struct ue_text info = field(answer, UE_FIELD_AUTHENTICATION_INFO);
	unsigned status = answer->response->status;

	if (info.data != NULL && answer->s->is_authenticated && !proof_check(answer, info))
		return;
	if (status >= 500 || status == 429 || status == 408)
		ue_ua_retry(answer->ua, answer->phone, retry_after_us(answer),
			UE_UA_LEFT_UNAVAILABLE, answer->now);
	else
		ue_ua_leave(answer->ua, answer->phone,
			status == 403		? UE_UA_LEFT_FORBIDDEN
				: status == 404 ? UE_UA_LEFT_UNKNOWN
						: UE_UA_LEFT_REJECTED);
}

bool ue_ua_answer(struct ue_ua *ua, uint32_t phone, const struct ue_response *response,
	const char *data, const struct ue_now *now)
{
	struct answer answer = {ua, phone, &ua->states[phone], response, data, now};

	ua->statuses[answer.s->asking][response->status]++;
	if (response->status == 401)
		return challenge_take(&answer);
	if (response->status == 200)
		ok_take(&answer);
	else
		other_take(&answer);
	return false;
}
