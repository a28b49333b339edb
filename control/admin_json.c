// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the handlers share: errors, query parameters, bodies, texts of ids and times.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"

void admin_error(
	struct admin_reply *reply, unsigned status, const char *word, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	json_decref(reply->body);
	reply->status = status;
	// A message that quotes what is not UTF-8 cannot be JSON.
	reply->body = json_pack("{s:s, s:s}", "error", word, "message", message);
	if (reply->body == NULL)
		reply->body = json_pack("{s:s, s:s}", "error", word, "message", word);
}

int admin_role_check(
	const struct admin_request *req, struct admin_reply *reply, enum admin_role role)
{
	char held[ADMIN_ROLES_TEXT];

	if (req->peer->roles & role)
		return 0;
	if (req->peer->via != ADMIN_BY_SOCKET && req->peer->roles == 0) {
		admin_error(reply, 401, "no-token", "This needs a token that the daemon knows.");
		return -EACCES;
	}
	admin_roles_text(req->peer->roles, held);
	admin_error(reply, 403, "forbidden", "This needs the role %s; %s has %s.",
		admin_role_name(role), req->peer->name, held);
	return -EACCES;
}

void admin_error_store(struct admin_reply *reply, int err, const char *what)
{
	switch (err) {
	case -ENOENT:
		admin_error(reply, 404, "not-found", "There is no such %s.", what);
		break;
	case -EEXIST:
		admin_error(reply, 409, "exists", "There is such a %s already.", what);
		break;
	case -EBUSY:
		admin_error(reply, 409, "in-use", "The %s is in use.", what);
		break;
	case -EINVAL:
		admin_error(
			reply, 400, "bad-value", "The %s has a value that is not allowed.", what);
		break;
	case -ENOSPC:
		admin_error(reply, 507, "store-full",
			"The store is full: its disk has no more room, or store.map_max is "
			"reached.");
		break;
	case -EBADMSG:
	case -ENOTSUP:
	case -EIO:
		admin_error(reply, 500, "damaged",
			"The %s is damaged in the store: mskpush-store check tells more.", what);
		break;
	case -EAGAIN:
	case -ESHUTDOWN:
		admin_error(reply, 503, "busy", "The daemon cannot do this now: try again.");
		break;
	default:
		admin_error(reply, 500, "failed", "The %s: %s.", what, strerror(-err));
		break;
	}
}

void admin_error_group(struct admin_reply *reply)
{
	admin_error(reply, 400, "bad-group",
		"A key group is written MCC-MNC/GROUP with four hex digits: 001-01/0001.");
}

int admin_reader_get(
	const struct admin_request *req, struct admin_reply *reply, struct store_reader **out)
{
	int ret = ctl_reader_get(req->ctl, out);

	if (ret != 0)
		admin_error_store(reply, ret, "store");
	return ret;
}

struct dict_change {
	struct ctl *ctl;
	int (*fn)(struct store_txn *txn, void *arg);
	void *arg;
};

static int dict_change_run(struct store_txn *txn, void *arg)
{
	struct dict_change *change = arg;
	int ret = change->fn(txn, change->arg);

	if (ret == 0)
		ctl_store_changed(change->ctl, 0, 0);
	return ret;
}

int admin_dict_change(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg)
{
	struct dict_change change = {ctl, fn, arg};

	return ctl_writer_run(ctl, dict_change_run, &change);
}

int admin_query_u64(const struct admin_request *req, struct admin_reply *reply, const char *name,
	uint64_t max, uint64_t *out)
{
	const char *text = req->query_get == NULL ? NULL : req->query_get(req->query, name);
	unsigned long long value;
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value > max) {
		admin_error(reply, 400, "bad-query", "%s is to be a number up to %llu.", name,
			(unsigned long long)max);
		return -EINVAL;
	}
	*out = value;
	return 1;
}

int admin_query_bool(
	const struct admin_request *req, struct admin_reply *reply, const char *name, bool *out)
{
	uint64_t value = 0;
	int ret = admin_query_u64(req, reply, name, 1, &value);

	*out = value == 1;
	return ret < 0 ? ret : 0;
}

int admin_body_check(
	const struct admin_request *req, struct admin_reply *reply, const char *const *names)
{
	const char *key;
	json_t *value;

	json_object_foreach(req->body, key, value)
	{
		const char *const *name = names;

		while (*name != NULL && strcmp(*name, key) != 0)
			name++;
		if (*name != NULL)
			continue;
		admin_error(reply, 400, "unknown-member", "The body has no member \"%.64s\".", key);
		return -EINVAL;
	}
	return 0;
}

int admin_body_u64(const struct admin_request *req, struct admin_reply *reply, const char *name,
	uint64_t max, uint64_t *out)
{
	const json_t *value = json_object_get(req->body, name);

	if (value == NULL)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > max) {
		admin_error(reply, 400, "bad-value", "%s is to be a whole number up to %llu.", name,
			(unsigned long long)max);
		return -EINVAL;
	}
	*out = (uint64_t)json_integer_value(value);
	return 1;
}

int admin_body_bool(
	const struct admin_request *req, struct admin_reply *reply, const char *name, bool *out)
{
	const json_t *value = json_object_get(req->body, name);

	if (value == NULL)
		return 0;
	if (!json_is_boolean(value)) {
		admin_error(reply, 400, "bad-value", "%s is to be true or false.", name);
		return -EINVAL;
	}
	*out = json_is_true(value);
	return 0;
}

// --- Ids and times --------------------------------------------------------------------------

static int digits_read(const char *text, int n, uint8_t *out)
{
	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		out[i] = (uint8_t)(text[i] - '0');
	}
	return 0;
}

int admin_hex16_parse(const char *text, uint16_t *out)
{
	unsigned value;
	int end = 0;

	if (strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4 ||
		sscanf(text, "%4x%n", &value, &end) != 1 || end != 4)
		return -EINVAL;
	*out = (uint16_t)value;
	return 0;
}

// The key domain is coded as a PLMN identity: MCC2|MCC1, MNC3|MCC3, MNC2|MNC1 (TS 24.008,
// 10.5.1.13), MNC3 is 0xf when the MNC has two digits.
int admin_group_parse(const char *domain, const char *number, struct store_group_id *out)
{
	size_t len = strlen(domain);
	uint8_t mcc[3], mnc[3] = {0, 0, 0xf};

	if ((len != 6 && len != 7) || domain[3] != '-' || digits_read(domain, 3, mcc) != 0 ||
		digits_read(domain + 4, (int)len - 4, mnc) != 0 ||
		admin_hex16_parse(number, &out->group) != 0)
		return -EINVAL;
	out->kdi[0] = (uint8_t)(mcc[1] << 4 | mcc[0]);
	out->kdi[1] = (uint8_t)(mnc[2] << 4 | mcc[2]);
	out->kdi[2] = (uint8_t)(mnc[1] << 4 | mnc[0]);
	return 0;
}

int admin_group_text_parse(const char *text, struct store_group_id *out)
{
	size_t len = strcspn(text, "/");
	char domain[8];

	if (len >= sizeof(domain) || text[len] != '/')
		return -EINVAL;
	memcpy(domain, text, len);
	domain[len] = '\0';
	return admin_group_parse(domain, text + len + 1, out);
}

void admin_group_text(const struct store_group_id *id, char out[ADMIN_GROUP_TEXT])
{
	const uint8_t *k = id->kdi;
	char third[2] = {(char)('0' + (k[1] >> 4)), '\0'};

	if (k[1] >> 4 == 0xf)
		third[0] = '\0';
	snprintf(out, ADMIN_GROUP_TEXT, "%u%u%u-%u%u%s/%04x", (k[0] & 0xf) % 10u, (k[0] >> 4) % 10u,
		(k[1] & 0xf) % 10u, (k[2] & 0xf) % 10u, (k[2] >> 4) % 10u, third, id->group);
}

json_t *admin_group_json(const struct store_group_id *id)
{
	char text[ADMIN_GROUP_TEXT];

	admin_group_text(id, text);
	return json_string(text);
}

static json_t *time_json(uint64_t unix_s, unsigned ms, bool has_ms)
{
	time_t t = (time_t)unix_s;
	struct tm utc;
	char text[48];
	size_t n;

	if (gmtime_r(&t, &utc) == NULL)
		return json_null();
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + n, sizeof(text) - n, has_ms ? ".%03uZ" : "Z", ms);
	return json_string(text);
}

json_t *admin_time_s(uint64_t unix_s)
{
	return unix_s == 0 ? json_null() : time_json(unix_s, 0, false);
}

json_t *admin_time_ms(uint64_t unix_ms)
{
	return unix_ms == 0 ? json_null()
			    : time_json(unix_ms / 1000, (unsigned)(unix_ms % 1000), true);
}

json_t *admin_hex(const uint8_t *bytes, size_t n)
{
	char text[2 * 64 + 1] = "";

	for (size_t i = 0; i < n && i < 64; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

json_t *admin_hex_u32(uint32_t value, int digits)
{
	char text[12];

	snprintf(text, sizeof(text), "%0*x", digits, value);
	return json_string(text);
}
