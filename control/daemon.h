// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The parts of mskpushd, and the ladder they go up and down.

#pragma once

#include "conf.h"
#include "ctl.h"
#include "dp.h"

struct counter_mark;

struct daemon {
	struct conf conf; // the caller's, until daemon_up()
	bool is_clock_accepted; // likewise: counters may begin above what the mark allows
	struct ctl ctl;
	struct counter_mark *mark;
	struct dp_counter_start counter;
};

// Brings all parts up in their order. A part that cannot is logged, and told to the service
// manager; those that were up are down again then. Signals that main takes are to be blocked
// before: threads begin here. Main thread. 0 or -errno.
int daemon_up(struct daemon *d);
// After daemon_up() was right: down again, the last one first.
void daemon_down(struct daemon *d);
