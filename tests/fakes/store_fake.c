// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Reading a fake store: snapshots, subscribers, eligibility.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_fake_data.h"

int store_reader_create(struct store_env *env, struct store_reader **out)
{
	struct store_reader *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL)
		return -ENOMEM;
	r->env = env;
	fake_data_copy(&r->d, &env->committed);
	return 0;
}

void store_reader_destroy(struct store_reader *r)
{
	if (r == NULL)
		return;
	fake_data_free(&r->d);
	free(r);
}

int store_reader_renew(struct store_reader *r)
{
	if (r->d.version == r->env->committed.version)
		return 0;
	fake_data_copy(&r->d, &r->env->committed);
	return 1;
}

uint64_t store_reader_version(const struct store_reader *r)
{
	return r->d.version;
}

store_id store_reader_span(const struct store_reader *r)
{
	return (store_id)r->d.list[FAKE_SUBSCRIBER].count;
}

uint32_t store_reader_damaged(const struct store_reader *r)
{
	(void)r;
	return 0;
}

const struct store_block *store_reader_block(const struct store_reader *r, uint32_t block)
{
	const struct fake_list *l = &r->d.list[FAKE_BLOCK];

	return block < l->count ? fake_list_at(l, block) : NULL;
}

int store_reader_muk(struct store_reader *r, store_id id, struct store_muk_state *out)
{
	const struct store_block *block = store_reader_block(r, id / STORE_BLOCK_SUBSCRIBERS);

	if (block == NULL)
		return -ENOENT;
	*out = block->muk[id % STORE_BLOCK_SUBSCRIBERS];
	return 0;
}

// A live subscriber, or NULL.
static const struct store_subscriber *subscriber(const struct store_reader *r, store_id id)
{
	const struct store_subscriber *sub;

	if (id >= store_reader_span(r))
		return NULL;
	sub = fake_list_at(&r->d.list[FAKE_SUBSCRIBER], id);
	return sub->flags & STORE_LIVE ? sub : NULL;
}

static const struct store_prev *previous(const struct store_reader *r, store_id id)
{
	const struct store_subscriber *sub = subscriber(r, id);

	if (sub == NULL || !(sub->flags & STORE_HAS_PREV))
		return NULL;
	return fake_list_at(&r->d.list[FAKE_PREV], id);
}

void store_reader_prefetch_burst(
	const struct store_reader *r, const store_id *ids, size_t n, store_id ahead)
{
	(void)r;
	(void)ids;
	(void)n;
	(void)ahead;
}

// Keys are never where they can be used in place.
void store_reader_records(
	const struct store_reader *r, const store_id *ids, size_t n, struct store_record *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct store_record){.hot = store_reader_hot(r, ids[i])};
}

size_t store_reader_btid(const struct store_reader *r, store_id id, const struct store_hot *hot,
	char out[STORE_NAI_MAX + 1])
{
	const struct store_subscriber *sub = subscriber(r, id);
	size_t len;

	if (sub == NULL || !(store_hot_flags(hot) & STORE_HAS_MUK))
		return 0;
	len = strlen(sub->btid);
	memcpy(out, sub->btid, len);
	return len;
}

static bool is_text(const char *text, const struct store_bytes *bytes)
{
	return bytes->len != 0 && strlen(text) == bytes->len &&
		memcmp(text, bytes->data, bytes->len) == 0;
}

static store_id find_btid(
	const struct store_reader *r, const struct store_bytes *btid, uint8_t *is_prev)
{
	for (store_id id = 0; id < store_reader_span(r); id++) {
		const struct store_subscriber *sub = subscriber(r, id);
		const struct store_prev *prev = previous(r, id);

		*is_prev = 0;
		if (sub != NULL && is_text(sub->btid, btid))
			return id;
		*is_prev = prev != NULL && is_text(prev->btid, btid);
		if (*is_prev)
			return id;
	}
	*is_prev = 0;
	return STORE_ID_NONE;
}

void store_reader_find_btid_burst(const struct store_reader *r, const struct store_bytes *btids,
	size_t n, store_id *ids, uint8_t *is_prev)
{
	for (size_t i = 0; i < n; i++)
		ids[i] = find_btid(r, &btids[i], &is_prev[i]);
}

int store_reader_prev(const struct store_reader *r, store_id id, struct store_prev *out)
{
	const struct store_prev *prev = previous(r, id);

	memset(out, 0, sizeof(*out));
	if (prev == NULL)
		return -ENOENT;
	*out = *prev;
	return 0;
}

uint32_t store_reader_subscriber_count(const struct store_reader *r)
{
	uint32_t n = 0;

	for (store_id id = 0; id < store_reader_span(r); id++)
		n += subscriber(r, id) != NULL;
	return n;
}

int store_reader_subscriber(const struct store_reader *r, store_id id, struct store_subscriber *out)
{
	const struct store_subscriber *sub = subscriber(r, id);

	memset(out, 0, sizeof(*out));
	if (sub == NULL)
		return -ENOENT;
	*out = *sub;
	return 0;
}

store_id store_reader_find_impi(const struct store_reader *r, const char *impi)
{
	for (store_id id = 0; id < store_reader_span(r); id++) {
		const struct store_subscriber *sub = subscriber(r, id);

		if (sub != NULL && strcmp(sub->impi, impi) == 0)
			return id;
	}
	return STORE_ID_NONE;
}

store_id store_reader_find_btid(const struct store_reader *r, const char *btid)
{
	struct store_bytes bytes = {(const uint8_t *)btid, (uint16_t)strlen(btid)};
	uint8_t is_prev;

	return find_btid(r, &bytes, &is_prev);
}

size_t store_reader_set(
	const struct store_reader *r, store_set set, store_service_id out[STORE_SET_MAX])
{
	const struct fake_set *one;

	if (set == STORE_SET_NONE || set > r->d.list[FAKE_SET].count)
		return 0;
	one = fake_list_at(&r->d.list[FAKE_SET], set - 1);
	memcpy(out, one->service, one->count * sizeof(*out));
	return one->count;
}

uint64_t store_reader_dict_version(const struct store_reader *r)
{
	return r->d.dict_version;
}

static bool names_group(const struct store_service *service, const struct store_group_id *group)
{
	for (unsigned i = 0; i < service->group_count; i++)
		if (fake_group_compare(&service->group[i], group) == 0)
			return true;
	return false;
}

static void mask_service(const struct store_reader *r, struct store_eligibility *e,
	store_service_id id, unsigned bit)
{
	store_service_id list[STORE_SET_MAX];

	for (store_set set = 1; set < e->set_count; set++) {
		size_t n = store_reader_set(r, set, list);

		for (size_t i = 0; i < n; i++)
			if (list[i] == id)
				e->mask[set] |= UINT64_C(1) << bit;
	}
}

int store_eligibility_load(const struct store_reader *r, const struct store_group_id *group,
	struct store_eligibility *e)
{
	const struct fake_list *l = &r->d.list[FAKE_SERVICE];
	unsigned bit = 0;

	e->dict_version = r->d.dict_version;
	e->set_count = (uint32_t)r->d.list[FAKE_SET].count + 1;
	e->mask = calloc(e->set_count, sizeof(*e->mask));
	if (e->mask == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < l->count && bit < 64; i++) {
		const struct store_service *service = fake_list_at(l, i);

		if (names_group(service, group))
			mask_service(r, e, service->id, bit++);
	}
	return 0;
}

void store_eligibility_free(struct store_eligibility *e)
{
	free(e->mask);
	*e = (struct store_eligibility){0};
}
