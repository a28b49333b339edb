// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// User services: a name and the key groups whose MSKs protect it.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "log.h"

static const char *const policies[] = {
	[STORE_POLICY_ACCEPT] = "accept",
	[STORE_POLICY_REAUTHENTICATE] = "reauthenticate",
	[STORE_POLICY_BOOTSTRAP] = "bootstrap",
};

static json_t *service_json(const struct store_service *service)
{
	json_t *groups = json_array();

	for (int i = 0; i < service->group_count; i++)
		json_array_append_new(groups, admin_group_json(&service->group[i]));
	return json_pack("{s:i, s:s, s:o, s:s}", "id", service->id, "name", service->name, "groups",
		groups, "policy", policies[service->policy]);
}

void admin_services_list(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_service service = {0};
	struct store_reader *r;
	json_t *list;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	list = json_array();
	while (store_reader_service_next(r, service.id, &service) == 0)
		json_array_append_new(list, service_json(&service));
	ctl_reader_put(req->ctl, r);
	reply->body = json_pack("{s:o}", "services", list);
}

// Names stand in CSV cells, separated by spaces.
static int name_read(const char *name, struct store_service *service, struct admin_reply *reply)
{
	size_t len = strlen(name);
	bool is_plain = len >= 1 && len <= STORE_NAME_MAX && strcmp(name, "-") != 0;

	for (size_t i = 0; i < len && is_plain; i++)
		is_plain = (unsigned char)name[i] > ' ' && (unsigned char)name[i] < 0x7f;
	if (!is_plain) {
		admin_error(reply, 400, "bad-name",
			"A service name has 1 to %d printable ASCII characters without blanks, "
			"and is not \"-\".",
			STORE_NAME_MAX);
		return -EINVAL;
	}
	memcpy(service->name, name, len + 1);
	return 0;
}

static bool service_has_group(const struct store_service *service, const struct store_group_id *id)
{
	for (int i = 0; i < service->group_count; i++)
		if (memcmp(service->group[i].kdi, id->kdi, sizeof(id->kdi)) == 0 &&
			service->group[i].group == id->group)
			return true;
	return false;
}

static int group_add(const struct store_reader *r, const json_t *value,
	struct store_service *service, struct admin_reply *reply)
{
	const char *text = json_string_value(value);
	struct store_group_id id;
	struct store_group group;

	if (text == NULL || admin_group_text_parse(text, &id) != 0) {
		admin_error_group(reply);
		return -EINVAL;
	}
	if (store_reader_group(r, &id, &group) != 0) {
		admin_error(reply, 404, "unknown-group", "There is no key group %s.", text);
		return -ENOENT;
	}
	if (service_has_group(service, &id))
		return 0;
	if (service->group_count == STORE_SERVICE_GROUPS_MAX) {
		admin_error(reply, 400, "too-many-groups", "A service has at most %d key groups.",
			STORE_SERVICE_GROUPS_MAX);
		return -EINVAL;
	}
	service->group[service->group_count++] = id;
	return 0;
}

static int policy_read(
	const struct admin_request *req, struct store_service *service, struct admin_reply *reply)
{
	const json_t *value = json_object_get(req->body, "policy");
	const char *text = json_string_value(value);

	service->policy = STORE_POLICY_ACCEPT;
	if (value == NULL)
		return 0;
	for (uint8_t i = 0; text != NULL && i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcmp(policies[i], text) != 0)
			continue;
		service->policy = i;
		return 0;
	}
	admin_error(reply, 400, "bad-value",
		"policy is to be \"accept\", \"reauthenticate\" or \"bootstrap\".");
	return -EINVAL;
}

static int groups_read(const struct admin_request *req, const struct store_reader *r,
	struct store_service *service, struct admin_reply *reply)
{
	static const char *const names[] = {"groups", "policy", NULL};
	const json_t *groups = json_object_get(req->body, "groups");
	int ret = admin_body_check(req, reply, names);

	if (ret == 0)
		ret = policy_read(req, service, reply);
	if (ret != 0)
		return ret;
	if (!json_is_array(groups)) {
		admin_error(reply, 400, "bad-value", "groups is to be a list of key groups.");
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(groups) && ret == 0; i++)
		ret = group_add(r, json_array_get(groups, i), service, reply);
	return ret;
}

static bool set_has(const struct store_reader *r, store_set set, store_service_id id)
{
	store_service_id ids[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, ids);

	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

// Whether the messages of a group fit the UICCs of those who have the service already.
static int subscribers_check(struct ctl *ctl, const struct store_reader *r,
	const struct store_service *service, unsigned profile, char why[256])
{
	char btid[STORE_NAI_MAX + 1];
	store_set known = UINT32_MAX;
	bool has = false;
	int ret = 0;

	for (store_id id = 0; id < store_reader_span(r) && ret == 0; id++) {
		const struct store_hot *hot = store_reader_hot(r, id);
		uint8_t flags = hot == NULL ? 0 : store_hot_flags(hot);

		if ((flags & STORE_LIVE) == 0 || (flags & STORE_IN_UICC) == 0 ||
			(flags & STORE_HAS_MUK) == 0)
			continue;
		// Neighbours mostly have the same set.
		if (store_hot_authorised(hot) != known) {
			known = store_hot_authorised(hot);
			has = set_has(r, known, service->id);
		}
		if (has)
			ret = ctl_uicc_check(
				ctl, profile, store_reader_btid(r, id, hot, btid), why);
	}
	return ret;
}

static int service_check(struct ctl *ctl, const struct store_reader *r,
	const struct store_service *service, struct admin_reply *reply)
{
	bool is_checked[2] = {false, false};
	struct store_group group;
	char why[256];

	for (int i = 0; i < service->group_count; i++) {
		if (store_reader_group(r, &service->group[i], &group) != 0 ||
			is_checked[group.profile & 1])
			continue;
		is_checked[group.profile & 1] = true;
		if (subscribers_check(ctl, r, service, group.profile, why) == 0)
			continue;
		admin_error(reply, 409, "too-long-for-uicc",
			"A subscriber of this service cannot take its MSKs: %s.", why);
		return -E2BIG;
	}
	return 0;
}

static int put_job(struct store_txn *txn, void *arg)
{
	return store_service_put(txn, arg);
}

void admin_service_put(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_service service = {0}, old;
	struct store_reader *r;
	bool is_new;
	int ret;

	if (name_read(req->arg[0], &service, reply) != 0 || admin_reader_get(req, reply, &r) != 0)
		return;
	is_new = store_reader_service_by_name(r, service.name, &old) != 0;
	service.id = is_new ? STORE_SERVICE_NONE : old.id;
	ret = groups_read(req, r, &service, reply);
	if (ret == 0 && !is_new)
		ret = service_check(req->ctl, r, &service, reply);
	ctl_reader_put(req->ctl, r);
	if (ret != 0)
		return;
	ret = admin_dict_change(req->ctl, put_job, &service);
	if (ret != 0) {
		admin_error_store(reply, ret, "service");
		return;
	}
	log_info("service-put", "service=%u groups=%u", service.id, service.group_count);
	reply->status = is_new ? 201 : 200;
	reply->body = service_json(&service);
}

static int remove_job(struct store_txn *txn, void *arg)
{
	const store_service_id *id = arg;

	return store_service_remove(txn, *id);
}

void admin_service_remove(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_service service;
	struct store_reader *r;
	int ret;

	if (admin_reader_get(req, reply, &r) != 0)
		return;
	ret = store_reader_service_by_name(r, req->arg[0], &service);
	ctl_reader_put(req->ctl, r);
	if (ret == 0)
		ret = admin_dict_change(req->ctl, remove_job, &service.id);
	if (ret == 0)
		log_info("service-removed", "service=%u", service.id);
	else if (ret == -EBUSY)
		admin_error(reply, 409, "in-use", "Subscribers hold this service.");
	else if (ret == -EINPROGRESS)
		admin_error(reply, 409, "import-running", "An import runs: try again after it.");
	else
		admin_error_store(reply, ret, "service");
}
