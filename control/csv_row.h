// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From the cells of one CSV line to a subscriber: what each column may hold, and together.

#pragma once

#include "csv.h"

enum csv_column {
	CSV_IMPI,
	CSV_BTID,
	CSV_MUK,
	CSV_MRK,
	CSV_EXPIRES,
	CSV_ADDRESS,
	CSV_PORT,
	CSV_KEYS_IN,
	CSV_SERVICES,
	CSV_REGISTERED,
	CSV_KS_NAF,
	CSV_KS_EXT_NAF,
	CSV_KS_INT_NAF,
	CSV_COLUMN_COUNT
};
const char *csv_column_name(enum csv_column column);
// CSV_COLUMN_COUNT when no column has this name.
enum csv_column csv_column_find(struct csv_text name);

// One text per column; columns the file does not have are empty.
struct csv_cells {
	struct csv_text cell[CSV_COLUMN_COUNT];
};

// Returns 0, or -EINVAL with column and why in *error (the line is the caller's) and *sub wiped.
int csv_row_read(const struct csv_cells *cells, struct gba *gba, struct store_subscriber *sub,
	struct csv_error *error);

// --- Cells (csv_cell.c): 0 or -EINVAL -------------------------------------------------------

// 64 hex digits.
int csv_cell_key(struct csv_text cell, uint8_t key[32]);
// RFC 3339 with any offset (fractions are cut off), or Unix seconds.
int csv_cell_time(struct csv_text cell, uint32_t *unix_s);
// An IPv4 or IPv6 address that one host can have.
int csv_cell_address(struct csv_text cell, struct store_addr *addr);
int csv_cell_port(struct csv_text cell, uint16_t *port);
// Copies a NAI of 1..253 octets in sound UTF-8 without blanks and control characters.
int csv_cell_nai(struct csv_text cell, char nai[STORE_NAI_MAX + 1]);
