// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// CSV as text (RFC 4180): lines, and the cells of a line. Points into the text, and into itself for
// cells with quotes in them.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#define UE_UNQUOTED_MAX 4096 // octets of the cells of a line that hold quotes

struct ue_cell {
	const char *text;
	size_t len;
};

struct ue_csv_text {
	const char *at;
	const char *end;
	size_t line; // the number of the one taken last, from 1
	size_t unquoted_len;
	char unquoted[UE_UNQUOTED_MAX]; // cells with quotes in them, of that line
};

// The next line without its end; empty lines are stepped over. False: there is none. Cells of the
// line before are gone.
bool ue_csv_line(struct ue_csv_text *text, struct ue_cell *line);
// Takes one cell off the line that ends at line_end and steps over the comma behind it. False
// when there is no further cell, or (*at is not behind line_end then) when its quotes do not close.
bool ue_csv_cell(
	struct ue_csv_text *text, const char **at, const char *line_end, struct ue_cell *cell);
