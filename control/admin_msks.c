// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MSKs of a key group. A key is never shown: its check value is.

#include <errno.h>
#include <string.h>

#include "admin.h"
#include "bearer.h"
#include "campaign.h"
#include "log.h"
#include "msk.h"

static const char *const states[] = {[STORE_MSK_NEXT] = "next",
	[STORE_MSK_CURRENT] = "current",
	[STORE_MSK_RETIRED] = "retired"};

// In the old encoding the MSK ID is the Key Number alone.
static json_t *msk_id_json(const struct store_msk *msk, unsigned profile)
{
	if (profile == STORE_PROFILE_V600)
		return admin_hex_u32(msk->number, 4);
	return admin_hex_u32((uint32_t)msk->group.group << 16 | msk->number, 8);
}

static json_t *msk_json(const struct store_msk *msk, unsigned profile)
{
	char check[MSK_CHECK_TEXT];

	msk_check_text(&msk->key, check);
	return json_pack("{s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:i, s:i, s:s, s:o, s:o}", "group",
		admin_group_json(&msk->group), "number", admin_hex_u32(msk->number, 4), "msk_id",
		msk_id_json(msk, profile), "state",
		msk->state <= STORE_MSK_RETIRED ? states[msk->state] : "unknown", "is_released",
		msk->is_released, "csb_id", admin_hex_u32(msk->csb_id, 8), "rand",
		admin_hex(msk->rand, sizeof(msk->rand)), "seq_l", msk->seq_l, "seq_u", msk->seq_u,
		"check", check, "created", admin_time_s(msk->created), "activated",
		admin_time_s(msk->activated));
}

// The group of the path, as it stands in the store; the reply holds the error otherwise.
static int group_get(
	const struct admin_request *req, struct admin_reply *reply, struct store_group *out)
{
	struct store_group_id id;
	struct store_reader *r;
	int ret;

	if (admin_group_arg(req, reply, &id) != 0)
		return -EINVAL;
	ret = admin_reader_get(req, reply, &r);
	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &id, out);
	ctl_reader_put(req->ctl, r);
	if (ret == -ENOENT)
		admin_error(reply, 404, "unknown-group", "There is no key group %s/%s.",
			req->arg[0], req->arg[1]);
	else if (ret != 0)
		admin_error_store(reply, ret, "store");
	return ret;
}

void admin_msks_list(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group group;
	struct store_msk msk;
	struct store_reader *r;
	uint16_t after = 0;
	json_t *list;

	if (group_get(req, reply, &group) != 0 || admin_reader_get(req, reply, &r) != 0)
		return;
	list = json_array();
	while (store_reader_msk_next(r, &group.id, after, &msk) == 0) {
		json_array_append_new(list, msk_json(&msk, group.profile));
		after = msk.number;
	}
	explicit_bzero(&msk, sizeof(msk));
	ctl_reader_put(req->ctl, r);
	reply->body = json_pack("{s:o}", "msks", list);
}

void admin_msk_new(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"seq_l", "seq_u", NULL};
	uint64_t seq_l = 0, seq_u = UINT16_MAX;
	struct store_group group;
	struct store_msk msk;
	int ret;

	if (admin_body_check(req, reply, names) != 0 ||
		admin_body_u64(req, reply, "seq_l", UINT16_MAX, &seq_l) < 0 ||
		admin_body_u64(req, reply, "seq_u", UINT16_MAX, &seq_u) < 0 ||
		group_get(req, reply, &group) != 0)
		return;
	if (seq_l > seq_u) {
		admin_error(reply, 400, "bad-value",
			"seq_l is to be at most seq_u: phones delete an MSK without valid MTK "
			"IDs.");
		return;
	}
	ret = msk_new(req->ctl, &group.id, (uint16_t)seq_l, (uint16_t)seq_u, &msk);
	if (ret == -EBUSY) {
		admin_error(reply, 409, "next-lives",
			"The key group has a next MSK: a phone keeps two. Activate it first.");
		return;
	}
	if (ret == -ENOSPC && group.last_key_number == UINT16_MAX) {
		admin_error(
			reply, 409, "no-key-numbers", "The key group has used all Key Numbers.");
		return;
	}
	if (ret != 0) {
		admin_error_store(reply, ret, "MSK");
		return;
	}
	log_info("msk-new", "group=%04x number=%04x", group.id.group, msk.number);
	reply->status = 201;
	reply->body = msk_json(&msk, group.profile);
	explicit_bzero(&msk, sizeof(msk));
}

// How an MSK is to follow the current one.
struct activation_order {
	enum bearer_switch how;
	uint64_t percent;
	bool is_dry;
};

static int activation_read(
	const struct admin_request *req, struct admin_reply *reply, struct activation_order *order)
{
	static const char *const names[] = {"percent", "now", "cancel", "dry_run", NULL};
	bool is_now = false, is_cancel = false;

	order->percent = BEARER_PERCENT;
	if (admin_body_check(req, reply, names) != 0 ||
		admin_body_bool(req, reply, "now", &is_now) != 0 ||
		admin_body_bool(req, reply, "cancel", &is_cancel) != 0 ||
		admin_body_bool(req, reply, "dry_run", &order->is_dry) != 0 ||
		admin_body_u64(req, reply, "percent", 100, &order->percent) < 0)
		return -EINVAL;
	if (order->percent == 0)
		is_now = true;
	order->how = is_cancel ? BEARER_SWITCH_CANCEL
		: is_now       ? BEARER_SWITCH_NOW
			       : BEARER_SWITCH_WAIT;
	return 0;
}

// Who would have to fetch it, were it used now.
static void share_add(
	struct ctl *ctl, json_t *body, const struct store_group_id *group, uint16_t number)
{
	struct rotation_share share;

	if (rotation_share_count(ctl, group, number, &share) != 0)
		return;
	json_object_update_new(body,
		json_pack("{s:I, s:I, s:I}", "members", (json_int_t)share.members, "have",
			(json_int_t)share.have, "would_pull",
			(json_int_t)(share.members - share.have)));
}

static void activation_error(struct admin_reply *reply, enum bearer_switch how, int ret)
{
	enum mtk_wait wait = ret == -EKEYREVOKED ? MTK_WAIT_REVOKED
		: ret == -EKEYREJECTED		 ? MTK_WAIT_RESTORED
		: ret == -EKEYEXPIRED		 ? MTK_WAIT_USED_UP
						 : MTK_WAIT_NONE;

	if (how == BEARER_SWITCH_CANCEL && (ret == -ENOENT || ret == -ENOLINK))
		admin_error(reply, 409, "not-waiting",
			"Nothing waits for that MSK: it comes into use already, or was not to.");
	else if (ret == -EBUSY)
		admin_error(reply, 409, "not-next", "Only a next MSK can be activated.");
	else if (wait != MTK_WAIT_NONE)
		admin_error(reply, 409, mtk_wait_name(wait), "%s.", mtk_wait_text(wait));
	else
		admin_error_store(reply, ret, "MSK");
}

static bool msk_is_revoked(struct ctl *ctl, const struct store_group_id *group, uint16_t number)
{
	struct store_msk msk;
	struct store_reader *r;
	bool is_revoked;

	if (ctl_reader_get(ctl, &r) != 0)
		return false;
	is_revoked = store_reader_msk(r, group, number, &msk) == 0 && msk.seq_l > msk.seq_u;
	ctl_reader_put(ctl, r);
	explicit_bzero(&msk, sizeof(msk));
	return is_revoked;
}

// No MTKs are sent: there is nothing that phones without the MSK would miss.
static void msk_activate_now(const struct admin_request *req, struct admin_reply *reply,
	const struct store_group *group, uint16_t number)
{
	struct store_msk msk;
	int ret = msk_is_revoked(req->ctl, &group->id, number)
		? -EKEYREVOKED
		: msk_activate(req->ctl, &group->id, number, &msk);

	if (ret != 0) {
		activation_error(reply, BEARER_SWITCH_NOW, ret);
		return;
	}
	log_info("msk-activated", "group=%04x number=%04x", group->id.group, number);
	reply->body = msk_json(&msk, group->profile);
	explicit_bzero(&msk, sizeof(msk));
}

static void msk_show(const struct admin_request *req, struct admin_reply *reply,
	const struct store_group *group, uint16_t number)
{
	struct store_msk msk;
	struct store_reader *r;
	int ret;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	ret = store_reader_msk(r, &group->id, number, &msk);
	ctl_reader_put(req->ctl, r);
	if (ret != 0) {
		admin_error_store(reply, ret, "MSK");
		return;
	}
	reply->body = msk_json(&msk, group->profile);
	explicit_bzero(&msk, sizeof(msk));
	share_add(req->ctl, reply->body, &group->id, number);
}

void admin_msk_activate(const struct admin_request *req, struct admin_reply *reply)
{
	struct activation_order order = {0};
	struct store_group group;
	uint16_t number;
	int ret;

	if (admin_hex16_parse(req->arg[2], &number) != 0) {
		admin_error(reply, 400, "bad-number", "A Key Number has four hex digits.");
		return;
	}
	if (activation_read(req, reply, &order) != 0 || group_get(req, reply, &group) != 0)
		return;
	if (order.is_dry) {
		msk_show(req, reply, &group, number);
		return;
	}
	ret = bearer_switch(
		req->ctl->bearers, &group.id, number, order.how, (uint8_t)order.percent);
	if (ret == -ENOLINK && order.how != BEARER_SWITCH_CANCEL) {
		msk_activate_now(req, reply, &group, number);
		return;
	}
	if (ret != 0) {
		activation_error(reply, order.how, ret);
		return;
	}
	msk_show(req, reply, &group, number);
	reply->status = reply->status == 200 ? 202 : reply->status;
}

void admin_msk_revoke(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group group;
	struct store_msk msk;
	uint16_t number;
	uint32_t campaign = 0;
	int ret;

	if (admin_hex16_parse(req->arg[2], &number) != 0) {
		admin_error(reply, 400, "bad-number", "A Key Number has four hex digits.");
		return;
	}
	if (group_get(req, reply, &group) != 0)
		return;
	// A campaign that was in the way may have ended before it is named.
	do {
		ret = msk_revoke(req->ctl, &group.id, number, &msk);
		if (ret == -EINPROGRESS)
			campaign = campaigns_of_msk(req->ctl->campaigns, &group.id, number);
	} while (ret == -EINPROGRESS && campaign == 0);
	if (ret == -EINPROGRESS) {
		admin_error(reply, 409, "campaign-running",
			"Campaign %u runs on this key group: abort it first.", campaign);
		return;
	}
	if (ret == -EBUSY) {
		admin_error(reply, 409, "msk-retired", "The MSK is retired.");
		return;
	}
	if (ret != 0) {
		admin_error_store(reply, ret, "MSK");
		return;
	}
	bearers_follow(req->ctl->bearers);
	log_info("msk-revoked", "group=%04x number=%04x", group.id.group, number);
	reply->body = msk_json(&msk, group.profile);
	explicit_bzero(&msk, sizeof(msk));
}
