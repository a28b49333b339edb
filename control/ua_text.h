// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A piece of text that somebody else owns, without terminator.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct ua_text {
	const char *data;
	size_t len;
};

static inline struct ua_text ua_text_of(const char *text)
{
	return (struct ua_text){text, strlen(text)};
}

static inline bool ua_text_is(struct ua_text text, const char *other)
{
	return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

// The same, where case does not matter: tokens of HTTP.
static inline bool ua_token_is(struct ua_text text, const char *other)
{
	return text.len == strlen(other) && strncasecmp(text.data, other, text.len) == 0;
}
