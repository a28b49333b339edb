// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "series.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_US 1000000
#define ROWS_MAX 86400

static const char *const names[UE_SERIES_COUNT] = {
#define UE_SERIES(NAME, name, text) name,
#include "series.def"
#undef UE_SERIES
};

void ue_series_fini(struct ue_series *series)
{
	free(series->rows);
	*series = (struct ue_series){.rows = NULL};
}

// Room for one more row; NULL when there is none.
static struct ue_series_row *row_add(struct ue_series *series)
{
	uint32_t room = series->room != 0 ? 2 * series->room : 64;
	struct ue_series_row *grown;

	if (series->row_count >= ROWS_MAX)
		return NULL;
	if (series->row_count == series->room) {
		grown = reallocarray(series->rows, room, sizeof(*grown));
		if (grown == NULL)
			return NULL;
		series->rows = grown;
		series->room = room;
	}
	return &series->rows[series->row_count++];
}

// What the second has brought that runs, or has ended and was not sampled yet.
static struct ue_series_row row_of(
	const struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT])
{
	struct ue_series_row row = {
		.second = (uint32_t)((series->due - series->since_mono) / SECOND_US - 1)};

	for (int i = 0; i < UE_SERIES_COUNT; i++)
		row.counts[i] = (uint32_t)(totals[i] - series->totals[i]);
	return row;
}

static bool has_news(const struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT])
{
	return series->since_mono != 0 &&
		memcmp(totals, series->totals, sizeof(series->totals)) != 0;
}

void ue_series_add(
	struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT], const struct ue_now *now)
{
	struct ue_series_row *row;
	int64_t elapsed;

	if (has_news(series, totals)) {
		row = row_add(series);
		if (row != NULL)
			*row = row_of(series, totals);
	} else if (series->since_mono == 0) {
		series->since_mono = now->mono;
		series->since_wall = now->wall;
	}
	memcpy(series->totals, totals, sizeof(series->totals));
	elapsed = now->mono - series->since_mono;
	series->due = series->since_mono + (elapsed / SECOND_US + 1) * SECOND_US;
}

static json_t *row_json(const struct ue_series_row *row)
{
	json_t *list = json_array();

	json_array_append_new(list, json_integer((json_int_t)row->second));
	for (int i = 0; i < UE_SERIES_COUNT; i++)
		json_array_append_new(list, json_integer((json_int_t)row->counts[i]));
	return list;
}

json_t *ue_series_report(const struct ue_series *series, const uint64_t totals[UE_SERIES_COUNT])
{
	json_t *columns = json_array(), *rows = json_array();
	struct ue_series_row last = row_of(series, totals);

	for (int i = 0; i < UE_SERIES_COUNT; i++)
		json_array_append_new(columns, json_string(names[i]));
	for (uint32_t i = 0; i < series->row_count; i++)
		json_array_append_new(rows, row_json(&series->rows[i]));
	if (has_news(series, totals))
		json_array_append_new(rows, row_json(&last));
	return json_pack("{s:I, s:o, s:o}", "since", (json_int_t)series->since_wall, "columns",
		columns, "rows", rows);
}
