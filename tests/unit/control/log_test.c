// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "log.h"
#include "manager.h"
#include "test.h"

static int saved, ends[2];

// Stands in for stderr until captured() is called.
static int capture(void **state)
{
	(void)state;
	saved = dup(STDERR_FILENO);
	if (pipe(ends) != 0)
		return -1;
	dup2(ends[1], STDERR_FILENO);
	return 0;
}

static void captured(char *text, size_t size)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static void line_has_time_level_event_and_pairs(void **state)
{
	char text[512];

	(void)state;
	log_info("campaign-started", "campaign=%u group=\"%s\"", 7, "001-01/0001");
	captured(text, sizeof(text));
	assert_string_equal(text + strlen("2026-01-01T00:00:00.000"),
		"Z level=info event=campaign-started campaign=7 group=\"001-01/0001\"\n");
	assert_int_equal(text[10], 'T');
}

static void control_characters_cannot_begin_another_line(void **state)
{
	char text[512];

	(void)state;
	log_error("odd", "name=\"%s\"", "a\nlevel=info event=forged\r\x1b[31m");
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "a?level=info event=forged??[31m"));
}

static void long_line_is_cut_and_stays_one_line(void **state)
{
	char text[4096], name[3000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_error("long", "name=%s", name);
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 1);
	assert_in_range(strlen(text), 1900, 2048);
}

static void levels_below_the_threshold_are_not_written(void **state)
{
	char text[512];

	(void)state;
	log_debug("quiet", "a=1");
	log_level_set(LOG_ERROR);
	log_warning("quiet", "a=1");
	log_info("quiet", "a=1");
	log_level_set(LOG_INFO);
	captured(text, sizeof(text));
	assert_string_equal(text, "");
}

// Begins early in a second of the clock that the logger uses.
static void second_begin(void)
{
	struct timespec ts;

	do
		clock_gettime(CLOCK_BOOTTIME, &ts);
	while (ts.tv_nsec > 500000000);
}

static void repeated_warnings_are_counted_and_told_later(void **state)
{
	char text[8192];

	(void)state;
	second_begin();
	for (int i = 0; i < 100; i++)
		log_warning("storm", "i=%d", i);
	log_warning("other", "a=1");
	sleep(1);
	log_warning("storm", "i=100");
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 5 + 1 + 1);
	assert_non_null(strstr(text, "event=storm not-logged=95 i=100\n"));
}

static void storm_that_is_over_is_told_of_without_another_line(void **state)
{
	struct log_counts before, after;
	char text[8192];

	(void)state;
	log_counts_read(&before);
	second_begin();
	for (int i = 0; i < 60; i++)
		log_info("gust", "i=%d", i);
	log_suppressed_tell();
	sleep(1);
	log_suppressed_tell();
	log_suppressed_tell();
	log_counts_read(&after);
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 50 + 1);
	assert_non_null(strstr(text, "event=gust not-logged=10\n"));
	assert_int_equal(after.written[LOG_INFO] - before.written[LOG_INFO], 51);
	assert_int_equal(after.suppressed - before.suppressed, 10);
}

static void reader_that_never_reads_is_not_waited_for(void **state)
{
	static char text[128 << 10], event[100][16]; // the logger remembers names by address
	struct log_counts before, after;

	(void)state;
	memset(text, 'x', 1500);
	text[1500] = '\0';
	log_counts_read(&before);
	for (int i = 0; i < 100; i++) {
		snprintf(event[i], sizeof(event[i]), "stuck-%d", i);
		log_error(event[i], "name=%s", text);
	}
	log_counts_read(&after);
	assert_true(after.lost - before.lost > 20);
	// Somebody reads again: what was lost is told first.
	assert_true(read(ends[0], text, sizeof(text)) > 0);
	log_error("again", "a=1");
	captured(text, sizeof(text));
	assert_non_null(strstr(text, "level=warning event=log-lines-lost lines="));
	assert_non_null(strstr(text, "event=again a=1\n"));
}

static void full_disk_loses_lines_and_nothing_else(void **state)
{
	struct log_counts before, after;
	char text[512];
	int full = open("/dev/full", O_WRONLY), pipe_end = dup(STDERR_FILENO);

	(void)state;
	log_counts_read(&before);
	dup2(full, STDERR_FILENO);
	log_error("full-disk", "a=1");
	log_error("full-disk", "a=2");
	log_counts_read(&after);
	assert_int_equal(after.lost - before.lost, 2);
	dup2(pipe_end, STDERR_FILENO);
	close(pipe_end);
	close(full);
	log_error("full-disk", "a=3");
	captured(text, sizeof(text));
	assert_non_null(strstr(text, "event=log-lines-lost lines=2\n"));
	assert_non_null(strstr(text, "event=full-disk a=3\n"));
}

// --- The journal ------------------------------------------------------------------------------

static char journal[64];

static int journal_listen(void)
{
	snprintf(journal, sizeof(journal), "/tmp/mskpush-journal-%d", (int)getpid());
	return manager_listen(journal);
}

static void journal_gets_a_field_for_each_pair(void **state)
{
	int fd = journal_listen();
	char text[512];

	(void)state;
	assert_int_equal(log_target_set(LOG_JOURNAL, journal), 0);
	manager_heard(fd);
	log_warning(
		"campaign-closed", "campaign=%u given-up=%u why=\"%s\"", 7, 2, "it is \"so\"\nx=1");
	assert_string_equal(manager_heard(fd),
		"PRIORITY=4\nSYSLOG_IDENTIFIER=mskpushd\n"
		"MESSAGE=campaign-closed campaign=7 given-up=2 why=\"it is 'so'?x=1\"\n"
		"MSKPUSH_EVENT=campaign-closed\nMSKPUSH_CAMPAIGN=7\nMSKPUSH_GIVEN_UP=2\n"
		"MSKPUSH_WHY=it is 'so'?x=1\n");
	log_target_set(LOG_STDERR, NULL);
	log_error("back", "a=1");
	close(fd);
	unlink(journal);
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "event=back a=1\n"));
}

static void journal_that_goes_away_leaves_stderr(void **state)
{
	int fd = journal_listen();
	char text[512];

	(void)state;
	assert_int_equal(log_target_set(LOG_JOURNAL, journal), 0);
	close(fd);
	unlink(journal);
	log_error("orphan", "a=1");
	assert_int_equal(log_target_set(LOG_JOURNAL, "/nonexistent/journal"), -ENOENT);
	log_error("orphan", "a=2");
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 2);
	log_target_set(LOG_STDERR, NULL);
}

static void stderr_is_the_journal_when_its_stream_says_so(void **state)
{
	char stream[64], text[8];
	struct stat st;

	(void)state;
	fstat(STDERR_FILENO, &st);
	unsetenv("JOURNAL_STREAM");
	assert_false(journal_has_stderr());
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		(unsigned long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(journal_has_stderr());
	// What is inherited from somebody else's stderr does not count.
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		(unsigned long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_false(journal_has_stderr());
	setenv("JOURNAL_STREAM", "nonsense", 1);
	assert_false(journal_has_stderr());
	unsetenv("JOURNAL_STREAM");
	captured(text, sizeof(text));
}

#define T(name) cmocka_unit_test_setup(name, capture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(line_has_time_level_event_and_pairs),
		T(control_characters_cannot_begin_another_line),
		T(long_line_is_cut_and_stays_one_line),
		T(levels_below_the_threshold_are_not_written),
		T(repeated_warnings_are_counted_and_told_later),
		T(storm_that_is_over_is_told_of_without_another_line),
		T(reader_that_never_reads_is_not_waited_for),
		T(full_disk_loses_lines_and_nothing_else),
		T(journal_gets_a_field_for_each_pair),
		T(journal_that_goes_away_leaves_stderr),
		T(stderr_is_the_journal_when_its_stream_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
