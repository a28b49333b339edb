// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders of campaigns, from JSON: what is sent, how fast and when; their start, and their plans.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin_campaign_json.h"
#include "admin_campaign_order.h"
#include "cmd.h"
#include "csv_row.h"

#define WAIT_MAX_S 3600
#define WITHIN_MAX_S (7 * 86400)
#define STOP_AFTER 1000 // members that show whether a campaign works

// --- What is sent ---------------------------------------------------------------------------

static int group_read(struct order_reading *rd)
{
	const char *kind = json_string_value(json_object_get(rd->req->body, "kind"));
	const char *group = json_string_value(json_object_get(rd->req->body, "group"));

	if (kind == NULL || admin_campaign_kind_parse(kind, &rd->order->kind) != 0) {
		admin_error(rd->reply, 400, "bad-value",
			"kind is to be \"push\", \"solicit\" or \"auto\".");
		return -EINVAL;
	}
	if (group == NULL || admin_group_text_parse(group, &rd->order->group) != 0) {
		admin_error(rd->reply, 400, "bad-group",
			"A key group is written MCC-MNC/GROUP with four hex digits: 001-01/0001.");
		return -EINVAL;
	}
	return 0;
}

// Waits of the body, or those of the configuration; the last one stands for all that follow.
static int waits_read(struct order_reading *rd, const char *name,
	const struct conf_numbers *initial, uint16_t wait_s[STORE_SENDS_MAX])
{
	const json_t *waits = json_object_get(rd->req->body, name);
	size_t n = waits == NULL ? initial->n : json_array_size(waits);

	if (n == 0 || n > STORE_SENDS_MAX) {
		admin_error(rd->reply, 400, "bad-value", "%s is to be a list of 1 to %d seconds.",
			name, STORE_SENDS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < STORE_SENDS_MAX; i++) {
		size_t at = i < n ? i : n - 1;
		const json_t *value = waits == NULL ? NULL : json_array_get(waits, at);
		json_int_t wait =
			waits == NULL ? (json_int_t)initial->value[at] : json_integer_value(value);

		if ((waits != NULL && !json_is_integer(value)) || wait < 0 || wait > WAIT_MAX_S) {
			admin_error(rd->reply, 400, "bad-value",
				"A wait of %s is to be 0 to %d seconds.", name, WAIT_MAX_S);
			return -EINVAL;
		}
		wait_s[i] = (uint16_t)wait;
	}
	return 0;
}

int order_count_read(struct order_reading *rd, const char *name, uint64_t most, uint64_t *out)
{
	int has = admin_body_u64(rd->req, rd->reply, name, most, out);

	if (has == 1 && *out == 0) {
		admin_error(rd->reply, 400, "bad-value", "%s is to be 1 to %lu.", name,
			(unsigned long)most);
		return -EINVAL;
	}
	return has < 0 ? has : 0;
}

// Nobody is to think that who does not answer a push will be solicited.
static int solicits_are_apt(struct order_reading *rd)
{
	static const char *const names[] = {"solicits", "solicit_waits", "solicit_previous"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rd->order->kind == STORE_CAMPAIGN_PUSH &&
			json_object_get(rd->req->body, names[i]) != NULL) {
			admin_error(rd->reply, 400, "bad-value",
				"A push solicits nobody: %s goes with solicit, or with auto.",
				names[i]);
			return -EINVAL;
		}
	return 0;
}

static int sends_fit(struct order_reading *rd)
{
	const struct campaign_order *order = rd->order;
	unsigned all = (order->kind == STORE_CAMPAIGN_SOLICIT ? 0 : order->sends) +
		(order->kind == STORE_CAMPAIGN_PUSH ? 0 : order->solicits + order->is_previous);

	if (all <= STORE_SENDS_MAX)
		return 0;
	admin_error(rd->reply, 400, "bad-value",
		"sends and solicits are to be %d together, at most.", STORE_SENDS_MAX);
	return -EINVAL;
}

static int sends_read(struct order_reading *rd)
{
	uint64_t sends = rd->initial.sends, solicits = rd->initial.solicits;

	if (solicits_are_apt(rd) != 0 ||
		order_count_read(rd, "sends", STORE_SENDS_MAX, &sends) != 0 ||
		order_count_read(rd, "solicits", STORE_SENDS_MAX - 1, &solicits) != 0 ||
		admin_body_bool(rd->req, rd->reply, "new", &rd->order->is_msk_new) != 0 ||
		admin_body_bool(rd->req, rd->reply, "solicit_previous", &rd->order->is_previous) !=
			0 ||
		waits_read(rd, "waits", &rd->initial.waits_s, rd->order->wait_s) != 0 ||
		waits_read(rd, "solicit_waits", &rd->initial.solicit_waits_s,
			rd->order->solicit_wait_s) != 0)
		return -EINVAL;
	// Who starts a campaign does not make keys by that.
	if (rd->order->is_msk_new && admin_role_check(rd->req, rd->reply, ADMIN_KEYS) != 0)
		return -EACCES;
	rd->order->sends = (uint8_t)sends;
	rd->order->solicits = (uint8_t)solicits;
	return sends_fit(rd);
}

// The MSK to push, where it is not the newest one: four hex digits.
static int msk_read(struct order_reading *rd)
{
	const json_t *value = json_object_get(rd->req->body, "msk");
	const char *text = json_string_value(value);

	if (value == NULL)
		return 0;
	if (text == NULL || admin_hex16_parse(text, &rd->order->msk_number) != 0 ||
		rd->order->msk_number == 0) {
		admin_error(rd->reply, 400, "bad-value", "msk is to be four hex digits.");
		return -EINVAL;
	}
	if (!rd->order->is_msk_new && rd->order->start_ms == 0)
		return 0;
	admin_error(rd->reply, 400, "bad-value", "msk goes with neither new nor at.");
	return -EINVAL;
}

// --- How fast -------------------------------------------------------------------------------

// A time as RFC 3339 or Unix seconds that is still to come; 0 when there is none.
static int future_read(struct order_reading *rd, const char *name, uint32_t *unix_s)
{
	const char *text = json_string_value(json_object_get(rd->req->body, name));

	*unix_s = 0;
	if (json_object_get(rd->req->body, name) == NULL)
		return 0;
	if (text == NULL || csv_cell_time((struct csv_text){text, strlen(text)}, unix_s) != 0) {
		admin_error(rd->reply, 400, "bad-value",
			"%s is to be a time as 2026-03-01T12:00:00Z.", name);
		return -EINVAL;
	}
	if ((int64_t)*unix_s > (int64_t)time(NULL))
		return 0;
	admin_error(rd->reply, 400, "in-the-past", "%s lies in the past.", name);
	return -EINVAL;
}

// A deadline is a time to stay within.
static int deadline_read(struct order_reading *rd, uint64_t *within)
{
	uint32_t by;
	int ret = future_read(rd, "by", &by);
	bool has_within = *within != 0;

	if (ret != 0 || by == 0)
		return ret;
	*within = (uint64_t)((int64_t)by - (int64_t)time(NULL));
	if (!has_within && *within > 0 && *within <= WITHIN_MAX_S)
		return 0;
	admin_error(
		rd->reply, 400, "bad-value", "by lies at most a week ahead, and excludes within.");
	return -EINVAL;
}

int admin_rate_read(const struct admin_request *req, struct admin_reply *reply, uint32_t *rate)
{
	const json_t *value = json_object_get(req->body, "rate");
	json_int_t n = json_integer_value(value);

	if (value == NULL)
		return 0;
	if (json_is_null(value) || (json_is_integer(value) && n > 0 && n <= ADMIN_RATE_MAX)) {
		*rate = (uint32_t)n;
		return 1;
	}
	admin_error(reply, 400, "bad-value",
		"rate is to be 1 to %d UEs per second, or null for no limit.", ADMIN_RATE_MAX);
	return -EINVAL;
}

static int pace_read(struct order_reading *rd)
{
	uint32_t rate = (uint32_t)rd->initial.rate;
	uint64_t within = 0;
	int has_rate = admin_rate_read(rd->req, rd->reply, &rate);

	if (has_rate < 0 || order_count_read(rd, "within", WITHIN_MAX_S, &within) != 0 ||
		deadline_read(rd, &within) != 0)
		return -EINVAL;
	if (has_rate == 1 && within != 0) {
		admin_error(
			rd->reply, 400, "bad-value", "a rate and a deadline exclude each other.");
		return -EINVAL;
	}
	rd->order->rate = rate;
	rd->order->within_s = (uint32_t)within;
	return 0;
}

// --- When, and when not to go on ------------------------------------------------------------

static int safety_read(struct order_reading *rd)
{
	uint64_t stop_percent = 0, stop_after = STOP_AFTER;
	uint32_t at;

	if (future_read(rd, "at", &at) != 0 ||
		order_count_read(rd, "stop_if_unverified", 99, &stop_percent) != 0 ||
		order_count_read(rd, "stop_after", UINT32_MAX - 1, &stop_after) != 0)
		return -EINVAL;
	rd->order->start_ms = (uint64_t)at * 1000;
	rd->order->stop_percent = (uint8_t)stop_percent;
	rd->order->stop_after = (uint32_t)stop_after;
	return 0;
}

// --- Ahead ----------------------------------------------------------------------------------

static int arm_read(struct order_reading *rd)
{
	const json_t *value = json_object_get(rd->req->body, "arm");
	const char *what = json_string_value(value);

	if (value == NULL)
		return 0;
	if (what == NULL || (strcmp(what, "keys") != 0 && strcmp(what, "frames") != 0)) {
		admin_error(rd->reply, 400, "bad-value", "arm is to be \"keys\" or \"frames\".");
		return -EINVAL;
	}
	if (rd->order->kind == STORE_CAMPAIGN_AUTO || rd->order->start_ms != 0 ||
		json_object_get(rd->req->body, "by") != NULL) {
		admin_error(rd->reply, 400, "bad-value",
			"Only a push or a solicit can be armed, and none that has to begin at a "
			"time, or to be through by one.");
		return -EINVAL;
	}
	rd->order->is_armed = true;
	rd->order->has_frames = strcmp(what, "frames") == 0;
	return 0;
}

// --- All of it ------------------------------------------------------------------------------

static void order_refused(struct admin_reply *reply, int ret, uint32_t id, const char *why)
{
	switch (ret) {
	case -EBUSY:
		admin_error(reply, 409, id != 0 ? "campaign-running" : "next-lives", "%s.", why);
		if (id != 0)
			json_object_set_new(reply->body, "campaign", json_integer(id));
		break;
	case -ENOENT:
		admin_error(reply, 404, "unknown-group", "%s.", why);
		break;
	case -ENOKEY:
		admin_error(reply, 409, "no-msk", "%s.", why);
		break;
	case -EKEYREVOKED:
		admin_error(reply, 409, "msk-revoked", "%s.", why);
		break;
	case -EMFILE:
		admin_error(reply, 409, "too-many-campaigns", "%s.", why);
		break;
	case -ESTALE:
		admin_error(reply, 404, "unknown-campaign", "%s.", why);
		break;
	case -ETIME:
		admin_error(reply, 409, "area-too-slow", "%s.", why);
		break;
	default:
		admin_error_store(reply, ret, "campaign");
		break;
	}
}

static void order_plan(struct order_reading *rd)
{
	struct campaign_plan *plan = malloc(sizeof(*plan));
	char why[256];
	int ret = plan == NULL ? -ENOMEM : campaign_plan(rd->req->ctl, rd->order, plan, why);

	if (ret != 0)
		order_refused(rd->reply, ret, 0, why);
	else
		rd->reply->body = admin_plan_json(rd->req->ctl, plan);
	free(plan);
}

static void order_start(struct order_reading *rd)
{
	char why[256];
	uint32_t id;
	int ret = campaign_start(rd->req->ctl, rd->order, &id, why);

	if (ret != 0)
		order_refused(rd->reply, ret, id, why);
	else
		admin_campaign_reply(rd->req, rd->reply, id, 201);
}

void admin_campaign_start(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"kind", "group", "new", "rate", "within", "by", "sends",
		"waits", "solicits", "solicit_waits", "solicit_previous", "subscriber",
		"subscribers", "area", "sample", "undelivered_of", "at", "stop_if_unverified",
		"stop_after", "dry_run", "arm", "msk", NULL};
	struct campaign_order order = {0};
	struct order_reading rd = {.req = req, .reply = reply, .order = &order};
	bool is_plan = false;

	ctl_campaign_defaults(req->ctl, &rd.initial);
	if (admin_body_check(req, reply, names) == 0 && group_read(&rd) == 0 &&
		sends_read(&rd) == 0 && pace_read(&rd) == 0 && safety_read(&rd) == 0 &&
		order_choice_read(&rd) == 0 && arm_read(&rd) == 0 && msk_read(&rd) == 0 &&
		admin_body_bool(req, reply, "dry_run", &is_plan) == 0) {
		if (is_plan)
			order_plan(&rd);
		else
			order_start(&rd);
	}
	free(rd.ids);
}
