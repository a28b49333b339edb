// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Campaigns that begin at a time: who is chosen is chosen when they are ordered, all else when they
// begin.

#include <errno.h>
#include <stdatomic.h>

#include "campaign_run.h"
#include "log.h"

#define BEGIN_MS 500 // between two looks at what is scheduled

static int scheduled_job(struct store_txn *txn, void *arg)
{
	struct campaign_run *run = arg;
	int ret = 0;

	if ((run->record.flags & STORE_CAMPAIGN_SELECTED) != 0)
		ret = campaign_members_put(txn, run);
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
	ret = campaign_run_fill(ctl, run, r, order, why);
	ctl_reader_put(ctl, r);
	if (campaign_order_chooses(order) || order->only != STORE_ID_NONE)
		run->record.flags |= STORE_CAMPAIGN_SELECTED;
	return ret != 0 ? ret : ctl_writer_run(ctl, scheduled_job, run);
}

int campaign_order_schedule(
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
		ret = campaign_order_make(ctl, order, &group, r, &record);
	ctl_reader_put(ctl, r);
	if (ret != 0)
		return ret;
	record.state = STORE_CAMPAIGN_SCHEDULED;
	record.flags |= order->is_msk_new ? STORE_CAMPAIGN_NEW_MSK : 0;
	*id = record.id;
	// Before its members are looked for: none of their ids is given out again from now on.
	atomic_fetch_add(&ctl->campaigns->scheduled, 1);
	ret = campaign_run_create(&record, &run);
	if (ret == 0)
		ret = run_schedule(ctl, run, order, why);
	campaign_run_destroy(run);
	if (ret != 0)
		atomic_fetch_sub(&ctl->campaigns->scheduled, 1);
	return ret;
}

void campaign_record_drop(struct store_campaign *record)
{
	record->state = STORE_CAMPAIGN_ABORTED;
	record->ended_ms = campaign_now_ms();
	// Nobody was a member yet, but for those who were chosen.
	if ((record->flags & STORE_CAMPAIGN_SELECTED) == 0)
		record->members = 0;
	record->given_up = record->members;
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

	if (order.only == STORE_ID_NONE && campaigns_of_group(ctl->campaigns, &order.group) != 0)
		return;
	ret = campaign_msk_choose(ctl, &order);
	if (ret == 0) {
		pthread_mutex_lock(&ctl->msk_lock);
		ret = campaign_order_run(ctl, &order, scheduled, &id, why);
		pthread_mutex_unlock(&ctl->msk_lock);
	}
	if (ret == 0) {
		atomic_fetch_add(&ctl->meters.campaigns_started, 1);
		log_info("campaign-started", "campaign=%u group=%04x", id, order.group.group);
		return;
	}
	campaign_start_explain(ret, 0, why);
	log_error("campaign-not-started", "campaign=%u why=\"%s\"", scheduled->id, why);
	// When others have ended there is room for it; one that had been opened is closed already.
	if (ret == -EMFILE || ret == -EAGAIN)
		return;
	campaign_record_drop(&failed);
	ctl_writer_run(ctl, campaign_record_job, &failed);
}

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
