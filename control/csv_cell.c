// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_row.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

// Value of a hex digit plus one, 0 for any other character.
static const uint8_t hex_value_1[256] = {
	['0'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	['A'] = 11,
	12,
	13,
	14,
	15,
	16,
	['a'] = 11,
	12,
	13,
	14,
	15,
	16,
};

int csv_cell_key(struct csv_text cell, uint8_t key[32])
{
	int wrong = 0;

	if (cell.len != 64)
		return -EINVAL;
	for (unsigned i = 0; i < 32; i++) {
		int high = hex_value_1[(unsigned char)cell.data[2 * i]] - 1;
		int low = hex_value_1[(unsigned char)cell.data[2 * i + 1]] - 1;

		wrong |= high | low;
		key[i] = (uint8_t)(high * 16 + low);
	}
	return wrong < 0 ? -EINVAL : 0;
}

// Takes n digits off the front.
static bool digits_take(struct csv_text *text, unsigned n, unsigned *value)
{
	*value = 0;
	if (text->len < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned digit = (unsigned char)text->data[i] - '0';

		if (digit > 9)
			return false;
		*value = *value * 10 + digit;
	}
	text->data += n;
	text->len -= n;
	return true;
}

static bool char_take(struct csv_text *text, char c)
{
	if (text->len == 0 || text->data[0] != c)
		return false;
	text->data++;
	text->len--;
	return true;
}

// Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day
// comes last.
static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1;
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool date_take(struct csv_text *text, int64_t *days)
{
	static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned year, month, day;

	if (!digits_take(text, 4, &year) || !char_take(text, '-') ||
		!digits_take(text, 2, &month) || !char_take(text, '-') ||
		!digits_take(text, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
		return false;
	if (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

static bool clock_take(struct csv_text *text, int64_t *seconds)
{
	unsigned hour, minute, second;

	if (!digits_take(text, 2, &hour) || !char_take(text, ':') ||
		!digits_take(text, 2, &minute) || !char_take(text, ':') ||
		!digits_take(text, 2, &second))
		return false;
	// RFC 3339 5.6: second 60 is a leap second.
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = hour * 3600 + minute * 60 + second;
	if (!char_take(text, '.'))
		return true;
	if (!digits_take(text, 1, &second))
		return false;
	while (digits_take(text, 1, &second))
		;
	return true;
}

static bool offset_take(struct csv_text *text, int64_t *seconds)
{
	unsigned hour, minute;
	int sign;

	*seconds = 0;
	if (char_take(text, 'Z') || char_take(text, 'z'))
		return true;
	if (text->len == 0 || (text->data[0] != '+' && text->data[0] != '-'))
		return false;
	sign = text->data[0] == '+' ? 1 : -1;
	text->data++;
	text->len--;
	if (!digits_take(text, 2, &hour) || !char_take(text, ':') ||
		!digits_take(text, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*seconds = sign * (int64_t)(hour * 3600 + minute * 60);
	return true;
}

static int u32_read(struct csv_text cell, uint32_t *out)
{
	uint64_t value = 0;

	if (cell.len > 10)
		return -EINVAL;
	for (size_t i = 0; i < cell.len; i++) {
		unsigned digit = (unsigned char)cell.data[i] - '0';

		if (digit > 9)
			return -EINVAL;
		value = value * 10 + digit;
	}
	if (value > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)value;
	return 0;
}

int csv_cell_time(struct csv_text cell, uint32_t *unix_s)
{
	int64_t days, seconds, offset, sum;

	if (memchr(cell.data, '-', cell.len) == NULL)
		return u32_read(cell, unix_s);
	if (!date_take(&cell, &days) || (!char_take(&cell, 'T') && !char_take(&cell, 't')))
		return -EINVAL;
	if (!clock_take(&cell, &seconds) || !offset_take(&cell, &offset) || cell.len != 0)
		return -EINVAL;
	sum = days * 86400 + seconds - offset;
	if (sum < 0 || sum > UINT32_MAX)
		return -EINVAL;
	*unix_s = (uint32_t)sum;
	return 0;
}

static bool is_v4_host(const uint8_t v4[4])
{
	// Neither "this network" nor multicast, reserved or broadcast.
	return v4[0] != 0 && v4[0] < 224;
}

int csv_cell_address(struct csv_text cell, struct store_addr *addr)
{
	static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t zero[16];
	char text[INET6_ADDRSTRLEN];

	if (cell.len >= sizeof(text))
		return -EINVAL;
	memcpy(text, cell.data, cell.len);
	text[cell.len] = '\0';
	memcpy(addr->byte, v4_mapped, sizeof(v4_mapped));
	if (inet_pton(AF_INET, text, addr->byte + 12) != 1 &&
		inet_pton(AF_INET6, text, addr->byte) != 1)
		return -EINVAL;
	if (memcmp(addr->byte, v4_mapped, sizeof(v4_mapped)) == 0)
		return is_v4_host(addr->byte + 12) ? 0 : -EINVAL;
	if (addr->byte[0] == 0xff || memcmp(addr->byte, zero, sizeof(zero)) == 0)
		return -EINVAL;
	return 0;
}

int csv_cell_port(struct csv_text cell, uint16_t *port)
{
	uint32_t value;

	if (u32_read(cell, &value) != 0 || value < 1 || value > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

// Octets of the UTF-8 sequence at s (RFC 3629), 0 when it is none.
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	// Smallest code point of a sequence of 2, 3, 4 octets: shorter ones are overlong.
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t code = s[0] & (0x7fu >> n);

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	// U+0080..U+009F are control characters; surrogates are no characters.
	if (code < least[n] || code > 0x10ffff || code < 0xa0 || (code >= 0xd800 && code < 0xe000))
		return 0;
	return n;
}

int csv_cell_nai(struct csv_text cell, char nai[STORE_NAI_MAX + 1])
{
	const unsigned char *s = (const unsigned char *)cell.data;

	if (cell.len == 0 || cell.len > STORE_NAI_MAX)
		return -EINVAL;
	for (size_t i = 0; i < cell.len;) {
		size_t n = 1;

		if (s[i] <= ' ' || s[i] == 0x7f)
			return -EINVAL;
		if (s[i] >= 0x80)
			n = utf8_sequence(s + i, cell.len - i);
		if (n == 0)
			return -EINVAL;
		i += n;
	}
	memcpy(nai, cell.data, cell.len);
	nai[cell.len] = '\0';
	return 0;
}
