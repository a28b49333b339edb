// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What any store has to give to its readers. Built twice: on LMDB and on the fake.

#include <errno.h>
#include <stdio.h>

#include "fixture.h"
#include "support.h"

struct site {
	struct store_env *env;
	struct store_reader *r;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->env = fixture_open();
	s->r = test_reader(s->env);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;

	store_reader_destroy(s->r);
	fixture_close(s->env);
	free(s);
	return 0;
}

static void see(struct site *s)
{
	fixture_commit(s->env);
	assert_int_equal(store_reader_renew(s->r), 1);
}

static void empty_store_has_nobody(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	struct store_service service;
	struct store_campaign campaign;
	uint32_t mark;

	assert_int_equal(store_reader_span(s->r), 0);
	assert_int_equal(store_reader_subscriber_count(s->r), 0);
	assert_null(store_reader_block(s->r, 0));
	assert_null(store_reader_hot(s->r, 0));
	assert_int_equal(store_reader_subscriber(s->r, 0, &sub), -ENOENT);
	assert_int_equal(store_reader_find_impi(s->r, "a@b"), STORE_ID_NONE);
	assert_int_equal(store_reader_find_btid(s->r, "a@b"), STORE_ID_NONE);
	assert_int_equal(store_reader_find_btid(s->r, ""), STORE_ID_NONE);
	assert_int_equal(store_reader_service_next(s->r, 0, &service), -ENOENT);
	assert_int_equal(store_reader_campaign_next(s->r, 0, &campaign), -ENOENT);
	assert_int_equal(store_reader_mark(s->r, &mark), -ENOENT);
	assert_int_equal(store_reader_damaged(s->r), 0);
}

static void reader_keeps_its_snapshot_until_renewed(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	uint64_t version = store_reader_version(s->r);

	test_subscriber(1, 1, &sub);
	fixture_put(s->env, &sub);
	fixture_commit(s->env);
	assert_int_equal(store_reader_span(s->r), 0);
	assert_int_equal(store_reader_find_impi(s->r, sub.impi), STORE_ID_NONE);
	assert_int_equal(store_reader_version(s->r), version);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_span(s->r), 1);
	assert_true(store_reader_version(s->r) > version);
	assert_int_equal(store_reader_renew(s->r), 0);
}

static void subscriber_comes_back_whole(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	store_id id;

	test_subscriber(7, 8, &sub);
	sub.flags |= STORE_IN_UICC;
	id = fixture_put(s->env, &sub);
	see(s);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	test_same(&sub, &out);
	assert_true(out.flags & STORE_LIVE);
	assert_int_equal(store_reader_find_impi(s->r, sub.impi), id);
	assert_int_equal(store_reader_find_btid(s->r, sub.btid), id);
	assert_int_equal(store_reader_subscriber_count(s->r), 1);
}

static void hot_record_has_what_the_packet_path_needs(void **state)
{
	struct site *s = *state;
	struct store_muk_state muk;
	const struct store_hot *hot;
	struct store_subscriber sub;
	uint8_t btid[STORE_NAI_MAX];
	store_id id;

	for (uint32_t i = 0; i < 10; i++) {
		test_subscriber(i, i, &sub);
		id = fixture_put(s->env, &sub);
		assert_int_equal(id, i);
	}
	see(s);
	for (id = 0; id < 10; id++) {
		test_subscriber(id, id, &sub);
		hot = store_reader_hot(s->r, id);
		assert_non_null(hot);
		assert_int_equal(store_reader_muk(s->r, id, &muk), 0);
		assert_memory_equal(&muk, &sub.muk_state, sizeof(muk));
		assert_memory_equal(&hot->addr, &sub.addr, sizeof(hot->addr));
		assert_int_equal(hot->port, sub.port);
		assert_int_equal(hot->expires, sub.expires);
		assert_true(store_hot_flags(hot) & STORE_LIVE);
		assert_int_equal(store_reader_btid(s->r, id, hot, btid), strlen(sub.btid));
		assert_memory_equal(btid, sub.btid, strlen(sub.btid));
	}
	assert_int_equal(store_reader_block(s->r, 0)->count, 10);
	assert_int_equal(store_reader_muk(s->r, 1000, &muk), -ENOENT);
}

static void subscriber_without_muk_has_no_btid(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub = {.impi = "one@home"}, out;
	uint8_t btid[STORE_NAI_MAX];
	store_id id = fixture_put(s->env, &sub);

	see(s);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	assert_string_equal(out.btid, "");
	assert_false(out.flags & STORE_HAS_MUK);
	assert_int_equal(store_reader_btid(s->r, id, store_reader_hot(s->r, id), btid), 0);
	assert_int_equal(store_reader_find_btid(s->r, ""), STORE_ID_NONE);
}

static void names_of_any_form_come_back(void **state)
{
	static const char *const names[] = {
		"x@y",
		"no-at-sign",
		"0@leading",
		"000000000000000@zeros",
		"00000000000000000@seventeen",
		"000000000000000000@eighteen",
		"123456789012345@",
		"AAAAAAAAAAAAAAAAAAAAAA==@bsf",
		"AAAAAAAAAAAAAAAAAAAAAB==@not-canonical",
		"AAAAAAAAAAAAAAAAAAAAA===@too-short",
		"AAAAAAAAAAAAAAAAAAAAAA==bsf",
		"AAAAAAAAAAAAAAAAAAAAAA==@",
		"AAAAAAAAAAAAAAAAAAAA-_==@url-safe",
		"////////////////////+w==@letters",
	};
	const uint32_t count = sizeof(names) / sizeof(*names);
	struct site *s = *state;
	struct store_subscriber sub, out;
	uint8_t btid[STORE_NAI_MAX];

	for (uint32_t i = 0; i < count; i++) {
		test_subscriber(i, i, &sub);
		strcpy(sub.impi, names[i]);
		strcpy(sub.btid, names[i]);
		assert_int_equal(fixture_put(s->env, &sub), i);
	}
	see(s);
	for (uint32_t i = 0; i < count; i++) {
		const struct store_hot *hot = store_reader_hot(s->r, i);

		assert_int_equal(store_reader_subscriber(s->r, i, &out), 0);
		assert_string_equal(out.impi, names[i]);
		assert_string_equal(out.btid, names[i]);
		assert_int_equal(store_reader_find_impi(s->r, names[i]), i);
		assert_int_equal(store_reader_find_btid(s->r, names[i]), i);
		assert_int_equal(store_reader_btid(s->r, i, hot, btid), strlen(names[i]));
		assert_memory_equal(btid, names[i], strlen(names[i]));
	}
}

static void longest_names_come_back(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	store_id id;

	test_subscriber(0, 0, &sub);
	memset(sub.impi + 16, 'd', STORE_NAI_MAX - 16);
	sub.impi[STORE_NAI_MAX] = '\0';
	memset(sub.btid + 25, 'd', STORE_NAI_MAX - 25);
	sub.btid[STORE_NAI_MAX] = '\0';
	id = fixture_put(s->env, &sub);
	see(s);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	test_same(&sub, &out);
	assert_int_equal(store_reader_find_btid(s->r, sub.btid), id);
	sub.btid[STORE_NAI_MAX - 1] = '\0';
	assert_int_equal(store_reader_find_btid(s->r, sub.btid), STORE_ID_NONE);
}

static void burst_finds_current_and_previous(void **state)
{
	struct site *s = *state;
	struct store_subscriber old, sub;
	struct store_bytes ask[4];
	struct store_prev prev;
	uint8_t is_prev[4];
	store_id ids[4], id;

	test_subscriber(1, 100, &old);
	id = fixture_put(s->env, &old);
	fixture_verified(s->env, id);
	test_subscriber(1, 101, &sub);
	assert_int_equal(fixture_put(s->env, &sub), id);
	see(s);
	ask[0] = (struct store_bytes){(uint8_t *)sub.btid, (uint16_t)strlen(sub.btid)};
	ask[1] = (struct store_bytes){(uint8_t *)old.btid, (uint16_t)strlen(old.btid)};
	ask[2] = (struct store_bytes){(uint8_t *)"nobody", 6};
	ask[3] = (struct store_bytes){NULL, 0};
	store_reader_find_btid_burst(s->r, ask, 4, ids, is_prev);
	assert_int_equal(ids[0], id);
	assert_int_equal(is_prev[0], 0);
	assert_int_equal(ids[1], id);
	assert_int_equal(is_prev[1], 1);
	assert_int_equal(ids[2], STORE_ID_NONE);
	assert_int_equal(ids[3], STORE_ID_NONE);
	assert_int_equal(store_reader_prev(s->r, id, &prev), 0);
	assert_string_equal(prev.btid, old.btid);
	assert_int_equal(prev.expires, old.expires);
	assert_memory_equal(&prev.muk, &old.muk, sizeof(prev.muk));
	assert_memory_equal(&prev.muk_state, &old.muk_state, sizeof(prev.muk_state));
	assert_true(store_hot_flags(store_reader_hot(s->r, id)) & STORE_HAS_PREV);
}

static void verification_ends_the_previous_muk(void **state)
{
	struct site *s = *state;
	struct store_subscriber old, sub;
	struct store_prev prev;
	store_id id;

	test_subscriber(1, 100, &old);
	id = fixture_put(s->env, &old);
	fixture_verified(s->env, id);
	test_subscriber(1, 101, &sub);
	fixture_put(s->env, &sub);
	fixture_verified(s->env, id);
	see(s);
	assert_int_equal(store_reader_prev(s->r, id, &prev), -ENOENT);
	assert_int_equal(store_reader_find_btid(s->r, old.btid), STORE_ID_NONE);
	assert_int_equal(store_reader_find_btid(s->r, sub.btid), id);
	assert_true(store_hot_flags(store_reader_hot(s->r, id)) & STORE_MUK_VERIFIED);
}

static void removed_subscriber_is_gone(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	store_id id;

	test_subscriber(0, 0, &sub);
	fixture_put(s->env, &sub);
	test_subscriber(1, 1, &sub);
	id = fixture_put(s->env, &sub);
	see(s);
	fixture_remove(s->env, id);
	see(s);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), -ENOENT);
	assert_int_equal(store_reader_find_impi(s->r, sub.impi), STORE_ID_NONE);
	assert_int_equal(store_reader_find_btid(s->r, sub.btid), STORE_ID_NONE);
	assert_int_equal(store_reader_span(s->r), 2);
	assert_int_equal(store_reader_subscriber_count(s->r), 1);
	assert_false(store_hot_flags(store_reader_hot(s->r, id)) & STORE_LIVE);
}

static void blocks_follow_each_other(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;

	for (uint32_t i = 0; i < 3 * STORE_BLOCK_SUBSCRIBERS + 1; i++) {
		test_subscriber(i, i, &sub);
		fixture_put(s->env, &sub);
	}
	see(s);
	for (uint32_t b = 0; b < 3; b++)
		assert_int_equal(store_reader_block(s->r, b)->count, STORE_BLOCK_SUBSCRIBERS);
	assert_int_equal(store_reader_block(s->r, 3)->count, 1);
	assert_null(store_reader_block(s->r, 4));
}

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
	see(s);
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
	see(s);
	version = store_reader_dict_version(s->r);
	assert_int_equal(fixture_set(s->env, id, 2), both);
	fixture_mark(s->env, 1);
	see(s);
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
	see(s);
	assert_int_not_equal(store_reader_dict_version(s->r), version);
	version = store_reader_dict_version(s->r);
	fixture_service_remove(s->env, id[0]);
	see(s);
	assert_int_not_equal(store_reader_dict_version(s->r), version);
}

static void services_are_found_and_walked(void **state)
{
	struct site *s = *state;
	struct store_group group[2];
	store_service_id id[2];
	struct store_service service;

	make_services(s, group, id);
	see(s);
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
	see(s);
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
	see(s);
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
	see(s);
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
	see(s);
	assert_int_equal(store_reader_msk_newest(s->r, &group.id, &out), 0);
	assert_int_equal(out.number, 2);
	assert_int_equal(out.state, STORE_MSK_NEXT);
	assert_false(out.is_released);
	two.is_released = true;
	two.state = STORE_MSK_RETIRED;
	fixture_msk(s->env, &two);
	see(s);
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
		.stale = 6,
		.only = STORE_ID_NONE,
	};
	struct store_campaign out;

	c.id = fixture_campaign(s->env, &c);
	see(s);
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
	assert_true(out.pushes == c.pushes && out.stale == c.stale);
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
	see(s);
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
	see(s);
	assert_int_equal(store_reader_mark(s->r, &mark), 0);
	assert_int_equal(mark, 100);
	fixture_mark(s->env, 200);
	see(s);
	assert_int_equal(store_reader_mark(s->r, &mark), 0);
	assert_int_equal(mark, 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_store_has_nobody),
		TEST(reader_keeps_its_snapshot_until_renewed),
		TEST(subscriber_comes_back_whole),
		TEST(hot_record_has_what_the_packet_path_needs),
		TEST(subscriber_without_muk_has_no_btid),
		TEST(names_of_any_form_come_back),
		TEST(longest_names_come_back),
		TEST(burst_finds_current_and_previous),
		TEST(verification_ends_the_previous_muk),
		TEST(removed_subscriber_is_gone),
		TEST(blocks_follow_each_other),
		TEST(members_are_authorised_and_registered),
		TEST(sets_have_the_same_number_for_ever),
		TEST(dict_version_moves_with_services),
		TEST(services_are_found_and_walked),
		TEST(groups_are_walked_by_number),
		TEST(msks_stay_within_their_group),
		TEST(newest_msk_is_the_last_not_retired),
		TEST(campaign_comes_back_whole),
		TEST(member_states_are_kept_by_slice),
		TEST(mark_is_the_last_one_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
