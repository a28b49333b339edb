// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The text of a log line: key=value pairs, texts in double quotes.

#pragma once

#include <stdarg.h>
#include <stddef.h>

// Formats pairs as vsnprintf() would (d u x f s with l, ll, z, width and precision). What comes in
// with an argument cannot end the line, its text or its pair: control characters become '?',
// double quotes single ones, backslashes slashes, and spaces outside of quotes underscores.
// Returns the length; what does not fit is cut off.
size_t log_text_format(char *out, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

// Walks over the pairs of a text; *at begins at its start. Returns the length of the key at
// *key and sets the value (without its quotes), 0 at the end.
size_t log_text_next(const char **at, const char **key, const char **value, size_t *value_len);
