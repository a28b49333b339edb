// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>

#include "test.h"
#include "ua_limit.h"

static struct ua_limit *limit;

static int limit_make(void **state)
{
	static const uint8_t key[16] = {1, 2, 3};

	(void)state;
	return ua_limit_create(key, &limit);
}

static int limit_drop(void **state)
{
	(void)state;
	ua_limit_destroy(limit);
	return 0;
}

static bool exceeds(const char *what, const char *part, uint32_t now_s)
{
	return ua_limit_exceeds(limit, ua_text_of(what), ua_text_of(part), 3, now_s);
}

static void so_many_a_minute_and_no_more(void **state)
{
	(void)state;
	for (uint32_t s = 100; s < 103; s++)
		assert_false(exceeds("b", "10.0.0.1", s));
	assert_true(exceeds("b", "10.0.0.1", 103));
	assert_true(exceeds("b", "10.0.0.1", 159));
	assert_false(exceeds("b", "10.0.0.1", 160));
}

static void others_are_not_touched(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		exceeds("b", "10.0.0.1", 100);
	assert_false(exceeds("b", "10.0.0.2", 100));
	assert_false(exceeds("c", "10.0.0.1", 100));
	// Where the first part ends is part of what is counted.
	assert_false(exceeds("b1", "0.0.0.1", 100));
}

static void no_limit_never_exceeds(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(ua_limit_exceeds(limit, ua_text_of("b"), ua_text_of(""), 0, 100));
}

// Someone who gives names without end does not free himself of what he had.
static void a_high_count_outlives_many_low_ones(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 10; i++)
		exceeds("bad", "", 100);
	for (int i = 0; i < 500000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		exceeds(name, "", 100);
	}
	assert_true(exceeds("bad", "", 101));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			so_many_a_minute_and_no_more, limit_make, limit_drop),
		cmocka_unit_test_setup_teardown(others_are_not_touched, limit_make, limit_drop),
		cmocka_unit_test_setup_teardown(no_limit_never_exceeds, limit_make, limit_drop),
		cmocka_unit_test_setup_teardown(
			a_high_count_outlives_many_low_ones, limit_make, limit_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
