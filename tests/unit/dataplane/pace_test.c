// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"

#include "pace.h"

#define S 1000000000ull

// Sends as much as allowed, every step_ns, for one second; returns how many.
static unsigned second(_Atomic uint64_t *pace, uint32_t rate, uint64_t from_ns, uint64_t step_ns)
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
		_Atomic uint64_t pace;

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
	_Atomic uint64_t pace;
	uint64_t sent = 0;

	(void)state;
	pace_begin(&pace, S);
	for (int s = 0; s < 60; s++)
		sent += second(&pace, 33333, (1 + s) * S, 50000);
	assert_in_range(sent, 60 * 33333 - 34, 60 * 33333 + 34);
}

static void fractions_of_a_nanosecond_add_up(void **state)
{
	_Atomic uint64_t pace;
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
	_Atomic uint64_t pace;
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

static void zero_is_no_limit(void **state)
{
	_Atomic uint64_t pace;

	(void)state;
	pace_begin(&pace, S);
	assert_int_equal(pace_allowed(&pace, 0, S, 64), 64);
	pace_spend(&pace, 0, S, 64);
	assert_int_equal(pace_allowed(&pace, 0, S, 64), 64);
}

// Two workers draw on one schedule, each with half of the turns.
static void workers_share_one_rate(void **state)
{
	_Atomic uint64_t pace;
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
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(workers_share_one_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
