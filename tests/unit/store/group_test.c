// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Services, key groups, MSKs and campaigns: what the writer refuses.

#include <errno.h>
#include <stdio.h>

#include "support.h"

struct site {
	struct store_env *env;
	struct store_txn *txn;
	struct store_group group;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->env = test_open(test_dir());
	s->txn = test_begin(s->env);
	s->group = test_group(1, STORE_PROFILE_TS33246);
	assert_int_equal(store_group_put(s->txn, &s->group), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;

	store_txn_abort(s->txn);
	store_env_close(s->env);
	free(s);
	return 0;
}

static store_service_id put_service(struct site *s, const char *name)
{
	struct store_service service = {.group_count = 1, .group = {s->group.id}};

	strcpy(service.name, name);
	assert_int_equal(store_service_put(s->txn, &service), 0);
	return service.id;
}

static void service_keeps_its_id_when_changed(void **state)
{
	struct site *s = *state;
	struct store_service service = {.name = "a", .group_count = 0};
	store_service_id id = put_service(s, "a");

	assert_int_equal(store_service_put(s->txn, &service), 0);
	assert_int_equal(service.id, id);
	assert_int_not_equal(put_service(s, "b"), id);
}

static void service_needs_a_name_and_its_groups(void **state)
{
	struct site *s = *state;
	struct store_service service = {.name = ""};

	assert_int_equal(store_service_put(s->txn, &service), -EINVAL);
	strcpy(service.name, "a");
	service.group_count = 1;
	service.group[0] = test_group(99, STORE_PROFILE_V600).id;
	assert_int_equal(store_service_put(s->txn, &service), -ENOENT);
	service.group_count = STORE_SERVICE_GROUPS_MAX + 1;
	assert_int_equal(store_service_put(s->txn, &service), -EINVAL);
	memset(service.name, 'x', sizeof(service.name));
	assert_int_equal(store_service_put(s->txn, &service), -EINVAL);
}

static void sixty_fifth_service_of_a_group_is_refused(void **state)
{
	struct site *s = *state;
	struct store_service service = {.group_count = 1, .group = {s->group.id}};

	for (unsigned i = 0; i < 64; i++) {
		snprintf(service.name, sizeof(service.name), "service %u", i);
		assert_int_equal(store_service_put(s->txn, &service), 0);
	}
	assert_int_equal(store_service_put(s->txn, &service), 0);
	strcpy(service.name, "one more");
	assert_int_equal(store_service_put(s->txn, &service), -E2BIG);
}

static void service_in_use_stays(void **state)
{
	struct site *s = *state;
	store_service_id used = put_service(s, "used"), registered = put_service(s, "registered");
	store_service_id free_one = put_service(s, "free");
	struct store_subscriber sub;
	store_id id;
	bool is_new;

	for (uint32_t i = 0; i < 100; i++) {
		test_subscriber(i, i, &sub);
		if (i == 99) {
			assert_int_equal(store_set_intern(s->txn, &used, 1, &sub.authorised), 0);
			assert_int_equal(
				store_set_intern(s->txn, &registered, 1, &sub.registered), 0);
		}
		assert_int_equal(store_subscriber_put(s->txn, &sub, false, &id, &is_new), 0);
	}
	assert_int_equal(store_service_remove(s->txn, used), -EBUSY);
	assert_int_equal(store_service_remove(s->txn, registered), -EBUSY);
	assert_int_equal(store_service_remove(s->txn, free_one), 0);
	assert_int_equal(store_service_remove(s->txn, free_one), -ENOENT);
	assert_int_equal(store_subscriber_remove(s->txn, id), 0);
	assert_int_equal(store_service_remove(s->txn, used), 0);
	assert_int_not_equal(put_service(s, "used"), used);
}

static void set_is_of_services_that_are_there(void **state)
{
	struct site *s = *state;
	store_service_id a = put_service(s, "a"), b = put_service(s, "b");
	store_service_id up[] = {a, b}, down[] = {b, a, b}, none[] = {a, 99};
	store_service_id many[STORE_SET_MAX + 1] = {0};
	store_set one, two;

	assert_int_equal(store_set_intern(s->txn, up, 2, &one), 0);
	assert_int_equal(store_set_intern(s->txn, down, 3, &two), 0);
	assert_int_equal(one, two);
	assert_int_equal(store_set_intern(s->txn, none, 2, &two), -ENOENT);
	assert_int_equal(store_set_intern(s->txn, many, STORE_SET_MAX + 1, &two), -EINVAL);
}

static void profile_of_a_group_is_fixed(void **state)
{
	struct site *s = *state;
	struct store_group other = s->group;

	other.profile = STORE_PROFILE_V600;
	assert_int_equal(store_group_put(s->txn, &other), -EEXIST);
	other = (struct store_group){0};
	assert_int_equal(store_group_put(s->txn, &other), -EINVAL);
	other = test_group(7, STORE_PROFILE_V600);
	other.profile = 9;
	assert_int_equal(store_group_put(s->txn, &other), -EINVAL);
}

static void group_in_use_stays(void **state)
{
	struct site *s = *state;
	store_service_id service = put_service(s, "a");
	struct store_campaign c = {.group = s->group.id, .state = STORE_CAMPAIGN_PAUSED};

	assert_int_equal(store_group_remove(s->txn, &s->group.id), -EBUSY);
	assert_int_equal(store_service_remove(s->txn, service), 0);
	assert_int_equal(store_campaign_next_id(s->txn, &c.id), 0);
	assert_int_equal(store_campaign_put(s->txn, &c), 0);
	assert_int_equal(store_group_remove(s->txn, &s->group.id), -EBUSY);
	c.state = STORE_CAMPAIGN_DONE;
	assert_int_equal(store_campaign_put(s->txn, &c), 0);
	assert_int_equal(store_group_remove(s->txn, &s->group.id), 0);
	assert_int_equal(store_group_remove(s->txn, &s->group.id), -ENOENT);
}

static void group_takes_its_msks_with_it(void **state)
{
	struct site *s = *state;
	struct store_msk msk = test_msk(&s->group, 1, 1), out;
	struct store_reader *r;

	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	assert_int_equal(store_group_remove(s->txn, &s->group.id), 0);
	assert_int_equal(store_group_put(s->txn, &s->group), 0);
	test_commit(s->txn);
	r = test_reader(s->env);
	assert_int_equal(store_reader_msk(r, &s->group.id, 1, &out), -ENOENT);
	store_reader_destroy(r);
	s->txn = test_begin(s->env);
}

static void msk_takes_the_next_key_number(void **state)
{
	struct site *s = *state;
	struct store_msk msk = test_msk(&s->group, 2, 1);
	struct store_group group = s->group;

	assert_int_equal(store_msk_put(s->txn, &msk), -EINVAL);
	msk.number = 0;
	assert_int_equal(store_msk_put(s->txn, &msk), -EINVAL);
	msk.number = 1;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	msk.state = STORE_MSK_RETIRED;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	msk = test_msk(&s->group, 2, 1);
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	group.last_key_number = 1;
	assert_int_equal(store_group_put(s->txn, &group), -EINVAL);
	msk.group = test_group(9, STORE_PROFILE_V600).id;
	assert_int_equal(store_msk_put(s->txn, &msk), -ENOENT);
}

static void key_numbers_end_at_ffff(void **state)
{
	struct site *s = *state;
	struct store_msk msk;

	s->group.last_key_number = 0xfffe;
	assert_int_equal(store_group_put(s->txn, &s->group), 0);
	msk = test_msk(&s->group, 0xffff, 1);
	msk.state = STORE_MSK_CURRENT;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	msk = test_msk(&s->group, 1, 2);
	assert_int_equal(store_msk_put(s->txn, &msk), -ENOSPC);
}

static void key_rand_and_csb_of_an_msk_never_change(void **state)
{
	struct site *s = *state;
	struct store_msk msk = test_msk(&s->group, 1, 1), other;

	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	other = msk;
	other.key.byte[15] ^= 1;
	assert_int_equal(store_msk_put(s->txn, &other), -EEXIST);
	other = msk;
	other.rand[0] ^= 1;
	assert_int_equal(store_msk_put(s->txn, &other), -EEXIST);
	other = msk;
	other.csb_id ^= 1;
	assert_int_equal(store_msk_put(s->txn, &other), -EEXIST);
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
}

static void msk_states_only_go_forward(void **state)
{
	struct site *s = *state;
	struct store_msk msk = test_msk(&s->group, 1, 1);

	msk.is_released = true;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	msk.state = STORE_MSK_CURRENT;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	msk.state = STORE_MSK_NEXT;
	assert_int_equal(store_msk_put(s->txn, &msk), -EINVAL);
	msk.state = STORE_MSK_CURRENT;
	msk.is_released = false;
	assert_int_equal(store_msk_put(s->txn, &msk), -EINVAL);
	msk.is_released = true;
	msk.state = 3;
	assert_int_equal(store_msk_put(s->txn, &msk), -EINVAL);
}

static void group_has_one_next_and_one_current_msk(void **state)
{
	struct site *s = *state;
	struct store_msk one = test_msk(&s->group, 1, 1), two = test_msk(&s->group, 2, 2);
	struct store_msk three = test_msk(&s->group, 3, 3);

	assert_int_equal(store_msk_put(s->txn, &one), 0);
	assert_int_equal(store_msk_put(s->txn, &two), -EBUSY);
	one.state = STORE_MSK_CURRENT;
	assert_int_equal(store_msk_put(s->txn, &one), 0);
	assert_int_equal(store_msk_put(s->txn, &two), 0);
	assert_int_equal(store_msk_put(s->txn, &three), -EBUSY);
	two.state = STORE_MSK_CURRENT;
	assert_int_equal(store_msk_put(s->txn, &two), -EBUSY);
	one.state = STORE_MSK_RETIRED;
	assert_int_equal(store_msk_put(s->txn, &one), 0);
	assert_int_equal(store_msk_put(s->txn, &two), 0);
	assert_int_equal(store_msk_put(s->txn, &three), 0);
}

static void csb_ids_of_living_msks_differ(void **state)
{
	struct site *s = *state;
	struct store_group other = test_group(2, STORE_PROFILE_TS33246);
	struct store_group old = test_group(3, STORE_PROFILE_V600);
	struct store_msk msk = test_msk(&s->group, 1, 42), twin = test_msk(&other, 1, 42);
	struct store_msk v600 = test_msk(&old, 1, 42);

	assert_int_equal(store_group_put(s->txn, &other), 0);
	assert_int_equal(store_group_put(s->txn, &old), 0);
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	assert_int_equal(store_msk_put(s->txn, &v600), 0);
	assert_int_equal(store_msk_put(s->txn, &twin), -EEXIST);
	msk.state = STORE_MSK_RETIRED;
	assert_int_equal(store_msk_put(s->txn, &msk), 0);
	assert_int_equal(store_msk_put(s->txn, &twin), 0);
}

static void campaign_ids_are_given_by_the_store(void **state)
{
	struct site *s = *state;
	struct store_campaign c = {.id = 1};
	uint32_t id;

	assert_int_equal(store_campaign_put(s->txn, &c), -EINVAL);
	assert_int_equal(store_campaign_next_id(s->txn, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(store_campaign_next_id(s->txn, &id), 0);
	assert_int_equal(id, 2);
	assert_int_equal(store_campaign_put(s->txn, &c), 0);
	c.sends = STORE_SENDS_MAX + 1;
	assert_int_equal(store_campaign_put(s->txn, &c), -EINVAL);
	c.id = 0;
	assert_int_equal(store_campaign_put(s->txn, &c), -EINVAL);
}

static void slices_are_dropped_in_bounded_steps(void **state)
{
	struct site *s = *state;
	uint8_t slice[STORE_SLICE] = {0};
	struct store_reader *r;
	uint32_t id;

	for (id = 0; id < 3;)
		assert_int_equal(store_campaign_next_id(s->txn, &id), 0);
	for (id = 1; id <= 3; id++)
		for (uint32_t i = 0; i < 10; i++)
			assert_int_equal(store_campaign_slice_put(s->txn, id, i, slice), 0);
	assert_int_equal(store_campaign_slice_put(s->txn, 4, 0, slice), -EINVAL);
	assert_int_equal(store_campaign_slices_drop(s->txn, 2, 4), 1);
	assert_int_equal(store_campaign_slices_drop(s->txn, 2, 4), 1);
	assert_int_equal(store_campaign_slices_drop(s->txn, 2, 4), 0);
	assert_int_equal(store_campaign_slices_drop(s->txn, 2, 4), 0);
	assert_int_equal(store_campaign_slices_drop(s->txn, 3, 100), 0);
	test_commit(s->txn);
	r = test_reader(s->env);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(store_reader_campaign_slice(r, 1, i, slice), 0);
		assert_int_equal(store_reader_campaign_slice(r, 2, i, slice), -ENOENT);
		assert_int_equal(store_reader_campaign_slice(r, 3, i, slice), -ENOENT);
	}
	store_reader_destroy(r);
	s->txn = test_begin(s->env);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(service_keeps_its_id_when_changed),
		TEST(service_needs_a_name_and_its_groups),
		TEST(sixty_fifth_service_of_a_group_is_refused),
		TEST(service_in_use_stays),
		TEST(set_is_of_services_that_are_there),
		TEST(profile_of_a_group_is_fixed),
		TEST(group_in_use_stays),
		TEST(group_takes_its_msks_with_it),
		TEST(msk_takes_the_next_key_number),
		TEST(key_numbers_end_at_ffff),
		TEST(key_rand_and_csb_of_an_msk_never_change),
		TEST(msk_states_only_go_forward),
		TEST(group_has_one_next_and_one_current_msk),
		TEST(csb_ids_of_living_msks_differ),
		TEST(campaign_ids_are_given_by_the_store),
		TEST(slices_are_dropped_in_bounded_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
