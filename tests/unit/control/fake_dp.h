// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A dataplane without packets: it keeps the commands it is given and returns the events a test
// has prepared. A test plays the workers by writing into the campaigns it was handed.

#pragma once

#include <stdatomic.h>

#include "dp.h"

#define FAKE_COMMANDS_MAX 256
#define FAKE_SINGLES_MAX 1024
#define FAKE_NOTES_MAX 64
#define FAKE_MTKS_MAX 1024

struct dp {
	struct dp_cmd command[FAKE_COMMANDS_MAX];
	_Atomic unsigned commands;
	_Atomic bool is_full; // dp_command() finds no room
	_Atomic bool answers_close; // each CLOSE is answered by all workers
	unsigned workers;
	struct dp_event event[64];
	unsigned events;
	_Atomic uint32_t now, highest, mark;
	_Atomic int capture_fd;
	uint64_t turns[DP_WORKERS_MAX]; // of each worker
	struct dp_stats stats; // of each worker and of all, but for the turns
	struct dp_area_stats area; // of each; a higher one has sent more
	struct dp_status status; // but for the number of workers and the clock
	struct dp_single single[FAKE_SINGLES_MAX]; // orders for single pushes
	_Atomic unsigned singles;
	_Atomic unsigned singles_most; // as many are taken
	struct dp_push_note note[FAKE_NOTES_MAX]; // by subscriber
	void (*on_note)(void); // called when one is read; NULL: nothing is
	struct dp_push_event push_event[64]; // to be told
	unsigned push_events;
	_Atomic uint32_t last; // counter value of every subscriber
	struct dp_verification verification[64]; // to be told
	unsigned verifications;
	struct dp_mtk mtk[FAKE_MTKS_MAX]; // orders for MTK messages
	unsigned mtks;
	bool has_no_route; // to a multicast address
	struct dp_mtk_note mtk_note[64]; // to be told
	unsigned mtk_notes;
	const char *_Atomic fault; // what dp_fault() says
	unsigned areas;
	uint32_t area_rate[DP_AREAS_MAX];
	_Atomic uint32_t solicit_rate;
};

struct dp *fake_dp_create(unsigned workers);
void fake_dp_destroy(struct dp *dp);
// The campaign of the nth OPEN command (from 0), NULL when there were fewer.
struct dp_campaign *fake_dp_opened(const struct dp *dp, unsigned nth);
unsigned fake_dp_count(const struct dp *dp, enum dp_cmd_kind kind);
// Member id was sent to for the nth time; member id has answered.
void fake_dp_sent(struct dp_campaign *c, uint32_t id, uint8_t sends);
void fake_dp_verified(struct dp_campaign *c, uint32_t id, uint8_t under);
void fake_dp_refused(struct dp_campaign *c, uint32_t id, uint8_t why);
void fake_dp_through(struct dp *dp, struct dp_campaign *c);
