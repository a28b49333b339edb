// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_cells.h"

#include <string.h>

// The quote that ends a cell which begins at start; two in a row stand for one in it (RFC
// 4180 2.7).
static const char *closing_quote(const char *start, const char *line_end)
{
	const char *quote = memchr(start, '"', (size_t)(line_end - start));

	while (quote != NULL && quote + 1 < line_end && quote[1] == '"')
		quote = memchr(quote + 2, '"', (size_t)(line_end - quote - 2));
	return quote;
}

// Makes one quote of two in a row. False when the line has no room for more such cells.
static bool cell_unquote(struct ue_csv_text *text, struct ue_cell *cell)
{
	char *out = text->unquoted + text->unquoted_len;
	size_t n = 0;

	if (memchr(cell->text, '"', cell->len) == NULL)
		return true;
	if (cell->len > UE_UNQUOTED_MAX - text->unquoted_len)
		return false;
	for (size_t i = 0; i < cell->len; i++) {
		out[n++] = cell->text[i];
		i += cell->text[i] == '"';
	}
	*cell = (struct ue_cell){out, n};
	text->unquoted_len += n;
	return true;
}

bool ue_csv_cell(
	struct ue_csv_text *text, const char **at, const char *line_end, struct ue_cell *cell)
{
	const char *start = *at, *stop;

	if (start > line_end)
		return false;
	if (start < line_end && *start == '"') {
		stop = closing_quote(start + 1, line_end);
		if (stop == NULL || (stop + 1 < line_end && stop[1] != ','))
			return false;
		*cell = (struct ue_cell){start + 1, (size_t)(stop - start - 1)};
		*at = stop + 2;
		return cell_unquote(text, cell);
	}
	stop = memchr(start, ',', (size_t)(line_end - start));
	if (stop == NULL)
		stop = line_end;
	*cell = (struct ue_cell){start, (size_t)(stop - start)};
	*at = stop + 1;
	return true;
}

bool ue_csv_line(struct ue_csv_text *text, struct ue_cell *line)
{
	text->unquoted_len = 0;
	while (text->at < text->end) {
		const char *start = text->at;
		const char *stop = memchr(start, '\n', (size_t)(text->end - start));
		size_t len;

		if (stop == NULL)
			stop = text->end;
		text->at = stop + 1;
		text->line++;
		len = (size_t)(stop - start);
		if (len > 0 && start[len - 1] == '\r')
			len--;
		if (len > 0) {
			*line = (struct ue_cell){start, len};
			return true;
		}
	}
	return false;
}
