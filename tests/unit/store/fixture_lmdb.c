// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "fixture.h"

#include "support.h"

static struct store_txn *open_txn;

static struct store_txn *txn_of(struct store_env *env)
{
	if (open_txn == NULL)
		open_txn = test_begin(env);
	return open_txn;
}

struct store_env *fixture_open(void)
{
	return test_open(test_dir());
}

void fixture_close(struct store_env *env)
{
	if (open_txn != NULL)
		store_txn_abort(open_txn);
	open_txn = NULL;
	store_env_close(env);
}

void fixture_commit(struct store_env *env)
{
	test_commit(txn_of(env));
	open_txn = NULL;
}

store_id fixture_put(struct store_env *env, const struct store_subscriber *sub)
{
	store_id id;
	bool is_new;

	assert_int_equal(store_subscriber_put(txn_of(env), sub, false, &id, &is_new), 0);
	return id;
}

void fixture_verified(struct store_env *env, store_id id)
{
	assert_int_equal(store_subscriber_verified(txn_of(env), &id, 1), 0);
}

void fixture_remove(struct store_env *env, store_id id)
{
	assert_int_equal(store_subscriber_remove(txn_of(env), id), 0);
}

store_set fixture_set(struct store_env *env, const store_service_id *services, size_t n)
{
	store_set set;

	assert_int_equal(store_set_intern(txn_of(env), services, n, &set), 0);
	return set;
}

store_service_id fixture_service(struct store_env *env, const struct store_service *service)
{
	struct store_service copy = *service;

	assert_int_equal(store_service_put(txn_of(env), &copy), 0);
	return copy.id;
}

void fixture_service_remove(struct store_env *env, store_service_id id)
{
	assert_int_equal(store_service_remove(txn_of(env), id), 0);
}

void fixture_group(struct store_env *env, const struct store_group *group)
{
	assert_int_equal(store_group_put(txn_of(env), group), 0);
}

void fixture_msk(struct store_env *env, const struct store_msk *msk)
{
	assert_int_equal(store_msk_put(txn_of(env), msk), 0);
}

uint32_t fixture_campaign(struct store_env *env, const struct store_campaign *campaign)
{
	struct store_campaign copy = *campaign;

	assert_int_equal(store_campaign_next_id(txn_of(env), &copy.id), 0);
	assert_int_equal(store_campaign_put(txn_of(env), &copy), 0);
	return copy.id;
}

void fixture_slice(
	struct store_env *env, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	assert_int_equal(store_campaign_slice_put(txn_of(env), campaign, slice, state), 0);
}

void fixture_mark(struct store_env *env, uint32_t mark)
{
	assert_int_equal(store_mark_put(txn_of(env), mark), 0);
}
