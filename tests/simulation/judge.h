// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Holds what the BM-SC does against what it promises (docs/architecture.md). It knows the wire, the
// phones, and what was acknowledged; it asks the BM-SC only for what an operator would see.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crowd.h"

#define JUDGE_CAMPAIGNS 256
#define JUDGE_SEEN 8 // settlings after which a verification has to be in the store

struct sim;

// A campaign the BM-SC said yes to.
struct judged {
	uint32_t id;
	bool is_armed; // who comes before it is fired belongs to it, too
	bool is_closed;
	uint32_t members;
	uint32_t verified; // never fewer in a life of the daemon
	uint32_t safe; // never fewer at all
	uint32_t seen[JUDGE_SEEN]; // at the last settlings, newest first
	struct store_campaign report; // once it is closed
	// Its pace: what was sent when the rate was last changed or the daemon started.
	uint32_t rate;
	uint64_t paced_ns;
	uint64_t paced_sent;
};

// What an MSK is, for ever.
struct judged_msk {
	bool is_known;
	bool is_acked; // the BM-SC said that it has it
	uint8_t key[STORE_MSK_BYTES];
};

struct judge {
	struct judged campaign[JUDGE_CAMPAIGNS];
	unsigned campaigns;
	struct judged_msk msk[BMSC_GROUPS][CROWD_NUMBERS];
	uint64_t faults; // of the disk, as seen at the last settling
	unsigned settlings;
};

// A copy of the store, and what had been acknowledged when it was taken.
struct backup {
	bool is_there;
	struct known *acked;
	struct maybe *maybe;
	struct judge judge;
};

void judge_init(struct sim *s);
// A frame left the port.
void judge_frame(struct sim *s, const uint8_t *data, size_t len);
// A phone may have got something.
void judge_phone(struct sim *s, unsigned person);
// Control has settled.
void judge_settled(struct sim *s);
// The daemon has started again: what it had said yes to is there, or what it had been asked for and
// did not answer. Which of them is known now.
void judge_start(struct sim *s);
// It said yes to a campaign, or to an MSK.
void judge_campaign(struct sim *s, uint32_t id, bool is_armed);
void judge_msk(struct sim *s, const struct store_msk *msk);
struct judged *judge_find(struct sim *s, uint32_t id);
// The rate of a campaign has changed, or its pace begins anew for another reason.
void judge_pace_begin(struct judged *c);
