// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The CSV of subscribers, as phones: reading one, and writing what the phones know.

#pragma once

#include <stdio.h>

#include "phones.h"

#define UE_WHY_BYTES 256 // room for one sentence about what is wrong

// Adds every row of data[0..len) to phones. -EINVAL with the line, the column and the cause in
// why; then some rows may have been added.
int ue_csv_load(struct ue_phones *phones, const char *data, size_t len, char why[UE_WHY_BYTES]);
// The same from a file, mapped and not copied. Also -errno of opening it, with a sentence.
int ue_csv_load_file(struct ue_phones *phones, const char *path, char why[UE_WHY_BYTES]);

// A cell "registered" is "-" for no service; empty it stands for all of the services.
// Writes one row for every B-TID, older ones too. The address is empty where the phone has moved.
// 0 or -errno of the stream.
int ue_csv_write(const struct ue_phones *phones, FILE *out);

// Seconds since 1970 from digits or from RFC 3339 (a fraction is cut off).
bool ue_time_parse(const char *text, size_t len, int64_t *seconds);
// Writes 2 * len digits without an end.
void ue_hex_put(char *out, const uint8_t *data, size_t len);
// Reads exactly 2 * out_len digits.
bool ue_hex_get(uint8_t *out, size_t out_len, const char *text, size_t len);
