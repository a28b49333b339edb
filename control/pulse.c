// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "pulse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "campaign_run.h"
#include "conf.h"
#include "dp.h"
#include "log.h"
#include "notify.h"

#define STATUS_US 2000000
#define STOP_US 60000000 // what one piece of stopping may take
// Feeding four times as often as needed leaves room for a step that takes long.
#define FEEDS 4

static uint64_t monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

// Turns of all workers; returns how many there are, 0 when the dataplane does not run.
static unsigned turns_read(struct ctl *ctl, uint64_t turns[CONF_WORKERS_MAX])
{
	struct dp_stats stats;
	unsigned n = 0;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		n = (unsigned)ctl->conf->workers.count;
	for (unsigned i = 0; i < n; i++) {
		dp_stats_read(ctl->dp, (int)i, &stats);
		turns[i] = stats.turns;
	}
	pthread_mutex_unlock(&ctl->dp_lock);
	return n;
}

static bool workers_have_turned(struct ctl *ctl, struct pulse *pulse)
{
	uint64_t turns[CONF_WORKERS_MAX];
	unsigned n = turns_read(ctl, turns);
	bool have_turned = true;

	for (unsigned i = 0; i < n; i++) {
		if (turns[i] != pulse->turns[i])
			continue;
		log_warning("worker-stuck", "worker=%u turns=%" PRIu64, i, turns[i]);
		have_turned = false;
	}
	if (have_turned)
		memcpy(pulse->turns, turns, n * sizeof(turns[0]));
	return have_turned;
}

// What systemctl status shows.
static void status_text(struct ctl *ctl, char out[PULSE_STATUS_MAX])
{
	struct campaigns *all = ctl->campaigns;
	uint64_t members = 0, verified = 0;
	unsigned n;

	pthread_mutex_lock(&all->lock);
	n = all->n;
	for (unsigned i = 0; i < n; i++) {
		members += all->run[i]->record.members;
		verified += all->run[i]->record.verified;
	}
	pthread_mutex_unlock(&all->lock);
	if (n == 0)
		snprintf(out, PULSE_STATUS_MAX, "Serving, no campaign is open");
	else
		snprintf(out, PULSE_STATUS_MAX,
			"%u campaign%s open: %" PRIu64 " of %" PRIu64 " members verified", n,
			n == 1 ? "" : "s", verified, members);
}

static void status_tell(struct ctl *ctl, struct pulse *pulse)
{
	char text[PULSE_STATUS_MAX];

	status_text(ctl, text);
	if (strcmp(text, pulse->status) == 0)
		return;
	notify_send("STATUS=%s", text);
	memcpy(pulse->status, text, sizeof(text));
}

// Open campaigns of millions take their time to be written down.
static void stop_extend(struct pulse *pulse, uint64_t now_us)
{
	if (now_us < pulse->next_status_us)
		return;
	pulse->next_status_us = now_us + STATUS_US;
	notify_send("EXTEND_TIMEOUT_USEC=%d", STOP_US);
}

void pulse_begin(struct ctl *ctl, struct pulse *pulse)
{
	*pulse = (struct pulse){.watchdog_us = notify_watchdog_us()};
	turns_read(ctl, pulse->turns);
	status_text(ctl, pulse->status);
	ctl->pulse = pulse;
	notify_send("READY=1\nSTATUS=%s", pulse->status);
}

void pulse_beat_at(struct ctl *ctl, uint64_t now_us)
{
	struct pulse *pulse = ctl->pulse;

	if (pulse->is_stopping) {
		stop_extend(pulse, now_us);
		return;
	}
	if (pulse->watchdog_us != 0 && now_us >= pulse->next_feed_us) {
		pulse->next_feed_us = now_us + pulse->watchdog_us / FEEDS;
		if (workers_have_turned(ctl, pulse))
			notify_send("WATCHDOG=1");
	}
	if (now_us >= pulse->next_status_us && notify_is_wanted()) {
		pulse->next_status_us = now_us + STATUS_US;
		status_tell(ctl, pulse);
	}
}

void pulse_beat(struct ctl *ctl)
{
	if (ctl->pulse != NULL)
		pulse_beat_at(ctl, monotonic_us());
}

void pulse_end(struct ctl *ctl)
{
	ctl->pulse->is_stopping = true;
	notify_send("STOPPING=1\nSTATUS=Stopping");
}
