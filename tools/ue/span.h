// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Text that somebody else owns, and a cursor that writes text into a buffer and remembers when it
// did not fit.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct ue_text {
	const char *data; // NULL: there is none
	size_t len;
};

static inline struct ue_text ue_text_of(const char *text)
{
	return (struct ue_text){text, strlen(text)};
}

static inline bool ue_text_equal(struct ue_text a, struct ue_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

// Names of headers, parameters and schemes: case does not matter.
static inline bool ue_text_is(struct ue_text text, const char *name)
{
	return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

// Digits only, at most `most`.
static inline bool ue_text_number(struct ue_text text, unsigned long most, unsigned long *number)
{
	*number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*number = 10 * *number + (unsigned long)(text.data[i] - '0');
		if (*number > most)
			return false;
	}
	return text.len > 0;
}

struct ue_writer {
	char *at;
	char *end;
	bool is_full; // something did not fit; what was written is useless
};

static inline void ue_write(struct ue_writer *writer, const char *data, size_t len)
{
	if ((size_t)(writer->end - writer->at) < len) {
		writer->is_full = true;
		return;
	}
	memcpy(writer->at, data, len);
	writer->at += len;
}

static inline void ue_write_text(struct ue_writer *writer, struct ue_text text)
{
	if (text.len > 0)
		ue_write(writer, text.data, text.len);
}

#define ue_write_literal(writer, literal) ue_write(writer, literal, sizeof(literal) - 1)
