// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"
#include "metric_facts.h"

static struct metric_table table_at(size_t i)
{
	switch (i) {
	case 0:
		return (struct metric_table){metric_process_rows, metric_process_count};
	case 1:
		return (struct metric_table){metric_campaign_rows, metric_campaign_count};
	case 2:
		return (struct metric_table){metric_dataplane_rows, metric_dataplane_count};
	case 3:
		return (struct metric_table){metric_network_rows, metric_network_count};
	case 4:
		return (struct metric_table){metric_ua_rows, metric_ua_count};
	case 5:
		return (struct metric_table){metric_store_rows, metric_store_count};
	case 6:
		return (struct metric_table){metric_mtk_rows, metric_mtk_count};
	default:
		return (struct metric_table){NULL, 0};
	}
}

const struct metric *metric_at(size_t index)
{
	for (size_t i = 0; table_at(i).rows != NULL; i++) {
		if (index < table_at(i).n)
			return &table_at(i).rows[index];
		index -= table_at(i).n;
	}
	return NULL;
}

const struct metric *metric_find(const char *name)
{
	const struct metric *metric;

	for (size_t i = 0; (metric = metric_at(i)) != NULL; i++)
		if (strcmp(metric->name, name) == 0)
			return metric;
	return NULL;
}

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {"counter", "gauge", "histogram"};

	return names[type];
}

// --- Samples ----------------------------------------------------------------------------------

#define NAME_MAX_BYTES 32

// Pairs the row's names with values; returns how many.
static unsigned labels_pair(const struct metric *metric, const char *const values[],
	char names[METRIC_LABELS_MAX][NAME_MAX_BYTES], const char *(*out)[2])
{
	const char *at = metric->labels;
	unsigned n = 0;

	while (*at != '\0' && n < METRIC_LABELS_MAX && values[n] != NULL) {
		size_t len = strcspn(at, ",");

		snprintf(names[n], NAME_MAX_BYTES, "%.*s", (int)len, at);
		out[n][0] = names[n];
		out[n][1] = values[n];
		n++;
		at += len + (at[len] == ',');
	}
	return n;
}

static void sample_put(const struct metric *metric, struct metric_sink *sink, const char *suffix,
	const char *const values[], const char *le, double value)
{
	char names[METRIC_LABELS_MAX][NAME_MAX_BYTES];
	const char *labels[METRIC_LABELS_MAX + 2][2] = {{NULL, NULL}};
	unsigned n = labels_pair(metric, values, names, labels);

	if (le != NULL) {
		labels[n][0] = "le";
		labels[n][1] = le;
	}
	sink->put(sink, metric, suffix, (const char *const(*)[2])labels, value);
}

void metric_sample(const struct metric *metric, struct metric_sink *sink, double value, ...)
{
	const char *values[METRIC_LABELS_MAX + 1] = {NULL};
	va_list args;

	va_start(args, value);
	for (unsigned i = 0; i < METRIC_LABELS_MAX; i++) {
		values[i] = va_arg(args, const char *);
		if (values[i] == NULL)
			break;
	}
	va_end(args);
	sample_put(metric, sink, "", values, NULL, value);
}

void metric_times(const struct metric *metric, struct metric_sink *sink,
	const struct meter_times *times, const char *value)
{
	const char *const values[] = {value, NULL};
	uint64_t count = 0;
	char le[32];

	for (unsigned i = 0; i < METER_BUCKETS; i++) {
		if (i < METER_BUCKETS - 1)
			snprintf(le, sizeof(le), "%g", meter_bounds[i]);
		else
			snprintf(le, sizeof(le), "+Inf");
		count += atomic_load(&times->bucket[i]);
		sample_put(metric, sink, "_bucket", values, le, (double)count);
	}
	sample_put(metric, sink, "_sum", values, NULL, (double)atomic_load(&times->sum_ns) / 1e9);
	sample_put(metric, sink, "_count", values, NULL, (double)count);
}

// --- Text -------------------------------------------------------------------------------------

struct text_sink {
	struct metric_sink sink;
	FILE *out;
};

static void label_print(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

static void text_put(struct metric_sink *sink, const struct metric *metric, const char *suffix,
	const char *const (*labels)[2], double value)
{
	FILE *out = ((struct text_sink *)sink)->out;

	fprintf(out, "%s%s", metric->name, suffix);
	for (unsigned i = 0; labels[i][0] != NULL; i++) {
		fprintf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i][0]);
		label_print(out, labels[i][1]);
		fputc('"', out);
	}
	if (labels[0][0] != NULL)
		fputc('}', out);
	if (value == floor(value) && fabs(value) < 1e18)
		fprintf(out, " %.0f\n", value);
	else
		fprintf(out, " %.9g\n", value);
}

char *metric_text(struct ctl *ctl)
{
	struct text_sink sink = {.sink = {text_put}};
	struct metric_facts *facts = metric_facts_collect(ctl);
	const struct metric *metric;
	char *text = NULL;
	size_t size;

	if (facts == NULL)
		return NULL;
	sink.out = open_memstream(&text, &size);
	for (size_t i = 0; sink.out != NULL && (metric = metric_at(i)) != NULL; i++) {
		fprintf(sink.out, "# HELP %s %s.\n# TYPE %s %s\n", metric->name, metric->help,
			metric->name, metric_type_name(metric->type));
		metric->collect(metric, facts, &sink.sink);
	}
	if (sink.out != NULL && fclose(sink.out) != 0) {
		free(text);
		text = NULL;
	}
	free(facts);
	return text;
}
