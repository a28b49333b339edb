// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Reading a CSV text as a whole, for the tests of csv.c and csv_row.c.

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "csv.h"

// What a file led to, up to eight rows and errors.
struct outcome {
	unsigned rows, errors;
	struct store_subscriber sub[8];
	uint64_t line[8];
	char services[8][64];
	char registered[8][64];
	struct csv_error error[8];
	bool is_broken;
};

// The context of all tests of one program: cmocka's group set-up and tear-down.
int csv_read_begin(void **state);
int csv_read_end(void **state);
struct csv *csv_begin(void);

// Takes what there is now. false: the file is broken.
bool rows_take(struct csv *csv, struct outcome *o);
// Reads a file in pieces; each piece is a heap block of its own, so that a sanitizer sees reads
// beyond it.
void file_read(const char *data, size_t len, size_t piece, struct outcome *o);
void text_read(const char *text, struct outcome *o);
void expect_error(const char *text, uint64_t line, const char *column, const char *why);
