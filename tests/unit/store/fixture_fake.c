// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include "fixture.h"
#include "store_fake.h"

static struct store_subscriber known[16]; // what the rule for previous B-TIDs looks at
static uint32_t last_campaign;

struct store_env *fixture_open(void)
{
	memset(known, 0, sizeof(known));
	last_campaign = 0;
	return fake_store_create();
}

void fixture_close(struct store_env *env)
{
	fake_store_destroy(env);
}

void fixture_commit(struct store_env *env)
{
	fake_store_commit(env);
}

// The fake takes what it is told; the rule of the previous B-TID is applied here.
store_id fixture_put(struct store_env *env, const struct store_subscriber *sub)
{
	store_id id = fake_store_subscriber(env, sub);
	struct store_subscriber *old = &known[id % 16];

	if (old->flags & STORE_MUK_VERIFIED && strcmp(old->btid, sub->btid) != 0) {
		struct store_prev prev = {
			.expires = old->expires, .muk = old->muk, .muk_state = old->muk_state};

		memcpy(prev.btid, old->btid, sizeof(prev.btid));
		fake_store_prev(env, id, &prev);
	}
	*old = *sub;
	return id;
}

void fixture_verified(struct store_env *env, store_id id)
{
	known[id % 16].flags |= STORE_MUK_VERIFIED;
	fake_store_verified(env, id);
}

void fixture_remove(struct store_env *env, store_id id)
{
	fake_store_remove(env, id);
}

store_set fixture_set(struct store_env *env, const store_service_id *services, size_t n)
{
	return fake_store_set(env, services, n);
}

store_service_id fixture_service(struct store_env *env, const struct store_service *service)
{
	struct store_service copy = *service;

	fake_store_service(env, &copy);
	return copy.id;
}

void fixture_service_remove(struct store_env *env, store_service_id id)
{
	fake_store_service_remove(env, id);
}

void fixture_group(struct store_env *env, const struct store_group *group)
{
	fake_store_group(env, group);
}

void fixture_msk(struct store_env *env, const struct store_msk *msk)
{
	fake_store_msk(env, msk);
}

uint32_t fixture_campaign(struct store_env *env, const struct store_campaign *campaign)
{
	struct store_campaign copy = *campaign;

	copy.id = ++last_campaign;
	fake_store_campaign(env, &copy);
	return copy.id;
}

void fixture_slice(
	struct store_env *env, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	fake_store_slice(env, campaign, slice, state);
}

void fixture_mark(struct store_env *env, uint32_t mark)
{
	fake_store_mark(env, mark);
}
