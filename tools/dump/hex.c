// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "dump.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)tolower((unsigned char)digit);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

uint8_t *hex_read(const char *text, size_t *len)
{
	uint8_t *data = malloc(strlen(text) / 2 + 1);
	size_t digits = 0;

	if (data == NULL)
		abort();
	for (; *text != '\0'; text++) {
		int value = digit_value(*text);

		if (isspace((unsigned char)*text) || *text == ':')
			continue;
		if (value < 0)
			break;
		data[digits / 2] = (uint8_t)(digits % 2 ? data[digits / 2] << 4 | value : value);
		digits++;
	}
	*len = digits / 2;
	if (*text == '\0' && digits % 2 == 0)
		return data;
	free(data);
	return NULL;
}

char *hex_write(const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);

	if (text == NULL)
		abort();
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 0xf];
	}
	text[2 * len] = '\0';
	return text;
}

static bool line_is_blank(const char *line)
{
	line += strspn(line, " \t\r\n");
	return *line == '\0' || *line == '#';
}

unsigned hex_read_lines(message_fn found, void *arg)
{
	struct message message = {0};
	unsigned number = 0, bad = 0;
	char *line = NULL;
	size_t room = 0;

	while (bad == 0 && getline(&line, &room, stdin) >= 0) {
		uint8_t *data;

		number++;
		if (line_is_blank(line))
			continue;
		data = hex_read(line, &message.len);
		if (data == NULL) {
			bad = number;
			break;
		}
		message.number++;
		message.data = data;
		found(arg, &message);
		free(data);
	}
	free(line);
	return bad;
}
