// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the workers count, and the replay counter.

#include <stdio.h>
#include <string.h>

#include "metric.h"
#include "metric_facts.h"

#define COUNTER_LIMIT INT32_MAX // no value above it is ever sent

// --- Numbers at an offset ---------------------------------------------------------------------

static uint64_t number_at(const void *base, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

static void sum_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)number_at(&f->sum, m->offset), NULL);
}

static void worker_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	char worker[12], cpu[12];

	for (unsigned i = 0; i < f->status.workers; i++) {
		snprintf(worker, sizeof(worker), "%u", i);
		snprintf(cpu, sizeof(cpu), "%d", f->status.cpu[i]);
		metric_sample(
			m, sink, (double)number_at(&f->worker[i], m->offset), worker, cpu, NULL);
	}
}

// --- Lists ------------------------------------------------------------------------------------

static void drops_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (int i = 0; i < DP_DROP_COUNT; i++)
		metric_sample(m, sink, (double)f->sum.drop[i], dp_drop_name((enum dp_drop)i), NULL);
}

static void mikey_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (unsigned i = 1; i < DP_MIKEY_STATUS_MAX; i++) {
		const char *name = dp_mikey_status_name(i);

		if (strcmp(name, "unknown") != 0 || f->sum.mikey[i] != 0)
			metric_sample(m, sink, (double)f->sum.mikey[i], name, NULL);
	}
}

// The fields from singles_verified on, in their order.
static void singles_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	static const char *const ends[] = {"verified", "given-up", "refused", "left"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		metric_sample(m, sink, (double)number_at(&f->sum, m->offset + i * sizeof(uint64_t)),
			ends[i], NULL);
}

// The fields from arp_answers on, in their order.
static void neighbours_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	static const char *const protocols[] = {"arp", "nd"};
	static const char *const messages[] = {"answered", "asked", "reply"};

	for (size_t i = 0; i < 6; i++)
		metric_sample(m, sink, (double)number_at(&f->sum, m->offset + i * sizeof(uint64_t)),
			protocols[i / 3], messages[i % 3], NULL);
}

static void icmp_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)f->sum.icmp_unreachable, "unreachable", NULL);
	metric_sample(m, sink, (double)f->sum.icmp_too_big, "too-big", NULL);
}

static void stages_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	for (int i = 0; i < DP_STAGE_COUNT; i++)
		metric_sample(m, sink,
			(double)number_at(&f->sum, m->offset + (size_t)i * sizeof(uint64_t)),
			dp_stage_name((enum dp_stage)i), NULL);
}

static void tsc_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	metric_sample(m, sink, (double)f->status.tsc_hz, NULL);
}

// --- The replay counter -----------------------------------------------------------------------

static void counter_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	uint32_t value;

	memcpy(&value, (const char *)&f->status + m->offset, sizeof(value));
	metric_sample(m, sink, value, NULL);
}

static void headroom_collect(
	const struct metric *m, const struct metric_facts *f, struct metric_sink *sink)
{
	uint32_t now = f->status.counter_now, highest = f->status.counter_highest;

	metric_sample(m, sink, (double)COUNTER_LIMIT - (highest > now ? highest : now), NULL);
}

#define SUM(field) sum_collect, offsetof(struct dp_stats, field)
#define WORKER(field) worker_collect, offsetof(struct dp_stats, field)
#define COUNTER_VALUE(field) counter_collect, offsetof(struct dp_status, field)

const struct metric metric_dataplane_rows[] = {
	{"mskpush_pushes_total", METRIC_COUNTER, "", "MSK messages that the port took",
		SUM(pushes)},
	{"mskpush_verifications_total", METRIC_COUNTER, "",
		"Verification messages that made a member verified", SUM(verified)},
	{"mskpush_singles_total", METRIC_COUNTER, "",
		"Orders to push MSKs to one phone: after a request, or by an operator",
		SUM(singles)},
	{"mskpush_solicits_total", METRIC_COUNTER, "", "Solicited pulls that the port took",
		SUM(solicits)},
	{"mskpush_solicits_expired_total", METRIC_COUNTER, "",
		"Those of them under an expired MUK, a part of mskpush_solicits_total",
		SUM(solicits_expired)},
	{"mskpush_expired_refused_total", METRIC_COUNTER, "",
		"Times an MSK was not sent because the MUK had expired", SUM(expired_refused)},
	{"mskpush_mtk_messages_total", METRIC_COUNTER, "", "MTK messages that the port took",
		SUM(mtk_sent)},
	{"mskpush_mtk_messages_unsent_total", METRIC_COUNTER, "",
		"MTK messages that were not sent: no way, no counter value, or no key",
		SUM(mtk_unsent)},
	{"mskpush_singles_merged_total", METRIC_COUNTER, "",
		"Such orders for what was under way already", SUM(singles_merged)},
	{"mskpush_singles_full_total", METRIC_COUNTER, "", "Such orders that there was no room for",
		SUM(singles_full)},
	{"mskpush_staged_pushes_total", METRIC_COUNTER, "",
		"Messages whose keys or frames had been made ahead, in an armed campaign",
		SUM(staged_used)},
	{"mskpush_singles_pushes_total", METRIC_COUNTER, "",
		"MSK messages of single pushes, a part of mskpush_pushes_total", SUM(singles_sent)},
	{"mskpush_singles_ended_total", METRIC_COUNTER, "end", "Single pushes by how they ended",
		singles_collect, offsetof(struct dp_stats, singles_verified)},
	{"mskpush_handed_over_total", METRIC_COUNTER, "",
		"Verification messages that went to the worker that owns the subscriber",
		SUM(handed_over)},
	{"mskpush_transmit_frames_total", METRIC_COUNTER, "", "Frames that the port took",
		SUM(tx_frames)},
	{"mskpush_transmit_bytes_total", METRIC_COUNTER, "", "Octets of frames that the port took",
		SUM(tx_bytes)},
	{"mskpush_receive_frames_total", METRIC_COUNTER, "", "Frames received", SUM(rx_frames)},
	{"mskpush_receive_bytes_total", METRIC_COUNTER, "", "Octets of frames received",
		SUM(rx_bytes)},
	{"mskpush_transmit_full_total", METRIC_COUNTER, "",
		"Times a port took less than it was given", SUM(tx_full)},
	{"mskpush_put_aside_total", METRIC_COUNTER, "",
		"Times a member had to wait because its next hop could not be used",
		SUM(put_aside)},
	{"mskpush_made_anew_total", METRIC_COUNTER, "",
		"Messages that no port took in time and that were made again", SUM(made_anew)},
	{"mskpush_replay_waits_total", METRIC_COUNTER, "",
		"Members left for the next round because their values are too far ahead",
		SUM(counter_waits)},
	{"mskpush_buffer_waits_total", METRIC_COUNTER, "", "Bursts that waited for packet buffers",
		SUM(no_mbuf)},
	{"mskpush_neighbour_messages_total", METRIC_COUNTER, "protocol,message",
		"Messages of ARP and of IPv6 neighbour discovery: questions we answered, asked, "
		"and got answered",
		neighbours_collect, offsetof(struct dp_stats, arp_answers)},
	{"mskpush_echo_answers_total", METRIC_COUNTER, "", "Echo requests (ping) answered",
		SUM(echo_answers)},
	{"mskpush_unreachable_total", METRIC_COUNTER, "cause",
		"Messages of ours that did not reach their phone, as ICMP says", icmp_collect,
		offsetof(struct dp_stats, icmp_unreachable)},
	{"mskpush_events_lost_total", METRIC_COUNTER, "",
		"Events that control did not fetch in time", SUM(events_lost)},
	{"mskpush_capture_missed_total", METRIC_COUNTER, "",
		"Frames that a running capture could not take", SUM(capture_missed)},
	{"mskpush_drops_total", METRIC_COUNTER, "cause", "Received frames that were not taken",
		drops_collect, 0},
	{"mskpush_mikey_refused_total", METRIC_COUNTER, "verdict",
		"Received messages that MIKEY refuses (drops with the cause mikey-malformed)",
		mikey_collect, 0},
	{"mskpush_worker_pushes_total", METRIC_COUNTER, "worker,cpu",
		"MSK messages that the port took of a worker", WORKER(pushes)},
	{"mskpush_worker_verifications_total", METRIC_COUNTER, "worker,cpu",
		"Verification messages a worker took", WORKER(verified)},
	{"mskpush_worker_transmit_frames_total", METRIC_COUNTER, "worker,cpu",
		"Frames that the port took from a worker's queue", WORKER(tx_frames)},
	{"mskpush_worker_receive_frames_total", METRIC_COUNTER, "worker,cpu",
		"Frames received on a worker's queue", WORKER(rx_frames)},
	{"mskpush_worker_turns_total", METRIC_COUNTER, "worker,cpu",
		"Turns of a worker: one that stands still hangs", WORKER(turns)},
	{"mskpush_worker_sleeps_total", METRIC_COUNTER, "worker,cpu",
		"Times a worker slept because nothing moved", WORKER(sleeps)},
	{"mskpush_stage_cycles_total", METRIC_COUNTER, "stage",
		"Cycles spent in a stage of the pipeline while stages are measured", stages_collect,
		offsetof(struct dp_stats, stage_cycles)},
	{"mskpush_stage_items_total", METRIC_COUNTER, "stage",
		"Messages or frames a stage worked on while stages are measured", stages_collect,
		offsetof(struct dp_stats, stage_items)},
	{"mskpush_cycles_per_second", METRIC_GAUGE, "", "What the cycles are counted in",
		tsc_collect, 0},
	{"mskpush_replay_now", METRIC_GAUGE, "", "Replay counter that the clock stands at",
		COUNTER_VALUE(counter_now)},
	{"mskpush_replay_highest", METRIC_GAUGE, "", "Highest replay counter in use",
		COUNTER_VALUE(counter_highest)},
	{"mskpush_replay_mark", METRIC_GAUGE, "",
		"Mark of the replay counter: nothing above it is sent",
		COUNTER_VALUE(counter_mark)},
	{"mskpush_replay_headroom_seconds", METRIC_GAUGE, "",
		"Values of the replay counter that are left, one a second", headroom_collect, 0},
};
const size_t metric_dataplane_count =
	sizeof(metric_dataplane_rows) / sizeof(metric_dataplane_rows[0]);
