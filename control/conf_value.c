// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Values of configuration keys: from text, one function a type; the way back is in
// conf_value_print.c.

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

bool conf_address_is_v4(const struct conf_address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address->byte, mapped, sizeof(mapped)) == 0;
}

static void *row_value(const struct conf_row *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *row_value_const(const struct conf_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

static int fail(char why[CONF_WHY_MAX], const char *what, const char *allowed, const char *text)
{
	snprintf(why, CONF_WHY_MAX, "%s \"%.64s\"; allowed: %s", what, text, allowed);
	return -EINVAL;
}

static const char *unit_name(enum conf_type type)
{
	if (type == CONF_SIZE)
		return " octets";
	return type == CONF_DURATION || type == CONF_DURATIONS ? " seconds" : "";
}

static int fail_range(char why[CONF_WHY_MAX], const struct conf_row *row, const char *text)
{
	char allowed[96];

	snprintf(allowed, sizeof(allowed), "%" PRIu64 " to %" PRIu64 "%s", row->min, row->max,
		unit_name(row->type));
	return fail(why, "out of range:", allowed, text);
}

static int fail_full(char why[CONF_WHY_MAX], uint64_t most, const char *text)
{
	char allowed[32];

	snprintf(allowed, sizeof(allowed), "at most %" PRIu64, most);
	return fail(why, "one too many:", allowed, text);
}

// Decimal digits, and what follows them. -EINVAL when there is none or it is too long.
static int digits_read(const char *text, uint64_t *out, const char **rest)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (value > (UINT64_MAX - 9) / 10)
			return -EINVAL;
		value = value * 10 + (uint64_t)(*at - '0');
	}
	*out = value;
	*rest = at;
	return at == text ? -EINVAL : 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{"", 1}, {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40}};
static const struct unit durations[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const struct unit plain[] = {{"", 1}};

static int unit_read(const char *text, const struct unit *units, size_t n, uint64_t *out)
{
	const char *rest;

	if (digits_read(text, out, &rest) != 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rest, units[i].name) != 0)
			continue;
		return __builtin_mul_overflow(*out, units[i].factor, out) ? -EINVAL : 0;
	}
	return -EINVAL;
}

// The seconds of "30s", "10m", "2h", "1d". -EINVAL.
static int duration_read(const char *text, uint64_t *out)
{
	return unit_read(text, durations, 5, out);
}

static int number_read(
	const struct conf_row *row, const char *text, uint64_t *out, char why[CONF_WHY_MAX])
{
	int ret;

	if (row->type == CONF_SIZE) {
		if (unit_read(text, sizes, 5, out) != 0)
			return fail(why, "not a size:", "octets, or with K, M, G, T: 512M", text);
	} else if (row->type == CONF_DURATION || row->type == CONF_DURATIONS) {
		if (duration_read(text, out) != 0)
			return fail(
				why, "not a duration:", "seconds, or with s, m, h, d: 30s", text);
	} else {
		ret = unit_read(text, plain, 1, out);
		if (ret != 0)
			return fail(why, "not a number:", "decimal digits", text);
	}
	return *out < row->min || *out > row->max ? fail_range(why, row, text) : 0;
}

static int choice_read(
	const struct conf_row *row, const char *text, uint64_t *out, char why[CONF_WHY_MAX])
{
	size_t len = strlen(text);
	const char *at = row->choices;

	for (*out = 0; len > 0 && *at != '\0'; (*out)++) {
		size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, text, n) == 0)
			return 0;
		at += n + (at[n] == ' ');
	}
	return fail(why, "unknown value", row->choices, text);
}

static int text_read(const struct conf_row *row, const char *text, char out[CONF_TEXT_MAX],
	char why[CONF_WHY_MAX])
{
	size_t len = strlen(text);
	char allowed[64];

	snprintf(allowed, sizeof(allowed), "%" PRIu64 " to %" PRIu64 " printable ASCII characters",
		row->min, row->max);
	if (len < row->min || len > row->max)
		return fail(why, "wrong length:", allowed, text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f)
			return fail(why, "a character that is not allowed:", allowed, "...");
	memcpy(out, text, len + 1);
	return 0;
}

static int mac_read(const char *text, struct conf_mac *mac, char why[CONF_WHY_MAX])
{
	unsigned part[6];
	int end = 0;

	memset(mac, 0, sizeof(*mac));
	if (*text == '\0')
		return 0;
	// sscanf() takes signs and spaces for parts of a number.
	if (strspn(text, "0123456789abcdefABCDEF:") != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &part[0], &part[1], &part[2], &part[3],
			&part[4], &part[5], &end) != 6 ||
		end != 17 || text[end] != '\0' || (part[0] & 1) != 0)
		return fail(why, "not a MAC address:", "unicast, as 02:00:00:00:00:01", text);
	for (int i = 0; i < 6; i++)
		mac->byte[i] = (uint8_t)part[i];
	return 0;
}

// What stands in front of the slash.
static bool address_parse(const char *text, size_t len, struct conf_address *out)
{
	char copy[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	out->bits = 128;
	out->is_given = 1;
	if (inet_pton(AF_INET6, copy, out->byte) == 1)
		return !conf_address_is_v4(out);
	out->byte[10] = out->byte[11] = 0xff;
	return inet_pton(AF_INET, copy, out->byte + 12) == 1;
}

// What a station can have, and others can reach it by: no group, no link-local one.
static bool address_is_global(const struct conf_address *address)
{
	const uint8_t *b = address->byte;

	if (conf_address_is_v4(address))
		return b[12] != 0 && b[12] < 224;
	return b[0] != 0xff && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80) && (b[0] | b[15]) != 0;
}

static const char *address_allowed(enum conf_type type)
{
	if (type == CONF_PREFIX || type == CONF_PREFIXES)
		return "a prefix, as 10.0.0.0/8 or 2001:db8::/32";
	if (type == CONF_ADDRESS || type == CONF_HOSTS)
		return "an address, as 192.0.2.1 or 2001:db8::1";
	return "an address, as 192.0.2.1, 192.0.2.1/24 or 2001:db8::1/64";
}

static int address_read(const struct conf_row *row, const char *text, struct conf_address *out,
	char why[CONF_WHY_MAX])
{
	const char *allowed = address_allowed(row->type), *rest = "";
	bool may_have_bits = row->type != CONF_ADDRESS && row->type != CONF_HOSTS;
	bool has_to = row->type == CONF_PREFIX || row->type == CONF_PREFIXES;
	size_t len = strcspn(text, "/");
	uint64_t bits, base;

	memset(out, 0, sizeof(*out));
	if (*text == '\0' && !conf_type_is_list(row->type))
		return 0; // none is given
	if (!address_parse(text, len, out))
		return fail(why, "not an address:", allowed, text);
	if (row->type == CONF_ADDRESSES && !address_is_global(out))
		return fail(why, "not an address phones can answer to:", allowed, text);
	if (text[len] == '\0')
		return has_to ? fail(why, "not a prefix:", allowed, text) : 0;
	if (!may_have_bits)
		return fail(why, "not an address alone:", allowed, text);
	base = conf_address_is_v4(out) ? CONF_V4_BITS : 0;
	if (digits_read(text + len + 1, &bits, &rest) != 0 || *rest != '\0' || bits > 128 - base)
		return fail(why, "not a prefix length:", allowed, text);
	out->bits = (uint8_t)(bits + base);
	return 0;
}

static int address_add(const struct conf_row *row, const char *text, struct conf_addresses *list,
	char why[CONF_WHY_MAX])
{
	if (list->n == row->max)
		return fail_full(why, row->max, text);
	return address_read(row, text, &list->value[list->n++], why);
}

static int mac_add(const char *text, struct conf_macs *list, char why[CONF_WHY_MAX])
{
	if (list->n == CONF_MACS_MAX)
		return fail_full(why, CONF_MACS_MAX, text);
	return mac_read(text, &list->value[list->n++], why);
}

static unsigned numbers_most(enum conf_type type)
{
	if (type == CONF_TAGS)
		return CONF_TAGS_MAX;
	return type == CONF_DURATIONS ? CONF_SENDS_MAX : CONF_WORKERS_MAX;
}

static int numbers_add(const struct conf_row *row, const char *text, struct conf_numbers *list,
	char why[CONF_WHY_MAX])
{
	unsigned most = numbers_most(row->type);

	if (list->n == most)
		return fail_full(why, most, text);
	return number_read(row, text, &list->value[list->n++], why);
}

static int texts_add(const struct conf_row *row, const char *text, struct conf_texts *list,
	char why[CONF_WHY_MAX])
{
	if (list->n == CONF_EAL_ARGS_MAX)
		return fail_full(why, CONF_EAL_ARGS_MAX, text);
	return text_read(row, text, list->value[list->n++], why);
}

int conf_value_read(
	const struct conf_row *row, const char *text, void *base, char why[CONF_WHY_MAX])
{
	void *value = row_value(row, base);

	switch (row->type) {
	case CONF_TEXT:
		return text_read(row, text, value, why);
	case CONF_COUNT:
	case CONF_SIZE:
	case CONF_DURATION:
		return number_read(row, text, value, why);
	case CONF_CHOICE:
		return choice_read(row, text, value, why);
	case CONF_MAC:
		return mac_read(text, value, why);
	case CONF_ADDRESS:
	case CONF_PREFIX:
		return address_read(row, text, value, why);
	case CONF_ADDRESSES:
	case CONF_HOSTS:
	case CONF_PREFIXES:
		return address_add(row, text, value, why);
	case CONF_MACS:
		return mac_add(text, value, why);
	case CONF_COUNTS:
	case CONF_TAGS:
	case CONF_DURATIONS:
		return numbers_add(row, text, value, why);
	case CONF_TEXTS:
		return texts_add(row, text, value, why);
	}
	return -EINVAL;
}

bool conf_type_is_list(enum conf_type type)
{
	return type >= CONF_COUNTS;
}

bool conf_type_may_stand_alone(enum conf_type type)
{
	return type >= CONF_MACS;
}

static size_t value_bytes(const struct conf_row *row, const void *value)
{
	switch (row->type) {
	case CONF_TEXT:
		return strlen(value) + 1;
	case CONF_MAC:
		return sizeof(struct conf_mac);
	case CONF_ADDRESS:
	case CONF_PREFIX:
		return sizeof(struct conf_address);
	case CONF_COUNTS:
	case CONF_DURATIONS:
	case CONF_TAGS:
		return sizeof(struct conf_numbers);
	case CONF_TEXTS:
		return sizeof(struct conf_texts);
	case CONF_MACS:
		return sizeof(struct conf_macs);
	case CONF_ADDRESSES:
	case CONF_HOSTS:
	case CONF_PREFIXES:
		return sizeof(struct conf_addresses);
	default:
		return sizeof(uint64_t);
	}
}

void conf_value_clear(const struct conf_row *row, void *base)
{
	void *value = row_value(row, base);

	memset(value, 0, row->type == CONF_TEXT ? 1 : value_bytes(row, value));
}

bool conf_value_is_equal(const struct conf_row *row, const void *a, const void *b)
{
	const void *left = row_value_const(row, a), *right = row_value_const(row, b);

	if (row->type == CONF_TEXT)
		return strcmp(left, right) == 0;
	return memcmp(left, right, value_bytes(row, left)) == 0;
}
