// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The governor against an HTTP side of a few lines: so many requests a second cost so much work,
// and what is too much is refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "governor.h"

#define NOTHING UINT32_MAX
#define STEPS_PER_S (1000 / GOVERNOR_STEP_MS)

static const struct governor_aim aim = {70, 250, 1000};

struct site {
	struct governor governor;
	struct governor_sample sample;
	double capacity; // requests per second at which one thread has no rest
	uint32_t rate;
	bool is_idle; // no campaign
	bool is_refusing;
};

static void site_init(struct site *s, double capacity)
{
	memset(s, 0, sizeof(*s));
	s->capacity = capacity;
	s->sample.threads = 1;
	s->sample.waiting_most = 1000;
	s->rate = governor_look(&s->governor, &aim, &s->sample);
}

// One look later: who was solicited has come.
static void site_step(struct site *s)
{
	double sent = s->rate == NOTHING || s->is_idle ? 0 : (double)s->rate / STEPS_PER_S;
	double most = s->is_refusing ? 0 : s->capacity / STEPS_PER_S;
	double served = sent < most ? sent : most;

	s->sample.now_ms += GOVERNOR_STEP_MS;
	s->sample.solicits += (uint64_t)(sent + 0.5);
	s->sample.ua.result[UA_MSK_REQUEST][UA_OK] += (uint64_t)served;
	s->sample.ua.result[UA_MSK_REQUEST][UA_SHED] += (uint64_t)(sent - served);
	s->sample.ua.latency[3] += (uint64_t)served;
	s->sample.ua.busy_ns += (uint64_t)(served / s->capacity * 1e9);
	s->rate = governor_look(&s->governor, &aim, &s->sample);
}

static void site_run(struct site *s, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * STEPS_PER_S; i++)
		site_step(s);
}

static void rate_comes_near_the_target_from_both_sides(void **state)
{
	static const double capacities[] = {300, 3000, 50000};
	struct site s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		site_init(&s, capacities[i]);
		assert_int_equal(s.rate, 1000);
		site_run(&s, 30);
		assert_in_range(
			s.rate, (unsigned)(capacities[i] * 0.6), (unsigned)(capacities[i] * 0.8));
		assert_true(s.governor.utilisation > 0.6 && s.governor.utilisation < 0.8);
	}
}

static void nobody_who_serves_means_nothing_is_sent(void **state)
{
	struct site s;

	(void)state;
	site_init(&s, 1000);
	s.sample.threads = 0;
	site_run(&s, 1);
	assert_int_equal(s.rate, NOTHING);
	s.sample.threads = 1;
	site_step(&s);
	assert_int_not_equal(s.rate, NOTHING);
}

static void refusals_stop_it_and_it_comes_back(void **state)
{
	struct site s;

	(void)state;
	site_init(&s, 5000);
	site_run(&s, 20);
	s.is_refusing = true;
	site_step(&s);
	assert_int_equal(s.rate, NOTHING);
	site_run(&s, 10);
	s.is_refusing = false;
	site_run(&s, 30);
	assert_in_range(s.rate, 3000, 4000);
}

static void some_refusals_and_slow_answers_make_it_fall(void **state)
{
	struct site s;
	uint32_t before;

	(void)state;
	site_init(&s, 5000);
	site_run(&s, 20);
	before = s.rate;
	s.sample.ua.result[UA_MSK_REQUEST][UA_SHED] += 5;
	site_step(&s);
	assert_in_range(s.rate, before * 70 / 100, before * 80 / 100);
	site_run(&s, 20);
	before = s.rate;
	s.sample.ua.latency[14] += 1000;
	site_step(&s);
	assert_in_range(s.rate, before * 70 / 100, before * 80 / 100);
	assert_true(s.governor.p99_ms > 250);
	site_run(&s, 20);
	before = s.rate;
	s.sample.ua.waiting = 600;
	site_step(&s);
	s.sample.ua.waiting = 0;
	assert_in_range(s.rate, before * 70 / 100, before * 80 / 100);
}

static void a_rate_that_nobody_uses_does_not_rise(void **state)
{
	struct site s;

	(void)state;
	site_init(&s, 50000);
	s.is_idle = true;
	site_run(&s, 60);
	assert_int_equal(s.rate, 1000);
}

static void target_0_is_no_limit(void **state)
{
	const struct governor_aim off = {0, 250, 1000};
	struct governor_sample sample = {0};
	struct governor g = {0};

	(void)state;
	assert_int_equal(governor_look(&g, &off, &sample), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_comes_near_the_target_from_both_sides),
		cmocka_unit_test(nobody_who_serves_means_nothing_is_sent),
		cmocka_unit_test(refusals_stop_it_and_it_comes_back),
		cmocka_unit_test(some_refusals_and_slow_answers_make_it_fall),
		cmocka_unit_test(a_rate_that_nobody_uses_does_not_rise),
		cmocka_unit_test(target_0_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
