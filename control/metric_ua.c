// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones over HTTP, and the key source.

#include <stdio.h>
#include <string.h>

#include "metric.h"
#include "metric_facts.h"

// --- Requests ---------------------------------------------------------------------------------

static void requests_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char code[12];

	for (unsigned p = 0; p <= UA_PROCEDURES; p++)
		for (unsigned i = 0; i < UA_RESULTS; i++) {
			snprintf(code, sizeof(code), "%u", ua_result_status((enum ua_result)i));
			metric_sample(m, sink, (double)f->ua.result[p][i],
				ua_procedure_name((enum ua_procedure)p), code,
				ua_result_name((enum ua_result)i), NULL);
		}
}

// "200 OK" is code 200.
static void items_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char code[4];

	for (unsigned p = 0; p < UA_PROCEDURES; p++)
		for (unsigned i = 0; i < UA_ITEM_CODES; i++) {
			snprintf(code, sizeof(code), "%.3s", ua_item_code((enum ua_item_code)i));
			metric_sample(m, sink, (double)f->ua.item[p][i],
				ua_procedure_name((enum ua_procedure)p), code, NULL);
		}
}

static void took_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned p = 0; p <= UA_PROCEDURES; p++)
		metric_times(
			m, sink, &f->ctl->meters.ua[p], ua_procedure_name((enum ua_procedure)p));
}

// --- Numbers ----------------------------------------------------------------------------------

static void fact_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	uint64_t value;

	memcpy(&value, (const char *)f + m->offset, sizeof(value));
	metric_sample(m, sink, (double)value, NULL);
}

static void busy_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)f->ua.busy_ns / 1e9, NULL);
}

// --- The key source ---------------------------------------------------------------------------

static void answers_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	static const char *const verdicts[] = {
		[KEY_KNOWN] = "known",
		[KEY_NOT_KNOWN] = "not-known",
		[KEY_NOT_AUTHORISED] = "not-authorised",
		[KEY_BUSY] = "busy",
	};

	for (unsigned i = 0; i <= KEY_BUSY; i++)
		metric_sample(m, sink, (double)f->key_source.answered[i], verdicts[i], NULL);
}

static void answered_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_times(m, sink, &f->ctl->meters.key_source, NULL);
}

#define UA(field) fact_collect, offsetof(struct metric_facts, ua.field)
#define KEY_SOURCE(field) fact_collect, offsetof(struct metric_facts, key_source.field)

const struct metric metric_ua_rows[] = {
	{"mskpush_ua_requests_total", METRIC_COUNTER, "procedure,code,result",
		"Requests of phones by procedure, HTTP status and what became of them",
		requests_collect, 0},
	{"mskpush_ua_items_total", METRIC_COUNTER, "procedure,code",
		"Services and MSKs of answered requests by the code of each", items_collect, 0},
	{"mskpush_ua_request_seconds", METRIC_HISTOGRAM, "procedure",
		"Requests of phones, from their first line to the reply", took_collect, 0},
	{"mskpush_ua_connections", METRIC_GAUGE, "", "Connections of phones that are open",
		UA(connections)},
	{"mskpush_ua_connections_accepted_total", METRIC_COUNTER, "", "Connections of phones",
		UA(connections_accepted)},
	{"mskpush_ua_connections_slow_total", METRIC_COUNTER, "",
		"Connections closed because a request took too long to arrive",
		UA(connections_slow)},
	{"mskpush_ua_connections_shed_total", METRIC_COUNTER, "",
		"Connections closed while idle, to make room for others", UA(connections_shed)},
	{"mskpush_ua_http_errors_total", METRIC_COUNTER, "",
		"Requests that are no HTTP, or whose header is too long", UA(http_errors)},
	{"mskpush_ua_waiting", METRIC_GAUGE, "",
		"Requests that wait for the key source or the store", UA(waiting)},
	{"mskpush_ua_pushes_ordered_total", METRIC_COUNTER, "",
		"MSKs that were ordered to be pushed after a request", UA(pushes_ordered)},
	{"mskpush_ua_digest_keys_made_total", METRIC_COUNTER, "",
		"Times a Digest key was not ready and had to be made", UA(ha1_made)},
	{"mskpush_ua_bodies_read_total", METRIC_COUNTER, "",
		"Times a body was not one that came before and had to be read", UA(bodies_read)},
	{"mskpush_ua_busy_seconds_total", METRIC_COUNTER, "",
		"Time that the threads of Ua worked, all together", busy_collect, 0},
	{"mskpush_key_source_asked_total", METRIC_COUNTER, "", "Questions sent to the key source",
		KEY_SOURCE(asked)},
	{"mskpush_key_source_coalesced_total", METRIC_COUNTER, "",
		"Requests that waited for a question of another one", KEY_SOURCE(coalesced)},
	{"mskpush_key_source_remembered_total", METRIC_COUNTER, "",
		"Requests answered by a verdict not-known of a moment ago", KEY_SOURCE(remembered)},
	{"mskpush_key_source_answers_total", METRIC_COUNTER, "verdict",
		"Answers of the key source; busy is also down, late, or without sense",
		answers_collect, 0},
	{"mskpush_key_source_seconds", METRIC_HISTOGRAM, "", "Questions to the key source",
		answered_collect, 0},
};
const size_t metric_ua_count = sizeof(metric_ua_rows) / sizeof(metric_ua_rows[0]);
