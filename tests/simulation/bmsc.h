// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The BM-SC: what the ladder of daemon.c makes, with the threads left out. Workers, store writer,
// counter mark and settling are turned by the simulation.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../control/conf.h"
#include "campaign.h"
#include "ctl.h"
#include "dp_inside.h"

#define BMSC_FQDN "bmsc.example.org"
#define BMSC_GROUPS 3

struct sim;

struct bmsc {
	struct conf conf;
	struct dp_conf dp_conf;
	struct ctl ctl;
	struct dp *dp;
	struct counter_mark *mark;
	bool is_up;
	bool is_clock_accepted; // by whoever starts it next
	char refusal[256]; // why the last start was refused; empty: it was not
	unsigned groups; // 1 .. BMSC_GROUPS
	uint8_t profile[BMSC_GROUPS]; // enum store_profile
	store_service_id service[BMSC_GROUPS]; // one for each group
	unsigned turns;
};

// What the site is like; nothing runs yet.
void bmsc_init(struct sim *s);
// False: the start was refused.
bool bmsc_start(struct sim *s);
// is_clean: as SIGTERM ends it, else as if it had been killed before.
void bmsc_stop(struct sim *s, bool is_clean);
// Makes groups and services in a new store.
void bmsc_found(struct sim *s);
struct store_group_id bmsc_group(unsigned group);
// A turn of each worker, those that are held up left out; returns how many frames moved.
unsigned bmsc_turn(struct sim *s);
