// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What any store has to tell its readers of subscribers. Built twice: on LMDB and on the fake.

#include <errno.h>

#include "site.h"

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
	site_see(s);
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
	char btid[STORE_NAI_MAX + 1];
	store_id id;

	for (uint32_t i = 0; i < 10; i++) {
		test_subscriber(i, i, &sub);
		id = fixture_put(s->env, &sub);
		assert_int_equal(id, i);
	}
	site_see(s);
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

// In any order, across blocks, in a hole between people and beyond the last one.
static void records_are_those_of_their_ids(void **state)
{
	static const store_id ids[] = {0, 1, 44, 45, 46, 45, 120, 89, 90, 5, 134, 135, 1000000, 7};
	const size_t n = sizeof(ids) / sizeof(ids[0]);
	struct store_record record[sizeof(ids) / sizeof(ids[0])];
	struct site *s = *state;
	struct store_subscriber sub;

	for (uint32_t i = 0; i < 130; i++) {
		test_subscriber(i, i, &sub);
		fixture_put(s->env, &sub);
	}
	site_see(s);
	store_reader_prefetch_burst(s->r, ids, n, 64);
	store_reader_records(s->r, ids, n, record);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(record[i].hot, store_reader_hot(s->r, ids[i]));
		assert_true((record[i].hot == NULL) == (ids[i] >= 135));
		test_subscriber(ids[i], ids[i], &sub);
		if (ids[i] < 130 && record[i].muk != NULL)
			assert_memory_equal(record[i].muk, &sub.muk_state, sizeof(sub.muk_state));
	}
}

static void subscriber_without_muk_has_no_btid(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub = {.impi = "one@home"}, out;
	char btid[STORE_NAI_MAX + 1];
	store_id id = fixture_put(s->env, &sub);

	site_see(s);
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
	char btid[STORE_NAI_MAX + 1];

	for (uint32_t i = 0; i < count; i++) {
		test_subscriber(i, i, &sub);
		strcpy(sub.impi, names[i]);
		strcpy(sub.btid, names[i]);
		assert_int_equal(fixture_put(s->env, &sub), i);
	}
	site_see(s);
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
	site_see(s);
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
	site_see(s);
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
	site_see(s);
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
	site_see(s);
	fixture_remove(s->env, id);
	site_see(s);
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
	site_see(s);
	for (uint32_t b = 0; b < 3; b++)
		assert_int_equal(store_reader_block(s->r, b)->count, STORE_BLOCK_SUBSCRIBERS);
	assert_int_equal(store_reader_block(s->r, 3)->count, 1);
	assert_null(store_reader_block(s->r, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(empty_store_has_nobody),
		WITH_SITE(reader_keeps_its_snapshot_until_renewed),
		WITH_SITE(subscriber_comes_back_whole),
		WITH_SITE(hot_record_has_what_the_packet_path_needs),
		WITH_SITE(records_are_those_of_their_ids),
		WITH_SITE(subscriber_without_muk_has_no_btid),
		WITH_SITE(names_of_any_form_come_back),
		WITH_SITE(longest_names_come_back),
		WITH_SITE(burst_finds_current_and_previous),
		WITH_SITE(verification_ends_the_previous_muk),
		WITH_SITE(removed_subscriber_is_gone),
		WITH_SITE(blocks_follow_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
