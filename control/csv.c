// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Octets come in pieces that may end anywhere. A line that lies whole in a piece is read where it
// stands; one that is cut waits in `cut` until its end arrives. A line with quotes is copied
// to `unquoted`, cell by cell.

#include "csv.h"

#include "csv_row.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One octet more than a line and its carriage return may have: enough to see that it is too long.
#define CUT_BYTES (CSV_LINE_MAX + 2)

struct csv {
	struct gba *gba;
	const char *data; // what is left of the piece that was fed
	size_t len;
	bool is_finished;
	bool has_header;
	bool is_broken;
	uint64_t line;
	unsigned columns;
	enum csv_column column[CSV_COLUMN_COUNT]; // by position in the line
	size_t cut_len;
	char cut[CUT_BYTES];
	char unquoted[CSV_LINE_MAX];
};

int csv_create(struct gba *gba, struct csv **out)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	(*out)->gba = gba;
	(*out)->data = "";
	return 0;
}

void csv_destroy(struct csv *csv)
{
	if (csv == NULL)
		return;
	explicit_bzero(csv, sizeof(*csv));
	free(csv);
}

void csv_error_set(struct csv_error *error, const char *column, const char *format, ...)
{
	va_list ap;

	snprintf(error->column, sizeof(error->column), "%s", column);
	va_start(ap, format);
	vsnprintf(error->why, sizeof(error->why), format, ap);
	va_end(ap);
}

void csv_feed(struct csv *csv, const char *data, size_t len)
{
	csv->data = data;
	csv->len = len;
}

void csv_finish(struct csv *csv)
{
	csv->is_finished = true;
}

static void data_skip(struct csv *csv, size_t n)
{
	csv->data += n;
	csv->len -= n;
}

static void cut_append(struct csv *csv, size_t n)
{
	size_t room = CUT_BYTES - csv->cut_len;
	size_t take = n < room ? n : room;

	memcpy(csv->cut + csv->cut_len, csv->data, take);
	csv->cut_len += take;
	data_skip(csv, n);
}

// The next line without its end, false when it is not whole yet. It stays until the next call.
static bool line_take(struct csv *csv, struct csv_text *line)
{
	const char *end = csv->len > 0 ? memchr(csv->data, '\n', csv->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - csv->data) : csv->len;

	if (csv->cut_len > 0 || (end == NULL && n > 0)) {
		cut_append(csv, n);
		if (end == NULL && !csv->is_finished)
			return false;
		*line = (struct csv_text){csv->cut, csv->cut_len};
		csv->cut_len = 0;
	} else if (end != NULL) {
		*line = (struct csv_text){csv->data, n};
		data_skip(csv, n);
	} else {
		return false;
	}
	if (end != NULL)
		data_skip(csv, 1);
	csv->line++;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	return true;
}

static int line_check(struct csv_text line, struct csv_error *error)
{
	if (line.len > CSV_LINE_MAX) {
		csv_error_set(error, "", "the line is longer than %d octets", CSV_LINE_MAX);
		return -EINVAL;
	}
	if (memchr(line.data, '\0', line.len) != NULL) {
		csv_error_set(error, "", "the line holds a NUL octet");
		return -EINVAL;
	}
	return 0;
}

// Takes a quoted cell (RFC 4180 2.5 to 2.7) off the line, which begins with its quote. *out has
// room for what it holds. NULL or what is wrong.
static const char *quoted_take(struct csv_text *line, char **out, struct csv_text *cell)
{
	const char *end = line->data + line->len;
	const char *p = line->data + 1;

	cell->data = *out;
	for (; p < end; p++) {
		if (*p == '"' && (p + 1 == end || p[1] != '"'))
			break;
		if (*p == '"')
			p++;
		*(*out)++ = *p;
	}
	if (p >= end)
		return "a quote is not closed on its line";
	cell->len = (size_t)(*out - cell->data);
	p++;
	if (p < end && *p != ',')
		return "text follows a closing quote";
	line->data = p;
	line->len = (size_t)(end - p);
	return NULL;
}

static const char *plain_take(struct csv_text *line, struct csv_text *cell, bool has_quotes)
{
	const char *comma = memchr(line->data, ',', line->len);
	size_t n = comma != NULL ? (size_t)(comma - line->data) : line->len;

	*cell = (struct csv_text){line->data, n};
	line->data += n;
	line->len -= n;
	if (has_quotes && memchr(cell->data, '"', n) != NULL)
		return "a quote stands inside a cell that does not begin with one";
	return NULL;
}

// Cuts a line into cells and keeps the first `most`. Returns how many there are, -EINVAL when
// its quotes are wrong.
static int line_split(struct csv *csv, struct csv_text line, struct csv_text *cells, int most,
	struct csv_error *error)
{
	bool has_quotes = memchr(line.data, '"', line.len) != NULL;
	char *out = csv->unquoted;
	struct csv_text cell;
	const char *wrong;

	for (int n = 1;; n++) {
		if (line.len > 0 && line.data[0] == '"')
			wrong = quoted_take(&line, &out, &cell);
		else
			wrong = plain_take(&line, &cell, has_quotes);
		if (wrong != NULL) {
			csv_error_set(error, "", "%s", wrong);
			return -EINVAL;
		}
		if (n <= most)
			cells[n - 1] = cell;
		if (line.len == 0)
			return n;
		line.data++;
		line.len--;
	}
}

// A name as it may stand in a message: no octet that a terminal or JSON could trip over.
static void name_show(struct csv_text name, char out[CSV_COLUMN_NAME_MAX])
{
	size_t n = name.len < CSV_COLUMN_NAME_MAX - 1 ? name.len : CSV_COLUMN_NAME_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = name.data[i] >= ' ' && name.data[i] < 0x7f ? name.data[i] : '?';
	out[n] = '\0';
}

static int header_column_add(struct csv *csv, struct csv_text name, struct csv_error *error)
{
	enum csv_column column = csv_column_find(name);
	char shown[CSV_COLUMN_NAME_MAX];

	if (column == CSV_COLUMN_COUNT) {
		name_show(name, shown);
		csv_error_set(error, shown, "%s",
			name.len > 0 ? "there is no such column" : "a column has no name");
		return -EINVAL;
	}
	for (unsigned i = 0; i < csv->columns; i++) {
		if (csv->column[i] == column) {
			csv_error_set(error, csv_column_name(column), "the column is there twice");
			return -EINVAL;
		}
	}
	csv->column[csv->columns++] = column;
	return 0;
}

static int header_read(struct csv *csv, struct csv_text line, struct csv_error *error)
{
	// One more than there are columns: the first of the surplus is a duplicate or unknown.
	struct csv_text names[CSV_COLUMN_COUNT + 1];
	int n = line_split(csv, line, names, CSV_COLUMN_COUNT + 1, error);
	bool has_impi = false;

	if (n < 0)
		return n;
	for (int i = 0; i < n && i <= CSV_COLUMN_COUNT; i++) {
		if (header_column_add(csv, names[i], error) != 0)
			return -EINVAL;
		has_impi |= csv->column[i] == CSV_IMPI;
	}
	if (has_impi)
		return 0;
	csv_error_set(error, csv_column_name(CSV_IMPI), "the column is missing from the header");
	return -EINVAL;
}

static enum csv_step header_step(struct csv *csv, struct csv_text line, struct csv_error *error)
{
	static const char bom[] = "\xef\xbb\xbf"; // UTF-8's byte order mark

	if (line.len >= 3 && memcmp(line.data, bom, 3) == 0)
		line = (struct csv_text){line.data + 3, line.len - 3};
	if (line.len == 0)
		return CSV_MORE;
	if (line_check(line, error) != 0 || header_read(csv, line, error) != 0) {
		csv->is_broken = true;
		return CSV_BROKEN;
	}
	csv->has_header = true;
	return CSV_MORE;
}

static int row_read(struct csv *csv, struct csv_text line, struct store_subscriber *sub,
	struct csv_row *row, struct csv_error *error)
{
	struct csv_text texts[CSV_COLUMN_COUNT];
	struct csv_cells cells = {0};
	int n, err;

	err = line_check(line, error);
	if (err != 0)
		return err;
	n = line_split(csv, line, texts, CSV_COLUMN_COUNT, error);
	if (n < 0)
		return n;
	if ((unsigned)n != csv->columns) {
		csv_error_set(
			error, "", "the line has %d cells, the header has %u", n, csv->columns);
		return -EINVAL;
	}
	for (int i = 0; i < n; i++)
		cells.cell[csv->column[i]] = texts[i];
	row->services = cells.cell[CSV_SERVICES];
	row->registered = cells.cell[CSV_REGISTERED];
	return csv_row_read(&cells, csv->gba, sub, error);
}

// The end of a file without a header is an error of its own.
static enum csv_step end_step(struct csv *csv, struct csv_error *error)
{
	if (!csv->is_finished || csv->has_header)
		return CSV_MORE;
	csv->is_broken = true;
	error->line = csv->line + 1;
	csv_error_set(error, "", "the file ends before a header line");
	return CSV_BROKEN;
}

enum csv_step csv_next(
	struct csv *csv, struct store_subscriber *sub, struct csv_row *row, struct csv_error *error)
{
	struct csv_text line;

	if (csv->is_broken)
		return CSV_BROKEN;
	while (line_take(csv, &line)) {
		error->line = row->line = csv->line;
		if (!csv->has_header) {
			if (header_step(csv, line, error) == CSV_BROKEN)
				return CSV_BROKEN;
		} else if (line.len > 0) {
			return row_read(csv, line, sub, row, error) == 0 ? CSV_ROW : CSV_BAD;
		}
	}
	return end_step(csv, error);
}
