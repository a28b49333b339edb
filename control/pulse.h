// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The pulse: what the service manager hears of a daemon that serves. The watchdog is fed by the
// main thread, between pieces of settling, and only when every worker and every thread that serves
// phones has turned since the last time: a daemon whose main loop, store writer, worker or Ua hangs
// is not fed, and is started anew.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "ctl.h"

#define PULSE_STATUS_MAX 256

// Main thread only.
struct pulse {
	uint64_t watchdog_us; // 0: nobody watches
	uint64_t next_feed_us; // CLOCK_MONOTONIC
	uint64_t next_status_us;
	uint64_t turns[CONF_WORKERS_MAX]; // as they stood when it was fed
	bool is_stopping;
	uint64_t ua_turns[CONF_WORKERS_MAX];
	char status[PULSE_STATUS_MAX]; // as it was told last
};

// The daemon serves from here on.
void pulse_begin(struct ctl *ctl, struct pulse *pulse);
// Feeds and tells when it is time. Cheap otherwise: call it between any two pieces of work. Does
// nothing when there is no pulse (ctl->pulse NULL).
void pulse_beat(struct ctl *ctl);
// The same at a given time of CLOCK_MONOTONIC.
void pulse_beat_at(struct ctl *ctl, uint64_t now_us);
// The daemon stops. Beats ask for time from here on: what is left may take some.
void pulse_end(struct ctl *ctl);
