// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The state of a site as JSON, for the control socket and the final report. The caller owns what
// is returned; NULL when memory is out.

#pragma once

#include <jansson.h>
#include <stdio.h>

#include "site.h"

// Counts, refusals, findings and the MSKs that phones hold.
json_t *ue_report_status(const struct ue_site *site, const struct ue_now *now);
// The status, and for each key group its newest MSK with the key itself: phones may show keys.
json_t *ue_report_final(const struct ue_site *site, const struct ue_now *now);
// Which way phones got these MSKs, as a table for people.
void ue_report_table(const struct ue_site *site, FILE *out);
// Everything about one phone except its keys.
json_t *ue_report_phone(const struct ue_site *site, uint32_t phone);
