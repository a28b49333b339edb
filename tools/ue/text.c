// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv.h"

static const char digits[] = "0123456789abcdef";

void ue_hex_put(char *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 0x0f];
	}
}

// -1 for what is no digit. Without branches on the common way: a million rows hold 128 million
// digits.
static inline int digit_value(char c)
{
	static const int8_t values[256] = {
		['0'] = 1,
		['1'] = 2,
		['2'] = 3,
		['3'] = 4,
		['4'] = 5,
		['5'] = 6,
		['6'] = 7,
		['7'] = 8,
		['8'] = 9,
		['9'] = 10,
		['a'] = 11,
		['b'] = 12,
		['c'] = 13,
		['d'] = 14,
		['e'] = 15,
		['f'] = 16,
		['A'] = 11,
		['B'] = 12,
		['C'] = 13,
		['D'] = 14,
		['E'] = 15,
		['F'] = 16,
	};

	return values[(uint8_t)c] - 1;
}

bool ue_hex_get(uint8_t *out, size_t out_len, const char *text, size_t len)
{
	int bad = 0;

	if (len != 2 * out_len)
		return false;
	for (size_t i = 0; i < out_len; i++) {
		int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);

		bad |= high | low;
		out[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
	}
	return bad >= 0;
}

// len digits as a number; -1 when one of them is none. len at most 18.
static int64_t number_parse(const char *text, size_t len)
{
	int64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

// Days from 1970-01-01 in the Gregorian calendar, counted from March so that leap days come
// last.
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1, era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool date_parse(const char *text, int64_t *seconds)
{
	static const uint8_t longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year = number_parse(text, 4), month = number_parse(text + 5, 2);
	int64_t day = number_parse(text + 8, 2), hour = number_parse(text + 11, 2);
	int64_t minute = number_parse(text + 14, 2), second = number_parse(text + 17, 2);

	if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
		text[13] != ':' || text[16] != ':')
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > longest[month - 1] ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	*seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

static bool zone_parse(const char *text, size_t len, int64_t *offset)
{
	int64_t hours, minutes;

	*offset = 0;
	if (len == 1)
		return text[0] == 'Z' || text[0] == 'z';
	if (len != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
		return false;
	hours = number_parse(text + 1, 2);
	minutes = number_parse(text + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*offset = (text[0] == '-' ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

bool ue_time_parse(const char *text, size_t len, int64_t *seconds)
{
	int64_t offset;
	size_t at = 19;

	if (len > 0 && len <= 12) {
		*seconds = number_parse(text, len);
		return *seconds >= 0;
	}
	if (len < 20 || !date_parse(text, seconds))
		return false;
	if (text[at] == '.') {
		size_t start = ++at;

		while (at < len && text[at] >= '0' && text[at] <= '9')
			at++;
		if (at == start)
			return false;
	}
	if (!zone_parse(text + at, len - at, &offset))
		return false;
	*seconds -= offset;
	return true;
}
