// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_command.h"

#include "ua_order.h"

static const char no_http[] = "there is no HTTP: --ua";

// A whole number within least..most, when it is there.
static bool integer_read(json_t *args, const char *name, uint32_t most, uint32_t *value)
{
	json_t *number = json_object_get(args, name);
	json_int_t given = json_integer_value(number);

	if (number == NULL)
		return true;
	if (!json_is_integer(number) || given < 0 || given > most)
		return false;
	*value = (uint32_t)given;
	return true;
}

static bool real_read(json_t *args, const char *name, double most, double *value)
{
	json_t *number = json_object_get(args, name);

	if (number == NULL)
		return true;
	*value = json_number_value(number);
	return json_is_number(number) && *value >= 0 && *value <= most;
}

// "groups": ["001-01/0001", ...]
static bool groups_read(json_t *args, struct ue_subject keys[UE_SUBJECTS_MAX], size_t *count)
{
	json_t *list = json_object_get(args, "groups"), *group;
	size_t i;

	*count = 0;
	if (list == NULL)
		return true;
	if (!json_is_array(list) || json_array_size(list) > UE_SUBJECTS_MAX)
		return false;
	json_array_foreach(list, i, group)
	{
		if (!json_is_string(group) ||
			!ue_key_group_parse(&keys[(*count)++], json_string_value(group),
				json_string_length(group)))
			return false;
	}
	return *count > 0;
}

// One phone by "id", or some of all by "first" and "count".
static const char *phones_read(const struct ue_site *site, json_t *args, struct ue_ua_order *order)
{
	uint32_t phone, credential;

	order->count = UINT32_MAX;
	if (json_object_get(args, "id") != NULL) {
		if (!ue_command_find(site, args, &phone, &credential))
			return "no such phone";
		order->first = phone;
		order->count = 1;
	}
	if (!integer_read(args, "first", UINT32_MAX, &order->first) ||
		!integer_read(args, "count", UINT32_MAX, &order->count))
		return "first and count have to be whole numbers";
	return NULL;
}

static const char *order_read(const struct ue_site *site, json_t *args, struct ue_ua_order *order,
	struct ue_subject keys[UE_SUBJECTS_MAX])
{
	const char *cause = phones_read(site, args, order);
	double spread = 0;

	if (cause != NULL)
		return cause;
	if (!real_read(args, "rate", 1e9, &order->rate) || !real_read(args, "spread", 1e6, &spread))
		return "rate is in phones a second, spread in seconds";
	if (!groups_read(args, keys, &order->key_count))
		return "groups is a list of key groups: \"001-01/0001\", or \"001-01/0001:v600\"";
	order->spread_us = (int64_t)(spread * 1e6);
	order->keys = keys;
	return NULL;
}

static json_t *order_run(
	struct ue_site *site, json_t *args, unsigned procedures, const struct ue_now *now)
{
	struct ue_subject keys[UE_SUBJECTS_MAX];
	struct ue_ua_order order = {.procedures = procedures};
	const char *cause = site->ua == NULL ? no_http : order_read(site, args, &order, keys);

	if (cause != NULL)
		return ue_command_error(cause);
	return json_pack("{s:I}", "phones", (json_int_t)ue_ua_order(site->ua, &order, now));
}

json_t *ue_command_register(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	return order_run(site, args, 1u << UE_REGISTER, now);
}

json_t *ue_command_fetch(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	return order_run(site, args, 1u << UE_FETCH, now);
}

json_t *ue_command_join(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	return order_run(site, args, 1u << UE_REGISTER | 1u << UE_FETCH, now);
}

json_t *ue_command_deregister(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	return order_run(site, args, 1u << UE_DEREGISTER, now);
}

json_t *ue_command_bootstrap(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	struct ue_ua_order order = {.first = 0};
	const char *cause = site->ua == NULL ? no_http : phones_read(site, args, &order);
	uint32_t total = site->phones.phone_count, done = 0;

	if (cause != NULL)
		return ue_command_error(cause);
	for (uint32_t i = 0; i < order.count && order.first + i < total; i++)
		done += ue_ua_bootstrap(site->ua, order.first + i, now);
	return json_pack("{s:I}", "phones", (json_int_t)done);
}

json_t *ue_command_miss(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	struct ue_ua_order order = {.first = 0};
	const char *cause = site->ua == NULL ? no_http : phones_read(site, args, &order);
	json_t *group = json_object_get(args, "group");
	uint32_t number = 0, done = 0;
	struct ue_subject key;

	if (cause == NULL &&
		(!json_is_string(group) ||
			!ue_key_group_parse(
				&key, json_string_value(group), json_string_length(group)) ||
			!integer_read(args, "number", UINT16_MAX, &number)))
		cause = "group is a key group, number the Key Number that is not known";
	if (cause != NULL)
		return ue_command_error(cause);
	key.number = (uint16_t)number;
	for (; done < order.count && order.first + done < site->phones.phone_count; done++)
		ue_ua_miss(site->ua, order.first + done, &key, now);
	return json_pack("{s:I}", "phones", (json_int_t)done);
}

json_t *ue_command_key_source(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	const char *mood = json_string_value(json_object_get(args, "answers"));

	(void)now;
	if (site->bsf == NULL)
		return ue_command_error("there is no key source: --key-source");
	for (int i = 0; mood != NULL && i < UE_BSF_MOOD_COUNT; i++) {
		if (strcmp(mood, ue_bsf_mood_name((enum ue_bsf_mood)i)) == 0) {
			ue_bsf_mood_set(site->bsf, (enum ue_bsf_mood)i);
			return json_pack("{s:b}", "ok", 1);
		}
	}
	return ue_command_error("answers: truthful, busy, not-authorised or not-known");
}
