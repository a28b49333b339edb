// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The tables of metrics: their names, their page, their labels.

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric.h"
#include "metric_facts.h"
#include "site.h"
#include "test.h"

static const char *page; // docs/metrics.md

// --- Names and page ---------------------------------------------------------------------------

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void names_follow_the_rules_of_prometheus(void **state)
{
	const struct metric *metric;

	(void)state;
	for (size_t i = 0; (metric = metric_at(i)) != NULL; i++) {
		assert_ptr_equal(metric_find(metric->name), metric); // no name twice
		assert_true(strncmp(metric->name, "mskpush_", 8) == 0 ||
			strncmp(metric->name, "process_", 8) == 0);
		for (const char *c = metric->name; *c != '\0'; c++)
			assert_true(islower((unsigned char)*c) || *c == '_');
		assert_int_equal(metric->type == METRIC_COUNTER, ends_with(metric->name, "_total"));
		if (metric->type == METRIC_HISTOGRAM)
			assert_true(ends_with(metric->name, "_seconds"));
		assert_true(strlen(metric->help) > 5);
		assert_false(ends_with(metric->help, "."));
		assert_null(strchr(metric->help, '\\'));
	}
	assert_true(metric_find("mskpush_nothing") == NULL);
}

static void every_metric_has_its_row_of_the_page(void **state)
{
	const struct metric *metric;
	char wanted[512], line[1024];
	size_t rows = 0, i;

	(void)state;
	for (i = 0; (metric = metric_at(i)) != NULL; i++) {
		FILE *file = fopen(page, "r");
		bool is_found = false;

		assert_non_null(file);
		snprintf(wanted, sizeof(wanted), "| `%s` | %s | %s | %s |\n", metric->name,
			metric_type_name(metric->type), metric->labels, metric->help);
		rows = 0;
		while (fgets(line, sizeof(line), file) != NULL) {
			is_found |= strcmp(line, wanted) == 0;
			rows += strncmp(line, "| `", 3) == 0;
		}
		fclose(file);
		if (!is_found)
			fail_msg("%s lacks: %s", page, wanted);
	}
	assert_int_equal(rows, i);
}

// How many fields, one behind the other, a metric shows as its series.
static unsigned fields_of(const struct metric *metric)
{
	if (strcmp(metric->name, "mskpush_singles_ended_total") == 0)
		return 4;
	if (strcmp(metric->name, "mskpush_neighbour_messages_total") == 0)
		return 6;
	return strcmp(metric->name, "mskpush_unreachable_total") == 0 ? 2 : 1;
}

// A field that is added to struct dp_stats has to become a metric.
static void every_number_of_the_workers_is_a_metric(void **state)
{
	const struct metric *metric;
	bool is_there[sizeof(struct dp_stats) / 8] = {false};

	(void)state;
	for (size_t i = 0; i < metric_dataplane_count; i++) {
		metric = &metric_dataplane_rows[i];
		for (unsigned k = 0; k < fields_of(metric); k++)
			is_there[metric->offset / 8 + k] = true;
	}
	for (size_t at = 0; at < offsetof(struct dp_stats, drop); at += 8)
		if (!is_there[at / 8])
			fail_msg("no metric for octet %zu of struct dp_stats", at);
	assert_true(is_there[offsetof(struct dp_stats, turns) / 8]);
	assert_true(is_there[offsetof(struct dp_stats, sleeps) / 8]);
}

// --- Movement ---------------------------------------------------------------------------------

// A metric of a name that a port might have.
struct sum_sink {
	struct metric_sink sink;
	double sum;
};

static void sum_put(struct metric_sink *sink, const struct metric *metric, const char *suffix,
	const char *const (*labels)[2], double value)
{
	(void)metric;
	(void)suffix;
	(void)labels;
	((struct sum_sink *)sink)->sum += value;
}

// Each row shows what its source has, and only that.
static void metrics_of_phones_show_all_that_is_counted_of_them(void **state)
{
	struct metric_facts *facts = calloc(1, sizeof(*facts));
	uint64_t *ua = (uint64_t *)&facts->ua, *key_source = (uint64_t *)&facts->key_source;
	struct site *s = *state;
	double sum = 0, wanted = 0;

	facts->ctl = &s->ctl;
	for (size_t i = 0; i < sizeof(facts->ua) / 8; i++)
		wanted += (double)(ua[i] = 1000 + i);
	for (int i = 0; i < UA_LATENCIES; i++) { // the governor's alone
		wanted -= (double)facts->ua.latency[i];
		facts->ua.latency[i] = 0;
	}
	wanted += 5 - (double)facts->ua.busy_ns;
	facts->ua.busy_ns = 5000000000;
	for (size_t i = 0; i < sizeof(facts->key_source) / 8; i++)
		wanted += (double)(key_source[i] = 100000 + i);
	memset(&s->ctl.meters, 0, sizeof(s->ctl.meters));
	atomic_store(&s->ctl.meters.ua[2].bucket[3], 5);
	atomic_store(&s->ctl.meters.key_source.bucket[METER_BUCKETS - 1], 7);
	for (size_t i = 0; i < metric_ua_count; i++) {
		struct sum_sink sink = {.sink = {sum_put}};

		metric_ua_rows[i].collect(&metric_ua_rows[i], facts, &sink.sink);
		assert_true(sink.sum > 0);
		if (metric_ua_rows[i].type != METRIC_HISTOGRAM)
			sum += sink.sum;
		else if (strcmp(metric_ua_rows[i].labels, "") != 0)
			assert_true(sink.sum == 5 * (METER_BUCKETS - 3 + 1));
		else
			assert_true(sink.sum == 7 * 2);
	}
	assert_true(sum == wanted);
	free(facts);
}

static void odd_collect(
	const struct metric *m, const struct metric_facts *facts, struct metric_sink *sink)
{
	(void)facts;
	metric_sample(m, sink, 0.25, "a\"b\\c\nd", "x", NULL);
}

static const char *seen_name, *seen_value;
static double seen;

static void odd_put(struct metric_sink *sink, const struct metric *metric, const char *suffix,
	const char *const (*labels)[2], double value)
{
	(void)sink;
	(void)metric;
	(void)suffix;
	seen_name = strdup(labels[1][0]);
	seen_value = labels[1][1];
	seen = value;
	assert_null(labels[2][0]);
}

static void labels_get_their_values_in_order(void **state)
{
	const struct metric odd = {"mskpush_odd", METRIC_GAUGE, "one,two", "odd", odd_collect, 0};
	struct metric_sink sink = {odd_put};

	(void)state;
	odd.collect(&odd, NULL, &sink);
	assert_string_equal(seen_name, "two");
	assert_string_equal(seen_value, "x");
	assert_true(seen == 0.25);
	free((char *)(uintptr_t)seen_name);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_rules_of_prometheus),
		cmocka_unit_test(every_metric_has_its_row_of_the_page),
		cmocka_unit_test(every_number_of_the_workers_is_a_metric),
		cmocka_unit_test_setup_teardown(
			metrics_of_phones_show_all_that_is_counted_of_them, site_up, site_down),
		cmocka_unit_test(labels_get_their_values_in_order),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s METRICS.MD\n", argv[0]);
		return 2;
	}
	page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
