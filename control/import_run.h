// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Import of subscribers: CSV in, all of it kept or nothing. The caller's thread
// parses, the store writer stores, both at the same time. Nothing is visible before
// import_finish().

#pragma once

#include "ctl.h"
#include "import_report.h"

struct import_order {
	bool is_skipping; // bad lines are left out, else the first one ends it
	bool is_dry; // all the checks, and nothing is kept
};

struct import_outcome {
	uint64_t rows; // the four below together
	uint64_t skipped;
	uint32_t added;
	uint32_t changed;
	uint32_t unchanged;
	double seconds;
	bool is_dry; // nothing was kept
};

struct import;

// -EBUSY: another one runs. -ENOMEM, or what the store says.
int import_begin(struct ctl *ctl, const struct import_order *order, struct import **out);
// 0: go on. -EINVAL: a line is bad and that ends it; another -errno: it failed. The same result
// comes again from the calls that follow, which do nothing.
int import_feed(struct import *imp, const char *data, size_t len);
// The file is complete: publishes it, or undoes it if there was an error or the order was a dry
// run. Results as above; -EDQUOT: there would be more subscribers than the daemon has counters
// for. The report stays readable until import_destroy().
int import_finish(struct import *imp, struct import_outcome *outcome);
struct import_report *import_report(struct import *imp);
// Undoes what was not published and frees.
void import_destroy(struct import *imp);
