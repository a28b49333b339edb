// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The life of campaigns, as the admin handlers and the daemon see it. settle.c moves them on.

#pragma once

#include "ctl.h"

#define CAMPAIGN_REASONS 16 // numbers of dataplane/refusal.def

struct campaigns;

uint64_t campaign_now_ms(void); // Unix milliseconds

int campaigns_create(struct ctl *ctl, struct campaigns **out);
// After dp_stop(). Open campaigns are forgotten here; in the store they stay running.
void campaigns_destroy(struct campaigns *all);

// Which of a group's members an order is about: all of them when it is all zero.
struct campaign_choice {
	uint32_t sample_ppm; // parts of a million, drawn at random; 0 = all
	unsigned area; // number in the configuration + 1, 0 = any
	const store_id *ids; // only these, ascending; NULL: any. Borrowed
	uint32_t n;
	uint32_t undelivered_of; // members that this campaign did not reach, 0 = any
};

// What an operator orders.
struct campaign_order {
	uint8_t kind; // enum store_campaign_kind
	struct store_group_id group;
	bool is_msk_new; // make the next MSK first
	uint16_t msk_number; // push this living MSK; 0: the newest one
	bool is_armed; // derive keys ahead, and wait for campaign_fire()
	bool has_frames; // an armed one: build whole frames ahead
	bool is_previous; // the last solicited pull goes under the previous MUK, too
	uint32_t rate;
	uint32_t within_s; // instead of a rate: so that all members are sent to in this time
	uint8_t sends;
	uint16_t wait_s[STORE_SENDS_MAX]; // as many as sends
	uint8_t solicits;
	uint16_t solicit_wait_s[STORE_SENDS_MAX]; // as many as solicits
	store_id only; // STORE_ID_NONE: all members
	struct campaign_choice choice;
	uint8_t stop_percent; // pause when more of the first members are unverified; 0 = never
	uint32_t stop_after; // that many are the first
	uint64_t start_ms; // begin then, Unix milliseconds; 0 = at once
};

// What an order comes to, without starting anything.
struct campaign_plan {
	uint32_t members;
	uint32_t pushes; // first messages of each kind
	uint32_t solicits;
	uint32_t refused_by[CAMPAIGN_REASONS]; // those that are known beforehand
	uint32_t rate; // in force, 0 = no limit
	double seconds; // to send to everybody once; 0 when nothing limits it
	unsigned areas; // those of the configuration, and last, who is in none; 0: there are none
	struct campaign_plan_area {
		uint32_t members;
		uint32_t solicits;
		uint32_t rate; // its limit
		double seconds;
	} area[256];
};
// Errors as campaign_start().
int campaign_plan(struct ctl *ctl, const struct campaign_order *order, struct campaign_plan *plan,
	char why[256]);

// Why a member of a campaign of a kind would be refused now, 0: it would not. What only the workers
// can tell is not in it. Fresh is a MUK that expires after fresh_at.
unsigned campaign_refusal(uint8_t kind, const struct store_hot *hot, int64_t fresh_at);

// Starts a campaign; *id is its number. Errors, with a sentence in why: -EBUSY: campaign *id runs
// on this group, or (*id = 0) a next MSK lives already; -ENOENT: no such group; -ENOKEY: the group
// has no MSK; -EMFILE: too many are open; -EAGAIN: a worker takes no commands; -ESTALE: what
// undelivered_of did not reach is not kept any more; -ETIME: an area allows less than within_s
// asks.
int campaign_start(
	struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256]);
// The open campaign over all members of a group, 0 when there is none.
uint32_t campaigns_of_group(struct campaigns *all, const struct store_group_id *group);
// That one, or one for a single subscriber that sends this MSK; 0 when there is none. With msk_lock
// held none is being opened.
uint32_t campaigns_of_msk(
	struct campaigns *all, const struct store_group_id *group, uint16_t number);
// Starts the scheduled campaigns whose time has come. In the main loop.
void campaigns_begin(struct ctl *ctl);
// Takes up the campaigns that were open when the daemon ended. Before the workers send anything.
int campaigns_resume(struct ctl *ctl);

// Fires an armed campaign: who has become a member since is one of its members, its MSK is
// released, and the workers send. -ENOENT: none is open under this number; -EALREADY: it is not
// armed; -EKEYREVOKED: its MSK was retired.
int campaign_fire(struct ctl *ctl, uint32_t id);
// -ENOENT: none is open under this number. -EPERM: it is armed.
int campaign_pause(struct ctl *ctl, uint32_t id, bool is_paused);
int campaign_rate(struct ctl *ctl, uint32_t id, uint32_t rate);
// Returns once it is closed, or after five seconds.
int campaign_abort(struct ctl *ctl, uint32_t id);

// A campaign as it stands.
struct campaign_view {
	struct store_campaign record;
	uint32_t pending;
	uint32_t refused_by[CAMPAIGN_REASONS];
	uint8_t rounds; // highest round that sent anything
	uint8_t stall; // enum dp_stall
	bool is_open;
	uint32_t staged; // members whose keys or frames are ready
	uint64_t staged_bytes; // memory that takes
};
// -ENOENT.
int campaign_view(struct ctl *ctl, struct store_reader *r, uint32_t id, struct campaign_view *out);
// Numbers of the open ones, ascending; returns how many, at most max.
size_t campaigns_open(struct ctl *ctl, uint32_t *ids, size_t max);
// Member states of one slice. -ENOENT: none are kept.
int campaign_slice_read(struct ctl *ctl, struct store_reader *r, uint32_t id, uint32_t slice,
	uint8_t out[STORE_SLICE]);

// In the writer's thread: these subscribers are not who they were when they verified.
void campaigns_ids_changed(struct campaigns *all, store_id first, uint32_t n);

// --- settle.c -------------------------------------------------------------------------------

#define SETTLE_MS 50 // with the commit that follows less than the 100 that are promised
// What the main loop does every SETTLE_MS: takes events, counts, commits, closes.
void settle_step(struct ctl *ctl);
// After dp_stop(): commits what the workers left.
void settle_finish(struct ctl *ctl);
