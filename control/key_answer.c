// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "key_answer.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "csv_row.h"
#include "ua_hash.h"

// Ua security protocol identifier of MBMS (TS 33.220 Annex H).
static const uint8_t ua_id[5] = {0x01, 0x00, 0x00, 0x00, 0x01};

size_t key_question_write(const char *btid, const char *fqdn, char out[KEY_QUESTION_MAX])
{
	uint8_t naf_id[CONF_TEXT_MAX + sizeof(ua_id)];
	char hex[2 * sizeof(naf_id) + 1];
	size_t len = strlen(fqdn);
	json_t *question;

	memcpy(naf_id, fqdn, len);
	memcpy(naf_id + len, ua_id, sizeof(ua_id));
	len += sizeof(ua_id);
	ua_hex_write(hex, naf_id, len);
	hex[2 * len] = '\0';
	question = json_pack("{s:s, s:s}", "btid", btid, "naf_id", hex);
	// A B-TID that is no UTF-8 cannot be asked for.
	len = question == NULL ? 0 : json_dumpb(question, out, KEY_QUESTION_MAX, JSON_COMPACT);
	json_decref(question);
	return len <= KEY_QUESTION_MAX ? len : 0;
}

static bool error_is(const json_t *body, const char *word)
{
	const char *error = json_string_value(json_object_get(body, "error"));

	return error != NULL && strcmp(error, word) == 0;
}

static struct csv_text text_at(const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);

	return (struct csv_text){json_string_value(value), json_string_length(value)};
}

// 1: there is a key, 0: there is none, -1: it is malformed.
static int key_at(const json_t *body, const char *name, struct store_secret32 *out)
{
	struct csv_text text = text_at(body, name);

	if (json_object_get(body, name) == NULL)
		return 0;
	return text.data != NULL && ua_hex_read(text.data, text.len, out->byte, 32) == 0 ? 1 : -1;
}

// Keys in the UICC when the source says so, or gives a key for it and says nothing.
static const char *place_read(const json_t *body, bool has_int, struct key_answer *out)
{
	struct csv_text keys_in = text_at(body, "keys_in");

	out->is_in_uicc = has_int;
	if (json_object_get(body, "keys_in") == NULL)
		return NULL;
	if (keys_in.data == NULL ||
		(strcmp(keys_in.data, "me") != 0 && strcmp(keys_in.data, "uicc") != 0))
		return "keys_in is neither me nor uicc";
	out->is_in_uicc = strcmp(keys_in.data, "uicc") == 0;
	return out->is_in_uicc && !has_int ? "keys in the UICC without ks_int_naf" : NULL;
}

static const char *keys_read(struct gba *gba, const json_t *body, struct key_answer *out)
{
	struct store_secret32 ks, ks_ext, ks_int;
	int me = key_at(body, "ks_naf", &ks), ext = key_at(body, "ks_ext_naf", &ks_ext);
	int internal = key_at(body, "ks_int_naf", &ks_int);
	const char *why = place_read(body, internal == 1, out);

	if (me < 0 || ext < 0 || internal < 0)
		why = "a key is not 64 hex digits";
	else if (me + ext != 1 || (internal == 1 && ext != 1))
		why = "neither ks_naf nor ks_ext_naf, or keys that exclude each other";
	if (why == NULL && out->is_in_uicc)
		gba_derive_uicc(ks_ext.byte, ks_int.byte, out->muk.byte, out->mrk.byte);
	else if (why == NULL &&
		gba_derive_me(gba, me ? ks.byte : ks_ext.byte, out->muk.byte, out->mrk.byte) != 0)
		why = "the keys could not be derived";
	explicit_bzero(&ks, sizeof(ks));
	explicit_bzero(&ks_ext, sizeof(ks_ext));
	explicit_bzero(&ks_int, sizeof(ks_int));
	return why;
}

static const char *times_read(const json_t *body, uint32_t max_age_s, struct key_answer *out)
{
	struct csv_text expires = text_at(body, "expires"), created = text_at(body, "created");
	uint32_t created_s;

	if (expires.data == NULL || csv_cell_time(expires, &out->expires) != 0)
		return "expires is no time";
	if (json_object_get(body, "created") == NULL && max_age_s == 0)
		return NULL;
	if (created.data == NULL || csv_cell_time(created, &created_s) != 0)
		return "created is no time";
	if (max_age_s != 0 && (uint64_t)created_s + max_age_s < out->expires)
		out->expires = created_s + max_age_s;
	return NULL;
}

static const char *services_read(const json_t *body, struct key_answer *out)
{
	const json_t *list = json_object_get(body, "services"), *name;
	size_t i;

	if (list == NULL)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > KEY_SERVICES_MAX)
		return "services is no list of names, or too long";
	out->has_services = true;
	json_array_foreach(list, i, name)
	{
		size_t len = json_string_length(name);

		if (!json_is_string(name) || len == 0 || len > STORE_NAME_MAX)
			return "services is no list of names, or too long";
		memcpy(out->service[i], json_string_value(name), len + 1);
		out->services++;
	}
	return NULL;
}

static const char *known_read(
	struct gba *gba, const json_t *body, uint32_t max_age_s, struct key_answer *out)
{
	struct csv_text gba_type = text_at(body, "gba_type"), impi = text_at(body, "impi");
	const char *why;

	if (impi.data == NULL || csv_cell_nai(impi, out->impi) != 0)
		return "impi is no NAI";
	if (json_object_get(body, "gba_type") != NULL &&
		(gba_type.data == NULL ||
			(strcmp(gba_type.data, "3g") != 0 && strcmp(gba_type.data, "2g") != 0)))
		return "gba_type is neither 3g nor 2g";
	why = times_read(body, max_age_s, out);
	if (why == NULL)
		why = services_read(body, out);
	return why != NULL ? why : keys_read(gba, body, out);
}

// NULL, or what makes no sense.
static const char *verdict_read(struct gba *gba, long status, const json_t *body,
	uint32_t max_age_s, struct key_answer *out)
{
	if (!json_is_object(body))
		return "the answer is no JSON object";
	if (status == 404 && error_is(body, "not-known")) {
		out->verdict = KEY_NOT_KNOWN;
		return NULL;
	}
	if (status == 403 && error_is(body, "not-authorised")) {
		out->verdict = KEY_NOT_AUTHORISED;
		return NULL;
	}
	if (status == 503 && error_is(body, "busy"))
		return "busy";
	if (status != 200)
		return "neither an answer nor an error of ours";
	out->verdict = KEY_KNOWN;
	return known_read(gba, body, max_age_s, out);
}

// The strings of a JSON value are freed as they are.
static void keys_wipe(json_t *body)
{
	static const char *const names[] = {"ks_naf", "ks_ext_naf", "ks_int_naf"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *value = json_object_get(body, names[i]);

		if (json_is_string(value))
			explicit_bzero((void *)(uintptr_t)json_string_value(value),
				json_string_length(value));
	}
}

void key_answer_read(struct gba *gba, long status, const char *body, size_t len, uint32_t max_age_s,
	struct key_answer *out, const char **why)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);

	memset(out, 0, sizeof(*out));
	*why = verdict_read(gba, status, json, max_age_s, out);
	keys_wipe(json);
	json_decref(json);
	if (*why == NULL)
		return;
	explicit_bzero(out, sizeof(*out));
	out->verdict = KEY_BUSY;
}
