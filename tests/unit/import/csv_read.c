// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_read.h"

#include "gba.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct gba *gba;

static void row_keep(
	struct outcome *o, const struct store_subscriber *sub, const struct csv_row *row)
{
	assert_true(o->rows < 8);
	o->sub[o->rows] = *sub;
	o->line[o->rows] = row->line;
	snprintf(o->services[o->rows], 64, "%.*s", (int)row->services.len, row->services.data);
	snprintf(
		o->registered[o->rows], 64, "%.*s", (int)row->registered.len, row->registered.data);
	o->rows++;
}

bool rows_take(struct csv *csv, struct outcome *o)
{
	struct store_subscriber sub;
	struct csv_error error = {0};
	struct csv_row row;

	for (;;) {
		switch (csv_next(csv, &sub, &row, &error)) {
		case CSV_MORE:
			return true;
		case CSV_ROW:
			row_keep(o, &sub, &row);
			break;
		case CSV_BAD:
			assert_true(o->errors < 8);
			o->error[o->errors++] = error;
			break;
		case CSV_BROKEN:
			o->error[o->errors++] = error;
			o->is_broken = true;
			return false;
		}
	}
}

struct csv *csv_begin(void)
{
	struct csv *csv;

	assert_int_equal(csv_create(gba, &csv), 0);
	return csv;
}

void file_read(const char *data, size_t len, size_t piece, struct outcome *o)
{
	struct csv *csv;
	bool goes_on = true;

	memset(o, 0, sizeof(*o));
	csv = csv_begin();
	for (size_t at = 0; at < len && goes_on; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = malloc(n);

		memcpy(copy, data + at, n);
		csv_feed(csv, copy, n);
		goes_on = rows_take(csv, o);
		free(copy);
	}
	csv_feed(csv, "", 0);
	csv_finish(csv);
	if (goes_on)
		rows_take(csv, o);
	csv_destroy(csv);
}

void text_read(const char *text, struct outcome *o)
{
	file_read(text, strlen(text), strlen(text), o);
}

void expect_error(const char *text, uint64_t line, const char *column, const char *why)
{
	struct outcome o;

	text_read(text, &o);
	assert_true(o.errors >= 1);
	assert_int_equal(o.error[0].line, line);
	assert_string_equal(o.error[0].column, column);
	if (strstr(o.error[0].why, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", o.error[0].why, why);
}

int csv_read_begin(void **state)
{
	(void)state;
	return gba_create(&gba);
}

int csv_read_end(void **state)
{
	(void)state;
	gba_destroy(gba);
	return 0;
}
