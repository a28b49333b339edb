// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which B-TID and MUK live on as the previous ones.

#include <errno.h>

#include "site.h"

// The number of the previous B-TID of an id, 0 when it has none.
static void expect_prev(struct site *s, store_id id, uint32_t b)
{
	struct store_subscriber sub;
	struct store_prev prev;

	assert_true(store_reader_renew(s->r) >= 0);
	if (b == 0) {
		assert_int_equal(store_reader_prev(s->r, id, &prev), -ENOENT);
		return;
	}
	test_subscriber(0, b, &sub);
	assert_int_equal(store_reader_prev(s->r, id, &prev), 0);
	assert_string_equal(prev.btid, sub.btid);
	assert_memory_equal(&prev.muk, &sub.muk, sizeof(sub.muk));
}

static void unverified_btid_goes_without_trace(void **state)
{
	struct site *s = *state;
	store_id id = site_put(s, 1, 1);

	site_put(s, 1, 2);
	expect_prev(s, id, 0);
	assert_int_equal(site_find_btid(s, 1), STORE_ID_NONE);
	assert_int_equal(site_find_btid(s, 2), id);
}

// A verified, B never used, C new: previous stays A.
static void previous_is_the_last_verified_not_the_last_put(void **state)
{
	struct site *s = *state;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	site_put(s, 1, 2);
	expect_prev(s, id, 1);
	assert_false(site_flags(s, id) & STORE_MUK_VERIFIED);
	site_put(s, 1, 3);
	expect_prev(s, id, 1);
	assert_int_equal(site_find_btid(s, 1), id);
	assert_int_equal(site_find_btid(s, 2), STORE_ID_NONE);
	assert_int_equal(site_find_btid(s, 3), id);
	test_verify(s->env, id);
	expect_prev(s, id, 0);
	assert_int_equal(site_find_btid(s, 1), STORE_ID_NONE);
	assert_int_equal(
		site_flags(s, id) & (STORE_MUK_VERIFIED | STORE_HAS_PREV), STORE_MUK_VERIFIED);
	site_put(s, 1, 4);
	expect_prev(s, id, 3);
}

static void return_to_the_previous_btid_leaves_none(void **state)
{
	struct site *s = *state;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	site_put(s, 1, 2);
	site_put(s, 1, 1);
	expect_prev(s, id, 0);
	assert_int_equal(site_find_btid(s, 1), id);
	assert_int_equal(site_find_btid(s, 2), STORE_ID_NONE);
	assert_false(site_flags(s, id) & STORE_HAS_PREV);
	test_verify(s->env, id);
	assert_int_equal(site_find_btid(s, 1), id);
}

static void changed_muk_under_one_btid_is_not_verified(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.muk.byte[0] ^= 1;
	test_put(s->env, &sub);
	assert_false(site_flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 0);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	test_same(&sub, &out);
}

static void changed_muk_under_one_btid_leaves_the_previous(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	site_put(s, 1, 2);
	test_subscriber(1, 2, &sub);
	sub.muk.byte[0] ^= 1;
	test_put(s->env, &sub);
	expect_prev(s, id, 1);
}

static void changed_address_keeps_the_verification(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.addr.byte[3] ^= 1;
	test_put(s->env, &sub);
	assert_true(site_flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 0);
}

static void muk_can_be_taken_away(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = site_put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.flags = 0;
	sub.btid[0] = '\0';
	test_put(s->env, &sub);
	expect_prev(s, id, 1);
	assert_false(site_flags(s, id) & STORE_HAS_MUK);
	test_verify(s->env, id);
	assert_false(site_flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 1);
}

static void btid_of_another_subscriber_is_refused(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = site_put(s, 1, 1), other;

	site_put(s, 2, 2);
	test_subscriber(2, 1, &sub);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	test_subscriber(3, 1, &sub);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	// Also one that lives on as the previous one.
	test_verify(s->env, id);
	site_put(s, 1, 9);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	test_verify(s->env, id);
	assert_int_equal(test_try_put(s->env, &sub, &other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(unverified_btid_goes_without_trace),
		WITH_SITE(previous_is_the_last_verified_not_the_last_put),
		WITH_SITE(return_to_the_previous_btid_leaves_none),
		WITH_SITE(changed_muk_under_one_btid_is_not_verified),
		WITH_SITE(changed_muk_under_one_btid_leaves_the_previous),
		WITH_SITE(changed_address_keeps_the_verification),
		WITH_SITE(muk_can_be_taken_away),
		WITH_SITE(btid_of_another_subscriber_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
