// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Subscribers from CSV; mskpush(1) tells operators what a file may hold.
//
// A header line names the columns, in any order. A line ends at its line feed, also inside
// quotes: no cell can hold one, and so a stray quote spoils one line and not the file. Nothing is
// allocated per row, and no octet of a cell is copied into a message unless it cannot be a key.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "types.h"

#define CSV_LINE_MAX 4096 // octets of a line without its end
#define CSV_COLUMN_NAME_MAX 32
#define CSV_WHY_MAX 256

struct gba;
struct csv;

struct csv_text {
	const char *data; // not terminated
	size_t len;
};

// What is wrong, and where. column is empty when it is the line as a whole.
struct csv_error {
	uint64_t line;
	char column[CSV_COLUMN_NAME_MAX];
	char why[CSV_WHY_MAX];
};
void csv_error_set(struct csv_error *error, const char *column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// A good row. The texts are names separated by spaces, valid until the next csv_next().
struct csv_row {
	uint64_t line;
	struct csv_text services;
	struct csv_text registered; // empty: the same as services; "-": none
};

enum csv_step {
	CSV_MORE, // all that was fed is used up
	CSV_ROW, // a row was read
	CSV_BAD, // a line is bad; the next call goes on behind it
	CSV_BROKEN, // the header is bad: no line can be read
};

// gba derives the keys of rows that bring Ks_NAF; it is used by the calls of csv_next() only.
int csv_create(struct gba *gba, struct csv **out);
// Wipes what it holds.
void csv_destroy(struct csv *csv);

// Hands over the next octets, which have to stay until csv_next() has returned CSV_MORE.
void csv_feed(struct csv *csv, const char *data, size_t len);
// Nothing follows: the last line may lack its end.
void csv_finish(struct csv *csv);
// Reads up to the next row. CSV_ROW fills *sub (all but its sets and HMAC states, which are zero)
// and *row; CSV_BAD and CSV_BROKEN fill *error, and *sub holds nothing.
enum csv_step csv_next(struct csv *csv, struct store_subscriber *sub, struct csv_row *row,
	struct csv_error *error);
