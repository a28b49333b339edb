// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Subscribers of a store as the CSV that `mskpush ue import` reads.

#pragma once

#include <stdint.h>
#include <stdio.h>

#include "reader.h"

struct export_result {
	uint32_t subscribers;
	uint32_t damaged; // left out; note() was called with each
};

// Keys stand in what it writes. -errno of the store; errors of the stream are the caller's.
int export_subscribers(const struct store_reader *r, FILE *out,
	void (*note)(void *arg, store_id id, const char *impi), void *arg,
	struct export_result *result);
