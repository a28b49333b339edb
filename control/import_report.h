// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The bad lines of an import. They are found out of order, by the parser and, a batch later, by
// the store; the first ones in the order of the file are kept. Any thread.

#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "csv.h"

#define IMPORT_BAD_MAX 100

struct import_report {
	pthread_mutex_t lock;
	uint64_t bad; // all of them, kept or not
	unsigned kept;
	struct csv_error error[IMPORT_BAD_MAX]; // by line, ascending
};

void import_report_init(struct import_report *report);
void import_report_fini(struct import_report *report);
void import_report_add(struct import_report *report, const struct csv_error *error);
// Whether an error at this line would be kept: else its text need not be worked out.
bool import_report_wants(struct import_report *report, uint64_t line);
