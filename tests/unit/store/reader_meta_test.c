// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What any store has to tell its readers of services, groups, MSKs, campaigns and the mark. Built
// twice: on LMDB and on the fake.

#include <errno.h>

#include "site.h"

// Two groups; service 1 has the first, service 2 both.
static void make_services(struct site *s, struct store_group group[2], store_service_id id[2])
{
	struct store_service service = {.name = "service:one", .group_count = 1};

	group[0] = test_group(1, STORE_PROFILE_TS33246);
	group[1] = test_group(2, STORE_PROFILE_V600);
	fixture_group(s->env, &group[0]);
	fixture_group(s->env, &group[1]);
	service.group[0] = group[0].id;
	id[0] = fixture_service(s->env, &service);
	service.group[1] = group[1].id;
	service.group_count = 2;
	strcpy(service.name, "service:two");
	id[1] = fixture_service(s->env, &service);
}

static struct store_hot hot_of(store_set authorised, store_set registered)
{
	return (struct store_hot){
		.authorised = authorised | (uint32_t)STORE_LIVE << 24, .registered = registered};
}

static void members_are_authorised_and_registered(void **state)
{
	struct site *s = *state;
	struct store_group group[2];
	store_service_id id[2];
	struct store_eligibility e;
	struct store_hot hot;
	store_set one, two, both;

	make_services(s, group, id);
	one = fixture_set(s->env, &id[0], 1);
	two = fixture_set(s->env, &id[1], 1);
	both = fixture_set(s->env, id, 2);
	site_see(s);
	assert_int_equal(store_eligibility_load(s->r, &group[1].id, &e), 0);
	assert_int_equal(e.dict_version, store_reader_dict_version(s->r));
	hot = hot_of(both, two);
	assert_true(store_eligibility_is_authorised(&e, &hot));
	assert_true(store_eligibility_is_member(&e, &hot));
	hot = hot_of(both, one);
	assert_true(store_eligibility_is_authorised(&e, &hot));
	assert_false(store_eligibility_is_member(&e, &hot));
	hot = hot_of(one, both);
	assert_false(store_eligibility_is_authorised(&e, &hot));
	assert_false(store_eligibility_is_member(&e, &hot));
	hot = hot_of(STORE_SET_NONE, both);
	assert_false(store_eligibility_is_member(&e, &hot));
	hot = hot_of(0xffffff, 0xffffff);
	assert_false(store_eligibility_is_member(&e, &hot));
	store_eligibility_free(&e);
	// In the first group the common service has to be one of both.
	assert_int_equal(store_eligibility_load(s->r, &group[0].id, &e), 0);
	hot = hot_of(one, two);
	assert_true(store_eligibility_is_authorised(&e, &hot));
	assert_false(store_eligibility_is_member(&e, &hot));
	store_eligibility_free(&e);
}

static void sets_have_the_same_number_for_ever(void **state)
{
	struct site *s = *state;
	struct store_group group[2];
	store_service_id id[2], out[STORE_SET_MAX];
	store_set both;
	uint64_t version;

	make_services(s, group, id);
	both = fixture_set(s->env, id, 2);
	assert_int_not_equal(both, STORE_SET_NONE);
	assert_int_equal(fixture_set(s->env, id, 0), STORE_SET_NONE);
	site_see(s);
	version = store_reader_dict_version(s->r);
	assert_int_equal(fixture_set(s->env, id, 2), both);
	fixture_mark(s->env, 1);
	site_see(s);
	assert_int_equal(store_reader_dict_version(s->r), version);
	assert_int_equal(store_reader_set(s->r, both, out), 2);
	assert_int_equal(out[0], id[0]);
	assert_int_equal(out[1], id[1]);
	assert_int_equal(store_reader_set(s->r, STORE_SET_NONE, out), 0);
	assert_int_equal(store_reader_set(s->r, both + 1, out), 0);
}

static void dict_version_moves_with_services(void **state)
{
	struct site *s = *state;
	struct store_group group[2];
	store_service_id id[2];
	uint64_t version = store_reader_dict_version(s->r);

	make_services(s, group, id);
	site_see(s);
	assert_int_not_equal(store_reader_dict_version(s->r), version);
	version = store_reader_dict_version(s->r);
	fixture_service_remove(s->env, id[0]);
	site_see(s);
	assert_int_not_equal(store_reader_dict_version(s->r), version);
}

static void services_are_found_and_walked(void **state)
{
	struct site *s = *state;
	struct store_group group[2];
	store_service_id id[2];
	struct store_service service;

	make_services(s, group, id);
	site_see(s);
	assert_int_equal(store_reader_service_by_name(s->r, "service:two", &service), 0);
	assert_int_equal(service.id, id[1]);
	assert_int_equal(service.group_count, 2);
	assert_memory_equal(service.group[1].kdi, group[1].id.kdi, STORE_KDI_BYTES);
	assert_int_equal(service.group[1].group, 2);
	assert_int_equal(store_reader_service_by_name(s->r, "service:", &service), -ENOENT);
	assert_int_equal(store_reader_service(s->r, 99, &service), -ENOENT);
	assert_int_equal(store_reader_service(s->r, 0, &service), -ENOENT);
	assert_int_equal(store_reader_service_next(s->r, 0, &service), 0);
	assert_string_equal(service.name, "service:one");
	assert_int_equal(store_reader_service_next(s->r, service.id, &service), 0);
	assert_string_equal(service.name, "service:two");
	assert_int_equal(store_reader_service_next(s->r, service.id, &service), -ENOENT);
	fixture_service_remove(s->env, id[0]);
	site_see(s);
	assert_int_equal(store_reader_service(s->r, id[0], &service), -ENOENT);
	assert_int_equal(store_reader_service_next(s->r, 0, &service), 0);
	assert_int_equal(service.id, id[1]);
}

static void groups_are_walked_by_number(void **state)
{
	static const struct store_group_id first;
	struct site *s = *state;
	struct store_group group, out = {0};

	for (uint16_t i = 3; i > 0; i--) {
		group = test_group((uint16_t)(i << 7), STORE_PROFILE_TS33246);
		fixture_group(s->env, &group);
	}
	site_see(s);
	for (uint16_t i = 1; i <= 3; i++) {
		assert_int_equal(store_reader_group_next(s->r, &out.id, &out), 0);
		assert_int_equal(out.id.group, i << 7);
		assert_int_equal(out.created, group.created);
	}
	assert_int_equal(store_reader_group_next(s->r, &out.id, &out), -ENOENT);
	assert_int_equal(store_reader_group(s->r, &first, &out), -ENOENT);
	assert_int_equal(store_reader_group(s->r, &group.id, &out), 0);
	assert_int_equal(out.profile, STORE_PROFILE_TS33246);
}

static void msks_stay_within_their_group(void **state)
{
	struct site *s = *state;
	struct store_group a = test_group(1, STORE_PROFILE_TS33246);
	struct store_group b = test_group(2, STORE_PROFILE_TS33246);
	struct store_msk msk, out;

	fixture_group(s->env, &a);
	fixture_group(s->env, &b);
	msk = test_msk(&b, 1, 77);
	fixture_msk(s->env, &msk);
	site_see(s);
	assert_int_equal(store_reader_msk_newest(s->r, &a.id, &out), -ENOENT);
	assert_int_equal(store_reader_msk_next(s->r, &a.id, 0, &out), -ENOENT);
	assert_int_equal(store_reader_msk(s->r, &a.id, 1, &out), -ENOENT);
	assert_int_equal(store_reader_msk(s->r, &b.id, 0, &out), -ENOENT);
	assert_int_equal(store_reader_msk(s->r, &b.id, 1, &out), 0);
	assert_int_equal(out.csb_id, 77);
	assert_int_equal(out.number, 1);
	assert_int_equal(out.group.group, 2);
	assert_int_equal(out.seq_u, 0xffff);
	assert_memory_equal(out.rand, msk.rand, sizeof(msk.rand));
	assert_memory_equal(&out.key, &msk.key, sizeof(msk.key));
}

static void newest_msk_is_the_last_not_retired(void **state)
{
	struct site *s = *state;
	struct store_group group = test_group(1, STORE_PROFILE_TS33246);
	struct store_msk one, two, out;

	fixture_group(s->env, &group);
	one = test_msk(&group, 1, 10);
	one.state = STORE_MSK_CURRENT;
	fixture_msk(s->env, &one);
	two = test_msk(&group, 2, 20);
	fixture_msk(s->env, &two);
	site_see(s);
	assert_int_equal(store_reader_msk_newest(s->r, &group.id, &out), 0);
	assert_int_equal(out.number, 2);
	assert_int_equal(out.state, STORE_MSK_NEXT);
	assert_false(out.is_released);
	two.is_released = true;
	two.state = STORE_MSK_RETIRED;
	fixture_msk(s->env, &two);
	site_see(s);
	assert_int_equal(store_reader_msk_newest(s->r, &group.id, &out), 0);
	assert_int_equal(out.number, 1);
	assert_int_equal(store_reader_msk_next(s->r, &group.id, 1, &out), 0);
	assert_int_equal(out.number, 2);
	assert_true(out.is_released);
	assert_int_equal(store_reader_msk_next(s->r, &group.id, 2, &out), -ENOENT);
}

static void campaign_comes_back_whole(void **state)
{
	struct site *s = *state;
	struct store_campaign c = {
		.kind = STORE_CAMPAIGN_PUSH,
		.state = STORE_CAMPAIGN_PAUSED,
		.group = test_group(9, STORE_PROFILE_V600).id,
		.msk_number = 4,
		.rate = 1000,
		.sends = 8,
		.round = 3,
		.wait_s = {1, 2, 4, 8, 8, 8, 8, 8},
		.created_ms = UINT64_C(1700000000123),
		.started_ms = UINT64_C(1700000000456),
		.ended_ms = UINT64_C(1700000000789),
		.span = 5000,
		.members = 4000,
		.verified = 3000,
		.given_up = 20,
		.refused = 1,
		.pushes = UINT64_C(5000000000),
		.only = STORE_ID_NONE,
	};
	struct store_campaign out;

	c.id = fixture_campaign(s->env, &c);
	site_see(s);
	assert_int_equal(store_reader_campaign(s->r, c.id, &out), 0);
	assert_int_equal(out.id, c.id);
	assert_int_equal(out.state, c.state);
	assert_int_equal(out.group.group, 9);
	assert_int_equal(out.msk_number, c.msk_number);
	assert_int_equal(out.rate, c.rate);
	assert_int_equal(out.sends, c.sends);
	assert_int_equal(out.round, c.round);
	assert_memory_equal(out.wait_s, c.wait_s, sizeof(c.wait_s));
	assert_true(out.created_ms == c.created_ms && out.started_ms == c.started_ms &&
		out.ended_ms == c.ended_ms);
	assert_true(out.span == c.span && out.members == c.members && out.verified == c.verified &&
		out.given_up == c.given_up && out.refused == c.refused && out.only == c.only);
	assert_true(out.pushes == c.pushes);
	assert_int_equal(store_reader_campaign(s->r, c.id + 1, &out), -ENOENT);
	assert_int_equal(store_reader_campaign_next(s->r, 0, &out), 0);
	assert_int_equal(store_reader_campaign_next(s->r, out.id, &out), -ENOENT);
}

static void member_states_are_kept_by_slice(void **state)
{
	struct site *s = *state;
	struct store_campaign c = {.sends = 1};
	uint8_t in[STORE_SLICE], out[STORE_SLICE];
	uint32_t id = fixture_campaign(s->env, &c);

	memset(in, STORE_MEMBER_VERIFIED | 1, sizeof(in));
	fixture_slice(s->env, id, 0, in);
	in[4079] = STORE_MEMBER_GIVEN_UP;
	fixture_slice(s->env, id, 70000, in);
	site_see(s);
	assert_int_equal(store_reader_campaign_slice(s->r, id, 70000, out), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(store_reader_campaign_slice(s->r, id, 0, out), 0);
	assert_int_equal(out[4079], STORE_MEMBER_VERIFIED | 1);
	assert_int_equal(store_reader_campaign_slice(s->r, id, 1, out), -ENOENT);
	assert_int_equal(store_reader_campaign_slice(s->r, id + 1, 0, out), -ENOENT);
}

static void mark_is_the_last_one_put(void **state)
{
	struct site *s = *state;
	uint32_t mark;

	fixture_mark(s->env, 100);
	site_see(s);
	assert_int_equal(store_reader_mark(s->r, &mark), 0);
	assert_int_equal(mark, 100);
	fixture_mark(s->env, 200);
	site_see(s);
	assert_int_equal(store_reader_mark(s->r, &mark), 0);
	assert_int_equal(mark, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(members_are_authorised_and_registered),
		WITH_SITE(sets_have_the_same_number_for_ever),
		WITH_SITE(dict_version_moves_with_services),
		WITH_SITE(services_are_found_and_walked),
		WITH_SITE(groups_are_walked_by_number),
		WITH_SITE(msks_stay_within_their_group),
		WITH_SITE(newest_msk_is_the_last_not_retired),
		WITH_SITE(campaign_comes_back_whole),
		WITH_SITE(member_states_are_kept_by_slice),
		WITH_SITE(mark_is_the_last_one_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
