// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key groups.

#include <errno.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "conf.h"
#include "log.h"

// The shortest B-TID there is in practice: base64 of 16 octets, '@', and a name of one octet.
#define BTID_SHORTEST 26

static const char *const profiles[] = {
	[STORE_PROFILE_TS33246] = "ts33246", [STORE_PROFILE_V600] = "v600"};

static json_t *group_json(const struct store_reader *r, const struct store_group *group)
{
	struct store_msk msk;
	uint16_t after = 0;
	int msks = 0;

	while (r != NULL && store_reader_msk_next(r, &group->id, after, &msk) == 0) {
		after = msk.number;
		msks++;
	}
	explicit_bzero(&msk, sizeof(msk));
	return json_pack("{s:o, s:s, s:o, s:o, s:i}", "group", admin_group_json(&group->id),
		"profile", profiles[group->profile == STORE_PROFILE_V600], "last_key_number",
		admin_hex_u32(group->last_key_number, 4), "created", admin_time_s(group->created),
		"msks", msks);
}

void admin_groups_list(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group group = {0};
	json_t *list = json_array();
	struct store_reader *r;
	int ret = ctl_reader_get(req->ctl, &r);

	if (ret != 0) {
		json_decref(list);
		admin_error_store(reply, ret, "store");
		return;
	}
	while (store_reader_group_next(r, &group.id, &group) == 0)
		json_array_append_new(list, group_json(r, &group));
	ctl_reader_put(req->ctl, r);
	reply->body = json_pack("{s:o}", "groups", list);
}

int admin_group_arg(
	const struct admin_request *req, struct admin_reply *reply, struct store_group_id *out)
{
	if (admin_group_parse(req->arg[0], req->arg[1], out) == 0)
		return 0;
	admin_error(reply, 400, "bad-group",
		"A key group is written MCC-MNC/GROUP with four hex digits: 001-01/0001.");
	return -EINVAL;
}

static int profile_read(const struct admin_request *req, struct admin_reply *reply, uint8_t *out)
{
	static const char *const names[] = {"profile", NULL};
	const json_t *value = json_object_get(req->body, "profile");
	const char *text = json_string_value(value);

	if (admin_body_check(req, reply, names) != 0)
		return -EINVAL;
	*out = STORE_PROFILE_TS33246;
	if (value == NULL)
		return 0;
	for (uint8_t i = 0; i < 2 && text != NULL; i++) {
		if (strcmp(profiles[i], text) != 0)
			continue;
		*out = i;
		return 0;
	}
	admin_error(reply, 400, "bad-profile", "profile is to be ts33246 or v600.");
	return -EINVAL;
}

struct group_change {
	struct ctl *ctl;
	struct store_group group;
};

static int put_job(struct store_txn *txn, void *arg)
{
	struct group_change *change = arg;
	int ret = store_group_put(txn, &change->group);

	if (ret == 0)
		ctl_store_changed(change->ctl, 0, 0);
	return ret;
}

// A group whose messages fit no UICC is of use to phones that keep keys in the ME.
static void uicc_warn(struct ctl *ctl, const struct store_group *group)
{
	char why[256];

	if (ctl_uicc_check(ctl, group->profile, BTID_SHORTEST, why) != 0)
		log_warning("group-not-for-uicc", "group=%04x why=\"%s\"", group->id.group, why);
}

static void group_create(
	const struct admin_request *req, struct admin_reply *reply, struct group_change *change)
{
	int ret;

	change->group.created = (uint32_t)time(NULL);
	ret = ctl_writer_run(req->ctl, put_job, change);
	if (ret != 0) {
		admin_error_store(reply, ret, "key group");
		return;
	}
	uicc_warn(req->ctl, &change->group);
	log_info("group-put", "group=%04x profile=%s", change->group.id.group,
		profiles[change->group.profile]);
	reply->status = 201;
	reply->body = group_json(NULL, &change->group);
}

void admin_group_put(const struct admin_request *req, struct admin_reply *reply)
{
	struct group_change change = {.ctl = req->ctl};
	struct store_group old;
	struct store_reader *r;
	int ret;

	if (admin_group_arg(req, reply, &change.group.id) != 0 ||
		profile_read(req, reply, &change.group.profile) != 0)
		return;
	ret = ctl_reader_get(req->ctl, &r);
	if (ret == 0) {
		ret = store_reader_group(r, &change.group.id, &old);
		if (ret == 0)
			reply->body = group_json(r, &old);
		ctl_reader_put(req->ctl, r);
	}
	if (ret == -ENOENT)
		group_create(req, reply, &change);
	else if (ret != 0)
		admin_error_store(reply, ret, "store");
	else if (old.profile != change.group.profile)
		admin_error(reply, 409, "other-profile",
			"The key group is there with profile %s, which is fixed.",
			profiles[old.profile == STORE_PROFILE_V600]);
}

static int remove_job(struct store_txn *txn, void *arg)
{
	struct group_change *change = arg;
	int ret = store_group_remove(txn, &change->group.id);

	if (ret == 0)
		ctl_store_changed(change->ctl, 0, 0);
	return ret;
}

void admin_group_remove(const struct admin_request *req, struct admin_reply *reply)
{
	struct group_change change = {.ctl = req->ctl};
	int ret;

	if (admin_group_arg(req, reply, &change.group.id) != 0)
		return;
	ret = ctl_writer_run(req->ctl, remove_job, &change);
	if (ret == 0)
		log_info("group-removed", "group=%04x", change.group.id.group);
	else if (ret == -EBUSY)
		admin_error(reply, 409, "in-use",
			"The key group belongs to a service or an open campaign.");
	else
		admin_error_store(reply, ret, "key group");
}
