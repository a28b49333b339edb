// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "command.h"

#include <stdlib.h>

#include "csv.h"
#include "ua_command.h"

json_t *ue_command_error(const char *cause)
{
	return json_pack("{s:s}", "error", cause);
}

bool ue_command_find(
	const struct ue_site *site, json_t *args, uint32_t *phone, uint32_t *credential)
{
	const struct ue_phones *phones = &site->phones;
	json_t *id = json_object_get(args, "id");
	const char *text = json_string_value(id);
	size_t len = json_string_length(id);

	if (text == NULL)
		return false;
	*credential = ue_credential_find(phones, text, len);
	if (*credential != UE_NONE) {
		*phone = phones->credentials[*credential].phone;
		return true;
	}
	*phone = ue_phone_find(phones, text, len);
	if (*phone == UE_NONE)
		return false;
	*credential = phones->phones[*phone].current;
	return true;
}

static json_t *do_phone(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	uint32_t phone, credential;

	(void)now;
	if (!ue_command_find(site, args, &phone, &credential))
		return ue_command_error("no such phone");
	return ue_report_phone(site, phone);
}

static json_t *do_forget(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	uint32_t phone, credential;

	(void)now;
	if (!ue_command_find(site, args, &phone, &credential))
		return ue_command_error("no such phone");
	return json_pack("{s:i}", "forgotten", (int)ue_holding_forget(&site->phones, phone));
}

static json_t *do_status(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	(void)args;
	return ue_report_status(site, now);
}

static json_t *do_report(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	(void)args;
	return ue_report_final(site, now);
}

// What "set" may change about a phone, read and checked before anything is changed.
struct change {
	uint8_t muk[UE_KEY_BYTES];
	struct ue_address address;
	int64_t counter;
	int64_t expires;
	bool has_muk;
	bool has_address;
	bool has_counter;
	bool has_expires;
};

static const char *change_read(json_t *args, struct change *change)
{
	json_t *muk = json_object_get(args, "muk"), *address = json_object_get(args, "address");
	json_t *counter = json_object_get(args, "counter");
	json_t *expires = json_object_get(args, "expires");

	change->has_muk = muk != NULL;
	change->has_address = address != NULL;
	change->has_counter = counter != NULL;
	change->has_expires = expires != NULL;
	change->counter = json_integer_value(counter);
	change->expires = json_integer_value(expires);
	if (muk != NULL &&
		!ue_hex_get(
			change->muk, UE_KEY_BYTES, json_string_value(muk), json_string_length(muk)))
		return "muk has to be 64 hexadecimal digits";
	if (address != NULL && json_string_length(address) > 0 &&
		!ue_address_parse(
			&change->address, json_string_value(address), json_string_length(address)))
		return "address has to be an IP address, or empty";
	if (counter != NULL &&
		(!json_is_integer(counter) || change->counter < 0 || change->counter > UINT32_MAX))
		return "counter has to be within 0..4294967295";
	if (expires != NULL && !json_is_integer(expires))
		return "expires has to be Unix seconds";
	return NULL;
}

static json_t *phone_set(struct ue_site *site, json_t *args)
{
	struct change change = {.has_muk = false};
	struct ue_credential *credential;
	uint32_t phone, at;
	const char *cause;

	if (!ue_command_find(site, args, &phone, &at))
		return ue_command_error("no such phone");
	cause = change_read(args, &change);
	if (cause == NULL && at == UE_NONE &&
		(change.has_muk || change.has_counter || change.has_expires))
		cause = "the phone has no MUK";
	if (cause == NULL && change.has_address) {
		if (ue_phone_move(&site->phones, phone, &change.address) != 0)
			cause = "out of memory";
		else
			site->phones.phones[phone].has_moved = true;
	}
	if (cause != NULL)
		return ue_command_error(cause);
	if (at != UE_NONE) {
		credential = &site->phones.credentials[at];
		if (change.has_muk)
			memcpy(credential->muk, change.muk, sizeof(credential->muk));
		if (change.has_counter)
			credential->counter = (uint32_t)change.counter;
		if (change.has_expires)
			credential->expires = change.expires;
	}
	explicit_bzero(&change, sizeof(change));
	return ue_report_phone(site, phone);
}

// Reads a number within 0..most, when it is there.
static bool number_set(json_t *args, const char *name, double most, double *value)
{
	json_t *number = json_object_get(args, name);

	if (number == NULL)
		return true;
	*value = json_number_value(number);
	return json_is_number(number) && *value >= 0 && *value <= most;
}

static json_t *wire_set(struct ue_site *site, json_t *args)
{
	struct ue_impairment impairment = site->wire.impairment;
	double delay = impairment.delay_us / 1e3, jitter = impairment.jitter_us / 1e3;

	if (!number_set(args, "loss", 100, &impairment.loss) ||
		!number_set(args, "duplicate", 100, &impairment.duplicate) ||
		!number_set(args, "reorder", 100, &impairment.reorder))
		return ue_command_error("loss, duplicate and reorder are percentages");
	if (!number_set(args, "delay", 60000, &delay) ||
		!number_set(args, "jitter", 60000, &jitter))
		return ue_command_error("delay and jitter are milliseconds, at most 60000");
	impairment.delay_us = (uint32_t)(delay * 1e3);
	impairment.jitter_us = (uint32_t)(jitter * 1e3);
	site->wire.impairment = impairment;
	return json_pack("{s:b}", "ok", 1);
}

static json_t *do_set(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	(void)now;
	return json_object_get(args, "id") != NULL ? phone_set(site, args) : wire_set(site, args);
}

static json_t *do_stop(struct ue_site *site, json_t *args, const struct ue_now *now)
{
	(void)site;
	(void)args;
	(void)now;
	return json_pack("{s:b}", "ok", 1);
}

#define ORDER_KEYS "id", "first", "count", "rate", "spread"

static const struct verb {
	const char *name;
	json_t *(*run)(struct ue_site *site, json_t *args, const struct ue_now *now);
	const char *const *keys; // what it understands besides "do", ended by NULL
} verbs[] = {
	{"bootstrap", ue_command_bootstrap, (const char *const[]){"id", "first", "count", NULL}},
	{"deregister", ue_command_deregister, (const char *const[]){ORDER_KEYS, NULL}},
	{"fetch", ue_command_fetch, (const char *const[]){ORDER_KEYS, "groups", NULL}},
	{"forget", do_forget, (const char *const[]){"id", NULL}},
	{"inject", ue_command_inject,
		(const char *const[]){"id", "flaw", "bit", "other", "counter", "count", NULL}},
	{"join", ue_command_join, (const char *const[]){ORDER_KEYS, "groups", NULL}},
	{"key-source", ue_command_key_source, (const char *const[]){"answers", NULL}},
	{"miss", ue_command_miss,
		(const char *const[]){"id", "first", "count", "group", "number", NULL}},
	{"phone", do_phone, (const char *const[]){"id", NULL}},
	{"register", ue_command_register, (const char *const[]){ORDER_KEYS, NULL}},
	{"report", do_report, (const char *const[]){NULL}},
	{"set", do_set,
		(const char *const[]){"id", "muk", "address", "counter", "expires", "loss",
			"duplicate", "reorder", "delay", "jitter", NULL}},
	{"status", do_status, (const char *const[]){NULL}},
	{"stop", do_stop, (const char *const[]){NULL}},
};

static const struct verb *verb_find(json_t *args)
{
	const char *name = json_string_value(json_object_get(args, "do"));

	for (size_t i = 0; name != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static bool keys_are_known(const struct verb *verb, json_t *args)
{
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value)
	{
		const char *const *known = verb->keys;

		while (*known != NULL && strcmp(*known, name) != 0)
			known++;
		if (*known == NULL && strcmp(name, "do") != 0)
			return false;
	}
	return true;
}

json_t *ue_command(
	struct ue_site *site, const char *line, size_t len, const struct ue_now *now, bool *stop)
{
	json_t *args = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *answer;
	const struct verb *verb = verb_find(args);

	if (!json_is_object(args))
		answer = ue_command_error("not a JSON object");
	else if (verb == NULL)
		answer = ue_command_error(
			"do: bootstrap, deregister, fetch, forget, inject, join, key-source, miss, "
			"phone, register, report, set, status or stop");
	else if (!keys_are_known(verb, args))
		answer = ue_command_error("an argument that this verb does not know");
	else
		answer = verb->run(site, args, now);
	if (verb != NULL && verb->run == do_stop && json_object_get(answer, "error") == NULL)
		*stop = true;
	json_decref(args);
	return answer;
}
