// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The console: a web page that speaks the admin API. Its files (console/) and the chart library are
// part of the program.

#pragma once

#include <stddef.h>

struct console_file {
	const char *path; // "/console.js"
	const char *content_type;
	const unsigned char *data;
	size_t len;
};

// The file at a raw path; NULL: there is none.
const struct console_file *console_file_find(const char *path);

// Made by tools/dev/embed.py.
extern const struct console_file console_files[];
extern const size_t console_files_count;
