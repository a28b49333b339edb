// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From the names of services in a CSV cell to a set in the store. Files have few different cells,
// so what a cell led to is remembered. The services are those of the moment the import began.

#pragma once

#include "csv.h"
#include "ctl.h"

struct import_sets;

// What one cell stands for.
struct import_set {
	store_set set;
	uint8_t profiles; // 1 << enum store_profile for the key groups of its services
};

// imp gets the sets. 0 or -errno.
int import_sets_create(struct ctl *ctl, struct store_import *imp, struct import_sets **out);
void import_sets_destroy(struct import_sets *sets);
// names: separated by spaces. -EINVAL: why tells; another -errno: the store failed.
int import_sets_find(struct import_sets *sets, struct csv_text names, struct import_set *out,
	char why[CSV_WHY_MAX]);
