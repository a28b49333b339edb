// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Filling a fake store.

#include <stdlib.h>
#include <string.h>

#include "store_fake_data.h"

static const size_t item_bytes[FAKE_KINDS] = {
	[FAKE_BLOCK] = sizeof(struct store_block),
	[FAKE_SUBSCRIBER] = sizeof(struct store_subscriber),
	[FAKE_PREV] = sizeof(struct store_prev),
	[FAKE_SET] = sizeof(struct fake_set),
	[FAKE_SERVICE] = sizeof(struct store_service),
	[FAKE_GROUP] = sizeof(struct store_group),
	[FAKE_MSK] = sizeof(struct store_msk),
	[FAKE_CAMPAIGN] = sizeof(struct store_campaign),
	[FAKE_SLICE] = sizeof(struct fake_slice),
	[FAKE_MARK] = sizeof(struct fake_mark),
	[FAKE_MTKS] = sizeof(struct store_mtks),
};

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

void *fake_list_at(const struct fake_list *l, size_t i)
{
	return l->data + i * l->item_bytes;
}

int fake_group_compare(const struct store_group_id *a, const struct store_group_id *b)
{
	int order = memcmp(a->kdi, b->kdi, STORE_KDI_BYTES);

	return order != 0 ? order : (int)a->group - (int)b->group;
}

void fake_data_free(struct fake_data *d)
{
	for (unsigned i = 0; i < FAKE_KINDS; i++)
		free(d->list[i].data);
	*d = (struct fake_data){0};
}

void fake_data_copy(struct fake_data *to, const struct fake_data *from)
{
	fake_data_free(to);
	*to = *from;
	for (unsigned i = 0; i < FAKE_KINDS; i++) {
		size_t bytes = from->list[i].count * from->list[i].item_bytes;

		to->list[i].data = must(malloc(bytes + 1));
		to->list[i].room = from->list[i].count;
		if (bytes != 0)
			memcpy(to->list[i].data, from->list[i].data, bytes);
	}
}

struct store_env *fake_store_create(void)
{
	struct store_env *env = must(calloc(1, sizeof(*env)));

	for (unsigned i = 0; i < FAKE_KINDS; i++)
		env->filled.list[i].item_bytes = item_bytes[i];
	env->filled.dict_version = 1;
	fake_store_commit(env);
	return env;
}

void fake_store_destroy(struct store_env *env)
{
	fake_data_free(&env->filled);
	fake_data_free(&env->committed);
	free(env);
}

void fake_store_commit(struct store_env *env)
{
	env->filled.version++;
	fake_data_copy(&env->committed, &env->filled);
}

uint64_t fake_store_version(const struct store_env *env)
{
	return env->committed.version;
}

// Makes room for an item at a place, all zero.
static void *list_insert(struct fake_list *l, size_t at)
{
	unsigned char *item;

	if (l->count == l->room) {
		l->room = l->room * 2 + 1;
		l->data = must(realloc(l->data, l->room * l->item_bytes));
	}
	item = l->data + at * l->item_bytes;
	memmove(item + l->item_bytes, item, (l->count - at) * l->item_bytes);
	memset(item, 0, l->item_bytes);
	l->count++;
	return item;
}

static store_id id_of_impi(const struct fake_data *d, const char *impi)
{
	const struct fake_list *l = &d->list[FAKE_SUBSCRIBER];

	for (size_t i = 0; i < l->count; i++) {
		const struct store_subscriber *sub = fake_list_at(l, i);

		if (sub->flags & STORE_LIVE && strcmp(sub->impi, impi) == 0)
			return (store_id)i;
	}
	return STORE_ID_NONE;
}

// Brings the hot record of an id in line with its subscriber.
static void block_update(struct fake_data *d, store_id id)
{
	const struct store_subscriber *sub = fake_list_at(&d->list[FAKE_SUBSCRIBER], id);
	struct store_block *block =
		fake_list_at(&d->list[FAKE_BLOCK], id / STORE_BLOCK_SUBSCRIBERS);
	unsigned at = id % STORE_BLOCK_SUBSCRIBERS;

	block->version = 1;
	if (block->count <= at)
		block->count = (uint8_t)(at + 1);
	block->muk[at] = sub->muk_state;
	block->hot[at] = (struct store_hot){
		.addr = sub->addr,
		.expires = sub->expires,
		.authorised = sub->authorised | (uint32_t)sub->flags << 24,
		.registered = sub->registered,
		.port = sub->port,
	};
}

store_id fake_store_subscriber(struct store_env *env, const struct store_subscriber *sub)
{
	struct fake_data *d = &env->filled;
	store_id id = id_of_impi(d, sub->impi);
	struct store_subscriber *mine;

	if (id == STORE_ID_NONE) {
		id = (store_id)d->list[FAKE_SUBSCRIBER].count;
		list_insert(&d->list[FAKE_SUBSCRIBER], id);
		list_insert(&d->list[FAKE_PREV], id);
		if (id % STORE_BLOCK_SUBSCRIBERS == 0)
			list_insert(&d->list[FAKE_BLOCK], id / STORE_BLOCK_SUBSCRIBERS);
	}
	mine = fake_list_at(&d->list[FAKE_SUBSCRIBER], id);
	*mine = *sub;
	mine->flags |= STORE_LIVE | STORE_IMPI_RAW;
	if (mine->flags & STORE_HAS_MUK)
		mine->flags |= STORE_BTID_RAW;
	block_update(d, id);
	return id;
}

void fake_store_remove(struct store_env *env, store_id id)
{
	memset(fake_list_at(&env->filled.list[FAKE_SUBSCRIBER], id), 0,
		sizeof(struct store_subscriber));
	memset(fake_list_at(&env->filled.list[FAKE_PREV], id), 0, sizeof(struct store_prev));
	block_update(&env->filled, id);
}

void fake_store_prev(struct store_env *env, store_id id, const struct store_prev *prev)
{
	struct store_subscriber *sub = fake_list_at(&env->filled.list[FAKE_SUBSCRIBER], id);
	struct store_prev *mine = fake_list_at(&env->filled.list[FAKE_PREV], id);

	*mine = prev != NULL ? *prev : (struct store_prev){0};
	sub->flags &= (uint8_t)~STORE_HAS_PREV;
	if (prev != NULL)
		sub->flags |= STORE_HAS_PREV;
	block_update(&env->filled, id);
}

void fake_store_verified(struct store_env *env, store_id id)
{
	struct store_subscriber *sub = fake_list_at(&env->filled.list[FAKE_SUBSCRIBER], id);

	sub->flags |= STORE_MUK_VERIFIED;
	fake_store_prev(env, id, NULL);
}

store_set fake_store_set(struct store_env *env, const store_service_id *services, size_t n)
{
	struct fake_list *l = &env->filled.list[FAKE_SET];
	struct fake_set *set;

	if (n == 0)
		return STORE_SET_NONE;
	for (size_t i = 0; i < l->count; i++) {
		set = fake_list_at(l, i);
		if (set->count == n && memcmp(set->service, services, n * sizeof(*services)) == 0)
			return (store_set)(i + 1);
	}
	set = list_insert(l, l->count);
	set->count = n;
	memcpy(set->service, services, n * sizeof(*services));
	env->filled.dict_version++;
	return (store_set)l->count;
}

void fake_store_service(struct store_env *env, struct store_service *service)
{
	struct fake_list *l = &env->filled.list[FAKE_SERVICE];
	size_t at = 0;

	while (at < l->count &&
		strcmp(((struct store_service *)fake_list_at(l, at))->name, service->name) != 0)
		at++;
	if (at == l->count) {
		list_insert(l, at);
		service->id = ++env->filled.last_service;
	} else {
		service->id = ((struct store_service *)fake_list_at(l, at))->id;
	}
	*(struct store_service *)fake_list_at(l, at) = *service;
	env->filled.dict_version++;
}

void fake_store_service_remove(struct store_env *env, store_service_id id)
{
	struct fake_list *l = &env->filled.list[FAKE_SERVICE];

	for (size_t at = 0; at < l->count; at++) {
		unsigned char *item = fake_list_at(l, at);

		if (((struct store_service *)item)->id != id)
			continue;
		l->count--;
		memmove(item, item + l->item_bytes, (l->count - at) * l->item_bytes);
		env->filled.dict_version++;
		return;
	}
}

void fake_store_group(struct store_env *env, const struct store_group *group)
{
	struct fake_list *l = &env->filled.list[FAKE_GROUP];
	struct store_group *one = NULL;
	size_t at = 0;
	int order = 1;

	for (; at < l->count; at++) {
		one = fake_list_at(l, at);
		order = fake_group_compare(&one->id, &group->id);
		if (order >= 0)
			break;
	}
	if (at == l->count || order != 0)
		one = list_insert(l, at);
	*one = *group;
}

void fake_store_msk(struct store_env *env, const struct store_msk *msk)
{
	struct fake_list *l = &env->filled.list[FAKE_MSK];
	struct store_msk *one = NULL;
	size_t at = 0;
	int order = 1;

	for (; at < l->count; at++) {
		one = fake_list_at(l, at);
		order = fake_group_compare(&one->group, &msk->group);
		if (order == 0)
			order = (int)one->number - (int)msk->number;
		if (order >= 0)
			break;
	}
	if (at == l->count || order != 0)
		one = list_insert(l, at);
	*one = *msk;
}

void fake_store_mtks(struct store_env *env, const struct store_mtks *mtks)
{
	struct fake_list *l = &env->filled.list[FAKE_MTKS];
	struct store_mtks *one = NULL;
	size_t at = 0;

	for (; at < l->count; at++) {
		one = fake_list_at(l, at);
		if (fake_group_compare(&one->group, &mtks->group) == 0 &&
			one->number == mtks->number)
			break;
	}
	if (at == l->count)
		one = list_insert(l, at);
	*one = *mtks;
}

void fake_store_campaign(struct store_env *env, const struct store_campaign *campaign)
{
	struct fake_list *l = &env->filled.list[FAKE_CAMPAIGN];
	struct store_campaign *one = NULL;
	size_t at = 0;

	for (; at < l->count; at++) {
		one = fake_list_at(l, at);
		if (one->id >= campaign->id)
			break;
	}
	if (at == l->count || one->id != campaign->id)
		one = list_insert(l, at);
	*one = *campaign;
}

void fake_store_slice(
	struct store_env *env, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	struct fake_list *l = &env->filled.list[FAKE_SLICE];
	struct fake_slice *one = NULL;
	size_t at = 0;

	for (; at < l->count; at++) {
		one = fake_list_at(l, at);
		if (one->campaign == campaign && one->slice == slice)
			break;
	}
	if (at == l->count)
		one = list_insert(l, at);
	one->campaign = campaign;
	one->slice = slice;
	memcpy(one->state, state, STORE_SLICE);
}

void fake_store_mark(struct store_env *env, uint32_t mark)
{
	struct fake_list *l = &env->filled.list[FAKE_MARK];
	struct fake_mark *one = l->count == 0 ? list_insert(l, 0) : fake_list_at(l, 0);

	one->mark = mark;
}
