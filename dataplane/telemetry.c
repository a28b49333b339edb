// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// DPDK's telemetry knows no argument for its callbacks, and commands stay until the process ends:
// who answers is kept here.

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_telemetry.h>

#include "dp.h"

struct dp_telemetry {
	struct rte_tel_data *data;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*answerer)(void *arg, const char *command, struct dp_telemetry *out);
static void *answerer_arg;

static int on_command(const char *command, const char *params, struct rte_tel_data *data)
{
	struct dp_telemetry out = {data};

	(void)params;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (answerer != NULL)
		answerer(answerer_arg, command, &out);
	pthread_mutex_unlock(&lock);
	return 0;
}

int dp_telemetry_command(const char *command, const char *help)
{
	return rte_telemetry_register_cmd(command, on_command, help);
}

void dp_telemetry_serve(
	void (*answer)(void *arg, const char *command, struct dp_telemetry *out), void *arg)
{
	pthread_mutex_lock(&lock);
	answerer = answer;
	answerer_arg = arg;
	pthread_mutex_unlock(&lock);
}

// Fractions have no number type there. What goes beyond the room of an answer is left out.
void dp_telemetry_add(struct dp_telemetry *out, const char *key, double value)
{
	char name[RTE_TEL_MAX_STRING_LEN], text[32];
	size_t n = 0;

	for (; key[n] != '\0' && n < sizeof(name) - 1; n++)
		name[n] = isalnum((unsigned char)key[n]) || key[n] == '/' ? key[n] : '_';
	name[n] = '\0';
	if (value >= 0 && value == floor(value) && value < 18e18) {
		rte_tel_data_add_dict_u64(out->data, name, (uint64_t)value);
		return;
	}
	snprintf(text, sizeof(text), "%.9g", value);
	rte_tel_data_add_dict_string(out->data, name, text);
}
