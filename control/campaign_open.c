// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A run opens: its members are found and fixed, that is made durable in one commit with its record,
// and only then do the workers get it.

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "campaign_run.h"
#include "conf.h"

int campaign_run_enlist(struct campaigns *all, struct campaign_run *run)
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

bool campaigns_have_room(struct campaigns *all)
{
	bool has_room;

	pthread_mutex_lock(&all->lock);
	has_room = all->n < DP_CAMPAIGNS_MAX;
	pthread_mutex_unlock(&all->lock);
	return has_room;
}

void campaign_run_delist(struct campaigns *all, struct campaign_run *run)
{
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++)
		if (all->run[i] == run)
			all->run[i--] = all->run[--all->n];
	pthread_mutex_unlock(&all->lock);
}

// Over all members of the group, or of the MSK (0: of none), whoever its members are.
static uint32_t run_find(
	struct campaigns *all, const struct store_group_id *group, uint16_t msk_number)
{
	uint32_t id = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++) {
		const struct store_campaign *r = &all->run[i]->record;

		if (all->run[i]->phase != CAMPAIGN_CLOSED &&
			(r->only == STORE_ID_NONE || r->msk_number == msk_number) &&
			memcmp(r->group.kdi, group->kdi, sizeof(group->kdi)) == 0 &&
			r->group.group == group->group)
			id = r->id;
	}
	pthread_mutex_unlock(&all->lock);
	return id;
}

uint32_t campaigns_of_group(struct campaigns *all, const struct store_group_id *group)
{
	return run_find(all, group, 0);
}

uint32_t campaigns_of_msk(
	struct campaigns *all, const struct store_group_id *group, uint16_t number)
{
	return run_find(all, group, number);
}

static void slice_members(
	struct campaign_run *run, uint32_t slice, const uint8_t state[STORE_SLICE])
{
	uint32_t first = slice * STORE_SLICE, left = run->record.span - first;

	memcpy(run->dp->round + first, state, left < STORE_SLICE ? left : STORE_SLICE);
}

void campaign_members_load(struct campaign_run *run, const struct store_reader *r)
{
	uint8_t state[STORE_SLICE];

	for (uint32_t i = 0; i < run->slices; i++)
		if (store_reader_campaign_slice(r, run->record.id, i, state) == 0)
			slice_members(run, i, state);
}

int campaign_members_put(struct store_txn *txn, struct campaign_run *run)
{
	uint8_t state[STORE_SLICE];
	int ret = 0;

	for (uint32_t i = 0; i < run->slices && ret == 0; i++) {
		if (run->count[i].members == 0)
			continue;
		campaign_run_slice(run, i, state);
		ret = store_campaign_slice_put(txn, run->record.id, i, state);
	}
	return ret;
}

int campaign_record_job(struct store_txn *txn, void *record)
{
	return store_campaign_put(txn, record);
}

static int opening_job(struct store_txn *txn, void *arg)
{
	struct campaign_opening *opening = arg;
	struct campaign_run *run = opening->run;
	int ret = 0;

	// An armed campaign releases it when it is fired.
	if (!opening->msk.is_released && !campaign_run_is_armed(run)) {
		opening->msk.is_released = true;
		ret = store_msk_put(txn, &opening->msk);
	}
	if (ret == 0)
		ret = campaign_members_put(txn, run);
	return ret != 0 ? ret : store_campaign_put(txn, &run->record);
}

void campaign_run_counted(struct campaign_run *run)
{
	for (uint32_t i = 0; i < run->slices; i++)
		campaign_run_count(run, i);
	memset(run->is_unsaved, 0, run->slices);
	run->is_record_unsaved = false;
}

int campaign_workers_open(struct ctl *ctl, struct campaign_run *run)
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

int campaign_abandoned_job(struct store_txn *txn, void *arg)
{
	struct campaign_run *run = arg;

	run->record.state = STORE_CAMPAIGN_ABORTED;
	run->record.ended_ms = campaign_now_ms();
	run->record.given_up = campaign_run_pending(run);
	return store_campaign_put(txn, &run->record);
}

int campaign_run_fill(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_order *order, char why[256])
{
	bool is_stored = (run->record.flags & STORE_CAMPAIGN_SELECTED) != 0;
	int ret = 0;

	if (is_stored)
		campaign_members_load(run, r);
	else
		ret = campaign_members_find(ctl, run, r, &order->choice);
	if (ret == 0)
		ret = campaign_members_part(ctl, run, r);
	if (ret != 0)
		return ret;
	campaign_run_counted(run);
	return campaign_pace_set(ctl, run, r, order, why);
}

int campaign_run_open(struct ctl *ctl, struct campaign_opening *opening,
	const struct store_group *group, const struct campaign_order *order, char why[256])
{
	struct campaign_run *run = opening->run;
	struct store_reader *r;
	int ret;

	campaign_run_arm(run, &opening->msk, group);
	ret = ctl_reader_get(ctl, &r);
	if (ret != 0)
		return ret;
	ret = campaign_run_fill(ctl, run, r, order, why);
	ctl_reader_put(ctl, r);
	if (ret == 0)
		ret = ctl_writer_run(ctl, opening_job, opening);
	if (ret != 0)
		return ret;
	ret = campaign_workers_open(ctl, run);
	if (ret != 0)
		ctl_writer_run(ctl, campaign_abandoned_job, run);
	return ret;
}
