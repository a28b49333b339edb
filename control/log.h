// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The only logger: one line an event, key=value, keys in kebab-case, to stderr; or an entry of
// the journal with a field for each pair. Ids only, never key octets. Any thread. It never waits:
// what its reader does not take is lost, and the next line that is taken tells how much.

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

enum log_target {
	LOG_AUTO, // the journal when stderr leads there
	LOG_STDERR,
	LOG_JOURNAL,
};

void log_level_set(enum log_level level);
// Where lines go from here on: until then to stderr. journal: path of the journal's socket, NULL
// is systemd's. -errno: the journal cannot be reached, and it stays with stderr.
int log_target_set(enum log_target target, const char *journal);

// event: a literal, it is remembered by its address. pairs: format of the key=value pairs as
// log_text.h knows it; texts in double quotes. Lines of one event beyond 5 in a second (errors and
// warnings; 50 of the others) are not written; the next one that is tells how many those were
// (not-logged=).
void log_error(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));

// Tells of events that were not written and have not come since: called now and then.
void log_suppressed_tell(void);

struct log_counts {
	uint64_t written[LOG_DEBUG + 1]; // by level
	uint64_t suppressed; // came too often
	uint64_t lost; // nobody took them: disk full, reader stuck
};
void log_counts_read(struct log_counts *out);
