// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counter.h"
#include "counter_mark.h"
#include "site.h"
#include "test.h"
#include "writer_thread.h"

static void mark_runs_ten_ahead_of_the_later_of_clock_and_use(void **state)
{
	(void)state;
	assert_int_equal(counter_mark_due(0, 1000, 900), 1010);
	assert_int_equal(counter_mark_due(0, 1000, 1200), 1210);
	assert_int_equal(counter_mark_due(1010, 1000, 1000), 0);
	assert_int_equal(counter_mark_due(1010, 1005, 1000), 0);
	assert_int_equal(counter_mark_due(1010, 1006, 1000), 1016);
	// A mark that was left behind, and one that use has reached.
	assert_int_equal(counter_mark_due(1010, 5000, 1000), 5010);
	assert_int_equal(counter_mark_due(1010, 900, 1010), 1020);
}

static void mark_is_never_more_than_ten_ahead_while_time_passes(void **state)
{
	uint32_t mark = 0;

	(void)state;
	for (uint32_t now = 1000; now < 1100; now++) {
		uint32_t due = counter_mark_due(mark, now, 1003);

		if (due != 0) {
			assert_true(due > mark);
			mark = due;
		}
		assert_true(mark > now && mark > 1003);
		assert_true(mark <= (now > 1003 ? now : 1003) + COUNTER_MARK_AHEAD_S);
	}
}

static void mark_stops_at_the_last_value_there_is(void **state)
{
	(void)state;
	assert_int_equal(counter_mark_due(0, 0, COUNTER_MAX - 3), COUNTER_MAX);
	assert_int_equal(counter_mark_due(COUNTER_MAX, 0, COUNTER_MAX - 3), 0);
	assert_int_equal(counter_mark_due(COUNTER_MAX, 0, COUNTER_MAX), 0);
	assert_int_equal(counter_mark_due(0, UINT32_MAX, 0), COUNTER_MAX);
}

static void wait_for_mark(struct site *s, uint32_t mark)
{
	const struct timespec nap = {.tv_nsec = 10000000};

	for (int i = 0; i < 500 && s->dp->mark != mark; i++)
		nanosleep(&nap, NULL);
	assert_int_equal(s->dp->mark, mark);
}

static int open_mark_with(struct site *s, bool is_clock_accepted, struct counter_mark **m,
	struct dp_counter_start *start)
{
	char why[256];

	return counter_mark_open(s->ctl.env, s->dir, is_clock_accepted, m, start, why);
}

static int open_mark(struct site *s, struct counter_mark **m, struct dp_counter_start *start)
{
	return open_mark_with(s, false, m, start);
}

// A life of the daemon in which the counter's clock stands at t.
static void live_at(struct site *s, struct counter_mark *m, uint32_t t)
{
	s->dp->now = t;
	counter_mark_advance(m, &s->ctl);
	counter_mark_close(m);
}

static void clock_that_was_set_back_is_accepted_once(void **state)
{
	uint32_t t = (uint32_t)(time(NULL) - COUNTER_EPOCH);
	struct dp_counter_start start;
	struct site *s = *state;
	struct counter_mark *m;

	assert_int_equal(open_mark(s, &m, &start), 0);
	live_at(s, m, t + 10000);
	assert_int_equal(open_mark(s, &m, &start), -ERANGE);
	assert_int_equal(open_mark_with(s, true, &m, &start), 0);
	s->dp->highest = start.first;
	live_at(s, m, t);
	assert_int_equal(open_mark(s, &m, &start), 0);
	assert_true(start.first > t + 10000);
	counter_mark_close(m);
}

static void workers_learn_the_mark_after_it_is_on_disk(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start;
	struct counter_mark *m;
	uint32_t t = (uint32_t)(time(NULL) - COUNTER_EPOCH);

	assert_int_equal(open_mark(s, &m, &start), 0);
	// A new store: an hour ahead.
	assert_true(start.first >= t + COUNTER_LOST_MARK_S);
	s->dp->now = t;
	s->dp->highest = start.first;
	assert_int_equal(counter_mark_value(m), 0);
	assert_int_equal(counter_mark_run(m, &s->ctl), 0);
	wait_for_mark(s, start.first + COUNTER_MARK_AHEAD_S);
	s->dp->highest = start.first + 8;
	wait_for_mark(s, start.first + 8 + COUNTER_MARK_AHEAD_S);
	assert_int_equal(counter_mark_value(m), start.first + 18);
	counter_mark_stop(m);
	counter_mark_close(m);
	// The next start begins above all of that, although the clock has not got there.
	assert_int_equal(open_mark(s, &m, &start), 0);
	assert_int_equal(start.first, s->dp->mark);
	counter_mark_close(m);
}

static void lost_mark_file_begins_an_hour_ahead(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start;
	struct counter_mark *m;
	char path[128];

	assert_int_equal(open_mark(s, &m, &start), 0);
	s->dp->now = start.first - COUNTER_LOST_MARK_S;
	assert_int_equal(counter_mark_run(m, &s->ctl), 0);
	wait_for_mark(s, s->dp->now + COUNTER_MARK_AHEAD_S);
	counter_mark_stop(m);
	counter_mark_close(m);
	snprintf(path, sizeof(path), "%s/counter.mark", s->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_mark(s, &m, &start), 0);
	assert_true(start.first >= s->dp->now + COUNTER_LOST_MARK_S);
	counter_mark_close(m);
}

// The store's copy of the mark; 0 when it has none.
static uint32_t stored_mark(struct site *s)
{
	struct store_reader *r;
	uint32_t mark = 0;

	assert_int_equal(store_reader_create(s->ctl.env, &r), 0);
	store_reader_mark(r, &mark);
	store_reader_destroy(r);
	return mark;
}

// Then a start that has lost the file begins above it all the same.
static void mark_an_hour_ahead_of_the_clock_is_in_the_store_before_it_is_used(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start;
	struct counter_mark *m;

	assert_int_equal(open_mark(s, &m, &start), 0);
	writer_destroy(s->ctl.writer);
	assert_int_equal(writer_create(&s->ctl, m, &s->ctl.writer), 0);
	s->dp->now = 1000;
	s->dp->highest = 1000 + COUNTER_LOST_MARK_S - COUNTER_MARK_AHEAD_S;
	assert_int_equal(counter_mark_run(m, &s->ctl), 0);
	wait_for_mark(s, 1000 + COUNTER_LOST_MARK_S);
	s->dp->highest += COUNTER_MARK_AHEAD_S;
	wait_for_mark(s, 1000 + COUNTER_LOST_MARK_S + COUNTER_MARK_AHEAD_S);
	assert_int_equal(stored_mark(s), s->dp->mark);
	counter_mark_stop(m);
	writer_destroy(s->ctl.writer);
	s->ctl.writer = NULL;
	counter_mark_close(m);
}

// Nobody commits, and the file may be lost with the clock wrong: the store is not far behind all
// the same, nor written each time.
static void store_knows_the_mark_of_the_last_minutes(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start;
	struct counter_mark *m;
	unsigned copies = 0;
	uint32_t seen = 0;

	assert_int_equal(open_mark(s, &m, &start), 0);
	writer_destroy(s->ctl.writer);
	assert_int_equal(writer_create(&s->ctl, m, &s->ctl.writer), 0);
	for (s->dp->now = 1000; s->dp->now < 3000; s->dp->now += 10) {
		counter_mark_advance(m, &s->ctl);
		assert_int_equal(s->dp->mark, s->dp->now + COUNTER_MARK_AHEAD_S);
		assert_true(s->dp->mark <= stored_mark(s) + COUNTER_COPY_AGE_S);
		copies += stored_mark(s) != seen;
		seen = stored_mark(s);
	}
	assert_in_range(copies, 2, 2000 / (COUNTER_COPY_AGE_S / 2) + 1);
	writer_destroy(s->ctl.writer);
	s->ctl.writer = NULL;
	counter_mark_close(m);
}

// The sector that is gone may have held the newer mark, and values up to it may have been sent.
static void half_a_mark_file_begins_above_what_the_other_half_may_have_allowed(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start, again;
	struct counter_mark *m;
	char path[128];
	int fd;

	assert_int_equal(open_mark(s, &m, &start), 0);
	s->dp->highest = start.first;
	assert_int_equal(counter_mark_run(m, &s->ctl), 0);
	wait_for_mark(s, start.first + COUNTER_MARK_AHEAD_S);
	s->dp->highest = s->dp->mark;
	wait_for_mark(s, start.first + 2 * COUNTER_MARK_AHEAD_S);
	counter_mark_stop(m);
	counter_mark_close(m);
	snprintf(path, sizeof(path), "%s/counter.mark", s->dir);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "torn", 4, 512), 4);
	close(fd);
	assert_int_equal(open_mark(s, &m, &again), 0);
	assert_true(again.first >= s->dp->mark);
	counter_mark_close(m);
}

static void damaged_mark_file_is_refused_with_a_sentence(void **state)
{
	struct site *s = *state;
	struct dp_counter_start start;
	struct counter_mark *m;
	char path[128], why[256];
	uint8_t noise[1024];
	int fd;

	assert_int_equal(open_mark(s, &m, &start), 0);
	s->dp->now = 1000;
	assert_int_equal(counter_mark_run(m, &s->ctl), 0);
	wait_for_mark(s, 1010);
	counter_mark_stop(m);
	counter_mark_close(m);
	snprintf(path, sizeof(path), "%s/counter.mark", s->dir);
	memset(noise, 0x5a, sizeof(noise));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
	close(fd);
	assert_int_equal(counter_mark_open(s->ctl.env, s->dir, false, &m, &start, why), -EUCLEAN);
	assert_non_null(strstr(why, "both of its sectors are damaged"));
}

static void machine_id_is_thirty_two_hex_digits_or_zeros(void **state)
{
	struct site *s = *state;
	uint8_t id[16];
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/machine-id", s->dir);
	assert_false(machine_id_read(path, id));
	file = fopen(path, "w");
	fputs("00112233445566778899aabbccddeeff\n", file);
	fclose(file);
	assert_true(machine_id_read(path, id));
	assert_int_equal(id[1], 0x11);
	assert_int_equal(id[15], 0xff);
	file = fopen(path, "w");
	fputs("00112233445566778899aabbccddee", file);
	fclose(file);
	assert_false(machine_id_read(path, id));
	assert_int_equal(id[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark_runs_ten_ahead_of_the_later_of_clock_and_use),
		cmocka_unit_test(mark_is_never_more_than_ten_ahead_while_time_passes),
		cmocka_unit_test(mark_stops_at_the_last_value_there_is),
		WITH_SITE(workers_learn_the_mark_after_it_is_on_disk),
		WITH_SITE(lost_mark_file_begins_an_hour_ahead),
		WITH_SITE(clock_that_was_set_back_is_accepted_once),
		WITH_SITE(mark_an_hour_ahead_of_the_clock_is_in_the_store_before_it_is_used),
		WITH_SITE(store_knows_the_mark_of_the_last_minutes),
		WITH_SITE(half_a_mark_file_begins_above_what_the_other_half_may_have_allowed),
		WITH_SITE(damaged_mark_file_is_refused_with_a_sentence),
		WITH_SITE(machine_id_is_thirty_two_hex_digits_or_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
