// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The HTTP side of a scenario, in a few lines: a phone that took a solicited pull asks for the MSK,
// is made to bootstrap where that is due, and the MSK is pushed to it (docs/ua-profile.md).

#pragma once

#include <stdbool.h>

#include "cmd.h"

struct site;

enum fetch {
	FETCH_FRESH, // phones with an expired MUK bootstrap first
	FETCH_BOOTSTRAP, // all of them do
	FETCH_LAZY, // they ask as they are, and are pushed to; an expired MUK is for the workers
	FETCH_OFF, // nobody asks, or the HTTP side is down
};

// Orders the push of the newest MSK of a group to a person, as the HTTP side does it.
struct dp_single fetch_order(const struct site *s, unsigned group, unsigned person);
// Serves the phones that were solicited since the last call.
void fetch_step(struct site *s);
