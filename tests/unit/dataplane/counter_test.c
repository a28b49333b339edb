// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"

#include <errno.h>
#include <string.h>

#include "counter.h"

#define YEAR_S (365 * 86400)
#define NOW 1795000000 // Unix seconds, some day in 2026

static const uint32_t t_now = NOW - COUNTER_EPOCH;

static struct counter_known known_after(uint32_t mark)
{
	return (struct counter_known){
		.realtime_s = NOW,
		.boottime_s = 5000,
		.has_store_mark = true,
		.store_mark = mark,
		.has_file_mark = true,
		.file_mark = mark,
	};
}

static void epoch_is_the_first_of_january_2025(void **state)
{
	(void)state;
	// 55 years from 1970 with 14 leap days.
	assert_int_equal(COUNTER_EPOCH, (55 * 365 + 14) * 86400);
}

static void normal_start_begins_above_the_mark(void **state)
{
	struct counter_known known = known_after(t_now - 100);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now - 100);
	assert_int_equal(5000 + start.counter_offset_s, t_now);
	assert_int_equal(5000 + start.realtime_offset_s, NOW);
}

static void start_takes_the_larger_of_two_marks(void **state)
{
	struct counter_known known = known_after(t_now - 100);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.file_mark = t_now - 50;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now - 50);
}

static void first_start_ever_keeps_an_hours_distance(void **state)
{
	struct counter_known known = {.realtime_s = NOW, .boottime_s = 1};
	struct dp_counter_start start;
	char why[256];

	(void)state;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3600);
}

static void lost_mark_file_begins_an_hour_ahead(void **state)
{
	struct counter_known known = known_after(t_now + 7);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.has_file_mark = false;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3600);
}

static void mark_file_older_than_the_store_begins_an_hour_ahead(void **state)
{
	struct counter_known known = known_after(t_now - 1000);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.store_mark = t_now - 10;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3600);
}

static void mark_of_another_machine_begins_an_hour_ahead(void **state)
{
	struct counter_known known = known_after(t_now - 10);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.is_other_machine = true;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3600);
}

static void mark_further_than_an_hour_ahead_still_counts(void **state)
{
	struct counter_known known = known_after(t_now + 5000);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.has_file_mark = false;
	assert_int_equal(counter_start(&known, &start, why), 0);
	// The store's copy of it may be some minutes old, and the clock is no help here.
	assert_int_equal(start.first, t_now + 5000 + COUNTER_COPY_AGE_S + COUNTER_MARK_AHEAD_S);
}

static void lost_store_begins_above_the_mark_file(void **state)
{
	struct counter_known known = known_after(0);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.has_store_mark = false;
	known.file_mark = t_now + 400;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 400);
}

static void mark_that_may_be_the_last_but_one_begins_an_hour_and_a_step_ahead(void **state)
{
	struct counter_known known = known_after(t_now - 100);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.is_half_damaged = true;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3600);
	known.file_mark = t_now + 3600;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + 3610);
}

static void clock_back_by_a_year_is_refused_unless_accepted(void **state)
{
	struct counter_known known = known_after(t_now + YEAR_S);
	struct dp_counter_start start;
	char why[256] = "";

	(void)state;
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
	assert_non_null(strstr(why, "--accept-clock"));
	known.is_clock_accepted = true;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + YEAR_S);
}

static void clock_back_is_judged_to_the_second(void **state)
{
	struct counter_known known = known_after(t_now + 7200);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	assert_int_equal(counter_start(&known, &start, why), 0);
	known = known_after(t_now + 7201);
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
}

// A daemon that was started again and again, a mark further each time.
static void mark_far_ahead_of_a_clock_that_is_right_is_no_hindrance(void **state)
{
	struct counter_known known = known_after(t_now + YEAR_S);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.file_clock = t_now + 7200;
	assert_int_equal(counter_start(&known, &start, why), 0);
	assert_int_equal(start.first, t_now + YEAR_S);
	known.file_clock++;
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
	assert_non_null(strstr(why, "7201 s before where it stood"));
}

static void clock_of_a_file_that_is_not_trusted_tells_nothing(void **state)
{
	struct counter_known known = known_after(t_now + 7201);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.file_clock = t_now;
	assert_int_equal(counter_start(&known, &start, why), 0);
	known.file_mark--;
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
	known.file_mark++;
	known.is_half_damaged = true;
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
}

static void clock_far_after_the_mark_is_refused_unless_accepted(void **state)
{
	struct counter_known known = known_after(t_now - 400 * 86400);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	assert_int_equal(counter_start(&known, &start, why), 0);
	known = known_after(t_now - 400 * 86400 - 1);
	assert_int_equal(counter_start(&known, &start, why), -ERANGE);
	known.is_clock_accepted = true;
	assert_int_equal(counter_start(&known, &start, why), 0);
}

static void no_values_above_the_half_range_are_begun(void **state)
{
	struct counter_known known = known_after(INT32_MAX);
	struct dp_counter_start start;
	char why[256];

	(void)state;
	known.is_clock_accepted = true;
	assert_int_equal(counter_start(&known, &start, why), -EOVERFLOW);
}

struct site {
	struct counter counter;
	struct counter_owner owner;
};

static void site_open(struct site *s, uint32_t first)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(counter_init(&s->counter, first, 1000), 0);
	s->owner.counter = &s->counter;
}

static void values_follow_the_clock(void **state)
{
	struct site s;
	const uint32_t ids[] = {1, 2, 3};

	(void)state;
	site_open(&s, 1000);
	assert_int_equal(counter_take(&s.owner, ids, 3, 2000, UINT32_MAX), 2000);
	assert_int_equal(counter_take(&s.owner, ids, 3, 2005, UINT32_MAX), 2005);
	counter_fini(&s.counter);
}

static void values_rise_within_a_second(void **state)
{
	struct site s;
	const uint32_t both[] = {1, 2}, one[] = {2};

	(void)state;
	site_open(&s, 1000);
	assert_int_equal(counter_take(&s.owner, both, 2, 2000, UINT32_MAX), 2000);
	assert_int_equal(counter_take(&s.owner, one, 1, 2000, UINT32_MAX), 2001);
	assert_int_equal(counter_take(&s.owner, both, 2, 2000, UINT32_MAX), 2002);
	assert_int_equal(counter_last(&s.counter, 1), 2002);
	counter_fini(&s.counter);
}

static void values_begin_above_the_start_when_the_clock_is_behind(void **state)
{
	struct site s;
	const uint32_t id = 5;

	(void)state;
	site_open(&s, 9000);
	assert_int_equal(counter_take(&s.owner, &id, 1, 100, UINT32_MAX), 9001);
	assert_int_equal(counter_take(&s.owner, &id, 1, 101, UINT32_MAX), 9002);
	counter_fini(&s.counter);
}

static void nothing_above_the_mark_is_taken(void **state)
{
	struct site s;
	const uint32_t id = 5;

	(void)state;
	site_open(&s, 1000);
	assert_int_equal(counter_take(&s.owner, &id, 1, 2011, 2010), 0);
	assert_int_equal(counter_last(&s.counter, id), 1000);
	assert_int_equal(counter_take(&s.owner, &id, 1, 2010, 2010), 2010);
	assert_int_equal(counter_take(&s.owner, &id, 1, 2010, 2010), 0);
	assert_int_equal(counter_last(&s.counter, id), 2010);
	counter_fini(&s.counter);
}

static void half_the_range_is_never_passed(void **state)
{
	struct site s;
	const uint32_t id = 5;

	(void)state;
	site_open(&s, INT32_MAX - 1);
	assert_int_equal(counter_take(&s.owner, &id, 1, 7, UINT32_MAX), INT32_MAX);
	assert_int_equal(counter_take(&s.owner, &id, 1, 7, UINT32_MAX), 0);
	counter_fini(&s.counter);
}

static void a_ue_waits_when_its_values_run_600_s_ahead(void **state)
{
	struct site s;
	const uint32_t id = 5;
	unsigned sent = 0;

	(void)state;
	site_open(&s, 1000);
	while (counter_may_send(&s.owner, id, 2000)) {
		assert_true(counter_take(&s.owner, &id, 1, 2000, UINT32_MAX) <= 2600);
		sent++;
	}
	assert_int_equal(sent, 601);
	assert_true(counter_may_send(&s.owner, 6, 2000));
	assert_true(counter_may_send(&s.owner, id, 2001));
	counter_fini(&s.counter);
}

static void ahead_counts_from_the_start_when_the_clock_is_behind(void **state)
{
	struct site s;
	const uint32_t id = 5;

	(void)state;
	site_open(&s, 9000);
	assert_true(counter_may_send(&s.owner, id, 100));
	assert_int_equal(counter_take(&s.owner, &id, 1, 100, UINT32_MAX), 9001);
	assert_true(counter_may_send(&s.owner, id, 100));
	counter_fini(&s.counter);
}

static void changed_records_begin_above_all_values_in_use(void **state)
{
	struct site s;
	const uint32_t old = 5, fresh = 6;

	(void)state;
	site_open(&s, 1000);
	for (int i = 0; i < 10; i++)
		counter_take(&s.owner, &old, 1, 2000, UINT32_MAX);
	assert_int_equal(atomic_load(&s.owner.highest), 2009);
	counter_raise(&s.owner, fresh, 2009);
	assert_int_equal(counter_take(&s.owner, &fresh, 1, 2000, UINT32_MAX), 2010);
	// A raise never lowers.
	counter_raise(&s.owner, fresh, 1500);
	assert_int_equal(counter_last(&s.counter, fresh), 2010);
	counter_fini(&s.counter);
}

static void every_id_has_one_owner(void **state)
{
	unsigned seen[3] = {0};

	(void)state;
	for (uint32_t id = 0; id < 3 * COUNTER_SLICE * 4; id++) {
		unsigned owner = counter_owner_of(id, 3);

		assert_true(owner < 3);
		assert_int_equal(owner, counter_owner_of(id / COUNTER_SLICE * COUNTER_SLICE, 3));
		seen[owner]++;
	}
	assert_int_equal(seen[0], 4 * COUNTER_SLICE);
	assert_int_equal(seen[1], seen[2]);
	assert_int_equal(counter_owner_of(123456, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epoch_is_the_first_of_january_2025),
		cmocka_unit_test(normal_start_begins_above_the_mark),
		cmocka_unit_test(start_takes_the_larger_of_two_marks),
		cmocka_unit_test(first_start_ever_keeps_an_hours_distance),
		cmocka_unit_test(lost_mark_file_begins_an_hour_ahead),
		cmocka_unit_test(mark_file_older_than_the_store_begins_an_hour_ahead),
		cmocka_unit_test(mark_of_another_machine_begins_an_hour_ahead),
		cmocka_unit_test(mark_further_than_an_hour_ahead_still_counts),
		cmocka_unit_test(lost_store_begins_above_the_mark_file),
		cmocka_unit_test(mark_that_may_be_the_last_but_one_begins_an_hour_and_a_step_ahead),
		cmocka_unit_test(clock_back_by_a_year_is_refused_unless_accepted),
		cmocka_unit_test(clock_back_is_judged_to_the_second),
		cmocka_unit_test(mark_far_ahead_of_a_clock_that_is_right_is_no_hindrance),
		cmocka_unit_test(clock_of_a_file_that_is_not_trusted_tells_nothing),
		cmocka_unit_test(clock_far_after_the_mark_is_refused_unless_accepted),
		cmocka_unit_test(no_values_above_the_half_range_are_begun),
		cmocka_unit_test(values_follow_the_clock),
		cmocka_unit_test(values_rise_within_a_second),
		cmocka_unit_test(values_begin_above_the_start_when_the_clock_is_behind),
		cmocka_unit_test(nothing_above_the_mark_is_taken),
		cmocka_unit_test(half_the_range_is_never_passed),
		cmocka_unit_test(a_ue_waits_when_its_values_run_600_s_ahead),
		cmocka_unit_test(ahead_counts_from_the_start_when_the_clock_is_behind),
		cmocka_unit_test(changed_records_begin_above_all_values_in_use),
		cmocka_unit_test(every_id_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
