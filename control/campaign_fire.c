// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The moment of an armed campaign. All that it changes is durable before the workers may send: that
// its MSK is released, who its members are by now, that it runs.

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "campaign_run.h"
#include "log.h"

struct firing {
	struct campaigns *all;
	uint32_t id;
	struct store_msk msk;
};

static struct campaign_run *run_armed(struct campaigns *all, uint32_t id, int *why)
{
	struct campaign_run *run = campaigns_find(all, id);

	*why = run == NULL || run->phase != CAMPAIGN_OPEN ? -ENOENT
		: campaign_run_is_armed(run)		  ? 0
							  : -EALREADY;
	return *why == 0 ? run : NULL;
}

static int slices_put(struct store_txn *txn, struct campaign_run *run)
{
	uint8_t state[STORE_SLICE];
	int ret = 0;

	for (uint32_t i = 0; i < run->slices && ret == 0; i++) {
		if (!run->is_unsaved[i])
			continue;
		campaign_run_slice(run, i, state);
		ret = store_campaign_slice_put(txn, run->record.id, i, state);
	}
	return ret;
}

static int firing_job(struct store_txn *txn, void *arg)
{
	struct firing *firing = arg;
	struct store_campaign record;
	struct campaign_run *run;
	int ret;

	pthread_mutex_lock(&firing->all->lock);
	run = run_armed(firing->all, firing->id, &ret);
	if (ret == 0) {
		ret = slices_put(txn, run);
		record = run->record;
	}
	pthread_mutex_unlock(&firing->all->lock);
	if (ret != 0)
		return ret;
	record.state = STORE_CAMPAIGN_RUNNING;
	record.flags &= (uint8_t)~STORE_CAMPAIGN_ARMED;
	record.started_ms = campaign_now_ms();
	firing->msk.is_released = true;
	ret = store_msk_put(txn, &firing->msk);
	return ret != 0 ? ret : store_campaign_put(txn, &record);
}

// Whoever came when its room was used up is left to another campaign.
static void room_look(const struct campaign_run *run, const struct store_reader *r)
{
	uint32_t span = store_reader_span(r);

	if (run->record.only == STORE_ID_NONE && span > run->record.span &&
		(run->record.flags & STORE_CAMPAIGN_FIXED) == 0)
		log_warning("campaign-without-room",
			"campaign=%u subscribers=%u why=\"came after it was armed\"",
			run->record.id, span - run->record.span);
}

// Who has come since belongs to it, too: no worker writes a member's state yet.
static int members_join(struct ctl *ctl, uint32_t id, struct store_msk *msk)
{
	struct campaigns *all = ctl->campaigns;
	struct campaign_run *run;
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	pthread_mutex_lock(&all->lock);
	run = run_armed(all, id, &ret);
	if (ret == 0)
		ret = store_reader_msk(r, &run->record.group, run->record.msk_number, msk);
	if (ret == 0 && msk->state == STORE_MSK_RETIRED)
		ret = -EKEYREVOKED;
	if (ret == 0)
		ret = campaign_members_join(run, r);
	if (ret == 0) {
		campaign_run_follow(run);
		room_look(run, r);
	}
	pthread_mutex_unlock(&all->lock);
	ctl_reader_put(ctl, r);
	return ret;
}

static void run_go(struct campaigns *all, uint32_t id)
{
	struct campaign_run *run;
	int ret;

	pthread_mutex_lock(&all->lock);
	run = run_armed(all, id, &ret);
	if (run != NULL) {
		run->record.state = STORE_CAMPAIGN_RUNNING;
		run->record.flags &= (uint8_t)~STORE_CAMPAIGN_ARMED;
		run->record.started_ms = campaign_now_ms();
		run->is_record_unsaved = true;
		atomic_store(&run->dp->is_paused, false);
	}
	pthread_mutex_unlock(&all->lock);
}

int campaign_fire(struct ctl *ctl, uint32_t id)
{
	struct firing firing = {.all = ctl->campaigns, .id = id};
	int ret;

	// Nobody activates or retires the MSK in between.
	pthread_mutex_lock(&ctl->msk_lock);
	ret = members_join(ctl, id, &firing.msk);
	if (ret == 0)
		ret = ctl_writer_run(ctl, firing_job, &firing);
	if (ret == 0)
		run_go(ctl->campaigns, id);
	pthread_mutex_unlock(&ctl->msk_lock);
	explicit_bzero(&firing.msk, sizeof(firing.msk));
	if (ret == 0)
		log_info("campaign-fired", "campaign=%u", id);
	return ret;
}
