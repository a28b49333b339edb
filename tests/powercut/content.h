// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a store holds, as lines of text in a fixed order: two stores are the same when their lines
// are. Numbers that nobody outside sees (ids of sets and suffixes) are not in it.

#pragma once

#include <stddef.h>

#include "writer.h"

#define CONTENT_DIGEST 65 // hex digits of a SHA-256, and a terminator

// Lines of the whole store; free() it. NULL: it could not be read.
char *content_text(struct store_env *env);
void content_digest(const char *text, char out[CONTENT_DIGEST]);
