// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A Key Domain ID is MCC and MNC, coded as in a PLMN identity: digits swapped within octets, and
// the nibble that a third MNC digit would take is 0xF when there is none.

#include "mikey.h"

#include <string.h>

#define NO_DIGIT 0xf

static bool digits_take(uint8_t digit[3], const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		digit[i] = (uint8_t)(text[i] - '0');
	}
	return true;
}

bool mikey_kdi_from_text(uint8_t kdi[MIKEY_KDI_BYTES], const char *mcc_mnc)
{
	size_t len = strlen(mcc_mnc);
	uint8_t mcc[3], mnc[3] = {0, 0, NO_DIGIT};

	if ((len != 6 && len != 7) || mcc_mnc[3] != '-')
		return false;
	if (!digits_take(mcc, mcc_mnc, 3) || !digits_take(mnc, mcc_mnc + 4, len - 4))
		return false;
	kdi[0] = (uint8_t)(mcc[1] << 4 | mcc[0]);
	kdi[1] = (uint8_t)(mnc[2] << 4 | mcc[2]);
	kdi[2] = (uint8_t)(mnc[1] << 4 | mnc[0]);
	return true;
}

static char digit_char(uint8_t nibble)
{
	return nibble <= 9 ? (char)('0' + nibble) : '?';
}

void mikey_kdi_to_text(char text[8], const uint8_t kdi[MIKEY_KDI_BYTES])
{
	uint8_t third = kdi[1] >> 4;
	char *p = text;

	*p++ = digit_char(kdi[0] & 0xf);
	*p++ = digit_char(kdi[0] >> 4);
	*p++ = digit_char(kdi[1] & 0xf);
	*p++ = '-';
	*p++ = digit_char(kdi[2] & 0xf);
	*p++ = digit_char(kdi[2] >> 4);
	if (third != NO_DIGIT)
		*p++ = digit_char(third);
	*p = '\0';
}
