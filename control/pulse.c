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
#include "ua.h"

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

static bool have_moved(const uint64_t *then, const uint64_t *now, unsigned n, const char *what)
{
	bool have_moved = true;

	for (unsigned i = 0; i < n; i++) {
		if (now[i] != then[i])
			continue;
		log_warning("thread-stuck", "thread=%s-%u turns=%" PRIu64, what, i, now[i]);
		have_moved = false;
	}
	return have_moved;
}

// Of the dataplane, and of Ua.
static bool threads_have_turned(struct ctl *ctl, struct pulse *pulse)
{
	uint64_t turns[CONF_WORKERS_MAX], ua_turns[CONF_WORKERS_MAX];
	unsigned n = turns_read(ctl, turns), ua_n = ua_turns_read(ctl->ua, ua_turns);
	bool is_well = have_moved(pulse->turns, turns, n, "worker");

	is_well &= have_moved(pulse->ua_turns, ua_turns, ua_n, "ua");
	if (is_well) {
		memcpy(pulse->turns, turns, n * sizeof(turns[0]));
		memcpy(pulse->ua_turns, ua_turns, ua_n * sizeof(ua_turns[0]));
	}
	return is_well;
}

// Ports that do not work, behind what stands there already.
static void ports_text(struct ctl *ctl, char out[PULSE_STATUS_MAX])
{
	static struct dp_status status; // main thread

	status.ports = 0;
	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		dp_status_read(ctl->dp, &status);
	pthread_mutex_unlock(&ctl->dp_lock);
	for (unsigned p = 0; p < status.ports; p++) {
		const struct dp_port_status *port = &status.port[p];
		size_t n = strlen(out);

		if (!port->is_up || port->is_gone || port->is_stuck)
			snprintf(out + n, PULSE_STATUS_MAX - n, "; port %s is %s", port->name,
				port->is_gone	      ? "gone"
					: port->is_up ? "stuck"
						      : "down");
	}
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
	ports_text(ctl, out);
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
	ua_turns_read(ctl->ua, pulse->ua_turns);
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
		if (threads_have_turned(ctl, pulse))
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
