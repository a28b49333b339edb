// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Names of the files of a disk, and changes of them: in the order in which they were asked.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "trace.h"

#define NAME_BYTES 256
#define NAMES_MAX 32

struct file;

struct name {
	char text[NAME_BYTES];
	struct file *file;
};

struct names {
	struct name name[NAMES_MAX];
	size_t n;
};

// A change of names that is not sure yet.
struct renaming {
	enum trace_kind kind; // CREATE, MKDIR, UNLINK, RENAME
	char from[NAME_BYTES];
	char to[NAME_BYTES];
	struct file *file;
	bool is_covered; // asked before a sync that is under way
};

struct name *name_find(struct names *names, const char *text); // NULL: none
void name_put(struct names *names, const char *text, struct file *file);
void renaming_apply(struct names *names, const struct renaming *r);
// Whether a name stands in that directory itself.
bool name_is_in_dir(const char *name, const char *dir);
// The directory of a name may be there without what it holds, but not the other way round.
bool name_has_parent(struct names *names, const char *text);
