// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>

#include "index.h"
#include "support.h"

struct site {
	struct store_env *env;
	struct store_reader *r;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->env = test_open(test_dir());
	s->r = test_reader(s->env);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;

	store_reader_destroy(s->r);
	store_env_close(s->env);
	free(s);
	return 0;
}

static store_id put(struct site *s, uint32_t i, uint32_t b)
{
	struct store_subscriber sub;

	test_subscriber(i, b, &sub);
	return test_put(s->env, &sub);
}

static store_id find_btid(struct site *s, uint32_t b)
{
	char btid[STORE_NAI_MAX + 1];

	test_btid(b, btid);
	assert_true(store_reader_renew(s->r) >= 0);
	return store_reader_find_btid(s->r, btid);
}

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

static uint8_t flags(struct site *s, store_id id)
{
	assert_true(store_reader_renew(s->r) >= 0);
	return store_hot_flags(store_reader_hot(s->r, id));
}

static void unverified_btid_goes_without_trace(void **state)
{
	struct site *s = *state;
	store_id id = put(s, 1, 1);

	put(s, 1, 2);
	expect_prev(s, id, 0);
	assert_int_equal(find_btid(s, 1), STORE_ID_NONE);
	assert_int_equal(find_btid(s, 2), id);
}

// A verified, B never used, C new: previous stays A.
static void previous_is_the_last_verified_not_the_last_put(void **state)
{
	struct site *s = *state;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	put(s, 1, 2);
	expect_prev(s, id, 1);
	assert_false(flags(s, id) & STORE_MUK_VERIFIED);
	put(s, 1, 3);
	expect_prev(s, id, 1);
	assert_int_equal(find_btid(s, 1), id);
	assert_int_equal(find_btid(s, 2), STORE_ID_NONE);
	assert_int_equal(find_btid(s, 3), id);
	test_verify(s->env, id);
	expect_prev(s, id, 0);
	assert_int_equal(find_btid(s, 1), STORE_ID_NONE);
	assert_int_equal(flags(s, id) & (STORE_MUK_VERIFIED | STORE_HAS_PREV), STORE_MUK_VERIFIED);
	put(s, 1, 4);
	expect_prev(s, id, 3);
}

static void return_to_the_previous_btid_leaves_none(void **state)
{
	struct site *s = *state;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	put(s, 1, 2);
	put(s, 1, 1);
	expect_prev(s, id, 0);
	assert_int_equal(find_btid(s, 1), id);
	assert_int_equal(find_btid(s, 2), STORE_ID_NONE);
	assert_false(flags(s, id) & STORE_HAS_PREV);
	test_verify(s->env, id);
	assert_int_equal(find_btid(s, 1), id);
}

static void changed_muk_under_one_btid_is_not_verified(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.muk.byte[0] ^= 1;
	test_put(s->env, &sub);
	assert_false(flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 0);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	test_same(&sub, &out);
}

static void changed_muk_under_one_btid_leaves_the_previous(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	put(s, 1, 2);
	test_subscriber(1, 2, &sub);
	sub.muk.byte[0] ^= 1;
	test_put(s->env, &sub);
	expect_prev(s, id, 1);
}

// Slots and raw texts of names that are not used any more would pile up.
static void names_that_went_leave_nothing_behind(void **state)
{
	struct site *s = *state;
	struct index_slot slots[INDEX_SLOTS];
	struct index_place place;
	struct store_subscriber sub;
	struct store_txn *txn;
	uint64_t raw;

	test_subscriber(1, 1, &sub);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(sub.btid, sizeof(sub.btid), "raw btid %u", i);
		test_put(s->env, &sub);
	}
	put(s, 1, 2);
	put(s, 1, 3);
	txn = test_begin(s->env);
	assert_int_equal(index_find(&txn->view, DB_BTID, 0, &place), 0);
	assert_int_equal(index_block_slots(place.block, slots), 1);
	assert_int_equal(db_entries(&txn->view, DB_RAW, &raw), 0);
	assert_int_equal(raw, 0);
	store_txn_abort(txn);
}

static void changed_address_keeps_the_verification(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.addr.byte[3] ^= 1;
	test_put(s->env, &sub);
	assert_true(flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 0);
}

static void muk_can_be_taken_away(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = put(s, 1, 1);

	test_verify(s->env, id);
	test_subscriber(1, 1, &sub);
	sub.flags = 0;
	sub.btid[0] = '\0';
	test_put(s->env, &sub);
	expect_prev(s, id, 1);
	assert_false(flags(s, id) & STORE_HAS_MUK);
	test_verify(s->env, id);
	assert_false(flags(s, id) & STORE_MUK_VERIFIED);
	expect_prev(s, id, 1);
}

static void btid_of_another_subscriber_is_refused(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id = put(s, 1, 1), other;

	put(s, 2, 2);
	test_subscriber(2, 1, &sub);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	test_subscriber(3, 1, &sub);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	// Also one that lives on as the previous one.
	test_verify(s->env, id);
	put(s, 1, 9);
	assert_int_equal(test_try_put(s->env, &sub, &other), -EEXIST);
	test_verify(s->env, id);
	assert_int_equal(test_try_put(s->env, &sub, &other), 0);
}

static void malformed_subscriber_is_refused(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id;

	test_subscriber(1, 1, &sub);
	sub.impi[0] = '\0';
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
	test_subscriber(1, 1, &sub);
	sub.flags &= (uint8_t)~STORE_HAS_MUK;
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
	test_subscriber(1, 1, &sub);
	sub.btid[0] = '\0';
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
	test_subscriber(1, 1, &sub);
	sub.authorised = 1;
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
	test_subscriber(1, 1, &sub);
	memset(sub.impi, 'a', sizeof(sub.impi));
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
	test_subscriber(1, 1, &sub);
	memset(sub.btid, 'a', sizeof(sub.btid));
	assert_int_equal(test_try_put(s->env, &sub, &id), -EINVAL);
}

static void flags_of_the_store_are_its_own(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	store_id id;

	test_subscriber(1, 1, &sub);
	sub.flags = 0xff;
	id = test_put(s->env, &sub);
	assert_int_equal(flags(s, id), STORE_HAS_MUK | STORE_HAS_MRK | STORE_IN_UICC | STORE_LIVE);
}

static void freed_id_is_used_again_only_when_allowed(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	struct store_txn *txn;
	store_id id;
	bool is_new;

	put(s, 0, 0);
	put(s, 1, 1);
	put(s, 2, 2);
	txn = test_begin(s->env);
	assert_int_equal(store_subscriber_remove(txn, 1), 0);
	assert_int_equal(store_subscriber_remove(txn, 1), -ENOENT);
	assert_int_equal(store_subscriber_remove(txn, 77), -ENOENT);
	test_subscriber(5, 5, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, false, &id, &is_new), 0);
	assert_int_equal(id, 3);
	test_subscriber(6, 6, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
	assert_int_equal(id, 1);
	test_subscriber(7, 7, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, true, &id, &is_new), 0);
	assert_int_equal(id, 4);
	test_commit(txn);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_subscriber_count(s->r), 5);
	assert_int_equal(store_reader_span(s->r), 5);
}

static void reused_id_has_nothing_of_the_one_before(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub = {.impi = "raw impi"}, out;
	struct store_prev prev;
	struct store_txn *txn;
	store_id id, again;
	bool is_new;

	test_subscriber(1, 1, &sub);
	strcpy(sub.impi, "raw impi");
	strcpy(sub.btid, "raw btid");
	id = test_put(s->env, &sub);
	test_verify(s->env, id);
	strcpy(sub.btid, "raw btid two");
	test_put(s->env, &sub);
	txn = test_begin(s->env);
	assert_int_equal(store_subscriber_remove(txn, id), 0);
	memset(&sub, 0, sizeof(sub));
	strcpy(sub.impi, "1@b");
	assert_int_equal(store_subscriber_put(txn, &sub, true, &again, &is_new), 0);
	test_commit(txn);
	assert_int_equal(again, id);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	test_same(&sub, &out);
	assert_int_equal(out.flags, STORE_LIVE);
	assert_int_equal(store_reader_prev(s->r, id, &prev), -ENOENT);
	assert_int_equal(store_reader_find_btid(s->r, "raw btid"), STORE_ID_NONE);
	assert_int_equal(store_reader_find_btid(s->r, "raw btid two"), STORE_ID_NONE);
	assert_int_equal(store_reader_find_impi(s->r, "raw impi"), STORE_ID_NONE);
}

static void raw_and_binary_forms_follow_each_other(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub, out;
	char btid[STORE_NAI_MAX + 1];
	store_id id;

	test_btid(1, btid);
	test_subscriber(1, 1, &sub);
	id = test_put(s->env, &sub);
	strcpy(sub.btid, "some other form");
	assert_int_equal(test_put(s->env, &sub), id);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_find_btid(s->r, "some other form"), id);
	assert_int_equal(store_reader_find_btid(s->r, btid), STORE_ID_NONE);
	strcpy(sub.btid, btid);
	assert_int_equal(test_put(s->env, &sub), id);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_subscriber(s->r, id, &out), 0);
	assert_string_equal(out.btid, btid);
	assert_int_equal(store_reader_find_btid(s->r, "some other form"), STORE_ID_NONE);
}

static void verified_takes_ids_in_any_order(void **state)
{
	struct site *s = *state;
	store_id ids[] = {99, 3, 50, 4, 100000, 3, 0, STORE_ID_NONE};
	struct store_txn *txn;

	for (uint32_t i = 0; i < 100; i++)
		put(s, i, i);
	txn = test_begin(s->env);
	assert_int_equal(store_subscriber_verified(txn, ids, 8), 0);
	assert_int_equal(store_subscriber_verified(txn, NULL, 0), 0);
	test_commit(txn);
	for (store_id id = 0; id < 100; id++) {
		bool is_meant = id == 99 || id == 3 || id == 50 || id == 4 || id == 0;

		assert_true(((flags(s, id) & STORE_MUK_VERIFIED) != 0) == is_meant);
	}
}

static void nested_transaction_is_kept_or_dropped_alone(void **state)
{
	struct site *s = *state;
	struct store_txn *txn = test_begin(s->env), *inner;
	struct store_subscriber sub;
	store_id id;
	bool is_new;

	test_subscriber(1, 1, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, false, &id, &is_new), 0);
	assert_int_equal(store_txn_nest(txn, &inner), 0);
	test_subscriber(2, 2, &sub);
	assert_int_equal(store_subscriber_put(inner, &sub, false, &id, &is_new), 0);
	assert_int_equal(id, 1);
	store_txn_abort(inner);
	assert_int_equal(store_txn_nest(txn, &inner), 0);
	test_subscriber(3, 3, &sub);
	assert_int_equal(store_subscriber_put(inner, &sub, false, &id, &is_new), 0);
	assert_int_equal(id, 1);
	test_commit(inner);
	test_commit(txn);
	assert_int_equal(store_reader_renew(s->r), 1);
	assert_int_equal(store_reader_span(s->r), 2);
	assert_int_equal(find_btid(s, 2), STORE_ID_NONE);
	assert_int_equal(find_btid(s, 3), 1);
}

static void aborted_transaction_leaves_no_trace(void **state)
{
	struct site *s = *state;
	struct store_txn *txn = test_begin(s->env);
	struct store_subscriber sub;
	store_id id;
	bool is_new;

	test_subscriber(1, 1, &sub);
	assert_int_equal(store_subscriber_put(txn, &sub, false, &id, &is_new), 0);
	store_txn_abort(txn);
	assert_int_equal(store_reader_renew(s->r), 0);
	assert_int_equal(put(s, 2, 2), 0);
}

// More suffixes than the dictionary takes: the rest stays text, and nobody sees a difference.
static void full_dictionary_falls_back_to_text(void **state)
{
	const uint32_t count = 65540;
	struct site *s = *state;
	struct store_subscriber sub = {0};
	struct store_txn *txn = test_begin(s->env);
	store_id id;
	bool is_new;

	for (uint32_t i = 0; i < count; i++) {
		snprintf(sub.impi, sizeof(sub.impi), "1@home%u", i);
		assert_int_equal(store_subscriber_put(txn, &sub, false, &id, &is_new), 0);
	}
	test_commit(txn);
	assert_int_equal(store_reader_renew(s->r), 1);
	for (uint32_t i = 0; i < count; i += i < 65530 ? 655 : 1) {
		snprintf(sub.impi, sizeof(sub.impi), "1@home%u", i);
		assert_int_equal(store_reader_find_impi(s->r, sub.impi), i);
		assert_true(((flags(s, i) & STORE_IMPI_RAW) != 0) == (i >= 65534));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unverified_btid_goes_without_trace),
		TEST(previous_is_the_last_verified_not_the_last_put),
		TEST(return_to_the_previous_btid_leaves_none),
		TEST(changed_muk_under_one_btid_is_not_verified),
		TEST(changed_muk_under_one_btid_leaves_the_previous),
		TEST(names_that_went_leave_nothing_behind),
		TEST(changed_address_keeps_the_verification),
		TEST(muk_can_be_taken_away),
		TEST(btid_of_another_subscriber_is_refused),
		TEST(malformed_subscriber_is_refused),
		TEST(flags_of_the_store_are_its_own),
		TEST(freed_id_is_used_again_only_when_allowed),
		TEST(reused_id_has_nothing_of_the_one_before),
		TEST(raw_and_binary_forms_follow_each_other),
		TEST(verified_takes_ids_in_any_order),
		TEST(nested_transaction_is_kept_or_dropped_alone),
		TEST(aborted_transaction_leaves_no_trace),
		TEST(full_dictionary_falls_back_to_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
