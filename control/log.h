// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The only logger: one line an event to stderr, key=value, keys in kebab-case. Ids only, never
// key octets. Any thread.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

void log_level_set(enum log_level level);
// -EINVAL when the name is none of error, warning, info, debug.
int log_level_parse(const char *name, enum log_level *out);

// pairs: printf format of the key=value pairs; texts in double quotes. Control characters that
// come in with the arguments are replaced, so that an event stays one line.
void log_error(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
// A text from outside as it may stand between double quotes: cut, and without what would end them.
#define LOG_TEXT_MAX 257
const char *log_text(const char *text, size_t len, char out[LOG_TEXT_MAX]);
// Warnings of one event beyond 5 in a second are not written; the next line that is tells how
// many those were.
void log_warning(const char *event, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
