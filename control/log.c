// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "log_text.h"

#define PAIRS_MAX 1900
#define LINE_MAX_BYTES 2048 // less than a pipe takes at once
#define EVENTS_TRACKED 32

static const struct level {
	const char *name;
	int priority; // of syslog
	unsigned per_s;
} levels[] = {{"error", 3, 5}, {"warning", 4, 5}, {"info", 6, 50}, {"debug", 7, 50}};

static _Atomic int threshold = LOG_INFO;
static _Atomic uint64_t written[LOG_DEBUG + 1], suppressed, lost;

// Where lines go. Under the lock, so that lines of several threads do not mix and none is in the
// way of another that has looked for room.
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static int journal_fd = -1;
static char journal_path[108];
static uint64_t lost_untold;

void log_level_set(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

// --- Out --------------------------------------------------------------------------------------

static int journal_probe(int fd, const char *path)
{
	struct journal_entry entry = {levels[LOG_DEBUG].priority, "journal-opened", ""};

	return journal_send(fd, path, &entry);
}

int log_target_set(enum log_target target, const char *journal)
{
	const char *path = journal == NULL ? JOURNAL_SOCKET : journal;
	bool is_journal = target == LOG_JOURNAL || (target == LOG_AUTO && journal_has_stderr());
	int fd = is_journal ? journal_open() : -1, ret = 0;

	if (is_journal && fd >= 0)
		ret = journal_probe(fd, path);
	if (is_journal && fd < 0)
		ret = fd;
	if (ret != 0 && fd >= 0) {
		close(fd);
		fd = -1;
	}
	pthread_mutex_lock(&out_lock);
	if (journal_fd >= 0)
		close(journal_fd);
	journal_fd = fd;
	snprintf(journal_path, sizeof(journal_path), "%s", path);
	pthread_mutex_unlock(&out_lock);
	return ret;
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

// One write(2) a line. A pipe that has room for any of ours takes it as a whole.
static int stderr_send(enum log_level level, const char *event, const char *pairs)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	char line[LINE_MAX_BYTES];
	size_t n = stamp_write(line, sizeof(line));

	n += (size_t)snprintf(line + n, sizeof(line) - n, " level=%s event=%s%s%s",
		levels[level].name, event, pairs[0] == '\0' ? "" : " ", pairs);
	if (n > sizeof(line) - 1)
		n = sizeof(line) - 1;
	line[n++] = '\n';
	if (poll(&out, 1, 0) <= 0)
		return -EAGAIN;
	return write(STDERR_FILENO, line, n) == (ssize_t)n ? 0 : -EIO;
}

// The journal may be restarted under us: a line that it does not take goes to stderr.
static int out_send(enum log_level level, const char *event, const char *pairs)
{
	struct journal_entry entry = {levels[level].priority, event, pairs};
	int ret = -ENOTCONN;

	if (journal_fd >= 0)
		ret = journal_send(journal_fd, journal_path, &entry);
	return ret == 0 || ret == -EAGAIN ? ret : stderr_send(level, event, pairs);
}

static void line_write(enum log_level level, const char *event, const char *pairs)
{
	char text[64];

	pthread_mutex_lock(&out_lock);
	if (lost_untold > 0) {
		snprintf(text, sizeof(text), "lines=%lu", (unsigned long)lost_untold);
		if (out_send(LOG_WARNING, "log-lines-lost", text) == 0)
			lost_untold = 0;
	}
	if (out_send(level, event, pairs) == 0) {
		atomic_fetch_add(&written[level], 1);
	} else {
		atomic_fetch_add(&lost, 1);
		lost_untold++;
	}
	pthread_mutex_unlock(&out_lock);
}

// --- How often --------------------------------------------------------------------------------

// Which events came how often in the second that runs.
struct tally {
	const char *event;
	enum log_level level;
	time_t second;
	unsigned written;
	uint64_t dropped;
};
static pthread_mutex_t tally_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally tallies[EVENTS_TRACKED];

static time_t second_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + 1; // 0 is a free seat
}

static struct tally *tally_find(enum log_level level, const char *event)
{
	struct tally *oldest = &tallies[0];

	for (int i = 0; i < EVENTS_TRACKED; i++) {
		if (tallies[i].event != NULL && strcmp(tallies[i].event, event) == 0)
			return &tallies[i];
		if (tallies[i].second < oldest->second)
			oldest = &tallies[i];
	}
	*oldest = (struct tally){.event = event, .level = level};
	return oldest;
}

// Whether a line may be written now; *dropped is how many of its kind were not, before it.
static bool line_is_due(enum log_level level, const char *event, uint64_t *dropped)
{
	time_t second = second_now();
	struct tally *tally;
	bool is_due;

	pthread_mutex_lock(&tally_lock);
	tally = tally_find(level, event);
	if (tally->second != second) {
		tally->second = second;
		tally->written = 0;
	}
	is_due = tally->written < levels[level].per_s;
	*dropped = is_due ? tally->dropped : 0;
	if (is_due) {
		tally->written++;
		tally->dropped = 0;
	} else {
		tally->dropped++;
		atomic_fetch_add(&suppressed, 1);
	}
	pthread_mutex_unlock(&tally_lock);
	return is_due;
}

static size_t dropped_write(char text[PAIRS_MAX], uint64_t dropped)
{
	text[0] = '\0';
	if (dropped == 0)
		return 0;
	return (size_t)snprintf(text, PAIRS_MAX, "not-logged=%lu ", (unsigned long)dropped);
}

void log_suppressed_tell(void)
{
	time_t second = second_now();
	char text[PAIRS_MAX];

	for (int i = 0; i < EVENTS_TRACKED; i++) {
		struct tally tally;

		pthread_mutex_lock(&tally_lock);
		tally = tallies[i];
		if (tally.second != second)
			tallies[i].dropped = 0;
		pthread_mutex_unlock(&tally_lock);
		if (tally.dropped == 0 || tally.second == second)
			continue;
		text[dropped_write(text, tally.dropped) - 1] = '\0';
		line_write(tally.level, tally.event, text);
	}
}

static void line_vwrite(enum log_level level, const char *event, const char *pairs, va_list args)
	__attribute__((format(printf, 3, 0)));
static void line_vwrite(enum log_level level, const char *event, const char *pairs, va_list args)
{
	char text[PAIRS_MAX];
	uint64_t dropped;
	size_t n;

	if ((int)level > atomic_load(&threshold) || !line_is_due(level, event, &dropped))
		return;
	n = dropped_write(text, dropped);
	log_text_format(text + n, sizeof(text) - n, pairs, args);
	line_write(level, event, text);
}

void log_error(const char *event, const char *pairs, ...)
{
	va_list args;

	va_start(args, pairs);
	line_vwrite(LOG_ERROR, event, pairs, args);
	va_end(args);
}

void log_warning(const char *event, const char *pairs, ...)
{
	va_list args;

	va_start(args, pairs);
	line_vwrite(LOG_WARNING, event, pairs, args);
	va_end(args);
}

void log_info(const char *event, const char *pairs, ...)
{
	va_list args;

	va_start(args, pairs);
	line_vwrite(LOG_INFO, event, pairs, args);
	va_end(args);
}

void log_debug(const char *event, const char *pairs, ...)
{
	va_list args;

	va_start(args, pairs);
	line_vwrite(LOG_DEBUG, event, pairs, args);
	va_end(args);
}

void log_counts_read(struct log_counts *out)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
		out->written[i] = atomic_load(&written[i]);
	out->suppressed = atomic_load(&suppressed);
	out->lost = atomic_load(&lost);
}
