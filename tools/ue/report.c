// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "report.h"

#include "csv.h"

// Most MSKs that are listed, the latest ones: a BM-SC that gives every phone a key of its own
// must not make a report take forever.
#define LISTED_MSKS 1024

static json_t *json_hex(const uint8_t *data, size_t len)
{
	char text[2 * UINT8_MAX];

	if (2 * len > sizeof(text))
		return NULL;
	ue_hex_put(text, data, len);
	return json_stringn(text, 2 * len);
}

static json_t *json_hex_number(uint32_t value, int digits)
{
	return json_sprintf("%0*x", digits, value);
}

static json_t *json_check(const uint8_t key[MIKEY_MSK_BYTES])
{
	uint8_t check[3];

	ue_check_value(key, check);
	return json_hex(check, sizeof(check));
}

static json_t *msk_json(const struct ue_msk *msk)
{
	char domain[8];

	mikey_kdi_to_text(domain, msk->kdi);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I}", "key_group",
		json_sprintf("%s/%04x", domain, msk->group), "kdi",
		json_hex(msk->kdi, sizeof(msk->kdi)), "group", json_hex_number(msk->group, 4),
		"number", json_hex_number(msk->number, 4), "check", json_check(msk->key), "csb_id",
		json_hex_number(msk->csb_id, 8), "rand", json_hex(msk->rand, msk->rand_len),
		"profile", msk->profile == MIKEY_PROFILE_V600 ? "v600" : "ts33246", "phones",
		(json_int_t)msk->phones);
}

static uint32_t msk_first(const struct ue_phones *phones)
{
	return phones->msk_count > LISTED_MSKS ? phones->msk_count - LISTED_MSKS : 0;
}

static json_t *msks_json(const struct ue_phones *phones)
{
	json_t *list = json_array();

	for (uint32_t i = msk_first(phones); i < phones->msk_count; i++) {
		if (phones->msks[i].phones > 0)
			json_array_append_new(list, msk_json(&phones->msks[i]));
	}
	return list;
}

// Counters that are zero are left out.
static void count_put(json_t *object, const char *name, uint64_t value)
{
	if (value > 0)
		json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *refused_json(const struct ue_site *site)
{
	json_t *object = json_object();

	for (int i = UE_ACCEPTED + 1; i < UE_REFUSAL_COUNT; i++)
		count_put(object, ue_refusal_name((enum ue_refusal)i), site->refused[i]);
	return object;
}

static json_t *findings_json(const struct ue_site *site)
{
	json_t *object = json_object();

	for (int i = 0; i < UE_FINDING_COUNT; i++)
		count_put(object, ue_finding_name((enum ue_finding)i), site->findings[i]);
	return object;
}

static json_t *malformed_json(const struct ue_site *site)
{
	json_t *object = json_object();

	for (int i = 0; i < MIKEY_STATUS_COUNT; i++)
		count_put(object, mikey_status_name((enum mikey_status)i), site->malformed[i]);
	return object;
}

static json_t *impairment_json(const struct ue_site *site)
{
	const struct ue_impairment *impairment = &site->wire.impairment;

	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "loss", impairment->loss, "duplicate",
		impairment->duplicate, "reorder", impairment->reorder, "delay_ms",
		impairment->delay_us / 1e3, "jitter_ms", impairment->jitter_us / 1e3, "seed",
		(json_int_t)site->seed);
}

json_t *ue_report_status(const struct ue_site *site, const struct ue_now *now)
{
	bool is_quiet = now->mono - site->rate_since > 2000000;
	json_t *object = json_pack("{s:I, s:I, s:I, s:f, s:I}", "phones",
		(json_int_t)site->phones.phone_count, "btids",
		(json_int_t)site->phones.credential_count, "with_msk",
		(json_int_t)site->phones.with_msk, "rate", is_quiet ? 0.0 : site->rate, "under_way",
		(json_int_t)site->wire.count);

	if (object == NULL)
		return NULL;
	for (int i = 0; i < UE_COUNT_COUNT; i++) {
		json_object_set_new(object, ue_count_name((enum ue_count)i),
			json_integer((json_int_t)site->counts[i]));
	}
	json_object_set_new(object, "refused", refused_json(site));
	json_object_set_new(object, "malformed", malformed_json(site));
	json_object_set_new(object, "findings", findings_json(site));
	json_object_set_new(object, "impairment", impairment_json(site));
	json_object_set_new(object, "msks", msks_json(&site->phones));
	if (site->ua != NULL)
		json_object_set_new(object, "ua", ue_ua_report(site->ua));
	if (site->pool != NULL)
		json_object_set_new(object, "connections", ue_pool_report(site->pool));
	if (site->bsf != NULL)
		json_object_set_new(object, "key_source", ue_bsf_report(site->bsf));
	return object;
}

static bool group_equal(const struct ue_msk *a, const struct ue_msk *b)
{
	return a->group == b->group && memcmp(a->kdi, b->kdi, sizeof(a->kdi)) == 0;
}

// RFC 1982 over 16 bits; of two with one number the one that more phones hold.
static bool msk_is_newer(const struct ue_msk *a, const struct ue_msk *b)
{
	if (a->number == b->number)
		return a->phones > b->phones;
	return (uint16_t)(a->number - b->number) < 0x8000;
}

static bool msk_is_newest(const struct ue_phones *phones, const struct ue_msk *msk)
{
	if (msk->phones == 0)
		return false;
	for (uint32_t i = msk_first(phones); i < phones->msk_count; i++) {
		const struct ue_msk *other = &phones->msks[i];

		if (other != msk && other->phones > 0 && group_equal(other, msk) &&
			msk_is_newer(other, msk))
			return false;
	}
	return true;
}

json_t *ue_report_final(const struct ue_site *site, const struct ue_now *now)
{
	json_t *object = ue_report_status(site, now), *groups = json_array();

	for (uint32_t i = msk_first(&site->phones); i < site->phones.msk_count; i++) {
		const struct ue_msk *msk = &site->phones.msks[i];
		json_t *group;

		if (!msk_is_newest(&site->phones, msk))
			continue;
		group = msk_json(msk);
		json_object_set_new(group, "msk", json_hex(msk->key, sizeof(msk->key)));
		json_array_append_new(groups, group);
	}
	json_object_set_new(object, "groups", groups);
	return object;
}

static json_t *credential_json(const struct ue_phones *phones, uint32_t at)
{
	const struct ue_credential *credential;

	if (at == UE_NONE)
		return json_null();
	credential = &phones->credentials[at];
	return json_pack("{s:s%, s:I, s:I, s:b, s:s, s:s, s:s}", "btid", credential->btid,
		(size_t)credential->btid_len, "expires", (json_int_t)credential->expires, "counter",
		(json_int_t)credential->counter, "used", credential->is_used, "keys_in",
		credential->keys_in_uicc ? "uicc" : "me", "services",
		phones->names[credential->services], "registered",
		phones->names[credential->registered]);
}

static json_t *holdings_json(const struct ue_phones *phones, const struct ue_phone *phone)
{
	json_t *list = json_array();

	for (uint32_t at = phone->holding; at != UE_NONE; at = phones->holdings[at].next) {
		const struct ue_holding *holding = &phones->holdings[at];
		json_t *msk = msk_json(&phones->msks[holding->msk]);

		json_object_del(msk, "phones");
		json_object_set_new(msk, "seq_l", json_integer(holding->seq_l));
		json_object_set_new(msk, "seq_u", json_integer(holding->seq_u));
		json_object_set_new(msk, "seq_s", json_integer(holding->seq_s));
		json_array_append_new(list, msk);
	}
	return list;
}

json_t *ue_report_phone(const struct ue_site *site, uint32_t at)
{
	const struct ue_phones *phones = &site->phones;
	const struct ue_phone *phone = &phones->phones[at];
	char address[UE_ADDRESS_TEXT];
	json_t *object;

	ue_address_print(address, &phone->address);
	object = json_pack("{s:s%, s:s, s:i, s:I, s:I, s:I, s:s?, s:o, s:o, s:o}", "impi",
		phone->impi, (size_t)phone->impi_len, "address", address, "port", phone->port,
		"accepted", (json_int_t)phone->accepted, "refused", (json_int_t)phone->refused,
		"solicited", (json_int_t)phone->solicited, "last_refusal",
		phone->last_refusal != UE_ACCEPTED ? ue_refusal_name(phone->last_refusal) : NULL,
		"current", credential_json(phones, phone->current), "previous",
		credential_json(phones, phone->previous), "msks", holdings_json(phones, phone));
	if (site->ua != NULL)
		json_object_set_new(object, "ua", ue_ua_report_phone(site->ua, at));
	return object;
}
