// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "meta.h"

#include <errno.h>
#include <string.h>

// A record of this file's tables in the clear.
union meta_record {
	struct service_record service;
	struct group_record group;
	struct msk_record msk;
	struct mtks_record mtks;
	struct bearer_record bearer;
};

// The first entry above a key; its key goes to key, its value to val.
static int entry_after(
	const struct view *v, enum db_id db, struct blob after, void *key, struct blob *val)
{
	struct db_cursor c;
	int rc = db_cursor_open(v, db, &c);

	if (rc != 0)
		return rc;
	rc = db_cursor_seek(&c, after);
	if (rc == 0 && c.key.len == after.len && memcmp(c.key.data, after.data, after.len) == 0)
		rc = db_cursor_next(&c);
	if (rc == 0 && c.key.len != after.len)
		rc = -EIO;
	if (rc == 0) {
		memcpy(key, c.key.data, c.key.len);
		*val = c.val;
	}
	db_cursor_close(&c);
	return rc;
}

// Opens a value that was found into *out; *in is the record there.
static int record_open(const struct view *v, enum db_id db, struct blob key, struct blob val,
	union meta_record *out, struct blob *in)
{
	*in = (struct blob){out, val.len};
	return val.len <= sizeof(*out) ? wrap_open(v, db, key, val, out) : -EIO;
}

static int record_get(const struct view *v, enum db_id db, struct blob key, union meta_record *out,
	struct blob *in)
{
	struct blob val;
	int rc = db_get(v, db, key, &val);

	return rc == 0 ? record_open(v, db, key, val, out, in) : rc;
}

int meta_service(const struct view *v, store_service_id id, struct store_service *out)
{
	uint32_t key = id;
	union meta_record record;
	struct blob in;
	int rc = record_get(v, DB_SERVICE, blob_u32(&key), &record, &in);

	return rc == 0 ? record_decode_service(in, id, out) : rc;
}

int meta_service_by_name(const struct view *v, const char *name, struct store_service *out)
{
	struct blob val;
	size_t len = strlen(name);
	int rc;

	if (len == 0 || len > STORE_NAME_MAX)
		return -ENOENT;
	rc = db_get(v, DB_SERVICE_NAME, (struct blob){name, len}, &val);
	if (rc == 0)
		rc = meta_service(v, (store_service_id)blob_to_u32(val), out);
	return rc == 0 && strcmp(out->name, name) != 0 ? -EIO : rc;
}

int meta_service_next(const struct view *v, store_service_id after, struct store_service *out)
{
	uint32_t key = after;
	union meta_record record;
	struct blob val, in;
	int rc = entry_after(v, DB_SERVICE, blob_u32(&key), &key, &val);

	if (rc == 0)
		rc = record_open(v, DB_SERVICE, blob_u32(&key), val, &record, &in);
	return rc == 0 ? record_decode_service(in, (store_service_id)key, out) : rc;
}

bool meta_service_names(const struct store_service *service, const struct store_group_id *group)
{
	struct group_key key = group_key_of(group);

	for (unsigned i = 0; i < service->group_count; i++) {
		struct group_key one = group_key_of(&service->group[i]);

		if (memcmp(&one, &key, sizeof(key)) == 0)
			return true;
	}
	return false;
}

int meta_group(const struct view *v, const struct store_group_id *id, struct store_group *out)
{
	struct group_key key = group_key_of(id);
	union meta_record record;
	struct blob in;
	int rc = record_get(v, DB_GROUP, (struct blob){&key, sizeof(key)}, &record, &in);

	return rc == 0 ? record_decode_group(in, &key, out) : rc;
}

int meta_group_next(
	const struct view *v, const struct store_group_id *after, struct store_group *out)
{
	struct group_key key = group_key_of(after);
	union meta_record record;
	struct blob val, in;
	int rc = entry_after(v, DB_GROUP, (struct blob){&key, sizeof(key)}, &key, &val);

	if (rc == 0)
		rc = record_open(v, DB_GROUP, (struct blob){&key, sizeof(key)}, val, &record, &in);
	return rc == 0 ? record_decode_group(in, &key, out) : rc;
}

int meta_msk(const struct view *v, const struct store_group_id *group, uint16_t number,
	struct store_msk *out)
{
	struct msk_key key = msk_key_of(group, number);
	union meta_record record;
	struct blob in;
	int rc = record_get(v, DB_MSK, (struct blob){&key, sizeof(key)}, &record, &in);

	if (rc == 0)
		rc = record_decode_msk(in, &key, out);
	explicit_bzero(&record, sizeof(record));
	return rc;
}

int meta_msk_next(const struct view *v, const struct store_group_id *group, uint16_t after,
	struct store_msk *out)
{
	struct msk_key from = msk_key_of(group, after), key = from;
	union meta_record record;
	struct blob val, in;
	int rc = entry_after(v, DB_MSK, (struct blob){&from, sizeof(from)}, &key, &val);

	if (rc == 0 && memcmp(&key, &from, sizeof(struct group_key)) != 0)
		rc = -ENOENT;
	if (rc == 0)
		rc = record_open(v, DB_MSK, (struct blob){&key, sizeof(key)}, val, &record, &in);
	if (rc == 0)
		rc = record_decode_msk(in, &key, out);
	explicit_bzero(&record, sizeof(record));
	return rc;
}

int meta_mtks(const struct view *v, const struct store_group_id *group, uint16_t number,
	struct store_mtks *out)
{
	struct msk_key key = msk_key_of(group, number);
	union meta_record record;
	struct blob in;
	int rc = record_get(v, DB_MTK, (struct blob){&key, sizeof(key)}, &record, &in);

	if (rc == 0)
		rc = record_decode_mtks(in, &key, out);
	explicit_bzero(&record, sizeof(record));
	return rc;
}

int meta_bearer(const struct view *v, const struct store_group_id *group, struct store_bearer *out)
{
	struct group_key key = group_key_of(group);
	union meta_record record;
	struct blob in;
	int rc = record_get(v, DB_BEARER, (struct blob){&key, sizeof(key)}, &record, &in);

	return rc == 0 ? record_decode_bearer(in, &key, out) : rc;
}

int meta_bearer_next(
	const struct view *v, const struct store_group_id *after, struct store_bearer *out)
{
	struct group_key key = group_key_of(after);
	union meta_record record;
	struct blob val, in;
	int rc = entry_after(v, DB_BEARER, (struct blob){&key, sizeof(key)}, &key, &val);

	if (rc == 0)
		rc = record_open(v, DB_BEARER, (struct blob){&key, sizeof(key)}, val, &record, &in);
	return rc == 0 ? record_decode_bearer(in, &key, out) : rc;
}

int meta_campaign(const struct view *v, uint32_t id, struct store_campaign *out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_CAMPAIGN, id, &val);

	return rc == 0 ? record_decode_campaign(val, id, out) : rc;
}

int meta_campaign_next(const struct view *v, uint32_t after, struct store_campaign *out)
{
	uint32_t key = after;
	struct blob val;
	int rc = entry_after(v, DB_CAMPAIGN, blob_u32(&key), &key, &val);

	return rc == 0 ? record_decode_campaign(val, key, out) : rc;
}
