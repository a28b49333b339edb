// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Output for people: aligned tables, numbers with separators, text that cannot harm a terminal.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

// --- Values in an answer; path is like "port.name" -----------------------------------------

const json_t *value_at(const json_t *object, const char *path);
// "-" when there is none.
const char *text_at(const json_t *object, const char *path);
uint64_t number_at(const json_t *object, const char *path); // 0 when there is none
double real_at(const json_t *object, const char *path);
bool truth_at(const json_t *object, const char *path);

// --- Numbers --------------------------------------------------------------------------------

#define PRINT_NUMBER_MAX 32
// 1234567 -> "1,234,567"
const char *number_text(uint64_t n, char out[PRINT_NUMBER_MAX]);

// --- Tables ---------------------------------------------------------------------------------

struct table_column {
	const char *title; // all NULL: no title line
	bool is_right;
};

struct table {
	const struct table_column *columns;
	size_t width;
	size_t cells;
	size_t room;
	char **cell;
};

// The columns are borrowed. Cells are added in reading order.
void table_begin(struct table *t, const struct table_column *columns, size_t width);
void table_text(struct table *t, const char *text);
void table_format(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_number(struct table *t, uint64_t n);
// Joins the texts of an array with spaces.
void table_list(struct table *t, const json_t *texts);
// Prints to stdout and frees.
void table_end(struct table *t);

// Two columns without titles: names, and values to the right.
void table_begin_pairs(struct table *t);
void table_pair(struct table *t, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void table_pair_number(struct table *t, const char *name, uint64_t n);

// --- Progress (progress.c) ------------------------------------------------------------------
// A bar that is redrawn on a terminal, a line a second elsewhere.

struct progress {
	int fd;
	bool is_terminal;
	bool is_drawn;
	int64_t last_ms;
};

void progress_begin(struct progress *p, int fd);
void progress_show(struct progress *p, double fraction, const char *text);
// Removes the bar.
void progress_end(struct progress *p);
