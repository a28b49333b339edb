// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "http.h"
#include "print.h"
#include "verbs.h"

#include <stdio.h>

#define MEASURE_MS 1000

static void counters_add(
	struct table *t, const char *family, const json_t *counters, bool has_zeros)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)counters, name, value)
	{
		if (json_integer_value(value) == 0 && !has_zeros)
			continue;
		table_format(t, "%s%s%s", family, family[0] != '\0' ? " " : "", name);
		table_number(t, (uint64_t)json_integer_value(value));
	}
}

static void workers_print(const json_t *workers)
{
	static const struct table_column columns[] = {{"CPU", true}, {"PUSHES", true},
		{"VERIFIED", true}, {"RECEIVED", true}, {"SENT", true}, {"TURNS", true},
		{"SLEEPS", true}};
	static const char *const names[] = {
		"cpu", "pushes", "verified", "rx_frames", "tx_frames", "turns", "sleeps"};
	const json_t *worker;
	struct table t;
	size_t i;

	table_begin(&t, columns, 7);
	json_array_foreach(workers, i, worker)
	{
		for (unsigned k = 0; k < 7; k++)
			table_number(&t, number_at(worker, names[k]));
	}
	table_end(&t);
}

static void stages_print(const json_t *stages)
{
	static const struct table_column columns[] = {
		{"STAGE", false}, {"ITEMS", true}, {"CYCLES", true}, {"CYCLES/ITEM", true}};
	const json_t *stage;
	struct table t;
	size_t i;

	table_begin(&t, columns, 4);
	json_array_foreach(stages, i, stage)
	{
		table_text(&t, text_at(stage, "name"));
		table_number(&t, number_at(stage, "items"));
		table_number(&t, number_at(stage, "cycles"));
		table_format(&t, "%.1f", real_at(stage, "cycles_per_item"));
	}
	table_end(&t);
}

// Of the phones' side: a line for each procedure and outcome, then what is counted once.
static void ua_add(struct table *t, const json_t *ua)
{
	const char *families[] = {"requests", "items"}, *name;
	json_t *value;
	char family[64];

	for (unsigned i = 0; i < 2; i++) {
		json_object_foreach((json_t *)value_at(ua, families[i]), name, value)
		{
			snprintf(family, sizeof(family), "ua %.32s", name);
			counters_add(t, family, value, false);
		}
	}
	json_object_foreach((json_t *)ua, name, value)
	{
		if (!json_is_integer(value))
			continue;
		table_format(t, "ua %s", name);
		table_number(t, (uint64_t)json_integer_value(value));
	}
	counters_add(t, "key source", value_at(ua, "key_source"), true);
}

static void stats_print(const json_t *stats, bool has_stages)
{
	struct table t;

	table_begin_pairs(&t);
	counters_add(&t, "", value_at(stats, "counters"), true);
	counters_add(&t, "drop", value_at(stats, "drops"), false);
	counters_add(&t, "mikey", value_at(stats, "mikey"), false);
	ua_add(&t, value_at(stats, "ua"));
	table_end(&t);
	putchar('\n');
	workers_print(value_at(stats, "workers"));
	if (has_stages) {
		putchar('\n');
		stages_print(value_at(stats, "stages"));
	}
}

static int measure_set(struct cli *cli, bool is_on)
{
	json_t *answer;
	int err = http_call(cli, "POST", "/v1/stats/stages",
		json_pack("{s:b}", "measure", (int)is_on), &answer);

	json_decref(answer);
	return err;
}

int stats_run(struct cli *cli, const struct cli_args *args)
{
	bool has_stages = args->option[OPT_STAGES] != NULL;
	json_t *stats = NULL;
	int err = 0;

	if (has_stages) {
		interrupt_catch();
		err = measure_set(cli, true);
		if (err == 0)
			interrupt_sleep_ms(MEASURE_MS);
	}
	if (err == 0)
		err = http_call(cli, "GET", "/v1/stats", NULL, &stats);
	if (err == 0 && has_stages)
		err = measure_set(cli, false);
	if (err == 0 && cli->is_json)
		cli_print_json(stats);
	else if (err == 0)
		stats_print(stats, has_stages);
	json_decref(stats);
	return err;
}
