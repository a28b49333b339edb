// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What happened second by second, taken from counters that only rise. Seconds in which nothing
// happened take no room.

#pragma once

#include <jansson.h>

#include "ue.h"

enum ue_series_column {
#define UE_SERIES(NAME, name, text) UE_SERIES_##NAME,
#include "series.def"
#undef UE_SERIES
	UE_SERIES_COUNT
};

struct ue_series_row {
	uint32_t second; // since the first sample
	uint32_t counts[UE_SERIES_COUNT];
};

struct ue_series {
	struct ue_series_row *rows;
	uint32_t row_count;
	uint32_t room;
	int64_t since_mono; // 0: nothing was sampled yet
	int64_t since_wall;
	int64_t due; // end of the second that runs
	uint64_t totals[UE_SERIES_COUNT]; // at the last sample
};

void ue_series_fini(struct ue_series *series);
// True when a second is over.
static inline bool ue_series_is_due(const struct ue_series *series, const struct ue_now *now)
{
	return now->mono >= series->due;
}
// Takes a sample. Without memory, or after a day's worth of seconds, it is not kept.
void ue_series_add(
	struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT], const struct ue_now *now);
// {"since": microseconds of Unix time, "columns": [...], "rows": [[second, count, ...], ...]}, with
// what has happened up to now.
json_t *ue_series_report(const struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT]);
