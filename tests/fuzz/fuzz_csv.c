// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Any octets as a subscriber file. Read whole and in small pieces it has to come to the same, and
// what it yields has to keep the rules that the store relies on.

#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "gba.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What a file came to, folded.
struct fold {
	uint64_t rows;
	uint64_t bad;
	uint64_t hash;
};

static void require(int holds)
{
	if (!holds)
		abort();
}

static void fold_add(struct fold *fold, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		fold->hash = (fold->hash ^ p[i]) * 1099511628211u;
}

static void name_check(const char *name)
{
	require(strnlen(name, STORE_NAI_MAX + 1) <= STORE_NAI_MAX);
	for (; *name != '\0'; name++)
		require((unsigned char)*name > ' ' && *name != 0x7f);
}

static void row_fold(
	struct fold *fold, const struct store_subscriber *sub, const struct csv_row *row)
{
	int has_muk = (sub->flags & STORE_HAS_MUK) != 0;

	name_check(sub->impi);
	name_check(sub->btid);
	require(sub->impi[0] != '\0' && sub->port != 0);
	require(has_muk == (sub->btid[0] != '\0'));
	require(has_muk || !(sub->flags & STORE_HAS_MRK));
	require(sub->authorised == STORE_SET_NONE && sub->registered == STORE_SET_NONE);
	fold->rows++;
	fold_add(fold, sub, sizeof(*sub));
	fold_add(fold, &row->line, sizeof(row->line));
	fold_add(fold, row->services.data, row->services.len);
	fold_add(fold, row->registered.data, row->registered.len);
}

static void error_fold(struct fold *fold, const struct csv_error *error)
{
	require(error->line > 0 && error->why[0] != '\0');
	fold->bad++;
	fold_add(fold, &error->line, sizeof(error->line));
	fold_add(fold, error->column, strlen(error->column));
	fold_add(fold, error->why, strlen(error->why));
}

// 0 when the file is broken.
static int rows_fold(struct csv *csv, struct fold *fold)
{
	struct store_subscriber sub;
	struct csv_error error = {0};
	struct csv_row row;

	for (;;) {
		switch (csv_next(csv, &sub, &row, &error)) {
		case CSV_MORE:
			return 1;
		case CSV_ROW:
			row_fold(fold, &sub, &row);
			break;
		case CSV_BAD:
			error_fold(fold, &error);
			break;
		case CSV_BROKEN:
			error_fold(fold, &error);
			return 0;
		}
	}
}

static struct fold file_fold(struct gba *gba, const uint8_t *data, size_t size, size_t piece)
{
	struct fold fold = {.hash = 14695981039346656037u};
	struct csv *csv;
	int goes_on = 1;

	require(csv_create(gba, &csv) == 0);
	for (size_t at = 0; at < size && goes_on; at += piece) {
		csv_feed(csv, (const char *)data + at, size - at < piece ? size - at : piece);
		goes_on = rows_fold(csv, &fold);
	}
	csv_feed(csv, "", 0);
	csv_finish(csv);
	if (goes_on)
		rows_fold(csv, &fold);
	csv_destroy(csv);
	return fold;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gba *gba;
	struct fold whole, pieces;

	if (gba == NULL)
		require(gba_create(&gba) == 0);
	whole = file_fold(gba, data, size, size > 0 ? size : 1);
	pieces = file_fold(gba, data, size, size > 0 ? data[0] % 61 + 1 : 1);
	require(memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
