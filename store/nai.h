// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The usual B-TID and IMPI forms in binary. What does not come back from the binary form letter by
// letter is not of that form, and is kept as text.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAI_BTID_TEXT 24 // base64 of 16 octets
#define NAI_IMPI_DIGITS_MAX 17 // 10^17 < 2^57

struct nai_suffix {
	const char *text; // behind the '@'
	size_t len;
};

// TS 33.220: B-TID = base64encode(RAND) '@' BSF server name.
bool nai_btid_split(const char *text, size_t len, uint8_t bin[16], struct nai_suffix *suffix);
void nai_btid_text(const uint8_t bin[16], char out[NAI_BTID_TEXT]);

// TS 23.003: an IMPI derived from the IMSI is its digits '@' the home domain. The binary form
// holds the number of digits above the value, so that leading zeros come back.
bool nai_impi_split(const char *text, size_t len, uint64_t *bin, struct nai_suffix *suffix);
// Returns the number of digits written, 0 when bin is not a binary form.
size_t nai_impi_text(uint64_t bin, char out[NAI_IMPI_DIGITS_MAX]);
