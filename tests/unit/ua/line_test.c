// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include "test.h"
#include "ua_line.h"

#define SECOND UINT64_C(1000000000)
#define NOW (100 * SECOND)

static struct ua_line line;
static unsigned told[UA_LINE_MOST_S + 2]; // how many were told to wait so long

static int line_make(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	memset(told, 0, sizeof(told));
	return 0;
}

static void turn_away(unsigned n, uint64_t now_ns)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned s = ua_line_join(&line, now_ns);

		assert_in_range(s, 1, UA_LINE_MOST_S);
		told[s]++;
	}
}

// 20 us a request: 50,000 a second, of which a quarter is for those who come back.
static void cost_is_measured(void)
{
	for (int i = 0; i < 100; i++)
		ua_line_measure(&line, 64, 64 * 20000);
}

static void few_come_back_in_a_second(void **state)
{
	(void)state;
	cost_is_measured();
	turn_away(1000, NOW);
	assert_int_equal(told[1], 1000);
}

static void many_come_back_as_fast_as_they_can_be_served(void **state)
{
	(void)state;
	cost_is_measured();
	turn_away(50000, NOW);
	for (unsigned s = 1; s <= 4; s++)
		assert_in_range(told[s], 12400, 12600);
	assert_int_equal(told[5], 0);
}

static void a_slow_server_lets_them_wait_longer(void **state)
{
	(void)state;
	cost_is_measured();
	for (int i = 0; i < 100; i++)
		ua_line_measure(&line, 64, 64 * 200000);
	turn_away(2500, NOW);
	assert_in_range(told[1], 1240, 1260);
	assert_in_range(told[2], 1240, 1260);
}

// The first ones have come by then.
static void the_line_moves(void **state)
{
	(void)state;
	cost_is_measured();
	turn_away(25000, NOW);
	turn_away(12500, NOW + SECOND);
	assert_in_range(told[1], 12400, 12600);
	assert_in_range(told[2], 24900, 25100);
	memset(told, 0, sizeof(told));
	turn_away(100, NOW + 60 * SECOND);
	assert_int_equal(told[1], 100);
}

static void the_longer_it_is_too_much_the_later_it_begins(void **state)
{
	uint64_t now = NOW;

	(void)state;
	cost_is_measured();
	for (int tenth = 0; tenth < 200; tenth++, now += SECOND / 10) {
		memset(told, 0, sizeof(told));
		turn_away(10, now);
		assert_int_equal(told[tenth < 10 ? 1 : tenth < 100 ? tenth / 10 : 10], 10);
	}
	// It is over when there was nobody for a while.
	memset(told, 0, sizeof(told));
	turn_away(10, now + 3 * SECOND);
	assert_int_equal(told[1], 10);
}

static void nobody_waits_for_ever(void **state)
{
	(void)state;
	cost_is_measured();
	turn_away(2 * 12500 * UA_LINE_MOST_S, NOW);
	for (unsigned s = 1; s <= UA_LINE_MOST_S; s++)
		assert_in_range(told[s], 24900, 25100);
}

static void turns_without_answers_and_single_ones_tell_nothing(void **state)
{
	(void)state;
	cost_is_measured();
	ua_line_measure(&line, 0, 60 * SECOND);
	ua_line_measure(&line, 1, 20000);
	turn_away(12500, NOW);
	assert_in_range(told[1], 12400, 12500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(few_come_back_in_a_second, line_make),
		cmocka_unit_test_setup(many_come_back_as_fast_as_they_can_be_served, line_make),
		cmocka_unit_test_setup(a_slow_server_lets_them_wait_longer, line_make),
		cmocka_unit_test_setup(the_line_moves, line_make),
		cmocka_unit_test_setup(the_longer_it_is_too_much_the_later_it_begins, line_make),
		cmocka_unit_test_setup(nobody_waits_for_ever, line_make),
		cmocka_unit_test_setup(
			turns_without_answers_and_single_ones_tell_nothing, line_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
