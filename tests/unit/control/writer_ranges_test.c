// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "writer_ranges.h"

static void expect(const struct writer_ranges *r, unsigned n, const uint32_t (*pairs)[2])
{
	assert_int_equal(r->n, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(r->range[i].first, pairs[i][0]);
		assert_int_equal(r->range[i].n, pairs[i][1]);
	}
}
#define PAIRS(...) ((const uint32_t[][2]){__VA_ARGS__})

static void ranges_that_touch_or_overlap_become_one(void **state)
{
	struct writer_ranges r = {.n = 0};

	(void)state;
	writer_ranges_add(&r, 10, 5);
	writer_ranges_add(&r, 15, 5);
	expect(&r, 1, PAIRS({10, 10}));
	writer_ranges_add(&r, 12, 2);
	expect(&r, 1, PAIRS({10, 10}));
	writer_ranges_add(&r, 5, 5);
	expect(&r, 1, PAIRS({5, 15}));
	writer_ranges_add(&r, 0, 100);
	expect(&r, 1, PAIRS({0, 100}));
}

static void ranges_apart_stay_apart_in_order(void **state)
{
	struct writer_ranges r = {.n = 0};

	(void)state;
	writer_ranges_add(&r, 100, 1);
	writer_ranges_add(&r, 10, 1);
	writer_ranges_add(&r, 50, 1);
	expect(&r, 3, PAIRS({10, 1}, {50, 1}, {100, 1}));
	writer_ranges_add(&r, 11, 89);
	expect(&r, 1, PAIRS({10, 91}));
	writer_ranges_add(&r, 7, 0);
	expect(&r, 1, PAIRS({10, 91}));
}

static void full_set_joins_the_closest_and_covers_everything_added(void **state)
{
	struct writer_ranges r = {.n = 0};
	uint8_t added[4000] = {0};

	(void)state;
	srand(1);
	for (int k = 0; k < 1000; k++) {
		uint32_t first = (uint32_t)rand() % 3900, n = 1 + (uint32_t)rand() % 3;

		writer_ranges_add(&r, first, n);
		memset(added + first, 1, n);
		assert_true(r.n <= WRITER_RANGES_MAX);
		for (unsigned i = 1; i < r.n; i++)
			assert_true(r.range[i - 1].first + r.range[i - 1].n < r.range[i].first);
	}
	for (unsigned i = 0; i < r.n; i++)
		memset(added + r.range[i].first, 0, r.range[i].n);
	for (unsigned i = 0; i < sizeof(added); i++)
		assert_int_equal(added[i], 0);
}

static void end_of_the_number_space_is_no_wrap(void **state)
{
	struct writer_ranges r = {.n = 0};

	(void)state;
	writer_ranges_add(&r, UINT32_MAX - 2, 100);
	writer_ranges_add(&r, 0, 1);
	expect(&r, 2, PAIRS({0, 1}, {UINT32_MAX - 2, 2}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_touch_or_overlap_become_one),
		cmocka_unit_test(ranges_apart_stay_apart_in_order),
		cmocka_unit_test(full_set_joins_the_closest_and_covers_everything_added),
		cmocka_unit_test(end_of_the_number_space_is_no_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
