// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns: those that are open one by one, all of them in sums.

#include <stdio.h>

#include "campaign_run.h"
#include "meter.h"
#include "metric.h"
#include "metric_facts.h"

#define STALLS (DP_STALL_PAUSED + 1)

static void open_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)f->campaigns, NULL);
}

static void ended_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	struct meters *meters = &f->ctl->meters;

	metric_sample(m, sink, (double)atomic_load(&meters->campaigns_done), "done", NULL);
	metric_sample(m, sink, (double)atomic_load(&meters->campaigns_aborted), "aborted", NULL);
}

static void started_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)atomic_load(&f->ctl->meters.campaigns_started), NULL);
}

static void id_text(const struct campaign_view *view, char out[12])
{
	snprintf(out, 12, "%u", view->record.id);
}

static void members_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char id[12];

	for (size_t i = 0; i < f->campaigns; i++) {
		const struct campaign_view *view = &f->campaign[i];
		const char *group = f->group[i];

		id_text(view, id);
		metric_sample(m, sink, view->record.verified, id, group, "verified", NULL);
		metric_sample(m, sink, view->record.given_up, id, group, "given-up", NULL);
		metric_sample(m, sink, view->record.refused, id, group, "refused", NULL);
		metric_sample(m, sink, view->pending, id, group, "pending", NULL);
	}
}

static void refused_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char id[12];

	for (size_t i = 0; i < f->campaigns; i++) {
		id_text(&f->campaign[i], id);
		for (unsigned why = 1; why < CAMPAIGN_REASONS; why++)
			if (f->campaign[i].refused_by[why] != 0)
				metric_sample(m, sink, f->campaign[i].refused_by[why], id,
					f->group[i], dp_refusal_name(why), NULL);
	}
}

enum figure {
	FIGURE_PUSHES,
	FIGURE_ROUND,
	FIGURE_RATE,
	FIGURE_SECONDS,
};

static double figure_of(const struct campaign_view *view, enum figure figure)
{
	switch (figure) {
	case FIGURE_PUSHES:
		return (double)view->record.pushes;
	case FIGURE_ROUND:
		return view->record.round;
	case FIGURE_RATE:
		return view->record.rate;
	case FIGURE_SECONDS:
		return ((double)campaign_now_ms() - (double)view->record.started_ms) / 1000;
	}
	return 0;
}

static void figure_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char id[12];

	for (size_t i = 0; i < f->campaigns; i++) {
		id_text(&f->campaign[i], id);
		metric_sample(m, sink, figure_of(&f->campaign[i], (enum figure)m->offset), id,
			f->group[i], NULL);
	}
}

static void stall_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char id[12];

	for (size_t i = 0; i < f->campaigns; i++) {
		id_text(&f->campaign[i], id);
		for (unsigned stall = 1; stall < STALLS; stall++)
			metric_sample(m, sink, f->campaign[i].stall == stall, id, f->group[i],
				dp_stall_name((enum dp_stall)stall), NULL);
	}
}

// Who is not governed has no series: any number would read as a limit.
static void governed_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	if (f->solicit_rate != 0)
		metric_sample(
			m, sink, f->solicit_rate == DP_RATE_NOTHING ? 0 : f->solicit_rate, NULL);
}

static void utilisation_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->ctl->campaigns->governor.utilisation, NULL);
}

static void latency_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, f->ctl->campaigns->governor.p99_ms / 1000, NULL);
}

const struct metric metric_campaign_rows[] = {
	{"mskpush_campaigns_started_total", METRIC_COUNTER, "",
		"Campaigns started since the daemon runs", started_collect, 0},
	{"mskpush_campaigns_ended_total", METRIC_COUNTER, "state",
		"Campaigns that have ended since the daemon runs", ended_collect, 0},
	{"mskpush_campaigns_open", METRIC_GAUGE, "", "Campaigns that are open", open_collect, 0},
	{"mskpush_campaign_members", METRIC_GAUGE, "campaign,group,state",
		"Members of an open campaign by their state", members_collect, 0},
	{"mskpush_campaign_refused", METRIC_GAUGE, "campaign,group,cause",
		"Refused members of an open campaign by the cause", refused_collect, 0},
	{"mskpush_campaign_pushes_total", METRIC_COUNTER, "campaign,group",
		"MSK messages of an open campaign that the port took", figure_collect,
		FIGURE_PUSHES},
	{"mskpush_campaign_round", METRIC_GAUGE, "campaign,group",
		"Round that an open campaign is in", figure_collect, FIGURE_ROUND},
	{"mskpush_campaign_rate", METRIC_GAUGE, "campaign,group",
		"Pace of an open campaign, UEs per second; 0 is no limit", figure_collect,
		FIGURE_RATE},
	{"mskpush_campaign_seconds", METRIC_GAUGE, "campaign,group",
		"Time since an open campaign was started", figure_collect, FIGURE_SECONDS},
	{"mskpush_campaign_stalled", METRIC_GAUGE, "campaign,group,cause",
		"1 when an open campaign sends nothing now for this cause", stall_collect, 0},
	{"mskpush_governor_rate", METRIC_GAUGE, "",
		"Solicited pulls per second that the governor lets all campaigns send; 0 is none, "
		"no value is no governor",
		governed_collect, 0},
	{"mskpush_governor_utilisation", METRIC_GAUGE, "",
		"Share of the time that the threads of Ua worked, in the last look of the governor",
		utilisation_collect, 0},
	{"mskpush_governor_latency_seconds", METRIC_GAUGE, "",
		"Time that 99 in 100 answers to phones took at most, in that look", latency_collect,
		0},
};
const size_t metric_campaign_count = sizeof(metric_campaign_rows) / sizeof(metric_campaign_rows[0]);
