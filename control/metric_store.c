// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The store, its writer, and the MUKs in it.

#include <stdio.h>
#include <string.h>

#include "meter.h"
#include "metric.h"
#include "metric_facts.h"
#include "writer_thread.h"

static void fact_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	uint64_t value;

	memcpy(&value, (const char *)f + m->offset, sizeof(value));
	metric_sample(m, sink, (double)value, NULL);
}

static void readers_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->store.readers, NULL);
}

static void commit_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_times(m, sink, &f->ctl->meters.commit);
}

static void failed_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)atomic_load(&f->ctl->meters.commits_failed), NULL);
}

static void waiting_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, writer_waiting(f->ctl->writer), NULL);
}

static void expiring_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char day[12];

	for (unsigned i = 0; i < METER_DAYS; i++) {
		snprintf(day, sizeof(day), "%u", i);
		metric_sample(m, sink, (double)f->expires_in[i], day, NULL);
	}
}

#define FACT(member) fact_collect, offsetof(struct metric_facts, member)

const struct metric metric_store_rows[] = {
	{"mskpush_store_map_bytes", METRIC_GAUGE, "", "Size of the store, set aside on disk",
		FACT(store.map_bytes)},
	{"mskpush_store_used_bytes", METRIC_GAUGE, "", "Octets of the store that are in use",
		FACT(store.used_bytes)},
	{"mskpush_store_commits_total", METRIC_COUNTER, "",
		"Number of the store's last commit, counted since it was made",
		FACT(store.version)},
	{"mskpush_store_readers", METRIC_GAUGE, "", "Slots of the store's readers in use",
		readers_collect, 0},
	{"mskpush_store_damaged_blocks", METRIC_GAUGE, "",
		"Blocks of records that were refused because they are damaged", FACT(damaged)},
	{"mskpush_store_commit_seconds", METRIC_HISTOGRAM, "",
		"Durable commits of the store's writer", commit_collect, 0},
	{"mskpush_store_commits_failed_total", METRIC_COUNTER, "",
		"Commits that failed with all that was in them", failed_collect, 0},
	{"mskpush_store_writer_waiting", METRIC_GAUGE, "", "Jobs that wait for the store's writer",
		waiting_collect, 0},
	{"mskpush_subscribers", METRIC_GAUGE, "", "Subscribers in the store", FACT(subscribers)},
	{"mskpush_services", METRIC_GAUGE, "", "User services in the store", FACT(services)},
	{"mskpush_groups", METRIC_GAUGE, "", "Key groups in the store", FACT(groups)},
	{"mskpush_muks_expired", METRIC_GAUGE, "",
		"Subscribers whose MUK has expired, counted at most once a minute", FACT(expired)},
	{"mskpush_muks_expiring", METRIC_GAUGE, "day",
		"Subscribers whose MUK expires in that many days, counted at most once a minute",
		expiring_collect, 0},
	{"mskpush_muks_later", METRIC_GAUGE, "",
		"Subscribers whose MUK expires later than in 30 days, counted at most once a "
		"minute",
		FACT(expires_later)},
	{"mskpush_muks_none", METRIC_GAUGE, "",
		"Subscribers without MUK, counted at most once a minute", FACT(without_muk)},
};
const size_t metric_store_count = sizeof(metric_store_rows) / sizeof(metric_store_rows[0]);
