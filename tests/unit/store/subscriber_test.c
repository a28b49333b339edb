// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>

#include "index.h"
#include "site.h"

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
	site_put(s, 1, 2);
	site_put(s, 1, 3);
	txn = test_begin(s->env);
	assert_int_equal(index_find(&txn->view, DB_BTID, 0, &place), 0);
	assert_int_equal(index_block_slots(place.block, slots), 1);
	assert_int_equal(db_entries(&txn->view, DB_RAW, &raw), 0);
	assert_int_equal(raw, 0);
	store_txn_abort(txn);
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
	assert_int_equal(
		site_flags(s, id), STORE_HAS_MUK | STORE_HAS_MRK | STORE_IN_UICC | STORE_LIVE);
}

static void freed_id_is_used_again_only_when_allowed(void **state)
{
	struct site *s = *state;
	struct store_subscriber sub;
	struct store_txn *txn;
	store_id id;
	bool is_new;

	site_put(s, 0, 0);
	site_put(s, 1, 1);
	site_put(s, 2, 2);
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
		site_put(s, i, i);
	txn = test_begin(s->env);
	assert_int_equal(store_subscriber_verified(txn, ids, 8), 0);
	assert_int_equal(store_subscriber_verified(txn, NULL, 0), 0);
	test_commit(txn);
	for (store_id id = 0; id < 100; id++) {
		bool is_meant = id == 99 || id == 3 || id == 50 || id == 4 || id == 0;

		assert_true(((site_flags(s, id) & STORE_MUK_VERIFIED) != 0) == is_meant);
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
	assert_int_equal(site_find_btid(s, 2), STORE_ID_NONE);
	assert_int_equal(site_find_btid(s, 3), 1);
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
	assert_int_equal(site_put(s, 2, 2), 0);
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
		assert_true(((site_flags(s, i) & STORE_IMPI_RAW) != 0) == (i >= 65534));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(names_that_went_leave_nothing_behind),
		WITH_SITE(malformed_subscriber_is_refused),
		WITH_SITE(flags_of_the_store_are_its_own),
		WITH_SITE(freed_id_is_used_again_only_when_allowed),
		WITH_SITE(reused_id_has_nothing_of_the_one_before),
		WITH_SITE(raw_and_binary_forms_follow_each_other),
		WITH_SITE(verified_takes_ids_in_any_order),
		WITH_SITE(nested_transaction_is_kept_or_dropped_alone),
		WITH_SITE(aborted_transaction_leaves_no_trace),
		WITH_SITE(full_dictionary_falls_back_to_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
