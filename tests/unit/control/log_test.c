// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
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

static void texts_from_outside_cannot_end_their_quotes(void **state)
{
	char text[512], clean[LOG_TEXT_MAX], outside[1000];

	(void)state;
	log_info("x", "name=\"%s\"", log_text("a\" result=ok b=\"\\", 17, clean));
	captured(text, sizeof(text));
	assert_non_null(strstr(text, "name=\"a? result=ok b=??\"\n"));
	memset(outside, 'a', sizeof(outside));
	assert_int_equal(strlen(log_text(outside, sizeof(outside), clean)), LOG_TEXT_MAX - 1);
	assert_string_equal(log_text("", 0, clean), "");
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
	assert_int_equal(strlen(text), 2048);
}

static void levels_below_the_threshold_are_not_written(void **state)
{
	enum log_level level;
	char text[512];

	(void)state;
	log_debug("quiet", "a=1");
	log_level_set(LOG_ERROR);
	log_warning("quiet", "a=1");
	log_info("quiet", "a=1");
	log_level_set(LOG_INFO);
	captured(text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
}

static void repeated_warnings_are_counted_and_told_later(void **state)
{
	char text[8192];
	struct timespec ts;

	(void)state;
	// Begin early in a second of the clock that the logger uses.
	do
		clock_gettime(CLOCK_BOOTTIME, &ts);
	while (ts.tv_nsec > 500000000);
	for (int i = 0; i < 100; i++)
		log_warning("storm", "i=%d", i);
	log_warning("other", "a=1");
	sleep(1);
	log_warning("storm", "i=100");
	captured(text, sizeof(text));
	assert_int_equal(lines(text), 5 + 1 + 1);
	assert_non_null(strstr(text, "event=storm not-logged=95 i=100\n"));
}

#define T(name) cmocka_unit_test_setup(name, capture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(line_has_time_level_event_and_pairs),
		T(control_characters_cannot_begin_another_line),
		T(texts_from_outside_cannot_end_their_quotes),
		T(long_line_is_cut_and_stays_one_line),
		T(levels_below_the_threshold_are_not_written),
		T(repeated_warnings_are_counted_and_told_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
