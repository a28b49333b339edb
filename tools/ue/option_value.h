// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One option of the command line, and how its value is read.

#pragma once

#include "options.h"

enum option_kind {
	TEXT,
	NUMBER,
	PERCENT,
	ADDRESS,
	ADDRESS6,
	MAC,
	DELAY,
	TAGS,
	REAL,
	SHARE // two numbers: percent, seconds
};

// What argp shows, where the value goes, what it may be.
struct option_row {
	const char *name;
	const char *arg;
	const char *text;
	size_t offset; // in struct ue_options
	enum option_kind kind;
	uint64_t least;
	uint64_t most;
	char letter;
};

// False: it is none that the row allows.
bool option_value_read(const struct option_row *row, const char *text, struct ue_options *options);
