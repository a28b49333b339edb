// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The daemon as a program: what it is, what it uses, its log, its API.

#include <stdio.h>
#include <string.h>

#include "meter.h"
#include "metric.h"
#include "metric_facts.h"

static void build_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, 1, MSKPUSH_VERSION, f->status.crypto, NULL);
}

static void number_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	double value;

	memcpy(&value, (const char *)f + m->offset, sizeof(value));
	metric_sample(m, sink, value, NULL);
}

static void count_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	uint64_t value;

	memcpy(&value, (const char *)f + m->offset, sizeof(value));
	metric_sample(m, sink, (double)value, NULL);
}

static void lines_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};

	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
		metric_sample(m, sink, (double)f->log.written[i], names[i], NULL);
}

static void answers_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	static const char *const names[] = {NULL, NULL, "2xx", NULL, "4xx", "5xx"};

	for (unsigned i = 2; i <= 5; i++)
		if (names[i] != NULL)
			metric_sample(m, sink,
				(double)atomic_load(&f->ctl->meters.admin_answers[i]), names[i],
				NULL);
}

static void admin_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_times(m, sink, &f->ctl->meters.admin);
}

static void settle_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_times(m, sink, &f->ctl->meters.settle);
}

static void reloads_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)atomic_load(&f->ctl->meters.reloads), NULL);
}

#define NUMBER(member) number_collect, offsetof(struct metric_facts, member)
#define COUNT(member) count_collect, offsetof(struct metric_facts, member)

const struct metric metric_process_rows[] = {
	{"mskpush_build_info", METRIC_GAUGE, "version,crypto",
		"1: the version, and the path that the CPU lets the crypto take", build_collect, 0},
	{"process_start_time_seconds", METRIC_GAUGE, "", "Start of the daemon, seconds since 1970",
		NUMBER(start_s)},
	{"process_cpu_seconds_total", METRIC_COUNTER, "", "CPU time the daemon has used",
		NUMBER(cpu_s)},
	{"process_resident_memory_bytes", METRIC_GAUGE, "", "Resident memory",
		NUMBER(resident_bytes)},
	{"process_virtual_memory_bytes", METRIC_GAUGE, "", "Address space", NUMBER(virtual_bytes)},
	{"process_open_fds", METRIC_GAUGE, "", "Open file descriptors", NUMBER(open_fds)},
	{"process_max_fds", METRIC_GAUGE, "", "Most file descriptors there may be",
		NUMBER(max_fds)},
	{"mskpush_log_lines_total", METRIC_COUNTER, "level", "Lines of the log", lines_collect, 0},
	{"mskpush_log_suppressed_total", METRIC_COUNTER, "",
		"Lines not written because their event came too often", COUNT(log.suppressed)},
	{"mskpush_log_lost_total", METRIC_COUNTER, "",
		"Lines that nobody took: a full disk, a reader that is stuck", COUNT(log.lost)},
	{"mskpush_audit_lines_total", METRIC_COUNTER, "", "Lines of the audit log",
		COUNT(audit.written)},
	{"mskpush_audit_lost_total", METRIC_COUNTER, "",
		"Lines of the audit log that could not be written", COUNT(audit.lost)},
	{"mskpush_admin_answers_total", METRIC_COUNTER, "code",
		"Answers of the admin API by the class of their status", answers_collect, 0},
	{"mskpush_admin_call_seconds", METRIC_HISTOGRAM, "",
		"Calls of the admin API, from the header to the reply", admin_collect, 0},
	{"mskpush_settle_seconds", METRIC_HISTOGRAM, "",
		"Steps of the main loop, ten a second: events, counts, commits", settle_collect, 0},
	{"mskpush_reloads_total", METRIC_COUNTER, "", "Times the configuration was read again",
		reloads_collect, 0},
};
const size_t metric_process_count = sizeof(metric_process_rows) / sizeof(metric_process_rows[0]);
