// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of key groups; messages that left are counted by the dataplane, too.

#include "bearer.h"
#include "event.h"
#include "metric.h"
#include "metric_facts.h"

static void on_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->mtk.on, NULL);
}

static void waiting_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->mtk.waiting, NULL);
}

static void switching_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->mtk.switching, NULL);
}

static void left_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->mtk.ids_left_least, NULL);
}

static void made_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)f->mtk.made, NULL);
}

static void verdict_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned i = 0; i < DP_MTK_VERDICTS; i++)
		metric_sample(m, sink, (double)f->mtk.verdict[i], dp_mtk_verdict_name(i), NULL);
}

const struct metric metric_mtk_rows[] = {
	{"mskpush_mtk_groups", METRIC_GAUGE, "", "Key groups whose MTKs are sent", on_collect, 0},
	{"mskpush_mtk_groups_waiting", METRIC_GAUGE, "",
		"Of them, those that get no new MTKs: no MSK, a restored one, or no MTK IDs left",
		waiting_collect, 0},
	{"mskpush_mtk_groups_switching", METRIC_GAUGE, "",
		"Key groups that change their MSK, or wait for members to have it",
		switching_collect, 0},
	{"mskpush_mtk_ids_left", METRIC_GAUGE, "",
		"MTK IDs left under the MSK that has fewest, 65535 when none is in use",
		left_collect, 0},
	{"mskpush_mtks_made_total", METRIC_COUNTER, "", "MTKs that were drawn", made_collect, 0},
	{"mskpush_mtk_orders_total", METRIC_COUNTER, "verdict",
		"MTK messages that were ordered, by what became of them", verdict_collect, 0},
};
const size_t metric_mtk_count = sizeof(metric_mtk_rows) / sizeof(metric_mtk_rows[0]);
