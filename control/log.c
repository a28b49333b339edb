// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define WARNINGS_PER_S 5
#define EVENTS_TRACKED 32

static const char *const names[] = {"error", "warning", "info", "debug"};
static _Atomic int threshold = LOG_INFO;

void log_level_set(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum log_level)i;
		return 0;
	}
	return -EINVAL;
}

static size_t stamp_write(char *line, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
	return n + (size_t)snprintf(line + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

// One write(2) a line, so that lines of several threads do not mix.
static void line_write(
	enum log_level level, const char *event, uint64_t dropped, const char *pairs, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t n = stamp_write(line, sizeof(line)), begin;

	n += (size_t)snprintf(
		line + n, sizeof(line) - n, " level=%s event=%s ", names[level], event);
	if (dropped > 0)
		n += (size_t)snprintf(
			line + n, sizeof(line) - n, "not-logged=%lu ", (unsigned long)dropped);
	begin = n;
	n += (size_t)vsnprintf(line + n, sizeof(line) - n, pairs, args);
	if (n > sizeof(line) - 1)
		n = sizeof(line) - 1;
	for (size_t i = begin; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; // there is nobody left to tell
}

static bool level_is_on(enum log_level level)
{
	return (int)level <= atomic_load(&threshold);
}

// Which warnings came how often in the second that runs.
struct tally {
	const char *event;
	time_t second;
	unsigned written;
	uint64_t dropped;
};
static pthread_mutex_t tally_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally tallies[EVENTS_TRACKED];

static struct tally *tally_find(const char *event)
{
	struct tally *oldest = &tallies[0];

	for (int i = 0; i < EVENTS_TRACKED; i++) {
		if (tallies[i].event != NULL && strcmp(tallies[i].event, event) == 0)
			return &tallies[i];
		if (tallies[i].second < oldest->second)
			oldest = &tallies[i];
	}
	*oldest = (struct tally){.event = event};
	return oldest;
}

// Whether a warning may be written now; *dropped is how many of its kind were not, before it.
static bool warning_is_due(const char *event, uint64_t *dropped)
{
	struct timespec now;
	struct tally *tally;
	bool is_due;

	clock_gettime(CLOCK_BOOTTIME, &now);
	pthread_mutex_lock(&tally_lock);
	tally = tally_find(event);
	if (tally->second != now.tv_sec + 1) {
		tally->second = now.tv_sec + 1; // 0 is a free seat
		tally->written = 0;
	}
	is_due = tally->written < WARNINGS_PER_S;
	*dropped = is_due ? tally->dropped : 0;
	if (is_due) {
		tally->written++;
		tally->dropped = 0;
	} else {
		tally->dropped++;
	}
	pthread_mutex_unlock(&tally_lock);
	return is_due;
}

const char *log_text(const char *text, size_t len, char out[LOG_TEXT_MAX])
{
	size_t n = len < LOG_TEXT_MAX ? len : LOG_TEXT_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] == '"' || text[i] == '\\' || text[i] == '\0' ? '?' : text[i];
	out[n] = '\0';
	return out;
}

void log_error(const char *event, const char *pairs, ...)
{
	va_list args;

	va_start(args, pairs);
	line_write(LOG_ERROR, event, 0, pairs, args);
	va_end(args);
}

void log_warning(const char *event, const char *pairs, ...)
{
	uint64_t dropped;
	va_list args;

	if (!level_is_on(LOG_WARNING) || !warning_is_due(event, &dropped))
		return;
	va_start(args, pairs);
	line_write(LOG_WARNING, event, dropped, pairs, args);
	va_end(args);
}

void log_info(const char *event, const char *pairs, ...)
{
	va_list args;

	if (!level_is_on(LOG_INFO))
		return;
	va_start(args, pairs);
	line_write(LOG_INFO, event, 0, pairs, args);
	va_end(args);
}

void log_debug(const char *event, const char *pairs, ...)
{
	va_list args;

	if (!level_is_on(LOG_DEBUG))
		return;
	va_start(args, pairs);
	line_write(LOG_DEBUG, event, 0, pairs, args);
	va_end(args);
}
