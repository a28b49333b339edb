// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// An open campaign. Shared by campaign.c (orders), campaign_run.c (the object) and settle.c.

#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "cmd.h"
#include "governor.h"
#include "retry.h"
#include "verifications.h"

enum campaign_phase {
	CAMPAIGN_STARTING, // looks for its members; holds every id
	CAMPAIGN_OPEN, // the workers have it
	CAMPAIGN_CLOSING, // they were told to let it go
	CAMPAIGN_CLOSED, // its report is final; leaves when its verifications are noted
};

struct campaign_count {
	uint16_t members;
	uint16_t verified;
	uint16_t refused;
	uint16_t refused_by[CAMPAIGN_REASONS];
};

struct campaign_run {
	struct dp_campaign *dp; // owned
	struct store_campaign record;
	enum campaign_phase phase;
	unsigned workers; // those that have it
	unsigned workers_closed; // those that let it go
	uint32_t slices;
	struct campaign_count *count; // a slice
	uint8_t *is_unsaved; // a slice: the store has an older state
	uint32_t refused_by[CAMPAIGN_REASONS];
	uint8_t rounds; // highest round that sent anything
	uint8_t rest; // STORE_MEMBER_* that pending members get, 0 = not yet
	uint64_t pushes_before; // of runs before a restart
	uint64_t solicits_before; // likewise
	uint64_t trial_ms; // since when the first members have their time to answer
	bool is_record_unsaved;
	store_id noted; // up to here the subscribers know who has verified
	struct retry note_retry; // of what comes next
};

struct campaigns {
	pthread_mutex_t lock; // guards the list and what is in the runs
	pthread_mutex_t start_lock; // one start at a time
	pthread_cond_t closed; // a campaign became CLOSED
	struct campaign_run *run[DP_CAMPAIGNS_MAX];
	unsigned n;
	struct governor governor; // the main loop's
	struct verifications verifications; // of single pushes, likewise
	uint64_t begun_ms; // when it last looked for campaigns to begin
	_Atomic unsigned scheduled; // how many wait, or more
};

struct campaign_run *campaigns_find(struct campaigns *all, uint32_t id);

// A run for a record, all of whose members are NONE. -ENOMEM.
int campaign_run_create(const struct store_campaign *record, struct campaign_run **out);
void campaign_run_destroy(struct campaign_run *run);
// Number of the last message a member gets.
unsigned campaign_run_last_send(const struct campaign_run *run, store_id id);
// Gives the run its MSK and group.
void campaign_run_arm(
	struct campaign_run *run, const struct store_msk *msk, const struct store_group *group);
// Counts one slice again, and notes that it has to be saved.
void campaign_run_count(struct campaign_run *run, uint32_t slice);
// Counts what the workers have changed since the last time, and their messages.
void campaign_run_follow(struct campaign_run *run);
void campaign_run_slice(const struct campaign_run *run, uint32_t slice, uint8_t out[STORE_SLICE]);
uint32_t campaign_run_staged(const struct campaign_run *run);
bool campaign_run_is_armed(const struct campaign_run *run);
uint32_t campaign_run_pending(const struct campaign_run *run);
enum dp_stall campaign_run_stall(const struct campaign_run *run);
bool campaign_run_is_through(const struct campaign_run *run);

// Judges the first members, once they have had their time to answer; true: too few verified, and
// the campaign is halted now. With the lock held.
bool campaign_run_try(struct campaign_run *run, uint64_t now_ms);

// --- campaign_members.c ---------------------------------------------------------------------

// Finds the members of a run that has none yet: those of the store's snapshot that are chosen.
// -ENOMEM, -ESTALE.
int campaign_members_find(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_choice *choice);
// Adds who has become a member since, unless the members were chosen. While no worker sends.
int campaign_members_join(struct campaign_run *run, const struct store_reader *r);
// Parts the members by area, and those of an auto campaign by the way they are reached. -ENOMEM.
int campaign_members_part(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r);

// --- campaign_order.c -----------------------------------------------------------------------

// What is to be stored of an order, but for what is drawn for it.
void campaign_order_record(const struct campaign_order *order, const struct store_reader *r,
	struct store_campaign *record);
// The same, with what is drawn for it and its number.
int campaign_order_make(struct ctl *ctl, const struct campaign_order *order,
	const struct store_group *group, const struct store_reader *r,
	struct store_campaign *record);
bool campaign_order_chooses(const struct campaign_order *order);

// --- campaign_open.c ------------------------------------------------------------------------

struct campaign_opening {
	struct campaign_run *run;
	struct store_msk msk;
};

// -EMFILE.
int campaign_run_enlist(struct campaigns *all, struct campaign_run *run);
void campaign_run_delist(struct campaigns *all, struct campaign_run *run);
bool campaigns_have_room(struct campaigns *all);
// Finds the members of a run, parts and counts them, and sets its pace; those of a scheduled
// campaign that were chosen before stand in the store. Errors as campaign_start().
int campaign_run_fill(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_order *order, char why[256]);
// Opens an enlisted run. Errors as campaign_start().
int campaign_run_open(struct ctl *ctl, struct campaign_opening *opening,
	const struct store_group *group, const struct campaign_order *order, char why[256]);

// Its parts, for those who open a run in another way.
void campaign_members_load(struct campaign_run *run, const struct store_reader *r);
int campaign_members_put(struct store_txn *txn, struct campaign_run *run);
void campaign_run_counted(struct campaign_run *run);
int campaign_workers_open(struct ctl *ctl, struct campaign_run *run);
int campaign_abandoned_job(struct store_txn *txn, void *run);
// A writer job: puts a struct store_campaign.
int campaign_record_job(struct store_txn *txn, void *record);

// --- campaign_start.c -----------------------------------------------------------------------

// The MSK that the order names, if it lives, or the newest one that does. -ENOKEY: there is none;
// -EKEYREVOKED: those who are solicited would not get it. Wipe it.
int campaign_order_msk(
	const struct store_reader *r, const struct campaign_order *order, struct store_msk *msk);
// Makes the next MSK where the order wants that, and the campaign can be opened. With start_lock
// held. -EMFILE, -EBUSY: a next one lives.
int campaign_msk_choose(struct ctl *ctl, const struct campaign_order *order);
// With msk_lock held, so that nobody activates or retires the MSK in between. scheduled: the
// record of a campaign that was ordered before, or NULL. Errors as campaign_start().
int campaign_order_run(struct ctl *ctl, const struct campaign_order *order,
	const struct store_campaign *scheduled, uint32_t *id, char why[256]);
// The sentence for an error, unless why has one.
void campaign_start_explain(int ret, uint32_t id, char why[256]);

// --- campaign_later.c -----------------------------------------------------------------------

// Stores an order for later. Errors as campaign_start().
int campaign_order_schedule(
	struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256]);
// The report of one that is taken back, or cannot begin.
void campaign_record_drop(struct store_campaign *record);

// --- campaign_save.c ------------------------------------------------------------------------

// Commits what the store does not have of these runs, all of them together. In the main loop, which
// alone ends runs. Otherwise than 0 (-errno, logged) some of it is unsaved as before.
int campaigns_save(struct ctl *ctl, struct campaign_run *const *runs, unsigned n);

// --- campaign_leave.c -----------------------------------------------------------------------

// Goes on to tell the subscribers that they have verified, in at most so many commits. Whether
// that is done, or was tried often enough.
bool campaign_run_note(struct ctl *ctl, struct campaign_run *run, unsigned commits);
// That, and the member states of older campaigns are dropped; a bounded part at a time. Whether
// all is done.
bool campaign_run_leave(struct ctl *ctl, struct campaign_run *run);

// --- campaign_plan.c ------------------------------------------------------------------------

// Sets the rate of a run that is counted, where the order gives a time instead. -ETIME: an area
// makes that impossible, why says which.
int campaign_pace_set(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_order *order, char why[256]);
