// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Values of configuration keys as the text that conf_value_read() makes the same value of.

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "conf.h"

static void text_print(const char *text, FILE *out)
{
	// Single quotes are the one YAML style in which only the quote itself has to be doubled.
	fputc('\'', out);
	for (; *text != '\0'; text++)
		fprintf(out, *text == '\'' ? "''" : "%c", *text);
	fputc('\'', out);
}

static void choice_print(const struct conf_row *row, uint64_t value, FILE *out)
{
	const char *at = row->choices;

	while (value-- > 0)
		at += strcspn(at, " ") + 1;
	fprintf(out, "%.*s", (int)strcspn(at, " "), at);
}

static void size_print(uint64_t value, FILE *out)
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	int i = 0;

	for (; i < 4 && value != 0 && value % 1024 == 0; i++)
		value /= 1024;
	fprintf(out, "%" PRIu64 "%s", value, units[i]);
}

static void mac_print(const struct conf_mac *mac, FILE *out)
{
	static const struct conf_mac none;
	const uint8_t *b = mac->byte;

	if (memcmp(mac, &none, sizeof(none)) == 0)
		fputs("''", out);
	else
		fprintf(out, "'%02x:%02x:%02x:%02x:%02x:%02x'", b[0], b[1], b[2], b[3], b[4], b[5]);
}

static void address_print(const struct conf_address *address, FILE *out)
{
	char text[INET6_ADDRSTRLEN];
	bool is_v4 = conf_address_is_v4(address);

	if (!address->is_given) {
		fputs("''", out);
		return;
	}
	inet_ntop(is_v4 ? AF_INET : AF_INET6, address->byte + (is_v4 ? 12 : 0), text, sizeof(text));
	fprintf(out, "'%s", text);
	if (address->bits != 128)
		fprintf(out, "/%u", address->bits - (is_v4 ? CONF_V4_BITS : 0u));
	fputc('\'', out);
}

static void addresses_print(const struct conf_addresses *list, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < list->n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		address_print(&list->value[i], out);
	}
	fputc(']', out);
}

static void macs_print(const struct conf_macs *list, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < list->n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		mac_print(&list->value[i], out);
	}
	fputc(']', out);
}

static void numbers_print(const struct conf_numbers *list, const char *unit, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < list->n; i++)
		fprintf(out, "%s%" PRIu64 "%s", i == 0 ? "" : ", ", list->value[i], unit);
	fputc(']', out);
}

static void texts_print(const struct conf_texts *list, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < list->n; i++) {
		fputs(i == 0 ? "" : ", ", out);
		text_print(list->value[i], out);
	}
	fputc(']', out);
}

void conf_value_print(const struct conf_row *row, const void *base, FILE *out)
{
	const void *value = (const char *)base + row->offset;

	switch (row->type) {
	case CONF_TEXT:
		text_print(value, out);
		break;
	case CONF_COUNT:
		fprintf(out, "%" PRIu64, *(const uint64_t *)value);
		break;
	case CONF_SIZE:
		size_print(*(const uint64_t *)value, out);
		break;
	case CONF_DURATION:
		fprintf(out, "%" PRIu64 "s", *(const uint64_t *)value);
		break;
	case CONF_CHOICE:
		choice_print(row, *(const uint64_t *)value, out);
		break;
	case CONF_MAC:
		mac_print(value, out);
		break;
	case CONF_ADDRESS:
	case CONF_PREFIX:
		address_print(value, out);
		break;
	case CONF_ADDRESSES:
	case CONF_HOSTS:
	case CONF_PREFIXES:
		addresses_print(value, out);
		break;
	case CONF_MACS:
		macs_print(value, out);
		break;
	case CONF_COUNTS:
	case CONF_TAGS:
	case CONF_DURATIONS:
		numbers_print(value, row->type == CONF_DURATIONS ? "s" : "", out);
		break;
	case CONF_TEXTS:
		texts_print(value, out);
		break;
	}
}
