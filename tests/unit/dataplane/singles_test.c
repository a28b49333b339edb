// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "singles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SENDS 4
#define MAX 256
#define MS 1000000ull

static const uint32_t waits[DP_SENDS_MAX] = {1000, 2000, 4000, 8000};
static struct singles s;
static uint64_t now; // ns

static int singles_make(void **state)
{
	(void)state;
	now = 1000 * MS;
	return singles_init(&s, SENDS, waits, MAX);
}

static int singles_drop(void **state)
{
	(void)state;
	singles_fini(&s);
	return 0;
}

static struct single *add(uint32_t id, unsigned msk)
{
	const struct dp_single order = {.id = id, .number = (uint16_t)(msk + 1)};
	struct single *single = singles_add(&s, &order, msk, now);

	assert_non_null(single);
	return single;
}

// Sends all that is due; returns how many messages.
static unsigned send_due(void)
{
	struct single *out[64];
	unsigned n, all = 0;

	while ((n = singles_take(&s, now, out, 64)) > 0) {
		for (unsigned i = 0; i < n; i++)
			singles_sent(&s, out[i], now);
		all += n;
	}
	return all;
}

static struct single *take_one(void)
{
	struct single *single = NULL;

	assert_int_equal(singles_take(&s, now, &single, 1), 1);
	return single;
}

static void a_single_is_sent_waits_longer_and_longer_and_is_given_up(void **state)
{
	struct single *single = add(7, 0);

	(void)state;
	for (unsigned i = 0; i < SENDS; i++) {
		assert_int_equal(send_due(), 1);
		assert_int_equal(single->sends, i + 1);
		now += waits[i] * MS - 1;
		assert_int_equal(send_due(), 0);
		assert_null(singles_given_up(&s, now));
		now += 1;
	}
	assert_int_equal(send_due(), 0);
	assert_ptr_equal(singles_given_up(&s, now), single);
	singles_end(&s, single);
	assert_null(singles_given_up(&s, now));
	assert_int_equal(s.n, 0);
	assert_null(singles_of(&s, 7));
}

static void a_verified_single_is_sent_no_more(void **state)
{
	struct single *single = add(7, 0);

	(void)state;
	assert_int_equal(send_due(), 1);
	singles_verified(&s, single, now);
	now += 60000 * MS;
	assert_int_equal(send_due(), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.of_msk[0], 0);
}

static void one_under_way_is_found_by_ue_and_msk(void **state)
{
	struct single *a = add(7, 0), *b = add(7, 1);

	(void)state;
	add(7 + MAX, 0); // in the same bucket
	assert_ptr_equal(singles_find(&s, 7, 0), a);
	assert_ptr_equal(singles_find(&s, 7, 1), b);
	assert_null(singles_find(&s, 7, 2));
	assert_null(singles_find(&s, 8, 0));
	singles_end(&s, a);
	assert_null(singles_find(&s, 7, 0));
	assert_ptr_equal(singles_find(&s, 7, 1), b);
	assert_non_null(singles_find(&s, 7 + MAX, 0));
}

// A burst has one template and one counter value, so one MSK and each UE once.
static void a_take_is_of_one_msk_and_of_other_ues(void **state)
{
	struct single *out[64];
	unsigned seen = 0;

	(void)state;
	for (uint32_t id = 0; id < 40; id++) {
		add(id, 3);
		add(id, id % 2 == 0 ? 5 : 9);
	}
	for (unsigned n; (n = singles_take(&s, now, out, 16)) > 0; seen += n)
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(out[i]->msk, 3);
			for (unsigned k = 0; k < i; k++)
				assert_true(out[i]->order.id != out[k]->order.id);
		}
	assert_int_equal(seen, 40);
}

static void msks_of_one_ue_go_one_after_the_other(void **state)
{
	struct single *first = add(7, 9), *second = add(7, 2), *third = add(7, 4);

	(void)state;
	assert_int_equal(send_due(), 1);
	assert_int_equal(first->sends, 1);
	now += 5 * MS;
	singles_verified(&s, first, now);
	assert_int_equal(send_due(), 1);
	assert_int_equal(second->sends, 1);
	now += 99 * MS;
	assert_int_equal(send_due(), 0);
	now += 1 * MS;
	assert_int_equal(send_due(), 1);
	assert_int_equal(third->sends, 1);
}

static void a_later_order_does_not_overtake_an_earlier_one(void **state)
{
	struct single *out[64];
	struct single *second;

	(void)state;
	// The turn is with seat 1 when both wait.
	add(1, 0);
	assert_int_equal(send_due(), 1);
	add(7, 0);
	second = add(7, 1);
	assert_int_equal(singles_take(&s, now, out, 64), 1);
	assert_int_equal(out[0]->msk, 0);
	singles_sent(&s, out[0], now);
	assert_int_equal(send_due(), 0);
	assert_int_equal(second->sends, 0);
}

static void an_answer_to_an_older_message_does_not_clear_the_way(void **state)
{
	struct single *first = add(7, 0), *second = add(7, 1), *third = add(7, 2);

	(void)state;
	assert_int_equal(send_due(), 1);
	now += 100 * MS;
	assert_int_equal(send_due(), 1);
	assert_int_equal(second->sends, 1);
	// The second one is on its way: the answer is to the first.
	singles_verified(&s, first, now + 20 * MS);
	now += 20 * MS;
	assert_int_equal(send_due(), 0);
	now += 80 * MS;
	assert_int_equal(send_due(), 1);
	assert_int_equal(third->sends, 1);
}

static void what_is_given_back_is_ready_or_comes_later(void **state)
{
	struct single *single;

	(void)state;
	add(7, 0);
	single = take_one();
	singles_return(&s, single, now);
	assert_ptr_equal(take_one(), single);
	singles_delay(&s, single, now);
	assert_int_equal(send_due(), 0);
	now += 100 * MS;
	assert_int_equal(send_due(), 1);
	assert_int_equal(single->sends, 1);
}

static void one_that_ends_in_a_burst_goes_when_it_comes_back(void **state)
{
	struct single *single, *again;

	(void)state;
	for (int way = 0; way < 3; way++) {
		add(7, 0);
		single = take_one();
		singles_end(&s, single);
		assert_true(single->is_over);
		// The next order for it is another one, and waits for the burst.
		assert_null(singles_find(&s, 7, 0));
		again = add(7, 0);
		assert_int_equal(send_due(), 0);
		if (way == 0)
			singles_sent(&s, single, now);
		else if (way == 1)
			singles_return(&s, single, now);
		else
			singles_delay(&s, single, now);
		assert_int_equal(s.n, 1);
		singles_end(&s, again);
		assert_int_equal(s.n, 0);
	}
}

static void there_are_as_many_as_were_asked_for(void **state)
{
	const struct dp_single order = {.id = MAX};

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t id = 0; id < MAX; id++)
			add(id * 7 + (uint32_t)round, id % SINGLES_MSKS_MAX);
		assert_null(singles_add(&s, &order, 0, now));
		assert_int_equal(send_due(), MAX);
		for (uint32_t id = 0; id < MAX; id++) {
			struct single *single = singles_of(&s, id * 7 + (uint32_t)round);

			assert_non_null(single);
			singles_verified(&s, single, now);
		}
		assert_int_equal(s.n, 0);
	}
}

// Ends in any order leave no seat that is used twice.
static void seats_are_not_mixed_up(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t id;
		unsigned msk;
		struct single *single;

		random = random * 6364136223846793005u + 1442695040888963407u;
		id = (uint32_t)(random >> 33) % 90;
		msk = (unsigned)(random >> 60) % 3;
		single = singles_find(&s, id, msk);
		if (single == NULL) {
			const struct dp_single order = {.id = id, .group = (uint16_t)msk};

			if (s.n < MAX)
				singles_add(&s, &order, msk, now);
			continue;
		}
		assert_int_equal(single->order.id, id);
		assert_int_equal(single->order.group, msk);
		assert_int_equal(single->ue->id, id);
		if (random >> 20 & 1)
			singles_verified(&s, single, now);
		else if (random >> 21 & 1)
			singles_end(&s, single);
		else
			send_due();
		now += 10 * MS;
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, singles_make, singles_drop)
	const struct CMUnitTest tests[] = {
		TEST(a_single_is_sent_waits_longer_and_longer_and_is_given_up),
		TEST(a_verified_single_is_sent_no_more),
		TEST(one_under_way_is_found_by_ue_and_msk),
		TEST(a_take_is_of_one_msk_and_of_other_ues),
		TEST(msks_of_one_ue_go_one_after_the_other),
		TEST(a_later_order_does_not_overtake_an_earlier_one),
		TEST(an_answer_to_an_older_message_does_not_clear_the_way),
		TEST(what_is_given_back_is_ready_or_comes_later),
		TEST(one_that_ends_in_a_burst_goes_when_it_comes_back),
		TEST(there_are_as_many_as_were_asked_for),
		TEST(seats_are_not_mixed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
