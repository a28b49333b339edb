// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Metrics: tables of rows that name each of them, say what it is, and where it comes from. The
// text for Prometheus, the answers of DPDK's telemetry and the check of docs/metrics.md all come
// from the tables. To add metrics, add a row to a table; to add a subject, add a table to metric.c.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl.h"

enum metric_type {
	METRIC_COUNTER, // only grows while the daemon runs
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

#define METRIC_LABELS_MAX 4

struct metric;
struct metric_facts;

// Where samples go. Functions below hand each sample to put().
struct metric_sink {
	// suffix: of the name, as "_bucket". labels: names and values, NULL ends.
	void (*put)(struct metric_sink *sink, const struct metric *metric, const char *suffix,
		const char *const (*labels)[2], double value);
};

struct metric {
	const char *name;
	enum metric_type type;
	const char *labels; // names, with commas between; "" when it has none
	const char *help; // a sentence without its full stop
	void (*collect)(const struct metric *metric, const struct metric_facts *facts,
		struct metric_sink *sink);
	size_t offset; // of the source, for collectors that serve many rows
};

struct metric_table {
	const struct metric *rows;
	size_t n;
};
extern const struct metric metric_dataplane_rows[], metric_campaign_rows[], metric_store_rows[],
	metric_process_rows[], metric_network_rows[], metric_ua_rows[], metric_mtk_rows[];
extern const size_t metric_dataplane_count, metric_campaign_count, metric_store_count,
	metric_process_count, metric_network_count, metric_ua_count, metric_mtk_count;

// All rows, in the order of the tables: index from 0; NULL at the end.
const struct metric *metric_at(size_t index);
const struct metric *metric_find(const char *name);
const char *metric_type_name(enum metric_type type);

// --- For collectors ---------------------------------------------------------------------------

// One sample; values of the labels in the order of the row's names, NULL ends.
void metric_sample(const struct metric *metric, struct metric_sink *sink, double value, ...)
	__attribute__((sentinel));
struct meter_times;
// A histogram; value: of the row's label, NULL when it has none.
void metric_times(const struct metric *metric, struct metric_sink *sink,
	const struct meter_times *times, const char *value);

// --- For readers ------------------------------------------------------------------------------

// Prometheus' text format, version 0.0.4. Owned by the caller; NULL: no memory.
#define METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
char *metric_text(struct ctl *ctl);

// DPDK's telemetry (metric_telemetry.c): /mskpush/NAME for each metric, with labels as keys.
int metric_telemetry_start(struct ctl *ctl); // once, after dp_start()
void metric_telemetry_stop(struct ctl *ctl);
