// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_inside.h"

#include "csv.h"

struct ue_text ue_ua_cnonce(struct ue_ua *ua, char text[UE_UA_CNONCE_BYTES])
{
	uint8_t octets[UE_UA_CNONCE_BYTES / 2];

	ue_rng_fill(&ua->rng, octets, sizeof(octets));
	ue_hex_put(text, octets, sizeof(octets));
	return (struct ue_text){text, UE_UA_CNONCE_BYTES};
}

void ue_ua_forget_association(struct ue_ua_phone *phone)
{
	ue_association_destroy(phone->association);
	phone->association = NULL;
}

// True when the phone's newest credential is one it can ask with.
static bool phone_has_key(const struct ue_ua *ua, uint32_t phone)
{
	uint32_t current = ua->phones->phones[phone].current;
	const struct ue_credential *credential;

	if (current == UE_NONE)
		return false;
	credential = &ua->phones->credentials[current];
	// With keys in the ME the MRK follows from the MUK.
	return credential->has_mrk || !(credential->keys_in_uicc || credential->is_muk_only);
}

bool ue_ua_bootstrap(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	if (ua->conf.bsf == NULL)
		return false;
	if (ue_bsf_bootstrap(ua->conf.bsf, phone, now->wall / 1000000) != 0) {
		ua->events[UE_UA_MEMORY]++;
		return false;
	}
	ua->events[UE_UA_BOOTSTRAPS]++;
	return true;
}

// A phone asks under a key that is valid, when it can have one. An expired one is good enough to
// be told so, and lazy phones wait to be told.
static bool credential_prepare(struct ue_ua *ua, uint32_t phone, const struct ue_now *now)
{
	struct ue_ua_phone *s = &ua->states[phone];
	const struct ue_phone *owner = &ua->phones->phones[phone];
	bool has_key = phone_has_key(ua, phone);
	bool is_old = has_key &&
		ue_credential_is_expired(ua->phones, owner->current, now->wall / 1000000);

	if (!has_key || (is_old && (owner->habits & UE_LAZY) == 0))
		has_key |= ue_ua_bootstrap(ua, phone, now);
	if (s->credential != owner->current)
		ue_ua_forget_association(s);
	s->credential = owner->current;
	return has_key;
}

static void request_note(struct ue_ua *ua, struct ue_ua_phone *s, const struct ue_now *now)
{
	s->sent_at = now->mono;
	s->is_authenticated = s->association != NULL;
	ua->requests[s->asking]++;
	if (s->asking != UE_FETCH)
		return;
	s->fetched = s->asked;
	s->promised_at = 0;
	s->awaited = ue_ua_subjects(ua, s->asked) & ~s->came;
}

size_t ue_ua_request(
	struct ue_ua *ua, uint32_t phone, const struct ue_now *now, char *out, size_t cap)
{
	struct ue_ua_phone *s = &ua->states[phone];
	struct ue_writer writer = {out, out + cap, false};
	const struct ue_ua_body *body;

	s->asking = (uint8_t)__builtin_ctz(s->wants);
	s->asked = s->body[s->asking];
	s->wants &= (uint8_t)(s->wants - 1);
	if (!credential_prepare(ua, phone, now)) {
		ue_ua_leave(ua, phone, UE_UA_LEFT_NO_CREDENTIAL);
		return 0;
	}
	body = &ua->bodies[s->asked];
	ue_write(&writer, body->head, body->head_len);
	if (s->association != NULL) {
		ue_write_literal(&writer, "Authorization: ");
		ue_authorization_put(&writer, s->association, &body->target);
		ue_write_literal(&writer, "\r\n");
	}
	ue_write_literal(&writer, "\r\n");
	ue_write(&writer, body->text, body->text_len);
	if (writer.is_full) {
		ue_ua_leave(ua, phone, UE_UA_LEFT_REJECTED);
		return 0;
	}
	request_note(ua, s, now);
	return (size_t)(writer.at - out);
}
