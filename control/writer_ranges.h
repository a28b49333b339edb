// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A small set of id ranges. When it is full the two that lie closest are made one, so that it
// always covers what was added and never grows.

#pragma once

#include <stdint.h>

#define WRITER_RANGES_MAX 64

struct writer_range {
	uint32_t first;
	uint32_t n;
};

struct writer_ranges {
	struct writer_range range[WRITER_RANGES_MAX]; // ascending, apart from each other
	unsigned n;
};

void writer_ranges_add(struct writer_ranges *ranges, uint32_t first, uint32_t n);
