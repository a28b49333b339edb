// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Made-up phones: a CSV that only its seed and the present time decide.

#pragma once

#include <stdio.h>

#include "csv.h"

struct ue_generate {
	uint64_t count;
	uint64_t seed;
	const char *service; // authorised and registered; "" for none
	const char *bsf; // domain of the B-TIDs
	const char *ims; // domain of the IMPIs
	const char *imsi_prefix; // digits an IMPI starts with; filled up to 15
	struct ue_address first_address;
	struct ue_address first_address6; // given: of every second phone
	int64_t now; // Unix seconds
	int64_t lifetime; // of a MUK, seconds
	double uicc; // percent of phones with keys in the UICC
	double expired; // percent of the phones with a MUK whose MUK has expired
	uint64_t unregistered; // how many of them, the first ones, are registered for nothing
	double no_muk; // percent of phones without a MUK
};

// Writes the CSV to out. -EINVAL with a sentence in why when the numbers do not fit, -errno of the
// stream.
int ue_generate(const struct ue_generate *conf, FILE *out, char why[UE_WHY_BYTES]);
