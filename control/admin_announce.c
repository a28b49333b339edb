// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// POST /v1/services/NAME/announcement: the security description of a service.

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "announce.h"
#include "ua.h"
#include "ua_names.h"

// "232.1.1.1:5004" or "[ff3e::1]:5004".
static bool flow_is_sound(const char *id)
{
	const char *colon = strrchr(id, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - id);
	unsigned char address[16];
	char host[64], *end;
	long port;

	if (len == 0 || len >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || port < 1 || port > 65535)
		return false;
	if (id[0] == '[' && id[len - 1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)len - 2, id + 1);
		return inet_pton(AF_INET6, host, address) == 1;
	}
	snprintf(host, sizeof(host), "%.*s", (int)len, id);
	return inet_pton(AF_INET, host, address) == 1;
}

static bool has_key(const struct announce *a, const struct store_group_id *group)
{
	for (unsigned i = 0; i < a->keys; i++)
		if (a->key[i].group.group == group->group &&
			memcmp(a->key[i].group.kdi, group->kdi, sizeof(group->kdi)) == 0)
			return true;
	return false;
}

// "ADDRESS:PORT", where the service has one key group, or "GROUP=ADDRESS:PORT".
static bool flow_read(struct announce *a, const char *text)
{
	struct announce_flow *flow = &a->flow[a->flows];
	const char *equals = strchr(text, '='), *id = equals == NULL ? text : equals + 1;
	char group[ADMIN_GROUP_TEXT];

	if (equals == NULL && a->keys != 1)
		return false;
	flow->group = a->key[0].group;
	if (equals != NULL) {
		if ((size_t)(equals - text) >= sizeof(group))
			return false;
		snprintf(group, sizeof(group), "%.*s", (int)(equals - text), text);
		if (admin_group_text_parse(group, &flow->group) != 0)
			return false;
	}
	if (!has_key(a, &flow->group) || !flow_is_sound(id))
		return false;
	snprintf(flow->id, sizeof(flow->id), "%s", id);
	a->flows++;
	return true;
}

static int flows_read(
	const struct admin_request *req, struct admin_reply *reply, struct announce *a)
{
	const json_t *list = json_object_get(req->body, "flows"), *flow;
	size_t i;

	if (list != NULL && !json_is_array(list)) {
		admin_error(reply, 400, "bad-value", "flows is to be a list.");
		return -EINVAL;
	}
	json_array_foreach(list, i, flow)
	{
		const char *text = json_string_value(flow);

		if (text != NULL && a->flows < ANNOUNCE_FLOWS_MAX && flow_read(a, text))
			continue;
		admin_error(reply, 400, "bad-flow",
			"'%.64s' is no flow: ADDRESS:PORT, or GROUP=ADDRESS:PORT with a key group "
			"of the service.",
			text == NULL ? "" : text);
		return -EINVAL;
	}
	return 0;
}

static int keys_read(const struct admin_request *req, struct admin_reply *reply, struct announce *a)
{
	struct store_service service;
	struct store_group group;
	struct store_reader *r;
	int ret = ctl_reader_get(req->ctl, &r);

	if (ret == 0) {
		ret = store_reader_service_by_name(r, req->arg[0], &service);
		for (unsigned i = 0; ret == 0 && i < service.group_count; i++) {
			ret = store_reader_group(r, &service.group[i], &group);
			a->key[a->keys++] = (struct announce_key){group.id, group.profile};
		}
		ctl_reader_put(req->ctl, r);
	}
	if (ret != 0)
		admin_error_store(reply, ret, "service");
	return ret;
}

void admin_service_announce(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"flows", "confidentiality", "integrity", NULL};
	struct announce a = {
		.conf = req->ctl->conf,
		.addresses = ua_addresses(req->ctl->ua),
		.has_confidentiality = true,
		.has_integrity = true,
	};
	char *text;

	if (admin_body_check(req, reply, names) != 0 ||
		admin_body_bool(req, reply, "confidentiality", &a.has_confidentiality) != 0 ||
		admin_body_bool(req, reply, "integrity", &a.has_integrity) != 0 ||
		keys_read(req, reply, &a) != 0 || flows_read(req, reply, &a) != 0)
		return;
	text = announce_write(&a);
	if (text == NULL)
		admin_error_store(reply, -ENOMEM, "announcement");
	else
		reply->body = json_pack(
			"{s:s, s:s}", "content_type", UA_TYPE_DESCRIPTION, "announcement", text);
	free(text);
}
