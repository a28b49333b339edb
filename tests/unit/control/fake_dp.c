// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "fake_dp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "types.h"

struct dp *fake_dp_create(unsigned workers)
{
	struct dp *dp = calloc(1, sizeof(*dp));

	dp->workers = workers;
	dp->singles_most = FAKE_SINGLES_MAX;
	dp->answers_close = true;
	dp->capture_fd = -1;
	dp->stats.pushes = 7;
	snprintf(dp->status.crypto, sizeof(dp->status.crypto), "none");
	dp->status.ports = 1;
	dp->status.port[0].is_up = 1;
	snprintf(dp->status.port[0].name, sizeof(dp->status.port[0].name), "port0");
	snprintf(dp->status.port[0].device, sizeof(dp->status.port[0].device), "fake");
	return dp;
}

void fake_dp_destroy(struct dp *dp)
{
	free(dp);
}

static void close_answer(struct dp *dp, struct dp_campaign *c)
{
	for (unsigned i = 0; i < dp->workers; i++)
		dp->event[dp->events++] = (struct dp_event){
			.kind = DP_EVENT_CAMPAIGN_CLOSED, .worker = (uint8_t)i, .campaign = c};
}

int dp_command(struct dp *dp, const struct dp_cmd *cmd)
{
	if (dp->is_full)
		return -EAGAIN;
	if (cmd->kind == DP_CMD_STORE_KNOWN)
		return 0;
	// Counted when it is there: a test may be looking.
	dp->command[dp->commands % FAKE_COMMANDS_MAX] = *cmd;
	dp->commands++;
	if (cmd->kind == DP_CMD_CAMPAIGN_CLOSE && dp->answers_close)
		close_answer(dp, cmd->campaign);
	return 0;
}

const char *dp_fault(const struct dp *dp)
{
	return dp->fault;
}

size_t dp_events(struct dp *dp, struct dp_event *events, size_t n)
{
	size_t taken = dp->events < n ? dp->events : n;

	memcpy(events, dp->event, taken * sizeof(*events));
	dp->events -= (unsigned)taken;
	memmove(dp->event, dp->event + taken, dp->events * sizeof(*events));
	return taken;
}

struct dp_campaign *fake_dp_opened(const struct dp *dp, unsigned nth)
{
	for (unsigned i = 0; i < dp->commands; i++)
		if (dp->command[i].kind == DP_CMD_CAMPAIGN_OPEN && nth-- == 0)
			return dp->command[i].campaign;
	return NULL;
}

unsigned fake_dp_count(const struct dp *dp, enum dp_cmd_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < dp->commands; i++)
		n += dp->command[i].kind == kind;
	return n;
}

static void dirty(struct dp_campaign *c, uint32_t id)
{
	atomic_store(&c->is_dirty[id / STORE_SLICE], 1);
}

void fake_dp_sent(struct dp_campaign *c, uint32_t id, uint8_t sends)
{
	c->round[id] = sends;
	atomic_fetch_add(&c->worker[0].pushes, 1);
	dirty(c, id);
}

void fake_dp_verified(struct dp_campaign *c, uint32_t id, uint8_t under)
{
	c->done[id] = under;
	dirty(c, id);
}

void fake_dp_refused(struct dp_campaign *c, uint32_t id, uint8_t why)
{
	c->round[id] = (uint8_t)(DP_MEMBER_REFUSED | why);
	dirty(c, id);
}

void fake_dp_through(struct dp *dp, struct dp_campaign *c)
{
	for (unsigned i = 0; i < dp->workers; i++)
		atomic_store(&c->worker[i].is_through, true);
}

// --- The rest of dp.h -----------------------------------------------------------------------

void dp_mark_set(struct dp *dp, uint32_t mark)
{
	dp->mark = mark;
}

uint32_t dp_counter_highest(const struct dp *dp)
{
	return dp->highest;
}

uint32_t dp_counter_now(const struct dp *dp)
{
	return dp->now;
}

void dp_stats_read(const struct dp *dp, int worker, struct dp_stats *out)
{
	*out = dp->stats;
	for (unsigned i = 0; i < dp->workers; i++)
		if (worker < 0 || (unsigned)worker == i)
			out->turns += dp->turns[i];
}

void dp_status_read(struct dp *dp, struct dp_status *out)
{
	*out = dp->status;
	out->workers = dp->workers;
	out->counter_now = dp->now;
	out->counter_highest = dp->highest;
	out->counter_mark = dp->mark;
}

void dp_queue_stats_read(
	const struct dp *dp, unsigned port, unsigned queue, struct dp_port_stats *out)
{
	*out = dp->status.port[port].stats;
	out->tx_frames += queue;
}

void dp_area_stats_read(const struct dp *dp, unsigned area, struct dp_area_stats *out)
{
	*out = dp->area;
	out->sent += area;
}

// Areas are told by the last octet of an address.
void dp_areas_find(const struct dp *dp, const struct dp_addr *addr, unsigned n, uint8_t *area)
{
	for (unsigned i = 0; i < n; i++)
		area[i] = addr[i].byte[15] < dp->areas ? addr[i].byte[15] : (uint8_t)dp->areas;
}

void dp_area_rate_set(struct dp *dp, unsigned area, uint32_t rate)
{
	dp->area_rate[area] = rate;
}

uint32_t dp_area_rate(const struct dp *dp, unsigned area)
{
	return dp->area_rate[area];
}

void dp_solicit_rate_set(struct dp *dp, uint32_t rate)
{
	dp->solicit_rate = rate;
}

uint32_t dp_solicit_rate(const struct dp *dp)
{
	return dp->solicit_rate;
}

void dp_stages_measure(struct dp *dp, int is_on)
{
	(void)dp;
	(void)is_on;
}

int dp_capture_start(struct dp *dp, const struct dp_capture *capture)
{
	if (dp->capture_fd >= 0)
		return -EBUSY;
	dp->capture_fd = capture->fd;
	return 0;
}

void dp_capture_stop(struct dp *dp)
{
	if (dp->capture_fd >= 0)
		close(dp->capture_fd);
	dp->capture_fd = -1;
}

// The octet map of MSK messages without a security policy.
size_t dp_msk_message_bytes(unsigned profile, size_t idi_len, size_t btid_len)
{
	size_t ext = profile == STORE_PROFILE_V600 ? 4 + 4 : 4 + 5 + 6;

	return 10 + ext + 6 + 18 + 4 + idi_len + 4 + btid_len + 4 + 26 + 1 + 20;
}

const char *dp_mikey_status_name(unsigned status)
{
	(void)status;
	return "unknown";
}

struct dp_muk_prep {
	int unused;
};

int dp_muk_prep_create(unsigned crypto, struct dp_muk_prep **out)
{
	(void)crypto;
	*out = calloc(1, sizeof(**out));
	return 0;
}

int dp_muk_prep_burst(struct dp_muk_prep *prep, const uint8_t *muks, size_t stride,
	struct store_muk_state *states, size_t state_stride, size_t n)
{
	(void)prep;
	(void)muks;
	(void)stride;
	for (size_t i = 0; i < n; i++)
		memset((char *)states + i * state_stride, 0, sizeof(*states));
	return 0;
}

void dp_muk_prep_destroy(struct dp_muk_prep *prep)
{
	free(prep);
}

int dp_telemetry_command(const char *command, const char *help)
{
	(void)command;
	(void)help;
	return 0;
}

void dp_telemetry_serve(
	void (*answer)(void *arg, const char *command, struct dp_telemetry *out), void *arg)
{
	(void)answer;
	(void)arg;
}

void dp_telemetry_add(struct dp_telemetry *out, const char *key, double value)
{
	(void)out;
	(void)key;
	(void)value;
}

// One thread of Ua orders at a time in these tests.
size_t dp_singles(struct dp *dp, const struct dp_single *orders, size_t n)
{
	unsigned have = atomic_load(&dp->singles), most = atomic_load(&dp->singles_most);
	size_t taken = n < most - have ? n : most - have;

	memcpy(&dp->single[have], orders, taken * sizeof(*orders));
	atomic_store(&dp->singles, have + (unsigned)taken);
	return taken;
}

void dp_push_note(const struct dp *dp, uint32_t id, struct dp_push_note *out)
{
	if (dp->on_note != NULL)
		dp->on_note();
	*out = id < FAKE_NOTES_MAX ? dp->note[id] : (struct dp_push_note){0};
}

int dp_mtk(struct dp *dp, const struct dp_mtk *order)
{
	if (dp->mtks == FAKE_MTKS_MAX)
		return -EAGAIN;
	dp->mtk[dp->mtks++] = *order;
	return 0;
}

size_t dp_mtk_notes(struct dp *dp, struct dp_mtk_note *out, size_t n)
{
	size_t taken = n < dp->mtk_notes ? n : dp->mtk_notes;

	memcpy(out, dp->mtk_note, taken * sizeof(*out));
	dp->mtk_notes = 0;
	return taken;
}

int dp_route_port(const struct dp *dp, const struct dp_addr *to)
{
	(void)to;
	return dp->has_no_route ? -1 : 0;
}

size_t dp_push_events(struct dp *dp, struct dp_push_event *out, size_t n)
{
	size_t taken = n < dp->push_events ? n : dp->push_events;

	memcpy(out, dp->push_event, taken * sizeof(*out));
	dp->push_events = 0;
	return taken;
}

uint32_t dp_counter_last(const struct dp *dp, uint32_t id)
{
	(void)id;
	return dp->last;
}

size_t dp_verifications(struct dp *dp, struct dp_verification *out, size_t n)
{
	size_t taken = n < dp->verifications ? n : dp->verifications;

	memcpy(out, dp->verification, taken * sizeof(*out));
	dp->verifications = 0;
	return taken;
}
