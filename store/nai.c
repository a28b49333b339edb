// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "nai.h"

#include <string.h>

#include "nai_text.h"

#define IMPI_VALUE_BITS 57

// One above the value of a letter, 0 for what is no letter of base64.
static const uint8_t base64_value[256] = {
	['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['+'] = 63,
	['/'] = 64,
};

// 1..4 letters to a number; false when one of them is no letter of base64.
static inline bool base64_group(const char *text, unsigned letters, uint32_t *out)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < letters; i++) {
		uint8_t v = base64_value[(uint8_t)text[i]];

		if (v == 0)
			return false;
		value = value << 6 | (uint32_t)(v - 1);
	}
	*out = value;
	return true;
}

bool nai_btid_split(const char *text, size_t len, uint8_t bin[16], struct nai_suffix *suffix)
{
	uint32_t v;

	if (len < NAI_BTID_TEXT + 2 || memcmp(text + 22, "==@", 3) != 0)
		return false;
	for (unsigned i = 0; i < 5; i++) {
		if (!base64_group(text + 4 * i, 4, &v))
			return false;
		bin[3 * i] = (uint8_t)(v >> 16);
		bin[3 * i + 1] = (uint8_t)(v >> 8);
		bin[3 * i + 2] = (uint8_t)v;
	}
	// The last two letters hold one octet; the four bits behind it are zero in canonical form.
	if (!base64_group(text + 20, 2, &v) || (v & 0xf) != 0)
		return false;
	bin[15] = (uint8_t)(v >> 4);
	*suffix = (struct nai_suffix){text + NAI_BTID_TEXT + 1, len - NAI_BTID_TEXT - 1};
	return true;
}

void nai_btid_text(const uint8_t bin[16], char out[NAI_BTID_TEXT])
{
	nai_text_put(bin, out);
}

bool nai_impi_split(const char *text, size_t len, uint64_t *bin, struct nai_suffix *suffix)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (digits < len && digits <= NAI_IMPI_DIGITS_MAX && text[digits] >= '0' &&
		text[digits] <= '9') {
		value = value * 10 + (uint64_t)(text[digits] - '0');
		digits++;
	}
	if (digits == 0 || digits > NAI_IMPI_DIGITS_MAX || digits + 1 >= len || text[digits] != '@')
		return false;
	*bin = (uint64_t)digits << IMPI_VALUE_BITS | value;
	*suffix = (struct nai_suffix){text + digits + 1, len - digits - 1};
	return true;
}

size_t nai_impi_text(uint64_t bin, char out[NAI_IMPI_DIGITS_MAX])
{
	size_t digits = bin >> IMPI_VALUE_BITS;
	uint64_t value = bin & (((uint64_t)1 << IMPI_VALUE_BITS) - 1);

	if (digits > NAI_IMPI_DIGITS_MAX)
		return 0;
	for (size_t i = digits; i > 0; i--, value /= 10)
		out[i - 1] = (char)('0' + value % 10);
	return digits;
}
