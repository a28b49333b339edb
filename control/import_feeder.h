// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Hands rows to the store while the parser goes on: two batches, of which one fills and the
// other is worked on by a thread of the feeder, which waits for the store writer.

#pragma once

#include "ctl.h"
#include "import_report.h"

struct import_feeder;

// is_skipping: bad rows are reported and left out, else the first one ends the import.
int import_feeder_create(struct ctl *ctl, struct store_import *imp, struct import_report *report,
	bool is_skipping, struct import_feeder **out);
// Drops what was not handed over, wipes the batches.
void import_feeder_destroy(struct import_feeder *feeder);

// Where the next row is to be written. Valid until it is taken.
struct store_subscriber *import_feeder_place(struct import_feeder *feeder);
// Takes the row in its place. -EINVAL: an earlier row was bad, the report tells; another -errno:
// the store failed.
int import_feeder_take(struct import_feeder *feeder, uint64_t line);
// Hands over what is there and waits until all has been worked on. Results as above.
int import_feeder_flush(struct import_feeder *feeder);
