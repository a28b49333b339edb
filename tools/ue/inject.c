// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verification messages with flaws of choice, sent as if a phone had made them: what a BM-SC has
// to refuse.

#include "command.h"
#include "frame.h"

enum flaw {
	FLAW_NONE,
	FLAW_BIT,
	FLAW_WRONG_IDR,
	FLAW_STALE_COUNTER,
	FLAW_BAD_MAC
};

static const char *const flaw_names[] = {"none", "bit", "wrong-idr", "stale-counter", "bad-mac"};

// What one injected message is made of.
struct injection {
	enum flaw flaw;
	const struct ue_phone *phone;
	const struct ue_credential *credential; // whose MUK seals it
	const struct ue_credential *named; // whose B-TID it carries
	const struct ue_msk *msk;
	uint32_t counter;
	json_int_t bit;
};

static bool flaw_read(json_t *args, enum flaw *flaw)
{
	json_t *name = json_object_get(args, "flaw");

	*flaw = FLAW_NONE;
	if (name == NULL)
		return true;
	for (size_t i = 0; i < sizeof(flaw_names) / sizeof(flaw_names[0]); i++) {
		if (json_is_string(name) && strcmp(json_string_value(name), flaw_names[i]) == 0) {
			*flaw = (enum flaw)i;
			return true;
		}
	}
	return false;
}

// The credential named by "other", else the next one in the CSV that is not this one's phone.
static const struct ue_credential *other_find(
	const struct ue_site *site, json_t *args, uint32_t credential)
{
	const struct ue_phones *phones = &site->phones;
	json_t *other = json_object_get(args, "other");
	uint32_t at;

	if (other != NULL) {
		at = ue_credential_find(
			phones, json_string_value(other), json_string_length(other));
		return json_is_string(other) && at != UE_NONE ? &phones->credentials[at] : NULL;
	}
	at = (credential + 1) % phones->credential_count;
	if (phones->credentials[at].phone == phones->credentials[credential].phone)
		return NULL;
	return &phones->credentials[at];
}

static const char *injection_read(
	const struct ue_site *site, json_t *args, struct injection *injection)
{
	const struct ue_phones *phones = &site->phones;
	json_t *counter = json_object_get(args, "counter");
	uint32_t phone, credential;

	if (!ue_command_find(site, args, &phone, &credential) || credential == UE_NONE)
		return "no such phone, or one without MUK";
	if (!flaw_read(args, &injection->flaw))
		return "flaw: none, bit, wrong-idr, stale-counter or bad-mac";
	injection->phone = &phones->phones[phone];
	injection->credential = &phones->credentials[credential];
	injection->named = injection->credential;
	if (injection->phone->holding == UE_NONE)
		return "the phone holds no MSK to verify";
	injection->msk = &phones->msks[phones->holdings[injection->phone->holding].msk];
	injection->counter = injection->credential->counter;
	injection->bit = json_integer_value(json_object_get(args, "bit"));
	if (injection->flaw == FLAW_STALE_COUNTER)
		injection->counter -= 1000000;
	if (counter != NULL)
		injection->counter = (uint32_t)json_integer_value(counter);
	if (injection->flaw == FLAW_WRONG_IDR)
		injection->named = other_find(site, args, credential);
	if (injection->named == NULL)
		return "no other phone to name";
	return site->peer.is_known ? NULL : "no message has come yet, so there is no way back";
}

// RAND and CSB ID of the MSK that the phone got last.
static size_t message_build(
	const struct ue_site *site, const struct injection *injection, uint8_t *out, size_t cap)
{
	const struct ue_msk *msk = injection->msk;
	struct mikey_verification msg = {
		.csb_id = msk->csb_id,
		.counter = injection->counter,
		.idr = {(const uint8_t *)injection->named->btid, injection->named->btid_len},
	};
	struct mikey_bytes idi = site->receiver.fqdn;
	uint8_t key[MIKEY_AUTH_KEY_BYTES];
	struct ue_hmac psk, auth;
	size_t len;

	if (msk->profile == MIKEY_PROFILE_V600)
		idi = (struct mikey_bytes){msk->kdi, sizeof(msk->kdi)};
	ue_hmac_init(&psk, injection->credential->muk, UE_KEY_BYTES);
	ue_derive(&psk, MIKEY_DERIVE_AUTH, msk->csb_id,
		(struct mikey_bytes){msk->rand, msk->rand_len}, key, sizeof(key));
	ue_hmac_init(&auth, key, sizeof(key));
	len = ue_verification(&site->receiver, &msg, idi, &auth, out, cap);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&psk, sizeof(psk));
	explicit_bzero(&auth, sizeof(auth));
	if (len > 0 && injection->flaw == FLAW_BAD_MAC)
		out[len - 1] ^= 0xff;
	if (len > 0 && injection->flaw == FLAW_BIT)
		out[(size_t)(injection->bit / 8) % len] ^= (uint8_t)(0x80 >> (injection->bit % 8));
	return len;
}

static int injection_send(
	struct ue_site *site, const struct injection *injection, const struct ue_now *now)
{
	size_t at = ue_frame_payload_at(&site->station, &injection->phone->address);
	uint8_t frame[UE_FRAME_MAX_BYTES];
	struct ue_flow flow = {
		.station = &site->station,
		.destination_mac = site->peer.mac,
		.source = injection->phone->address,
		.destination = site->peer.address,
		.source_port = injection->phone->port,
		.destination_port = site->peer.port,
		.ip_id = site->ip_id++,
	};
	size_t len = message_build(site, injection, frame + at, sizeof(frame) - at);

	if (len == 0)
		return -1;
	return ue_site_send(site, frame, ue_frame_udp(frame, &flow, len), now);
}

json_t *ue_command_inject(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	struct injection injection;
	json_t *wanted = json_object_get(args, "count");
	json_int_t count = wanted != NULL ? json_integer_value(wanted) : 1;
	const char *cause = injection_read(site, args, &injection);

	if (cause == NULL && (count < 1 || count > 10000 || injection.bit < 0))
		cause = "count has to be within 1..10000, bit not below 0";
	for (json_int_t i = 0; cause == NULL && i < count; i++) {
		if (injection_send(site, &injection, now) != 0)
			cause = "the message cannot be made";
	}
	return cause != NULL ? ue_command_error(cause) : json_pack("{s:I}", "sent", count);
}
