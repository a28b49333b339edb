// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support_damage.h"

#include "env.h"
#include "support_import.h"

int damage_set_up(void **state)
{
	struct store_env *env = test_open(test_dir());
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_service service = {.name = "s", .group_count = 1, .group = {group.id}};
	struct store_campaign campaign = {.id = 1, .group = group.id};
	struct store_msk msk = test_msk(&group, 1, 1);
	struct store_subscriber sub = {.impi = "raw", .btid = "raw", .flags = STORE_HAS_MUK};
	struct store_txn *txn;
	store_set set;
	uint32_t id;

	test_import_range(env, 0, MANY);
	test_verify(env, 3);
	test_subscriber(3, 5003, &sub);
	test_put(env, &sub);
	test_put(env,
		&(struct store_subscriber){.impi = "raw", .btid = "raw", .flags = STORE_HAS_MUK});
	txn = test_begin(env);
	assert_int_equal(store_group_put(txn, &group), 0);
	assert_int_equal(store_msk_put(txn, &msk), 0);
	assert_int_equal(store_service_put(txn, &service), 0);
	assert_int_equal(store_set_intern(txn, &service.id, 1, &set), 0);
	assert_int_equal(store_campaign_next_id(txn, &id), 0);
	assert_int_equal(store_campaign_put(txn, &campaign), 0);
	test_commit(txn);
	*state = env;
	return 0;
}

int damage_tear_down(void **state)
{
	store_env_close(*state);
	return 0;
}

void damage_put(struct store_env *env, enum db_id db, uint32_t key, const void *data, size_t len)
{
	struct store_txn *txn = test_begin(env);

	assert_int_equal(db_put_u32(&txn->view, db, key, data, len), 0);
	txn_state(txn)->hot_version++;
	txn_state(txn)->index_version++;
	test_commit(txn);
}

void damage_get(struct store_env *env, enum db_id db, uint32_t key, void *out)
{
	struct store_txn *txn = test_begin(env);
	struct blob val;

	assert_int_equal(db_get_u32(&txn->view, db, key, &val), 0);
	assert_int_equal(val.len, sizeof(struct store_block));
	memcpy(out, val.data, val.len);
	store_txn_abort(txn);
}
