// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "dump.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static void set_int(json_t *object, const char *key, json_int_t value)
{
	json_object_set_new(object, key, json_integer(value));
}

static void set_hex(json_t *object, const char *key, struct mikey_bytes bytes)
{
	char *hex = hex_write(bytes.data, bytes.len);

	set_text(object, key, hex);
	explicit_bzero(hex, strlen(hex));
	free(hex);
}

static void set_number(json_t *object, const char *key, int digits, uint32_t value)
{
	char hex[16];

	snprintf(hex, sizeof(hex), "%0*x", digits, value);
	set_text(object, key, hex);
}

static void set_key_id(json_t *object, const struct mikey_view *view)
{
	char domain[8];

	if (view->has_kdi) {
		mikey_kdi_to_text(domain, view->id.kdi);
		set_text(object, "key_domain", domain);
		set_hex(object, "key_domain_id",
			(struct mikey_bytes){view->id.kdi, MIKEY_KDI_BYTES});
	}
	if (view->has_msk_id) {
		set_number(object, "key_group", 4, view->id.group);
		set_number(object, "key_number", 4, view->id.number);
		set_int(object, "msk_id_bytes", view->msk_id_bytes);
	}
	if (view->id.has_mtk_id)
		set_number(object, "mtk_id", 2 * view->id.mtk_id_bytes, view->id.mtk_id);
}

static bool is_printable(struct mikey_bytes bytes)
{
	for (uint16_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
			return false;
	return true;
}

static void set_identities(json_t *object, const struct mikey_view *view)
{
	json_t *array = json_array();

	for (uint8_t i = 0; i < view->identity_count; i++) {
		struct mikey_bytes id = view->identity[i];
		json_t *item = json_object();

		set_text(item, "type", mikey_id_type_name(view->identity_type[i]));
		set_hex(item, "hex", id);
		if (is_printable(id))
			json_object_set_new(
				item, "text", json_stringn((const char *)id.data, id.len));
		json_array_append_new(array, item);
	}
	json_object_set_new(object, "identities", array);
}

static void set_policy(json_t *object, const struct mikey_view *view)
{
	json_t *params = json_object();

	set_int(object, "policies", view->policy_count);
	for (uint8_t i = 0; i < view->policy.param_count; i++) {
		const struct mikey_sp_param *param = &view->policy.param[i];
		uint16_t len =
			param->len < sizeof(param->value) ? param->len : sizeof(param->value);
		char type[4];

		snprintf(type, sizeof(type), "%u", param->type);
		set_hex(params, type, (struct mikey_bytes){param->value, len});
	}
	set_int(object, "policy", view->policy.policy);
	json_object_set_new(object, "policy_params", params);
}

static void set_seal(json_t *object, const struct message *message, const struct mikey_view *view)
{
	struct mikey_bytes mac = {message->data + view->mac.off, view->mac.len};

	if (view->has_kemac) {
		set_text(object, "encr_alg", mikey_encr_alg_name(view->encr_alg));
		set_hex(object, "encr", view->encr);
	}
	if (!view->has_kemac && !view->has_v)
		return;
	set_text(object, "mac_alg", mikey_mac_alg_name(view->mac_alg));
	set_hex(object, "mac", mac);
}

static void set_key_data(json_t *object, const struct unsealed *u)
{
	struct mikey_key_data kd;
	enum mikey_status status = mikey_key_data_parse(u->plain, u->plain_len, &kd);

	set_text(object, "key_data_verdict", mikey_status_name(status));
	if (status != MIKEY_OK)
		return;
	set_text(object, "key_type", mikey_key_type_name(kd.type));
	set_hex(object, "key", kd.key);
	if (kd.salt.len > 0)
		set_hex(object, "salt", kd.salt);
	if (kd.spi.len > 0)
		set_hex(object, "spi", kd.spi);
	if (kd.kv == MIKEY_KV_INTERVAL) {
		set_hex(object, "valid_from", kd.valid_from);
		set_hex(object, "valid_to", kd.valid_to);
	}
}

static void set_unsealed(json_t *object, const struct mikey_view *view, const struct unsealed *u)
{
	if (u->verdict >= UNSEAL_BAD_MAC)
		json_object_set_new(
			object, "mac_holds", json_boolean(u->verdict != UNSEAL_BAD_MAC));
	if (view->has_v && u->verdict >= UNSEAL_GOOD_MAC)
		set_int(object, "timestamp_bytes", u->verdict == UNSEAL_GOOD_MAC_TS64 ? 8 : 4);
	if (u->plain != NULL)
		set_key_data(object, u);
}

static void set_message(
	json_t *object, const struct message *message, const struct mikey_view *view)
{
	set_text(object, "kind", mikey_kind_name(mikey_view_kind(view)));
	set_text(object, "data_type", mikey_data_type_name(view->data_type));
	json_object_set_new(object, "v", json_boolean(view->wants_verification));
	set_number(object, "csb_id", 8, view->csb_id);
	set_int(object, "cs_count", view->cs_count);
	set_text(object, "map", mikey_map_type_name(view->map_type));
	if (view->cs_map.len > 0)
		set_hex(object, "map_info", view->cs_map);
	set_key_id(object, view);
	if (view->has_t) {
		set_text(object, "ts_type", mikey_ts_type_name(view->ts_type));
		set_hex(object, "ts", view->ts);
	}
	if (view->has_t && view->ts_type == MIKEY_TS_COUNTER)
		set_int(object, "counter", view->counter);
	if (view->has_rand)
		set_hex(object, "rand", view->rand);
	set_identities(object, view);
	if (view->policy_count > 0)
		set_policy(object, view);
	set_seal(object, message, view);
	if (view->has_err)
		set_text(object, "error", mikey_error_name(view->error_no));
}

void json_print(const struct message *message, enum mikey_status status,
	const struct mikey_view *view, const struct unsealed *u)
{
	json_t *object = json_object();

	set_int(object, "number", message->number);
	if (message->when != NULL) {
		set_text(object, "time", message->when);
		set_text(object, "path", message->path);
	}
	set_int(object, "octets", (json_int_t)message->len);
	set_text(object, "verdict", mikey_status_name(status));
	if (status == MIKEY_OK) {
		set_message(object, message, view);
		set_unsealed(object, view, u);
	} else {
		set_text(object, "text", mikey_status_text(status));
	}
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}
