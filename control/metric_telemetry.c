// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The metrics once more, through DPDK's telemetry: /mskpush/drops_total answers with an object
// whose keys are the values of the labels; /mskpush/pushes_total with {"value": n}.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp.h"
#include "metric.h"
#include "metric_facts.h"

#define PREFIX "/mskpush/"
#define OWN "mskpush_" // that names of ours begin with

struct telemetry_sink {
	struct metric_sink sink;
	struct dp_telemetry *out;
};

// Label values in their order, and for histograms the bucket or what it is.
static void telemetry_put(struct metric_sink *sink, const struct metric *metric, const char *suffix,
	const char *const (*labels)[2], double value)
{
	char key[128] = "";
	size_t n = 0;

	(void)metric;
	for (unsigned i = 0; labels[i][0] != NULL && n < sizeof(key); i++)
		n += (size_t)snprintf(
			key + n, sizeof(key) - n, "%s%s", i > 0 ? "/" : "", labels[i][1]);
	if (n == 0)
		snprintf(key, sizeof(key), "%s", suffix[0] == '_' ? suffix + 1 : "value");
	dp_telemetry_add(((struct telemetry_sink *)sink)->out, key, value);
}

static void command_name(const struct metric *metric, char out[64])
{
	const char *name = metric->name;

	if (strncmp(name, OWN, strlen(OWN)) == 0)
		name += strlen(OWN);
	snprintf(out, 64, PREFIX "%s", name);
}

// In DPDK's thread.
static void answer(void *arg, const char *command, struct dp_telemetry *out)
{
	struct telemetry_sink sink = {.sink = {telemetry_put}, .out = out};
	struct metric_facts *facts = metric_facts_collect(arg);
	const struct metric *metric;
	char name[64];

	for (size_t i = 0; facts != NULL && (metric = metric_at(i)) != NULL; i++) {
		command_name(metric, name);
		if (strcmp(name, command) == 0)
			metric->collect(metric, facts, &sink.sink);
	}
	free(facts);
}

int metric_telemetry_start(struct ctl *ctl)
{
	const struct metric *metric;
	char name[64];
	int ret = 0;

	for (size_t i = 0; ret == 0 && (metric = metric_at(i)) != NULL; i++) {
		command_name(metric, name);
		ret = dp_telemetry_command(name, metric->help);
	}
	if (ret == 0)
		dp_telemetry_serve(answer, ctl);
	return ret;
}

void metric_telemetry_stop(struct ctl *ctl)
{
	(void)ctl;
	dp_telemetry_serve(NULL, NULL);
}
