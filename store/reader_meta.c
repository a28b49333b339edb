// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Readers: whole subscribers, services, groups, MSKs, campaigns.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dict.h"
#include "meta.h"
#include "reader_env.h"
#include "view.h"

uint32_t store_reader_subscriber_count(const struct store_reader *r)
{
	return r->state.live;
}

int store_reader_subscriber(const struct store_reader *r, store_id id, struct store_subscriber *out)
{
	return view_subscriber(&r->view, id, out);
}

store_id store_reader_find_impi(const struct store_reader *r, const char *impi)
{
	return r->is_loaded ? view_find_impi(&r->view, impi, strlen(impi)) : STORE_ID_NONE;
}

store_id store_reader_find_btid(const struct store_reader *r, const char *btid)
{
	bool is_prev;

	return r->is_loaded ? view_find_btid(&r->view, btid, strlen(btid), &is_prev)
			    : STORE_ID_NONE;
}

size_t store_reader_set(
	const struct store_reader *r, store_set set, store_service_id out[STORE_SET_MAX])
{
	return r->is_loaded ? dict_set_list(&r->view, set, out) : 0;
}

uint64_t store_reader_dict_version(const struct store_reader *r)
{
	return r->state.dict_version;
}

// Ids of the services that name the group, ascending. Returns how many, at most 64.
static size_t services_of_group(
	const struct view *v, const struct store_group_id *group, store_service_id out[64])
{
	struct store_service service = {0};
	size_t n = 0;

	while (n < 64 && meta_service_next(v, service.id, &service) == 0)
		if (meta_service_names(&service, group))
			out[n++] = service.id;
	return n;
}

static uint64_t set_mask(const struct view *v, store_set set, const store_service_id *of, size_t n)
{
	store_service_id list[STORE_SET_MAX];
	size_t len = dict_set_list(v, set, list);
	uint64_t mask = 0;

	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < n; j++)
			if (list[i] == of[j])
				mask |= UINT64_C(1) << j;
	return mask;
}

int store_eligibility_load(const struct store_reader *r, const struct store_group_id *group,
	struct store_eligibility *e)
{
	store_service_id of[64];
	size_t n;

	*e = (struct store_eligibility){.dict_version = r->state.dict_version};
	if (!r->is_loaded)
		return -EIO;
	e->mask = calloc(r->state.set_count + 1, sizeof(*e->mask));
	if (e->mask == NULL)
		return -ENOMEM;
	e->set_count = r->state.set_count + 1;
	n = services_of_group(&r->view, group, of);
	for (uint32_t set = 1; set < e->set_count; set++)
		e->mask[set] = set_mask(&r->view, set, of, n);
	return 0;
}

void store_eligibility_free(struct store_eligibility *e)
{
	free(e->mask);
	*e = (struct store_eligibility){0};
}

int store_reader_service(
	const struct store_reader *r, store_service_id id, struct store_service *out)
{
	return r->is_loaded ? meta_service(&r->view, id, out) : -ENOENT;
}

int store_reader_service_by_name(
	const struct store_reader *r, const char *name, struct store_service *out)
{
	return r->is_loaded ? meta_service_by_name(&r->view, name, out) : -ENOENT;
}

int store_reader_service_next(
	const struct store_reader *r, store_service_id after, struct store_service *out)
{
	return r->is_loaded ? meta_service_next(&r->view, after, out) : -ENOENT;
}

int store_reader_group(
	const struct store_reader *r, const struct store_group_id *id, struct store_group *out)
{
	return r->is_loaded ? meta_group(&r->view, id, out) : -ENOENT;
}

int store_reader_group_next(
	const struct store_reader *r, const struct store_group_id *after, struct store_group *out)
{
	return r->is_loaded ? meta_group_next(&r->view, after, out) : -ENOENT;
}

int store_reader_msk(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_msk *out)
{
	return r->is_loaded ? meta_msk(&r->view, group, number, out) : -ENOENT;
}

int store_reader_msk_next(const struct store_reader *r, const struct store_group_id *group,
	uint16_t after, struct store_msk *out)
{
	return r->is_loaded ? meta_msk_next(&r->view, group, after, out) : -ENOENT;
}

int store_reader_msk_newest(
	const struct store_reader *r, const struct store_group_id *group, struct store_msk *out)
{
	struct store_msk msk = {0};
	bool is_found = false;
	int rc;

	while ((rc = store_reader_msk_next(r, group, msk.number, &msk)) == 0) {
		if (msk.state == STORE_MSK_RETIRED)
			continue;
		*out = msk;
		is_found = true;
	}
	explicit_bzero(&msk, sizeof(msk));
	if (rc != -ENOENT)
		return rc;
	return is_found ? 0 : -ENOENT;
}

int store_reader_campaign(const struct store_reader *r, uint32_t id, struct store_campaign *out)
{
	return r->is_loaded ? meta_campaign(&r->view, id, out) : -ENOENT;
}

int store_reader_campaign_next(
	const struct store_reader *r, uint32_t after, struct store_campaign *out)
{
	return r->is_loaded ? meta_campaign_next(&r->view, after, out) : -ENOENT;
}

int store_reader_campaign_slice(
	const struct store_reader *r, uint32_t campaign, uint32_t slice, uint8_t out[STORE_SLICE])
{
	uint64_t key = (uint64_t)campaign << 32 | slice;
	struct blob val;
	int rc;

	if (!r->is_loaded)
		return -ENOENT;
	rc = db_get(&r->view, DB_SLICE, (struct blob){&key, sizeof(key)}, &val);
	if (rc == 0 && val.len != STORE_SLICE)
		rc = -EIO;
	if (rc == 0)
		memcpy(out, val.data, STORE_SLICE);
	return rc;
}

int store_reader_mark(const struct store_reader *r, uint32_t *mark)
{
	struct blob val;
	int rc;

	*mark = 0;
	if (!r->is_loaded)
		return -ENOENT;
	rc = db_get_u32(&r->view, DB_META, META_MARK, &val);
	if (rc == 0 && val.len != sizeof(*mark))
		rc = -EIO;
	if (rc == 0)
		*mark = blob_to_u32(val);
	return rc;
}
