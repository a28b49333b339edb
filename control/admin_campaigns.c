// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders to start and steer campaigns, and their reports.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_campaign_json.h"
#include "cmd.h"
#include "conf.h"
#include "subscriber_json.h"

#define RATE_MAX 100000000
#define LIST_MAX 1000 // newest campaigns that are listed
#define WAIT_MAX_S 3600

// --- Start ----------------------------------------------------------------------------------

static int group_read(
	const struct admin_request *req, struct admin_reply *reply, struct store_group_id *out)
{
	const char *kind = json_string_value(json_object_get(req->body, "kind"));
	const char *group = json_string_value(json_object_get(req->body, "group"));

	if (kind == NULL || strcmp(kind, "push") != 0) {
		admin_error(reply, 400, "bad-value", "kind is to be \"push\".");
		return -EINVAL;
	}
	if (group == NULL || admin_group_text_parse(group, out) != 0) {
		admin_error(reply, 400, "bad-group",
			"A key group is written MCC-MNC/GROUP with four hex digits: 001-01/0001.");
		return -EINVAL;
	}
	return 0;
}

// Waits of the body, or those of the configuration; the last one stands for all that follow.
static int waits_read(
	const struct admin_request *req, struct admin_reply *reply, struct campaign_order *order)
{
	const json_t *waits = json_object_get(req->body, "waits");
	const struct conf_numbers *initial = &req->ctl->conf->campaign.waits_s;
	size_t n = waits == NULL ? initial->n : json_array_size(waits);

	if (n == 0 || n > STORE_SENDS_MAX) {
		admin_error(reply, 400, "bad-value", "waits is to be a list of 1 to %d seconds.",
			STORE_SENDS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < STORE_SENDS_MAX; i++) {
		size_t at = i < n ? i : n - 1;
		const json_t *value = waits == NULL ? NULL : json_array_get(waits, at);
		json_int_t wait =
			waits == NULL ? (json_int_t)initial->value[at] : json_integer_value(value);

		if ((waits != NULL && !json_is_integer(value)) || wait < 0 || wait > WAIT_MAX_S) {
			admin_error(reply, 400, "bad-value", "A wait is to be 0 to %d seconds.",
				WAIT_MAX_S);
			return -EINVAL;
		}
		order->wait_s[i] = (uint16_t)wait;
	}
	return 0;
}

static int numbers_read(
	const struct admin_request *req, struct admin_reply *reply, struct campaign_order *order)
{
	uint64_t sends = req->ctl->conf->campaign.sends, rate = req->ctl->conf->campaign.rate;
	const json_t *is_new = json_object_get(req->body, "new");

	if (admin_body_u64(req, reply, "sends", STORE_SENDS_MAX, &sends) < 0 ||
		admin_body_u64(req, reply, "rate", RATE_MAX, &rate) < 0)
		return -EINVAL;
	if (sends == 0) {
		admin_error(reply, 400, "bad-value", "sends is to be 1 to %d.", STORE_SENDS_MAX);
		return -EINVAL;
	}
	if (is_new != NULL && !json_is_boolean(is_new)) {
		admin_error(reply, 400, "bad-value", "new is to be true or false.");
		return -EINVAL;
	}
	order->sends = (uint8_t)sends;
	order->rate = (uint32_t)rate;
	order->is_msk_new = json_is_true(is_new);
	return 0;
}

static int subscriber_read(
	const struct admin_request *req, struct admin_reply *reply, struct campaign_order *order)
{
	const json_t *value = json_object_get(req->body, "subscriber");
	const char *name = json_string_value(value);
	struct store_reader *r;
	int ret;

	order->only = STORE_ID_NONE;
	if (value == NULL || json_is_null(value))
		return 0;
	if (name == NULL) {
		admin_error(reply, 400, "bad-value", "subscriber is to be an IMPI or a B-TID.");
		return -EINVAL;
	}
	ret = admin_reader_get(req, reply, &r);
	if (ret != 0)
		return ret;
	order->only = subscriber_find(r, name);
	ctl_reader_put(req->ctl, r);
	if (order->only != STORE_ID_NONE)
		return 0;
	admin_error(reply, 404, "unknown-subscriber", "There is no such subscriber.");
	return -ENOENT;
}

static void start_refused(struct admin_reply *reply, int ret, uint32_t id, const char *why)
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
	case -EMFILE:
		admin_error(reply, 409, "too-many-campaigns", "%s.", why);
		break;
	default:
		admin_error_store(reply, ret, "campaign");
		break;
	}
}

static void campaign_reply(
	const struct admin_request *req, struct admin_reply *reply, uint32_t id, unsigned status)
{
	struct campaign_view view;
	struct store_reader *r;
	int ret = ctl_reader_get(req->ctl, &r);

	if (ret == 0) {
		ret = campaign_view(req->ctl, r, id, &view);
		if (ret == 0)
			reply->body = admin_campaign_json(r, &view);
		ctl_reader_put(req->ctl, r);
	}
	reply->status = status;
	if (ret != 0)
		admin_error_store(reply, ret, "campaign");
}

void admin_campaign_start(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {
		"kind", "group", "new", "rate", "sends", "waits", "subscriber", NULL};
	struct campaign_order order = {0};
	char why[256];
	uint32_t id;
	int ret;

	if (admin_body_check(req, reply, names) != 0 || group_read(req, reply, &order.group) != 0 ||
		numbers_read(req, reply, &order) != 0 || waits_read(req, reply, &order) != 0 ||
		subscriber_read(req, reply, &order) != 0)
		return;
	ret = campaign_start(req->ctl, &order, &id, why);
	if (ret != 0)
		start_refused(reply, ret, id, why);
	else
		campaign_reply(req, reply, id, 201);
}

// --- One campaign ---------------------------------------------------------------------------

static int id_read(const struct admin_request *req, struct admin_reply *reply, uint32_t *out)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(req->arg[0], &end, 10);
	if (errno == 0 && *req->arg[0] >= '0' && *req->arg[0] <= '9' && *end == '\0' && value > 0 &&
		value < UINT32_MAX) {
		*out = (uint32_t)value;
		return 0;
	}
	admin_error(reply, 400, "bad-id", "A campaign has a decimal number.");
	return -EINVAL;
}

void admin_campaign_show(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (id_read(req, reply, &id) == 0)
		campaign_reply(req, reply, id, 200);
}

// After an order: the campaign, or why it could not be given.
static void order_reply(
	const struct admin_request *req, struct admin_reply *reply, uint32_t id, int ret)
{
	if (ret != 0 && ret != -ENOENT) {
		admin_error_store(reply, ret, "campaign");
		return;
	}
	campaign_reply(req, reply, id, 200);
	if (ret == -ENOENT && reply->status == 200)
		admin_error(reply, 409, "campaign-closed", "Campaign %u is closed.", id);
}

void admin_campaign_pause(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_pause(req->ctl, id, true));
}

void admin_campaign_resume(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_pause(req->ctl, id, false));
}

void admin_campaign_abort(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_abort(req->ctl, id));
}

void admin_campaign_change(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"rate", NULL};
	uint64_t rate = 0;
	uint32_t id;
	int has;

	if (id_read(req, reply, &id) != 0 || admin_body_check(req, reply, names) != 0)
		return;
	has = admin_body_u64(req, reply, "rate", RATE_MAX, &rate);
	if (has == 1)
		order_reply(req, reply, id, campaign_rate(req->ctl, id, (uint32_t)rate));
	else if (has == 0)
		admin_error(reply, 400, "bad-value", "rate is missing.");
}

// --- Lists ----------------------------------------------------------------------------------

// The newest LIST_MAX campaign numbers in a ring; returns how many.
static size_t newest_collect(const struct store_reader *r, uint32_t ids[LIST_MAX], size_t *next)
{
	struct store_campaign record = {0};
	size_t n = 0;

	while (store_reader_campaign_next(r, record.id, &record) == 0)
		ids[n++ % LIST_MAX] = record.id;
	*next = n % LIST_MAX;
	return n < LIST_MAX ? n : LIST_MAX;
}

void admin_campaigns_list(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t ids[LIST_MAX];
	struct campaign_view view;
	struct store_reader *r;
	size_t n, at;
	json_t *list;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	list = json_array();
	n = newest_collect(r, ids, &at);
	for (size_t i = 0; i < n; i++) {
		at = at == 0 ? LIST_MAX - 1 : at - 1;
		if (campaign_view(req->ctl, r, ids[at], &view) == 0)
			json_array_append_new(list, admin_campaign_json(r, &view));
	}
	ctl_reader_put(req->ctl, r);
	reply->body = json_pack("{s:o}", "campaigns", list);
}
