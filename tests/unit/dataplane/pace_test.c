// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"

#include "pace.h"

#define S 1000000000ull

// Sends as much as allowed, every step_ns, for one second; returns how many.
static unsigned second(struct dp_schedule *pace, uint32_t rate, uint64_t from_ns, uint64_t step_ns)
{
	unsigned sent = 0;

	for (uint64_t t = from_ns; t < from_ns + S; t += step_ns) {
		unsigned n = pace_allowed(pace, rate, t, 64);

		pace_spend(pace, rate, t, n);
		sent += n;
	}
	return sent;
}

static void rate_is_kept_within_one_percent(void **state)
{
	const uint32_t rates[] = {1, 7, 1000, 99999, 1000000};

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct dp_schedule pace;

		pace_begin(&pace, 5 * S);
		for (int s = 0; s < 5; s++) {
			unsigned sent = second(&pace, rates[i], (5 + s) * S, 20000);

			assert_in_range(
				sent, rates[i] - rates[i] / 100 - 1, rates[i] + rates[i] / 100 + 1);
		}
	}
}

static void long_run_does_not_drift(void **state)
{
	struct dp_schedule pace;
	uint64_t sent = 0;

	(void)state;
	pace_begin(&pace, S);
	for (int s = 0; s < 60; s++)
		sent += second(&pace, 33333, (1 + s) * S, 50000);
	assert_in_range(sent, 60 * 33333 - 34, 60 * 33333 + 34);
}

static void fractions_of_a_nanosecond_add_up(void **state)
{
	struct dp_schedule pace;
	unsigned sent = 0;

	(void)state;
	pace_begin(&pace, S);
	for (uint64_t t = S; t < S + S / 10; t += 1000) {
		while (pace_allowed(&pace, 7000000, t, 1) == 1) {
			pace_spend(&pace, 7000000, t, 1);
			sent++;
		}
	}
	assert_in_range(sent, 699900, 700100);
}

static void no_burst_is_longer_than_ten_milliseconds(void **state)
{
	struct dp_schedule pace;
	unsigned n, burst = 0;

	(void)state;
	pace_begin(&pace, S);
	// Nothing was sent for a minute: no more than 10 ms of it come at once.
	while ((n = pace_allowed(&pace, 100000, 61 * S, 64)) > 0) {
		pace_spend(&pace, 100000, 61 * S, n);
		burst += n;
	}
	assert_in_range(burst, 990, 1001);
}

// A worker that has no CPU for 40 ms now and then: the second is right all the same, and nothing is
// faster than half as much again.
static void lost_moments_are_made_up_for_within_the_second(void **state)
{
	struct dp_schedule pace;
	unsigned sent = 0, most = 0;

	(void)state;
	pace_begin(&pace, S);
	for (uint64_t t = S, gap = 0; t < 2 * S; t += 100000) {
		unsigned in_10_ms = 0;

		// 40 ms of each 200.
		if ((t - S) % 200000000 == 0 && t > S)
			gap = t + 40000000;
		if (t < gap)
			continue;
		for (unsigned n; (n = pace_allowed(&pace, 100000, t, 64)) > 0;) {
			pace_spend(&pace, 100000, t, n);
			in_10_ms += n;
		}
		sent += in_10_ms;
		most = in_10_ms > most ? in_10_ms : most;
	}
	assert_in_range(sent, 99000, 101000);
	assert_in_range(most, 900, 1001);
}

static void what_was_missed_long_ago_is_lost(void **state)
{
	struct dp_schedule pace;

	(void)state;
	pace_begin(&pace, S);
	// A minute without anything, then a second: its rate, and no more than 100 ms of debt.
	assert_in_range(second(&pace, 10000, 61 * S, 100000), 10900, 11010);
	assert_in_range(second(&pace, 10000, 62 * S, 100000), 9990, 10010);
}

static void zero_is_no_limit(void **state)
{
	struct dp_schedule pace;

	(void)state;
	pace_begin(&pace, S);
	assert_int_equal(pace_allowed(&pace, 0, S, 64), 64);
	pace_spend(&pace, 0, S, 64);
	assert_int_equal(pace_allowed(&pace, 0, S, 64), 64);
}

// Two workers draw on one schedule, each with half of the turns.
static void workers_share_one_rate(void **state)
{
	struct dp_schedule pace;
	unsigned sent[2] = {0};

	(void)state;
	pace_begin(&pace, S);
	for (uint64_t t = S; t < 2 * S; t += 20000) {
		unsigned worker = (unsigned)(t / 20000 % 2);
		unsigned n = pace_allowed(&pace, 30000, t, 64);

		pace_spend(&pace, 30000, t, n);
		sent[worker] += n;
	}
	assert_in_range(sent[0] + sent[1], 29990, 30010);
	assert_in_range(sent[0], 10000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_kept_within_one_percent),
		cmocka_unit_test(long_run_does_not_drift),
		cmocka_unit_test(fractions_of_a_nanosecond_add_up),
		cmocka_unit_test(no_burst_is_longer_than_ten_milliseconds),
		cmocka_unit_test(lost_moments_are_made_up_for_within_the_second),
		cmocka_unit_test(what_was_missed_long_ago_is_lost),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(workers_share_one_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
