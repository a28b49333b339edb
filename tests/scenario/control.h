// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns as control runs them (design of rounds and verdicts: docs/architecture.md), in a few
// lines and without a store: start, count, close, and take up again after a restart.

#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "event.h"
#include "people.h"

#define CONTROL_REASONS 16
#define CONTROL_MSKS 2 // of a group, whose MTKs are known

struct site;

struct tally {
	unsigned members;
	unsigned verified;
	unsigned refused;
	unsigned refused_by[CONTROL_REASONS];
	unsigned given_up;
	unsigned pending;
};

// What a store would have of a campaign after a crash.
struct saved {
	uint8_t *round;
	uint8_t *done;
	uint8_t first_round;
	uint64_t pushes;
};

struct campaign {
	struct dp_campaign *dp;
	unsigned number; // from 1
	unsigned group;
	bool is_open;
	bool is_closing;
	unsigned workers_closed;
	unsigned members; // as found at the start
	struct tally tally; // at the last look
	struct saved saved;
	uint64_t pushes_before; // of earlier runs of the daemon
	uint64_t pushes;
	uint64_t solicits; // of this run
};

// What a script sets before a start.
struct control_order {
	unsigned group;
	enum dp_campaign_kind kind;
	bool is_previous; // the last solicited pull goes under the previous MUK
	unsigned only; // person, UINT_MAX: all members
	bool is_armed; // paused, too
	bool has_frames; // of an armed one
	bool is_paused;
	bool is_msk_new;
};

struct control {
	struct campaign **campaign; // all there were, in order
	unsigned n;
	struct dp_msk msk[PEOPLE_GROUPS + 1]; // the newest of each group; number 0: none yet
	uint8_t sends;
	uint32_t wait_ms[DP_SENDS_MAX];
	uint8_t solicits;
	uint32_t solicit_wait_ms[DP_SENDS_MAX];
	uint32_t rate;
	uint64_t settled_ns;
	struct store_mtks mtks[PEOPLE_GROUPS + 1][CONTROL_MSKS];
	unsigned mtk_verdict[DP_MTK_VERDICTS]; // messages of MTKs, by what became of them
	unsigned told; // verifications of single pushes that the workers told of
};

// Makes the next MSK of a group, and writes it into the store.
void control_msk_make(struct site *s, unsigned group);
// The newest MSK of a group is good for MTK IDs up to seq_u.
void control_msk_bound(struct site *s, unsigned group, uint16_t seq_u);
// The newest MSK of a group is good for none any more.
void control_msk_revoke(struct site *s, unsigned group);
void control_msk_retire(struct site *s, unsigned group, unsigned number);
void control_init(struct control *c);
void control_fini(struct control *c);
struct campaign *control_start(struct site *s, const struct control_order *order);
// Takes events, counts, saves, closes what is over. Every 100 ms, and whenever a script asks.
void control_settle(struct site *s);
// The daemon ended (nothing is saved now), and is up again.
void control_crash(struct site *s, bool is_store_lost);
void control_resume(struct site *s);
unsigned control_open(const struct control *c); // how many campaigns are open
enum dp_stall campaign_stall(const struct site *s, const struct campaign *c);
