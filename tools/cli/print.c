// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "print.h"

#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *value_at(const json_t *object, const char *path)
{
	while (object != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		object = json_object_getn(object, path, n);
		path += n + (path[n] == '.');
	}
	return object;
}

const char *text_at(const json_t *object, const char *path)
{
	const char *text = json_string_value(value_at(object, path));

	return text != NULL ? text : "-";
}

uint64_t number_at(const json_t *object, const char *path)
{
	json_int_t n = json_integer_value(value_at(object, path));

	return n > 0 ? (uint64_t)n : 0;
}

double real_at(const json_t *object, const char *path)
{
	return json_number_value(value_at(object, path));
}

bool truth_at(const json_t *object, const char *path)
{
	return json_is_true(value_at(object, path));
}

const char *number_text(uint64_t n, char out[PRINT_NUMBER_MAX])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *p = out;

	for (int i = 0; i < len; i++) {
		*p++ = digits[i];
		if ((len - 1 - i) % 3 == 0 && i + 1 < len)
			*p++ = ',';
	}
	*p = '\0';
	return out;
}

void table_begin(struct table *t, const struct table_column *columns, size_t width)
{
	*t = (struct table){.columns = columns, .width = width};
}

void table_text(struct table *t, const char *text)
{
	char *copy = strdup(text);

	if (t->cells == t->room) {
		t->room = t->room * 2 + 16;
		t->cell = realloc(t->cell, t->room * sizeof(t->cell[0]));
	}
	if (t->cell == NULL || copy == NULL)
		cli_out_of_memory();
	// Control characters, also those of C1 behind their UTF-8 lead, mean something to a
	// terminal.
	for (char *p = copy; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f ||
			((unsigned char)*p == 0xc2 && (unsigned char)p[1] < 0xa0))
			*p = '?';
	}
	t->cell[t->cells++] = copy;
}

static void table_vformat(struct table *t, const char *format, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, ap);
	table_text(t, text);
}

void table_format(struct table *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	table_vformat(t, format, ap);
	va_end(ap);
}

void table_number(struct table *t, uint64_t n)
{
	char text[PRINT_NUMBER_MAX];

	table_text(t, number_text(n, text));
}

void table_list(struct table *t, const json_t *texts)
{
	char text[512] = "";
	size_t used = 0, i;
	const json_t *item;

	json_array_foreach(texts, i, item)
	{
		const char *word = json_string_value(item);

		if (word == NULL || used + strlen(word) + 5 > sizeof(text))
			break;
		used += (size_t)sprintf(text + used, "%s%s", used > 0 ? " " : "", word);
	}
	if (i < json_array_size(texts))
		strcpy(text + used, " ...");
	table_text(t, text[0] != '\0' ? text : "-");
}

// Columns a UTF-8 text takes, close enough for names: one per character.
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	const char *title = t->columns[column].title;
	size_t most = title != NULL ? text_width(title) : 0;

	for (size_t i = column; i < t->cells; i += t->width) {
		size_t n = text_width(t->cell[i]);

		most = n > most ? n : most;
	}
	return most;
}

static void cell_print(const struct table *t, size_t column, size_t width, const char *text)
{
	int pad = (int)(width - text_width(text));
	bool is_last = column + 1 == t->width;

	if (t->columns[column].is_right)
		printf("%*s%s", pad, "", text);
	else
		printf("%s%*s", text, is_last ? 0 : pad, "");
	fputs(is_last ? "\n" : "  ", stdout);
}

void table_end(struct table *t)
{
	size_t *widths = calloc(t->width, sizeof(*widths));

	if (widths == NULL)
		cli_out_of_memory();
	for (size_t i = 0; i < t->width; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; i < t->width && t->columns[0].title != NULL; i++)
		cell_print(t, i, widths[i], t->columns[i].title);
	for (size_t i = 0; i < t->cells; i++) {
		cell_print(t, i % t->width, widths[i % t->width], t->cell[i]);
		free(t->cell[i]);
	}
	free(widths);
	free(t->cell);
}

void table_begin_pairs(struct table *t)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, true}};

	table_begin(t, columns, 2);
}

void table_pair(struct table *t, const char *name, const char *format, ...)
{
	va_list ap;

	table_text(t, name);
	va_start(ap, format);
	table_vformat(t, format, ap);
	va_end(ap);
}

void table_pair_number(struct table *t, const char *name, uint64_t n)
{
	table_text(t, name);
	table_number(t, n);
}
