// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Reading a fake store: services, groups, MSKs, campaigns.

#include <errno.h>
#include <string.h>

#include "store_fake_data.h"

int store_reader_service_next(
	const struct store_reader *r, store_service_id after, struct store_service *out)
{
	const struct fake_list *l = &r->d.list[FAKE_SERVICE];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_service *one = fake_list_at(l, i);

		if (one->id > after) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_service(
	const struct store_reader *r, store_service_id id, struct store_service *out)
{
	if (id == STORE_SERVICE_NONE)
		return -ENOENT;
	if (store_reader_service_next(r, (store_service_id)(id - 1), out) != 0)
		return -ENOENT;
	return out->id == id ? 0 : -ENOENT;
}

int store_reader_service_by_name(
	const struct store_reader *r, const char *name, struct store_service *out)
{
	struct store_service one = {0};

	while (store_reader_service_next(r, one.id, &one) == 0)
		if (strcmp(one.name, name) == 0) {
			*out = one;
			return 0;
		}
	return -ENOENT;
}

int store_reader_group_next(
	const struct store_reader *r, const struct store_group_id *after, struct store_group *out)
{
	const struct fake_list *l = &r->d.list[FAKE_GROUP];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_group *one = fake_list_at(l, i);

		if (fake_group_compare(&one->id, after) > 0) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_group(
	const struct store_reader *r, const struct store_group_id *id, struct store_group *out)
{
	const struct fake_list *l = &r->d.list[FAKE_GROUP];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_group *one = fake_list_at(l, i);

		if (fake_group_compare(&one->id, id) == 0) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_msk_next(const struct store_reader *r, const struct store_group_id *group,
	uint16_t after, struct store_msk *out)
{
	const struct fake_list *l = &r->d.list[FAKE_MSK];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_msk *one = fake_list_at(l, i);

		if (fake_group_compare(&one->group, group) == 0 && one->number > after) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_msk(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_msk *out)
{
	if (number == 0 || store_reader_msk_next(r, group, (uint16_t)(number - 1), out) != 0)
		return -ENOENT;
	return out->number == number ? 0 : -ENOENT;
}

int store_reader_msk_newest(
	const struct store_reader *r, const struct store_group_id *group, struct store_msk *out)
{
	struct store_msk one = {0};
	int rc = -ENOENT;

	while (store_reader_msk_next(r, group, one.number, &one) == 0)
		if (one.state != STORE_MSK_RETIRED) {
			*out = one;
			rc = 0;
		}
	return rc;
}

int store_reader_mtks(const struct store_reader *r, const struct store_group_id *group,
	uint16_t number, struct store_mtks *out)
{
	const struct fake_list *l = &r->d.list[FAKE_MTKS];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_mtks *one = fake_list_at(l, i);

		if (fake_group_compare(&one->group, group) == 0 && one->number == number) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_campaign_next(
	const struct store_reader *r, uint32_t after, struct store_campaign *out)
{
	const struct fake_list *l = &r->d.list[FAKE_CAMPAIGN];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_campaign *one = fake_list_at(l, i);

		if (one->id > after) {
			*out = *one;
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_campaign(const struct store_reader *r, uint32_t id, struct store_campaign *out)
{
	if (id == 0 || store_reader_campaign_next(r, id - 1, out) != 0)
		return -ENOENT;
	return out->id == id ? 0 : -ENOENT;
}

int store_reader_campaign_slice(
	const struct store_reader *r, uint32_t campaign, uint32_t slice, uint8_t out[STORE_SLICE])
{
	const struct fake_list *l = &r->d.list[FAKE_SLICE];

	for (size_t i = 0; i < l->count; i++) {
		const struct fake_slice *one = fake_list_at(l, i);

		if (one->campaign == campaign && one->slice == slice) {
			memcpy(out, one->state, STORE_SLICE);
			return 0;
		}
	}
	return -ENOENT;
}

int store_reader_mark(const struct store_reader *r, uint32_t *mark)
{
	const struct fake_list *l = &r->d.list[FAKE_MARK];

	*mark = 0;
	if (l->count == 0)
		return -ENOENT;
	*mark = ((const struct fake_mark *)fake_list_at(l, 0))->mark;
	return 0;
}
