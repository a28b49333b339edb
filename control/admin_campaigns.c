// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders to steer campaigns, and their reports.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_campaign_json.h"
#include "cmd.h"

#define LIST_MAX 1000 // newest campaigns that are listed

void admin_campaign_reply(
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

// --- One campaign ---------------------------------------------------------------------------

int admin_campaign_id_read(
	const struct admin_request *req, struct admin_reply *reply, uint32_t *out)
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

	if (admin_campaign_id_read(req, reply, &id) == 0)
		admin_campaign_reply(req, reply, id, 200);
}

// After an order: the campaign, or why it could not be given.
static void order_reply(
	const struct admin_request *req, struct admin_reply *reply, uint32_t id, int ret)
{
	if (ret == -EPERM) {
		admin_error(reply, 409, "campaign-armed",
			"Campaign %u is armed: fire it, or abort it.", id);
		return;
	}
	if (ret != 0 && ret != -ENOENT) {
		admin_error_store(reply, ret, "campaign");
		return;
	}
	admin_campaign_reply(req, reply, id, 200);
	if (ret == -ENOENT && reply->status == 200)
		admin_error(reply, 409, "campaign-closed", "Campaign %u is closed.", id);
}

void admin_campaign_pause(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (admin_campaign_id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_pause(req->ctl, id, true));
}

void admin_campaign_resume(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (admin_campaign_id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_pause(req->ctl, id, false));
}

void admin_campaign_abort(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;

	if (admin_campaign_id_read(req, reply, &id) == 0)
		order_reply(req, reply, id, campaign_abort(req->ctl, id));
}

void admin_campaign_fire(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t id;
	int ret;

	if (admin_campaign_id_read(req, reply, &id) != 0)
		return;
	ret = campaign_fire(req->ctl, id);
	if (ret == -EALREADY)
		admin_error(reply, 409, "not-armed", "Campaign %u is not armed.", id);
	else if (ret == -EKEYREVOKED)
		admin_error(reply, 409, "msk-retired",
			"The MSK of campaign %u was retired: abort it.", id);
	else
		order_reply(req, reply, id, ret);
}

void admin_campaign_change(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"rate", NULL};
	uint32_t id, rate = 0;
	int has;

	if (admin_campaign_id_read(req, reply, &id) != 0 ||
		admin_body_check(req, reply, names) != 0)
		return;
	has = admin_rate_read(req, reply, &rate);
	if (has == 1)
		order_reply(req, reply, id, campaign_rate(req->ctl, id, rate));
	else if (has == 0)
		admin_error(reply, 400, "bad-value", "rate is missing.");
}

// --- Lists ----------------------------------------------------------------------------------

// The newest campaign numbers, limit at most, in a ring; returns how many.
static size_t newest_collect(
	const struct store_reader *r, uint32_t ids[LIST_MAX], size_t limit, size_t *next)
{
	struct store_campaign record = {0};
	size_t n = 0;

	while (store_reader_campaign_next(r, record.id, &record) == 0)
		ids[n++ % limit] = record.id;
	*next = n % limit;
	return n < limit ? n : limit;
}

static int limit_read(const struct admin_request *req, struct admin_reply *reply, uint64_t *limit)
{
	*limit = LIST_MAX;
	if (admin_query_u64(req, reply, "limit", LIST_MAX, limit) < 0)
		return -EINVAL;
	if (*limit > 0)
		return 0;
	admin_error(reply, 400, "bad-value", "limit is 1 to %d.", LIST_MAX);
	return -EINVAL;
}

void admin_campaigns_list(const struct admin_request *req, struct admin_reply *reply)
{
	uint32_t ids[LIST_MAX];
	struct campaign_view view;
	struct store_reader *r;
	uint64_t limit;
	size_t n, at;
	json_t *list;

	if (limit_read(req, reply, &limit) != 0 || admin_reader_get(req, reply, &r) != 0)
		return;
	list = json_array();
	n = newest_collect(r, ids, limit, &at);
	for (size_t i = 0; i < n; i++) {
		at = at == 0 ? limit - 1 : at - 1;
		if (campaign_view(req->ctl, r, ids[at], &view) == 0)
			json_array_append_new(list, admin_campaign_json(r, &view));
	}
	ctl_reader_put(req->ctl, r);
	reply->body = json_pack("{s:o}", "campaigns", list);
}
