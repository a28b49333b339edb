// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A campaign begins: its MSK is chosen, its members are found and fixed, all of that is made
// durable in one commit, and only then do the workers get it. A campaign that was open when the
// daemon ended begins again from what the store kept of it.

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "campaign_run.h"
#include "conf.h"
#include "log.h"
#include "msk.h"

#define ARMED_MORE 16 // an armed campaign has room for this part more of ids
#define ARMED_LEAST STORE_SLICE // and these

static int run_enlist(struct campaigns *all, struct campaign_run *run)
{
	int ret = -EMFILE;

	pthread_mutex_lock(&all->lock);
	if (all->n < DP_CAMPAIGNS_MAX) {
		all->run[all->n++] = run;
		ret = 0;
	}
	pthread_mutex_unlock(&all->lock);
	return ret;
}

static void run_delist(struct campaigns *all, struct campaign_run *run)
{
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++)
		if (all->run[i] == run)
			all->run[i--] = all->run[--all->n];
	pthread_mutex_unlock(&all->lock);
}

uint32_t campaign_of_group(struct campaigns *all, const struct store_group_id *group)
{
	uint32_t id = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++) {
		const struct campaign_run *run = all->run[i];

		if (run->phase != CAMPAIGN_CLOSED && run->record.only == STORE_ID_NONE &&
			memcmp(run->record.group.kdi, group->kdi, sizeof(group->kdi)) == 0 &&
			run->record.group.group == group->group)
			id = run->record.id;
	}
	pthread_mutex_unlock(&all->lock);
	return id;
}

static int id_job(struct store_txn *txn, void *id)
{
	return store_campaign_next_id(txn, id);
}

static void slice_members(
	struct campaign_run *run, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	uint32_t first = slice * STORE_SLICE, left = run->record.span - first;

	memcpy(run->dp->round + first, state, left < STORE_SLICE ? left : STORE_SLICE);
}

static int members_load(struct campaign_run *run, const struct store_reader *r)
{
	uint8_t state[STORE_SLICE];

	for (uint32_t i = 0; i < run->slices; i++)
		if (store_reader_campaign_slice(r, run->record.id, i, state) == 0)
			slice_members(run, i, state);
	return 0;
}

struct opening {
	struct campaign_run *run;
	struct store_msk msk;
	bool is_chosen; // its members stand in the store already
};

static int opening_job(struct store_txn *txn, void *arg)
{
	struct opening *opening = arg;
	struct campaign_run *run = opening->run;
	uint8_t state[STORE_SLICE];
	int ret = 0;

	// An armed campaign releases it when it is fired.
	if (!opening->msk.is_released && !campaign_run_is_armed(run)) {
		opening->msk.is_released = true;
		ret = store_msk_put(txn, &opening->msk);
	}
	for (uint32_t i = 0; i < run->slices && ret == 0; i++) {
		if (run->count[i].members == 0)
			continue;
		campaign_run_slice(run, i, state);
		ret = store_campaign_slice_put(txn, run->record.id, i, state);
	}
	return ret != 0 ? ret : store_campaign_put(txn, &run->record);
}

static void run_counted(struct campaign_run *run)
{
	for (uint32_t i = 0; i < run->slices; i++)
		campaign_run_count(run, i);
	memset(run->is_unsaved, 0, run->slices);
	run->is_record_unsaved = false;
}

static int workers_open(struct ctl *ctl, struct campaign_run *run)
{
	struct dp_cmd cmd = {.kind = DP_CMD_CAMPAIGN_OPEN, .campaign = run->dp};
	int ret;

	// Settle may see its answers as soon as the command is out.
	pthread_mutex_lock(&ctl->campaigns->lock);
	run->workers = (unsigned)ctl->conf->workers.count;
	ret = ctl_command(ctl, &cmd);
	if (ret == 0)
		run->phase = CAMPAIGN_OPEN;
	pthread_mutex_unlock(&ctl->campaigns->lock);
	return ret;
}

static int abandoned_job(struct store_txn *txn, void *arg)
{
	struct campaign_run *run = arg;

	run->record.state = STORE_CAMPAIGN_ABORTED;
	run->record.ended_ms = campaign_now_ms();
	run->record.given_up = campaign_run_pending(run);
	return store_campaign_put(txn, &run->record);
}

static int run_open(struct ctl *ctl, struct opening *opening, const struct store_group *group,
	const struct campaign_order *order, char why[256])
{
	struct campaign_run *run = opening->run;
	struct store_reader *r;
	int ret;

	campaign_run_arm(run, &opening->msk, group);
	ret = ctl_reader_get(ctl, &r);
	if (ret != 0)
		return ret;
	ret = opening->is_chosen ? members_load(run, r)
				 : campaign_members_find(ctl, run, r, &order->choice);
	if (ret == 0)
		ret = campaign_members_part(ctl, run, r);
	ctl_reader_put(ctl, r);
	if (ret != 0)
		return ret;
	run_counted(run);
	ret = campaign_pace_set(ctl, run, order, why);
	if (ret == 0)
		ret = ctl_writer_run(ctl, opening_job, opening);
	if (ret != 0)
		return ret;
	ret = workers_open(ctl, run);
	if (ret != 0)
		ctl_writer_run(ctl, abandoned_job, run);
	return ret;
}

// The label of the solicited pulls of a campaign (docs/mikey-profile.md): drawn for it alone.
static int solicit_label_draw(const struct store_group *group, struct store_campaign *record)
{
	uint8_t octets[sizeof(record->solicit_rand) + sizeof(record->solicit_csb_id)];

	if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
		return -EIO;
	memcpy(record->solicit_rand, octets, sizeof(record->solicit_rand));
	memcpy(&record->solicit_csb_id, octets + sizeof(record->solicit_rand),
		sizeof(record->solicit_csb_id));
	if (group->profile == STORE_PROFILE_V600)
		record->solicit_csb_id = group->id.group;
	return 0;
}

// The message under the previous MUK follows the last one at once.
static void previous_add(struct store_campaign *record)
{
	record->flags |= STORE_CAMPAIGN_PREVIOUS;
	record->solicit_wait_s[record->solicits] = record->solicit_wait_s[record->solicits - 1];
	record->solicit_wait_s[record->solicits++ - 1] = 0;
}

static void solicits_set(const struct campaign_order *order, struct store_campaign *record)
{
	record->solicits = order->solicits;
	memcpy(record->solicit_wait_s, order->solicit_wait_s, sizeof(record->solicit_wait_s));
	if (order->is_previous)
		previous_add(record);
}

static bool order_chooses(const struct campaign_order *order)
{
	const struct campaign_choice *choice = &order->choice;

	return choice->sample_ppm != 0 || choice->area != 0 || choice->ids != NULL ||
		choice->undelivered_of != 0;
}

// Who comes until it is fired belongs to it, too: there is room for some more ids.
static void armed_set(struct store_campaign *record)
{
	record->flags |= STORE_CAMPAIGN_ARMED;
	record->state = STORE_CAMPAIGN_PAUSED;
	if (record->only == STORE_ID_NONE)
		record->span += record->span / ARMED_MORE + ARMED_LEAST;
}

void campaign_order_record(const struct campaign_order *order, const struct store_reader *r,
	struct store_campaign *record)
{
	*record = (struct store_campaign){
		.kind = order->kind,
		.state = STORE_CAMPAIGN_RUNNING,
		.group = order->group,
		.rate = order->rate,
		.sends = order->kind == STORE_CAMPAIGN_SOLICIT ? 0 : order->sends,
		.round = 1,
		.created_ms = campaign_now_ms(),
		.started_ms = campaign_now_ms(),
		.span = order->only == STORE_ID_NONE ? store_reader_span(r) : order->only + 1,
		.only = order->only,
		.stop_percent = order->stop_percent,
		.stop_after = order->stop_after,
		.start_ms = order->start_ms,
	};
	memcpy(record->wait_s, order->wait_s, sizeof(record->wait_s));
	if (order->is_armed)
		armed_set(record);
	if (order->is_armed && order_chooses(order))
		record->flags |= STORE_CAMPAIGN_FIXED;
	if (order->kind != STORE_CAMPAIGN_PUSH)
		solicits_set(order, record);
}

// What an order says, with all that is drawn for it, and its number.
static int record_make(struct ctl *ctl, const struct campaign_order *order,
	const struct store_group *group, const struct store_reader *r,
	struct store_campaign *record)
{
	int ret;

	campaign_order_record(order, r, record);
	ret = solicit_label_draw(group, record);
	return ret != 0 ? ret : ctl_writer_run(ctl, id_job, &record->id);
}

// A scheduled campaign begins: its members are those of now, unless they were chosen before.
static int record_begin(const struct store_campaign *scheduled, const struct store_reader *r,
	struct store_campaign *record)
{
	*record = *scheduled;
	record->state = STORE_CAMPAIGN_RUNNING;
	record->started_ms = campaign_now_ms();
	if ((record->flags & STORE_CAMPAIGN_SELECTED) == 0 && record->only == STORE_ID_NONE)
		record->span = store_reader_span(r);
	return 0;
}

// The MSK that is named, if it lives, or the newest one that does.
static int order_msk(
	const struct store_reader *r, const struct campaign_order *order, struct store_msk *msk)
{
	int ret;

	if (order->msk_number == 0)
		return store_reader_msk_newest(r, &order->group, msk);
	ret = store_reader_msk(r, &order->group, order->msk_number, msk);
	return ret == 0 && msk->state == STORE_MSK_RETIRED ? -ENOENT : ret;
}

// With msk_lock held, so that nobody activates or retires the MSK in between. scheduled: the
// record of a campaign that was ordered before, or NULL.
static int order_run(struct ctl *ctl, const struct campaign_order *order,
	const struct store_campaign *scheduled, uint32_t *id, char why[256])
{
	struct opening opening = {0};
	struct store_group group;
	struct store_campaign record = {0};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &order->group, &group);
	if (ret == 0 && order_msk(r, order, &opening.msk) != 0)
		ret = -ENOKEY;
	if (ret == 0)
		ret = scheduled != NULL ? record_begin(scheduled, r, &record)
					: record_make(ctl, order, &group, r, &record);
	ctl_reader_put(ctl, r);
	opening.is_chosen = (record.flags & STORE_CAMPAIGN_SELECTED) != 0;
	if (ret == 0)
		ret = campaign_run_create(&record, &opening.run);
	if (ret == 0)
		ret = run_enlist(ctl->campaigns, opening.run);
	if (ret == 0)
		ret = run_open(ctl, &opening, &group, order, why);
	if (ret != 0 && opening.run != NULL) {
		run_delist(ctl->campaigns, opening.run);
		campaign_run_destroy(opening.run);
	}
	explicit_bzero(&opening, sizeof(opening));
	*id = record.id;
	return ret;
}

static int msk_choose(struct ctl *ctl, const struct campaign_order *order)
{
	struct store_msk msk;
	int ret = 0;

	if (order->is_msk_new)
		ret = msk_new(ctl, &order->group, 0, UINT16_MAX, &msk);
	explicit_bzero(&msk, sizeof(msk));
	return ret;
}

void campaign_start_explain(int ret, uint32_t id, char why[256])
{
	const char *text = ret == -ENOENT ? "There is no such key group"
		: ret == -ENOKEY ? "The key group has no MSK that is not retired: make one first"
		: ret == -EMFILE ? "As many campaigns are open as there can be"
		: ret == -EAGAIN ? "A worker takes no commands"
		: ret == -ESTALE ? "What that campaign did not reach is not known any more"
		: ret == -EBUSY	 ? "The key group has a next MSK already: activate it or push it"
				 : strerror(-ret);

	if (why[0] != '\0')
		return;
	if (ret == -EBUSY && id != 0)
		snprintf(why, 256, "Campaign %u runs on this key group", id);
	else
		snprintf(why, 256, "%s", text);
}

// --- Later ----------------------------------------------------------------------------------

static int scheduled_job(struct store_txn *txn, void *arg)
{
	struct campaign_run *run = arg;
	uint8_t state[STORE_SLICE];
	int ret = 0;

	for (uint32_t i = 0; i < run->slices && ret == 0; i++) {
		if (run->count[i].members == 0 ||
			(run->record.flags & STORE_CAMPAIGN_SELECTED) == 0)
			continue;
		campaign_run_slice(run, i, state);
		ret = store_campaign_slice_put(txn, run->record.id, i, state);
	}
	return ret != 0 ? ret : store_campaign_put(txn, &run->record);
}

// Who is chosen is chosen now; all members of a group are those of the moment it begins.
static int run_schedule(struct ctl *ctl, struct campaign_run *run,
	const struct campaign_order *order, char why[256])
{
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = campaign_members_find(ctl, run, r, &order->choice);
	if (ret == 0)
		ret = campaign_members_part(ctl, run, r);
	ctl_reader_put(ctl, r);
	if (ret != 0)
		return ret;
	run_counted(run);
	ret = campaign_pace_set(ctl, run, order, why);
	return ret != 0 ? ret : ctl_writer_run(ctl, scheduled_job, run);
}

static int order_schedule(
	struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256])
{
	struct campaign_run *run = NULL;
	struct store_campaign record;
	struct store_group group;
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &order->group, &group);
	if (ret == 0)
		ret = record_make(ctl, order, &group, r, &record);
	ctl_reader_put(ctl, r);
	if (ret != 0)
		return ret;
	record.state = STORE_CAMPAIGN_SCHEDULED;
	record.flags |= (order->is_msk_new ? STORE_CAMPAIGN_NEW_MSK : 0) |
		(order_chooses(order) ? STORE_CAMPAIGN_SELECTED : 0);
	*id = record.id;
	ret = campaign_run_create(&record, &run);
	if (ret == 0)
		ret = run_schedule(ctl, run, order, why);
	campaign_run_destroy(run);
	if (ret == 0)
		atomic_fetch_add(&ctl->campaigns->scheduled, 1);
	return ret;
}

static int record_job(struct store_txn *txn, void *record)
{
	return store_campaign_put(txn, record);
}

// While another campaign runs on the group it waits on.
static void scheduled_begin(struct ctl *ctl, const struct store_campaign *scheduled)
{
	struct campaign_order order = {
		.kind = scheduled->kind,
		.group = scheduled->group,
		.is_msk_new = (scheduled->flags & STORE_CAMPAIGN_NEW_MSK) != 0,
		.only = scheduled->only,
	};
	struct store_campaign failed = *scheduled;
	char why[256] = "";
	uint32_t id;
	int ret;

	if (order.only == STORE_ID_NONE && campaign_of_group(ctl->campaigns, &order.group) != 0)
		return;
	ret = msk_choose(ctl, &order);
	if (ret == 0) {
		pthread_mutex_lock(&ctl->msk_lock);
		ret = order_run(ctl, &order, scheduled, &id, why);
		pthread_mutex_unlock(&ctl->msk_lock);
	}
	if (ret == 0) {
		log_info("campaign-started", "campaign=%u group=%04x", id, order.group.group);
		return;
	}
	campaign_start_explain(ret, 0, why);
	log_error("campaign-not-started", "campaign=%u why=\"%s\"", scheduled->id, why);
	if (ret == -EAGAIN || ret == -EMFILE)
		return;
	failed.state = STORE_CAMPAIGN_ABORTED;
	failed.ended_ms = campaign_now_ms();
	failed.given_up = failed.members;
	ctl_writer_run(ctl, record_job, &failed);
}

#define BEGIN_MS 500 // between two looks at what is scheduled

void campaigns_begin(struct ctl *ctl)
{
	struct campaigns *all = ctl->campaigns;
	struct store_campaign record = {0};
	uint64_t now_ms = ctl_clock_ms();
	struct store_reader *r;
	unsigned waiting = 0;

	if (atomic_load(&all->scheduled) == 0 || now_ms - all->begun_ms < BEGIN_MS)
		return;
	all->begun_ms = now_ms;
	pthread_mutex_lock(&all->start_lock);
	if (ctl_reader_get(ctl, &r) == 0) {
		while (store_reader_campaign_next(r, record.id, &record) == 0) {
			if (record.state != STORE_CAMPAIGN_SCHEDULED)
				continue;
			waiting++;
			if (record.start_ms <= campaign_now_ms())
				scheduled_begin(ctl, &record);
		}
		ctl_reader_put(ctl, r);
		atomic_store(&all->scheduled, waiting);
	}
	pthread_mutex_unlock(&all->start_lock);
}

// What an order cannot come to is found before an MSK is made for it.
static int order_check(struct ctl *ctl, const struct campaign_order *order, char why[256])
{
	struct campaign_plan plan;

	if (!order->is_msk_new || (order->within_s == 0 && order->choice.undelivered_of == 0))
		return 0;
	return campaign_plan(ctl, order, &plan, why);
}

static int order_begin(
	struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256])
{
	int ret = order_check(ctl, order, why);

	if (ret == 0)
		ret = msk_choose(ctl, order);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&ctl->msk_lock);
	ret = order_run(ctl, order, NULL, id, why);
	pthread_mutex_unlock(&ctl->msk_lock);
	return ret;
}

int campaign_start(struct ctl *ctl, const struct campaign_order *order, uint32_t *id, char why[256])
{
	struct campaigns *all = ctl->campaigns;
	int ret = 0;

	*id = 0;
	why[0] = '\0';
	pthread_mutex_lock(&all->start_lock);
	if (order->start_ms != 0) {
		ret = order_schedule(ctl, order, id, why);
	} else {
		if (order->only == STORE_ID_NONE)
			*id = campaign_of_group(all, &order->group);
		ret = *id != 0 ? -EBUSY : order_begin(ctl, order, id, why);
	}
	pthread_mutex_unlock(&all->start_lock);
	if (ret != 0) {
		campaign_start_explain(ret, *id, why);
	} else {
		if (order->start_ms == 0)
			atomic_fetch_add(&ctl->meters.campaigns_started, 1);
		log_info(order->start_ms != 0	  ? "campaign-scheduled"
				: order->is_armed ? "campaign-armed"
						  : "campaign-started",
			"campaign=%u group=%04x", *id, order->group.group);
	}
	return ret;
}

// --- After a restart ------------------------------------------------------------------------

// Answers to what was sent before the restart find nobody who waits for them: who had all his
// sends gets one more.
static uint8_t sends_restore(const struct campaign_run *run, store_id id, uint8_t state)
{
	uint8_t sends = state & (STORE_MEMBER_GIVEN_UP - 1);

	return sends > 0 && sends >= campaign_run_last_send(run, id) ? sends - 1 : sends;
}

// What was verified stays so (the store has been told of the MUK, or never will be); refusals and
// the messages sent so far stay too. The others are pending.
static void slice_restore(
	struct campaign_run *run, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	for (uint32_t i = 0; i < STORE_SLICE; i++) {
		uint32_t id = slice * STORE_SLICE + i;

		if (id >= run->record.span)
			return;
		run->dp->round[id] = state[i];
		if (state[i] == STORE_MEMBER_NONE || (state[i] & STORE_MEMBER_REFUSED) != 0)
			continue;
		if ((state[i] & STORE_MEMBER_VERIFIED) != 0) {
			run->dp->round[id] = state[i] & (STORE_MEMBER_GIVEN_UP - 1);
			run->dp->done[id] = DP_DONE_PREV;
		} else {
			run->dp->round[id] = sends_restore(run, id, state[i]);
		}
	}
}

static int run_restore(struct ctl *ctl, struct campaign_run *run)
{
	uint8_t state[STORE_SLICE];
	struct store_group group;
	struct store_msk msk = {0};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &run->record.group, &group);
	if (ret == 0)
		ret = store_reader_msk(r, &run->record.group, run->record.msk_number, &msk);
	// Who is a member is known first: the way he is reached tells what his sends mean.
	if (ret == 0)
		ret = members_load(run, r);
	if (ret == 0)
		ret = campaign_members_part(ctl, run, r);
	for (uint32_t i = 0; i < run->slices && ret == 0; i++)
		if (store_reader_campaign_slice(r, run->record.id, i, state) == 0)
			slice_restore(run, i, state);
	ctl_reader_put(ctl, r);
	if (ret == 0) {
		campaign_run_arm(run, &msk, &group);
		run_counted(run);
	}
	explicit_bzero(&msk, sizeof(msk));
	return ret;
}

static int campaign_resume(struct ctl *ctl, const struct store_campaign *record)
{
	struct campaign_run *run = NULL;
	int ret = campaign_run_create(record, &run);

	if (ret == 0)
		ret = run_enlist(ctl->campaigns, run);
	if (ret == 0)
		ret = run_restore(ctl, run);
	if (ret == 0)
		ret = workers_open(ctl, run);
	if (ret == 0) {
		log_info("campaign-resumed", "campaign=%u members=%u verified=%u round=%u",
			record->id, run->record.members, run->record.verified, run->record.round);
		return 0;
	}
	log_error("campaign-not-resumed", "campaign=%u errno=%d", record->id, -ret);
	// Its MSK or group is gone: nothing can ever go on with it.
	if (ret == -ENOENT)
		ctl_writer_run(ctl, abandoned_job, run);
	if (run != NULL)
		run_delist(ctl->campaigns, run);
	campaign_run_destroy(run);
	return ret;
}

int campaigns_resume(struct ctl *ctl)
{
	struct store_campaign record = {0};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r), next;

	if (ret != 0)
		return ret;
	// Some may be scheduled.
	atomic_store(&ctl->campaigns->scheduled, 1);
	for (next = store_reader_campaign_next(r, 0, &record); next == 0;
		next = store_reader_campaign_next(r, record.id, &record))
		if (record.state == STORE_CAMPAIGN_RUNNING || record.state == STORE_CAMPAIGN_PAUSED)
			campaign_resume(ctl, &record);
	ctl_reader_put(ctl, r);
	return 0;
}
