// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of key groups: begin and end of sending, what is sent, and the schedule for whoever
// encrypts.

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "bearer.h"
#include "dp.h"
#include "log.h"

#define LEAD_MS 30000
#define INTERVAL_MS 60000
#define REPEAT_MS 10000

// --- Where to -------------------------------------------------------------------------------

static bool is_multicast(const struct dp_addr *addr)
{
	return dp_addr_is_v4(addr) ? addr->byte[12] >> 4 == 14 : addr->byte[0] == 0xff;
}

// "232.1.1.1:5004" or "[ff3e::1]:5004".
static bool place_parse(const char *text, struct store_place *out)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);
	char host[INET6_ADDRSTRLEN + 2], *end;
	unsigned long port;

	if (len == 0 || len >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port < 1 || port > UINT16_MAX)
		return false;
	*out = (struct store_place){.port = (uint16_t)port};
	if (text[0] == '[' && text[len - 1] == ']') {
		snprintf(host, sizeof(host), "%.*s", (int)len - 2, text + 1);
		return inet_pton(AF_INET6, host, out->addr.byte) == 1;
	}
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	out->addr.byte[10] = out->addr.byte[11] = 0xff;
	return inet_pton(AF_INET, host, out->addr.byte + 12) == 1;
}

// The port that messages leave by; negative: none.
static int port_of(struct ctl *ctl, const struct dp_addr *addr)
{
	int port = -ENODEV;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		port = dp_route_port(ctl->dp, addr);
	pthread_mutex_unlock(&ctl->dp_lock);
	return port;
}

static int place_read(const struct admin_request *req, struct admin_reply *reply, const char *text,
	struct store_place *out)
{
	struct dp_addr addr;

	if (text == NULL || !place_parse(text, out)) {
		admin_error(reply, 400, "bad-address",
			"'%.64s' is no ADDRESS:PORT, as 232.1.1.1:5004 or [ff3e::1]:5004 is.",
			text == NULL ? "" : text);
		return -EINVAL;
	}
	memcpy(addr.byte, out->addr.byte, sizeof(addr.byte));
	if (!is_multicast(&addr)) {
		admin_error(reply, 400, "not-multicast", "%.64s is not a multicast address.", text);
		return -EINVAL;
	}
	if (port_of(req->ctl, &addr) < 0) {
		admin_error(reply, 409, "no-route", "No route leads to %.64s.", text);
		return -EINVAL;
	}
	return 0;
}

static int places_read(
	const struct admin_request *req, struct admin_reply *reply, struct store_bearer *bearer)
{
	const json_t *list = json_object_get(req->body, "to"), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) < 1 ||
		json_array_size(list) > STORE_BEARER_PLACES_MAX) {
		admin_error(reply, 400, "bad-value", "to is to be a list of 1 to %d addresses.",
			STORE_BEARER_PLACES_MAX);
		return -EINVAL;
	}
	json_array_foreach(list, i, item)
	{
		struct store_place *place = &bearer->place[i];

		if (place_read(req, reply, json_string_value(item), place) != 0)
			return -EINVAL;
		for (size_t k = 0; k < i; k++)
			if (memcmp(place, &bearer->place[k], sizeof(*place)) == 0) {
				admin_error(reply, 400, "bad-address", "%.64s is given twice.",
					json_string_value(item));
				return -EINVAL;
			}
		bearer->places++;
	}
	return 0;
}

// --- How ------------------------------------------------------------------------------------

// Seconds, as a number, to milliseconds; stays as it is when it is not there.
static int seconds_read(
	const struct admin_request *req, struct admin_reply *reply, const char *name, uint32_t *out)
{
	const json_t *value = json_object_get(req->body, name);
	double s = json_number_value(value);

	if (value == NULL)
		return 0;
	if (!json_is_number(value) || s < 0 || s * 1000 > BEARER_LEAD_MAX_MS) {
		admin_error(reply, 400, "bad-value", "%s is to be a number of seconds up to %u.",
			name, BEARER_LEAD_MAX_MS / 1000);
		return -EINVAL;
	}
	*out = (uint32_t)(s * 1000 + 0.5);
	return 0;
}

static int options_read(
	const struct admin_request *req, struct admin_reply *reply, struct store_bearer *bearer)
{
	const json_t *rand = json_object_get(req->body, "mtk_rand");
	const char *text = json_string_value(rand);
	bool has_salt = false;

	if (admin_body_bool(req, reply, "salt", &has_salt) != 0)
		return -EINVAL;
	if (rand != NULL &&
		(text == NULL || (strcmp(text, "msk") != 0 && strcmp(text, "none") != 0))) {
		admin_error(reply, 400, "bad-value", "mtk_rand is to be msk or none.");
		return -EINVAL;
	}
	if (has_salt)
		bearer->flags |= STORE_BEARER_SALT;
	if (text != NULL && strcmp(text, "none") == 0)
		bearer->flags |= STORE_BEARER_NO_RAND;
	return 0;
}

static int order_read(
	const struct admin_request *req, struct admin_reply *reply, struct store_bearer *bearer)
{
	static const char *const names[] = {
		"to", "lead", "interval", "repeat", "dummy", "salt", "mtk_rand", NULL};
	const char *word;
	char why[256];

	*bearer = (struct store_bearer){
		.lead_ms = LEAD_MS,
		.interval_ms = INTERVAL_MS,
		.repeat_ms = REPEAT_MS,
		.started = (uint32_t)time(NULL),
	};
	if (admin_group_arg(req, reply, &bearer->group) != 0 ||
		admin_body_check(req, reply, names) != 0 || places_read(req, reply, bearer) != 0 ||
		options_read(req, reply, bearer) != 0 ||
		seconds_read(req, reply, "lead", &bearer->lead_ms) != 0 ||
		seconds_read(req, reply, "interval", &bearer->interval_ms) != 0 ||
		seconds_read(req, reply, "repeat", &bearer->repeat_ms) != 0 ||
		seconds_read(req, reply, "dummy", &bearer->dummy_ms) != 0)
		return -EINVAL;
	word = bearer_check(bearer, why);
	if (word != NULL)
		admin_error(reply, 400, word, "%s", why);
	return word != NULL ? -EINVAL : 0;
}

static void stream_show(const struct admin_request *req, struct admin_reply *reply,
	const struct store_group_id *group)
{
	json_t *list = bearers_json(req->ctl->bearers, group);

	reply->body = json_incref(json_array_get(list, 0));
	json_decref(list);
}

void admin_mtk_start(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_bearer bearer;
	enum mtk_wait wait;
	int ret;

	if (order_read(req, reply, &bearer) != 0)
		return;
	ret = bearer_start(req->ctl->bearers, &bearer, &wait);
	if (ret == -EALREADY)
		admin_error(reply, 409, "mtk-running",
			"MTKs of this key group are being sent: stop that first.");
	else if (ret == -EUSERS)
		admin_error(reply, 409, "too-many-groups",
			"MTKs of %d key groups are being sent, which is as many as there can be: "
			"stop one.",
			BEARERS_MAX);
	else if (ret == -EPERM)
		admin_error(reply, 409, mtk_wait_name(wait), "%s.", mtk_wait_text(wait));
	else if (ret != 0)
		admin_error_store(reply, ret, "key group");
	if (ret != 0)
		return;
	log_info("mtk-started", "group=%04x lead-ms=%u interval-ms=%u repeat-ms=%u",
		bearer.group.group, bearer.lead_ms, bearer.interval_ms, bearer.repeat_ms);
	reply->status = 201;
	stream_show(req, reply, &bearer.group);
}

void admin_mtk_stop(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group_id group;
	int ret;

	if (admin_group_arg(req, reply, &group) != 0)
		return;
	ret = bearer_stop(req->ctl->bearers, &group);
	if (ret == -ENOENT)
		admin_error(reply, 404, "no-mtks", "No MTKs of this key group are being sent.");
	else if (ret != 0)
		admin_error_store(reply, ret, "key group");
	else
		log_info("mtk-stopped", "group=%04x", group.group);
}

void admin_mtks_list(const struct admin_request *req, struct admin_reply *reply)
{
	reply->body = json_pack("{s:o}", "mtks", bearers_json(req->ctl->bearers, NULL));
}

void admin_mtk_schedule(const struct admin_request *req, struct admin_reply *reply)
{
	struct store_group_id group;
	uint64_t from_s = bearers_now(req->ctl->bearers).unix_ms / 1000;

	if (admin_group_arg(req, reply, &group) != 0 ||
		admin_query_u64(req, reply, "from", UINT32_MAX, &from_s) < 0)
		return;
	reply->body = bearer_schedule_json(req->ctl->bearers, &group, from_s * 1000);
	if (reply->body == NULL)
		admin_error(reply, 404, "no-mtks", "No MTKs of this key group are being sent.");
}

void admin_mtk_events(const struct admin_request *req, struct admin_reply *reply)
{
	int fd = bearers_listen(req->ctl->bearers);

	if (fd == -EBUSY)
		admin_error(reply, 409, "too-many", "As many listen as there can be.");
	else if (fd < 0)
		admin_error_store(reply, fd, "event");
	if (fd < 0)
		return;
	reply->fd = fd;
	reply->content_type = "application/x-ndjson";
}
