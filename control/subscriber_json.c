// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "subscriber_json.h"

#include "admin.h"

#include <arpa/inet.h>

#include <string.h>

store_id subscriber_find(const struct store_reader *r, const char *name)
{
	store_id id;

	if (strlen(name) > STORE_NAI_MAX)
		return STORE_ID_NONE;
	id = store_reader_find_impi(r, name);
	return id != STORE_ID_NONE ? id : store_reader_find_btid(r, name);
}

json_t *subscriber_address_json(const struct store_addr *addr)
{
	static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const struct store_addr none;
	char text[INET6_ADDRSTRLEN];

	if (memcmp(addr, &none, sizeof(none)) == 0)
		return json_null();
	if (memcmp(addr->byte, v4_mapped, sizeof(v4_mapped)) == 0)
		inet_ntop(AF_INET, addr->byte + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr->byte, text, sizeof(text));
	return json_string(text);
}

static json_t *set_json(const struct store_reader *r, store_set set)
{
	store_service_id ids[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, ids);
	json_t *names = json_array();

	for (size_t i = 0; i < n; i++) {
		struct store_service service;

		if (store_reader_service(r, ids[i], &service) == 0)
			json_array_append_new(names, json_string(service.name));
	}
	return names;
}

static void previous_add(json_t *object, const struct store_reader *r, store_id id)
{
	struct store_prev prev;
	bool has_prev = store_reader_prev(r, id, &prev) == 0;

	json_object_set_new(object, "prev_btid", has_prev ? json_string(prev.btid) : json_null());
	json_object_set_new(
		object, "prev_expires", has_prev ? admin_time_s(prev.expires) : json_null());
	explicit_bzero(&prev, sizeof(prev));
}

json_t *subscriber_damaged_json(const struct store_reader *r, store_id id)
{
	struct store_subscriber sub;
	json_t *object;

	store_reader_subscriber(r, id, &sub);
	object = json_pack("{s:I, s:o, s:b}", "id", (json_int_t)id, "impi",
		sub.impi[0] != '\0' ? json_string(sub.impi) : json_null(), "is_damaged", true);
	explicit_bzero(&sub, sizeof(sub));
	return object;
}

json_t *subscriber_json(const struct store_reader *r, store_id id, int64_t now_s)
{
	struct store_subscriber sub;
	bool has_muk;
	json_t *object;

	if (store_reader_subscriber(r, id, &sub) != 0)
		return NULL;
	has_muk = (sub.flags & STORE_HAS_MUK) != 0;
	object = json_pack("{s:I, s:s, s:o, s:b, s:b, s:o, s:b, s:o, s:i, s:s, s:o, s:o, s:b}",
		"id", (json_int_t)id, "impi", sub.impi, "btid",
		has_muk ? json_string(sub.btid) : json_null(), "has_muk", has_muk, "has_mrk",
		(sub.flags & STORE_HAS_MRK) != 0, "expires",
		has_muk ? admin_time_s(sub.expires) : json_null(), "is_expired",
		has_muk && (int64_t)sub.expires <= now_s, "address",
		subscriber_address_json(&sub.addr), "port", (int)sub.port, "keys_in",
		sub.flags & STORE_IN_UICC ? "uicc" : "me", "services", set_json(r, sub.authorised),
		"registered", set_json(r, sub.registered), "is_verified",
		(sub.flags & STORE_MUK_VERIFIED) != 0);
	explicit_bzero(&sub, sizeof(sub));
	if (object != NULL)
		previous_add(object, r, id);
	return object;
}
