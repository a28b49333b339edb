// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include "ue/series.h"

#define SECOND 1000000

// "second:pushes" of each row, with commas.
static void expect_rows(
	const struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT], const char *wanted)
{
	json_t *report = ue_series_report(series, totals), *row;
	char text[256] = "";
	size_t i;

	json_array_foreach(json_object_get(report, "rows"), i, row)
	{
		size_t len = strlen(text);

		assert_int_equal(json_array_size(row), UE_SERIES_COUNT + 1);
		snprintf(text + len, sizeof(text) - len, "%s%d:%d", i > 0 ? "," : "",
			(int)json_integer_value(json_array_get(row, 0)),
			(int)json_integer_value(json_array_get(row, 1 + UE_SERIES_PUSHES)));
	}
	assert_int_equal(json_array_size(json_object_get(report, "columns")), UE_SERIES_COUNT);
	assert_string_equal(text, wanted);
	json_decref(report);
}

static void seconds_without_news_are_left_out(void **state)
{
	struct ue_series series = {.rows = NULL};
	uint64_t totals[UE_SERIES_COUNT] = {[UE_SERIES_PUSHES] = 7};
	struct ue_now now = now_at(0);

	(void)state;
	assert_true(ue_series_is_due(&series, &now));
	ue_series_add(&series, totals, &now);
	expect_rows(&series, totals, "");
	now = now_at(SECOND - 1);
	assert_false(ue_series_is_due(&series, &now));
	totals[UE_SERIES_PUSHES] = 9;
	expect_rows(&series, totals, "0:2");
	for (int i = 1; i < 5; i++) {
		now = now_at(i * SECOND);
		assert_true(ue_series_is_due(&series, &now));
		ue_series_add(&series, totals, &now);
		assert_false(ue_series_is_due(&series, &now));
	}
	expect_rows(&series, totals, "0:2");
	totals[UE_SERIES_PUSHES] = 12;
	now = now_at(5 * SECOND);
	ue_series_add(&series, totals, &now);
	totals[UE_SERIES_PUSHES] = 13;
	expect_rows(&series, totals, "0:2,4:3,5:1");
	ue_series_fini(&series);
}

// Whoever comes late has missed nothing.
static void late_sample_is_of_the_second_it_was_due_for(void **state)
{
	struct ue_series series = {.rows = NULL};
	uint64_t totals[UE_SERIES_COUNT] = {0};
	struct ue_now now = now_at(0);

	(void)state;
	ue_series_add(&series, totals, &now);
	totals[UE_SERIES_PUSHES] = 4;
	now = now_at(7 * SECOND + 300000);
	ue_series_add(&series, totals, &now);
	totals[UE_SERIES_PUSHES] = 5;
	now = now_at(8 * SECOND - 1);
	assert_false(ue_series_is_due(&series, &now));
	now = now_at(8 * SECOND);
	ue_series_add(&series, totals, &now);
	expect_rows(&series, totals, "0:4,7:1");
	ue_series_fini(&series);
}

static void many_seconds_are_kept(void **state)
{
	struct ue_series series = {.rows = NULL};
	uint64_t totals[UE_SERIES_COUNT] = {0};

	(void)state;
	for (int i = 0; i < 90000; i++) {
		struct ue_now now = now_at((int64_t)i * SECOND);

		totals[UE_SERIES_PULLS]++;
		ue_series_add(&series, totals, &now);
	}
	assert_int_equal(series.row_count, 86400);
	ue_series_fini(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_without_news_are_left_out),
		cmocka_unit_test(late_sample_is_of_the_second_it_was_due_for),
		cmocka_unit_test(many_seconds_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
