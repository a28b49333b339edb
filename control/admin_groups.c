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
	json_t *list;
	struct store_reader *r;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	list = json_array();
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
	admin_error_group(reply);
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

static int put_job(struct store_txn *txn, void *arg)
{
	return store_group_put(txn, arg);
}

// A group whose messages fit no UICC is of use to phones that keep keys in the ME.
static void uicc_warn(struct ctl *ctl, const struct store_group *group)
{
	char why[256];

	if (ctl_uicc_check(ctl, group->profile, BTID_SHORTEST, why) != 0)
		log_warning("group-not-for-uicc", "group=%04x why=\"%s\"", group->id.group, why);
}

static void group_create(
	const struct admin_request *req, struct admin_reply *reply, struct store_group *group)
{
	int ret;

	group->created = (uint32_t)time(NULL);
	ret = admin_dict_change(req->ctl, put_job, group);
	if (ret != 0) {
		admin_error_store(reply, ret, "key group");
		return;
	}
	uicc_warn(req->ctl, group);
	log_info("group-put", "group=%04x profile=%s", group->id.group, profiles[group->profile]);
	reply->status = 201;
	reply->body = group_json(NULL, group);
}

void admin_group_put(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group group = {0}, old;
	struct store_reader *r;
	int ret;

	if (admin_group_arg(req, reply, &group.id) != 0 ||
		profile_read(req, reply, &group.profile) != 0 ||
		admin_reader_get(req, reply, &r) != 0)
		return;
	ret = store_reader_group(r, &group.id, &old);
	if (ret == 0)
		reply->body = group_json(r, &old);
	ctl_reader_put(req->ctl, r);
	if (ret == -ENOENT)
		group_create(req, reply, &group);
	else if (ret != 0)
		admin_error_store(reply, ret, "store");
	else if (old.profile != group.profile)
		admin_error(reply, 409, "other-profile",
			"The key group is there with profile %s, which is fixed.",
			profiles[old.profile == STORE_PROFILE_V600]);
}

static int remove_job(struct store_txn *txn, void *arg)
{
	return store_group_remove(txn, arg);
}

void admin_group_remove(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group_id id;
	int ret;

	if (admin_group_arg(req, reply, &id) != 0)
		return;
	ret = admin_dict_change(req->ctl, remove_job, &id);
	if (ret == 0)
		log_info("group-removed", "group=%04x", id.group);
	else if (ret == -EBUSY)
		admin_error(reply, 409, "in-use",
			"The key group belongs to a service or an open campaign.");
	else
		admin_error_store(reply, ret, "key group");
}
