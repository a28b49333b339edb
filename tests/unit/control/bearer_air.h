// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A key group whose MTKs are on the air, in virtual time, on a real store and a real mark file.

#pragma once

#include "bearer.h"
#include "site.h"

#define STEP_MS 50
#define SECOND (1000 / STEP_MS) // steps

struct counter_mark;

struct air {
	struct site *site;
	struct counter_mark *mark;
	struct bearers *all;
	unsigned orders; // that were looked at
	struct bearer_now now; // what the clocks say: CLOCK_BOOTTIME and CLOCK_REALTIME
};
extern struct air air;

// The site has an MSK that nobody has used before: its mark file is the one of its store.
int air_up(void **state);
int air_down(void **state);
#define WITH_AIR(test) cmocka_unit_test_setup_teardown(test, air_up, air_down)

// The daemon is killed, and comes back when its clocks have moved.
void air_restart(int64_t boot_ms, int64_t unix_ms);
void air_pass(unsigned steps);
struct store_bearer air_quick(void); // MTKs as often as the counter rule allows
void air_start(void); // with air_quick()
// All members first..first + n of a campaign verify.
void air_verify(struct dp_campaign *c, unsigned first, unsigned n);

struct store_mtks air_stored(uint16_t number);
json_t *air_show(void); // the stream, owned by the caller
// How many orders after the first `from` were for the MSK of this number.
unsigned air_orders_under(uint16_t number, unsigned from);
void air_expect_waits_for(const char *word); // "": nothing
// Orders from `from` on: MTK IDs under an MSK never go below one of an earlier round.
void air_expect_ascending(unsigned from, uint16_t number);
