// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Importing texts, and looking at what came of it.

#pragma once

#include "ctl_fake.h"
#include "import_run.h"

extern const struct import_order all_or_nothing, skipping, dry;
// Of the last import; the report's lock is not to be used.
extern struct import_outcome outcome;
extern struct import_report report;

// Imports a text in pieces that cut lines.
int text_import(const char *text, const struct import_order *order);
uint32_t subscribers(void);
void expect_counts(uint32_t added, uint32_t changed, uint32_t unchanged, uint64_t skipped);
// Reads one back; STORE_ID_NONE when it is not there.
store_id subscriber_get(const char *impi, struct store_subscriber *sub);
void expect_services(store_set set, unsigned n);
void expect_bad(unsigned i, uint64_t line, const char *column, const char *why);
