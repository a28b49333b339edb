// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "log_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct writer {
	char *out;
	size_t size, n;
	bool is_in_quotes; // of the format
	va_list args;
};

struct conversion {
	char spec[16]; // "%04lx"
	unsigned len;
	int longs; // 'l's; -1: z
	int precision; // of %s, -1: none
	char letter;
};

static void put(struct writer *w, char c)
{
	if (w->n + 1 < w->size)
		w->out[w->n++] = c;
}

static void argument_put(struct writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			c = '?';
		else if (c == '"')
			c = '\'';
		else if (c == '\\')
			c = '/';
		else if (c == ' ' && !w->is_in_quotes)
			c = '_';
		put(w, (char)c);
	}
}

// Reads one conversion behind its percent sign; returns where it ends.
static const char *conversion_read(struct writer *w, const char *at, struct conversion *c)
{
	*c = (struct conversion){.spec = "%", .len = 1, .precision = -1};
	for (; strchr("0123456789.-*lz", *at) != NULL && *at != '\0'; at++) {
		if (*at == 'l')
			c->longs++;
		else if (*at == 'z')
			c->longs = -1;
		else if (*at == '.' && at[1] == '*')
			c->precision = va_arg(w->args, int);
		if (*at != '*' && c->len < sizeof(c->spec) - 2)
			c->spec[c->len++] = *at;
	}
	c->letter = *at;
	c->spec[c->len++] = *at;
	if (c->letter == 's' && c->precision < 0 && strchr(c->spec, '.') != NULL)
		sscanf(strchr(c->spec, '.'), ".%d", &c->precision);
	return *at == '\0' ? at : at + 1;
}

static void string_put(struct writer *w, const struct conversion *c)
{
	const char *text = va_arg(w->args, const char *);

	if (text == NULL)
		text = "none";
	argument_put(
		w, text, c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision));
}

static void number_put(struct writer *w, const struct conversion *c)
{
	char text[64] = "";

	if (c->letter == 'f')
		snprintf(text, sizeof(text), c->spec, va_arg(w->args, double));
	else if (c->longs == 0)
		snprintf(text, sizeof(text), c->spec, va_arg(w->args, unsigned));
	else
		// long, long long and size_t are 64 bits wide here.
		snprintf(text, sizeof(text), c->spec, va_arg(w->args, unsigned long));
	argument_put(w, text, strlen(text));
}

size_t log_text_format(char *out, size_t size, const char *format, va_list args)
{
	struct writer w = {.out = out, .size = size};
	struct conversion c;

	va_copy(w.args, args);
	while (*format != '\0') {
		if (*format != '%') {
			w.is_in_quotes ^= *format == '"';
			put(&w, *format++);
			continue;
		}
		format = conversion_read(&w, format + 1, &c);
		assert(strchr("duxfs", c.letter) != NULL);
		if (c.letter == 's')
			string_put(&w, &c);
		else
			number_put(&w, &c);
	}
	va_end(w.args);
	if (size > 0)
		out[w.n] = '\0';
	return w.n;
}

size_t log_text_next(const char **at, const char **key, const char **value, size_t *value_len)
{
	const char *p = *at + strspn(*at, " ");
	size_t len = strcspn(p, "= ");

	if (p[len] != '=')
		return 0;
	*key = p;
	*value = p + len + 1;
	if (**value == '"') {
		++*value;
		*value_len = strcspn(*value, "\"");
		*at = *value + *value_len + ((*value)[*value_len] == '"');
	} else {
		*value_len = strcspn(*value, " ");
		*at = *value + *value_len;
	}
	return len;
}
