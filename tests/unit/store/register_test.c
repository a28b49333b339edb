// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>

#include "support.h"

#define SERVICES 4

static struct store_env *env;
static struct store_reader *r;
static store_service_id service[SERVICES];

static int set_up(void **state)
{
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_txn *txn;

	(void)state;
	env = test_open(test_dir());
	r = test_reader(env);
	txn = test_begin(env);
	assert_int_equal(store_group_put(txn, &group), 0);
	for (int i = 0; i < SERVICES; i++) {
		struct store_service s = {.group_count = 1, .group = {group.id}};

		snprintf(s.name, sizeof(s.name), "urn:service:%d", i);
		assert_int_equal(store_service_put(txn, &s), 0);
		service[i] = s.id;
	}
	test_commit(txn);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_reader_destroy(r);
	store_env_close(env);
	return 0;
}

// Authorised for all services but the last.
static store_id put(uint32_t i)
{
	struct store_subscriber sub;
	struct store_txn *txn = test_begin(env);
	store_id id;
	bool is_new;

	test_subscriber(i, i, &sub);
	sub.registered = STORE_SET_NONE;
	assert_int_equal(store_set_intern(txn, service, SERVICES - 1, &sub.authorised), 0);
	assert_int_equal(store_subscriber_put(txn, &sub, false, &id, &is_new), 0);
	test_commit(txn);
	return id;
}

static struct store_registration registration(store_id id, uint32_t b, char btid[STORE_NAI_MAX + 1])
{
	test_btid(b, btid);
	return (struct store_registration){
		.id = id, .btid = {(const uint8_t *)btid, (uint16_t)strlen(btid)}};
}

static int apply(const struct store_registration *reg)
{
	struct store_txn *txn = test_begin(env);
	int rc = store_subscriber_register(txn, reg);

	if (rc == 0)
		test_commit(txn);
	else
		store_txn_abort(txn);
	return rc;
}

static const struct store_hot *hot_of(store_id id)
{
	assert_true(store_reader_renew(r) >= 0);
	return store_reader_hot(r, id);
}

static void expect_registered(store_id id, size_t n, const store_service_id *wanted)
{
	store_service_id list[STORE_SET_MAX];

	assert_int_equal(store_reader_set(r, store_hot_registered(hot_of(id)), list), n);
	assert_memory_equal(list, wanted, n * sizeof(*list));
}

static void services_come_and_go(void **state)
{
	store_id id = put(5);
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 5, btid);

	(void)state;
	reg.add = service;
	reg.adds = 2;
	assert_int_equal(apply(&reg), 0);
	expect_registered(id, 2, service);
	reg.add = service + 1;
	reg.adds = 2;
	reg.drop = service;
	reg.drops = 1;
	assert_int_equal(apply(&reg), 0);
	expect_registered(id, 2, service + 1);
	reg.adds = 0;
	reg.drop = service;
	reg.drops = SERVICES;
	assert_int_equal(apply(&reg), 0);
	expect_registered(id, 0, NULL);
}

static void what_it_is_not_authorised_for_is_left_out(void **state)
{
	store_id id = put(5);
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 5, btid);

	(void)state;
	reg.add = service;
	reg.adds = SERVICES;
	assert_int_equal(apply(&reg), 0);
	expect_registered(id, SERVICES - 1, service);
}

static void where_it_is_changes_when_it_is_told(void **state)
{
	store_id id = put(5);
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 5, btid);
	struct store_hot before = *hot_of(id);

	(void)state;
	reg.add = service;
	reg.adds = 1;
	assert_int_equal(apply(&reg), 0);
	assert_memory_equal(&hot_of(id)->addr, &before.addr, sizeof(before.addr));
	assert_int_equal(hot_of(id)->port, before.port);
	reg.has_place = true;
	reg.addr = (struct store_addr){.byte = {0x20, 1, [15] = 9}};
	reg.port = 4711;
	assert_int_equal(apply(&reg), 0);
	assert_memory_equal(&hot_of(id)->addr, &reg.addr, sizeof(reg.addr));
	assert_int_equal(hot_of(id)->port, 4711);
	expect_registered(id, 1, service);
	// Nothing else of the record moved.
	assert_int_equal(hot_of(id)->expires, before.expires);
	assert_int_equal(hot_of(id)->authorised, before.authorised);
	assert_int_equal(store_reader_find_btid(r, btid), id);
}

static void neighbours_and_keys_stay(void **state)
{
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg;
	struct store_subscriber before, after;
	store_id a = put(5), b = put(6);

	(void)state;
	hot_of(b);
	assert_int_equal(store_reader_subscriber(r, b, &before), 0);
	reg = registration(a, 5, btid);
	reg.add = service;
	reg.adds = 1;
	assert_int_equal(apply(&reg), 0);
	hot_of(b);
	assert_int_equal(store_reader_subscriber(r, b, &after), 0);
	test_same(&before, &after);
	assert_int_equal(before.registered, after.registered);
	assert_int_equal(store_reader_subscriber(r, a, &after), 0);
	test_subscriber(5, 5, &before);
	assert_memory_equal(&before.muk, &after.muk, sizeof(before.muk));
	assert_memory_equal(&before.mrk, &after.mrk, sizeof(before.mrk));
}

static void another_btid_is_refused(void **state)
{
	store_id id = put(5);
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 6, btid);

	(void)state;
	reg.add = service;
	reg.adds = 1;
	assert_int_equal(apply(&reg), -ENOENT);
	reg = registration(id + 1, 5, btid);
	assert_int_equal(apply(&reg), -ENOENT);
	reg = registration(STORE_ID_NONE, 5, btid);
	assert_int_equal(apply(&reg), -ENOENT);
}

static void a_registration_that_changes_nothing_writes_nothing(void **state)
{
	store_id id = put(5);
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 5, btid);
	uint64_t version;

	(void)state;
	reg.add = service;
	reg.adds = 1;
	assert_int_equal(apply(&reg), 0);
	hot_of(id);
	version = store_reader_version(r);
	assert_int_equal(apply(&reg), 0);
	hot_of(id);
	assert_true(store_reader_version(r) == version);
}

static int bootstrap(
	const struct store_subscriber *keys, bool has_services, store_id *id, bool *is_new)
{
	struct store_txn *txn = test_begin(env);
	int rc = store_subscriber_bootstrap(txn, keys, has_services, false, id, is_new);

	if (rc == 0)
		test_commit(txn);
	else
		store_txn_abort(txn);
	return rc;
}

static void a_bootstrapping_changes_keys_and_nothing_else(void **state)
{
	store_id id = put(5), same;
	char btid[STORE_NAI_MAX + 1];
	struct store_registration reg = registration(id, 5, btid);
	struct store_subscriber before, keys, after;
	bool is_new;

	(void)state;
	reg.add = service;
	reg.adds = 1;
	assert_int_equal(apply(&reg), 0);
	hot_of(id);
	assert_int_equal(store_reader_subscriber(r, id, &before), 0);
	test_subscriber(5, 55, &keys);
	keys.flags |= STORE_IN_UICC;
	keys.addr = (struct store_addr){0};
	keys.port = 1;
	keys.authorised = keys.registered = STORE_SET_NONE;
	assert_int_equal(bootstrap(&keys, false, &same, &is_new), 0);
	assert_int_equal(same, id);
	assert_false(is_new);
	hot_of(id);
	assert_int_equal(store_reader_subscriber(r, id, &after), 0);
	assert_string_equal(after.btid, keys.btid);
	assert_memory_equal(&after.muk, &keys.muk, sizeof(keys.muk));
	assert_memory_equal(&after.mrk, &keys.mrk, sizeof(keys.mrk));
	assert_true(after.flags & STORE_IN_UICC);
	assert_memory_equal(&after.addr, &before.addr, sizeof(before.addr));
	assert_int_equal(after.port, before.port);
	assert_int_equal(after.authorised, before.authorised);
	assert_int_equal(after.registered, before.registered);
	assert_int_equal(bootstrap(&keys, true, &same, &is_new), 0);
	assert_int_equal(store_hot_authorised(hot_of(id)), STORE_SET_NONE);
	expect_registered(id, 1, service);
}

static void a_bootstrapping_of_somebody_new_adds_him(void **state)
{
	struct store_subscriber keys, after;
	store_id id;
	bool is_new;

	(void)state;
	put(5);
	test_subscriber(6, 6, &keys);
	keys.authorised = keys.registered = STORE_SET_NONE;
	assert_int_equal(bootstrap(&keys, false, &id, &is_new), 0);
	assert_true(is_new);
	hot_of(id);
	assert_int_equal(store_reader_subscriber(r, id, &after), 0);
	test_same(&keys, &after);
	// The B-TID of another one is his alone.
	test_subscriber(7, 5, &keys);
	keys.authorised = keys.registered = STORE_SET_NONE;
	assert_int_equal(bootstrap(&keys, false, &id, &is_new), -EEXIST);
}

static uint32_t check_of(store_id id)
{
	struct store_muk_state muk;

	assert_true(store_reader_renew(r) >= 0);
	assert_int_equal(store_reader_muk(r, id, &muk), 0);
	return store_muk_check(&muk);
}

static void a_verification_counts_for_the_muk_it_came_under(void **state)
{
	store_id a = put(5), b = put(6);
	struct store_verification list[3] = {
		{a, check_of(a)}, {b, check_of(b) ^ 1}, {STORE_ID_NONE, 0}};
	struct store_txn *txn = test_begin(env);

	(void)state;
	assert_int_equal(store_subscriber_verified_under(txn, list, 3), 0);
	test_commit(txn);
	assert_true(store_hot_flags(hot_of(a)) & STORE_MUK_VERIFIED);
	assert_false(store_hot_flags(hot_of(b)) & STORE_MUK_VERIFIED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(services_come_and_go),
		TEST(what_it_is_not_authorised_for_is_left_out),
		TEST(where_it_is_changes_when_it_is_told),
		TEST(neighbours_and_keys_stay),
		TEST(another_btid_is_refused),
		TEST(a_registration_that_changes_nothing_writes_nothing),
		TEST(a_bootstrapping_changes_keys_and_nothing_else),
		TEST(a_bootstrapping_of_somebody_new_adds_him),
		TEST(a_verification_counts_for_the_muk_it_came_under),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
