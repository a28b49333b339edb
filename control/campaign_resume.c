// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A campaign that was open when the daemon ended begins again from what the store kept of it.

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "campaign_run.h"
#include "log.h"

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
	if (ret == 0) {
		campaign_members_load(run, r);
		ret = campaign_members_part(ctl, run, r);
	}
	for (uint32_t i = 0; i < run->slices && ret == 0; i++)
		if (store_reader_campaign_slice(r, run->record.id, i, state) == 0)
			slice_restore(run, i, state);
	ctl_reader_put(ctl, r);
	if (ret == 0) {
		campaign_run_arm(run, &msk, &group);
		campaign_run_counted(run);
	}
	explicit_bzero(&msk, sizeof(msk));
	return ret;
}

static int campaign_resume(struct ctl *ctl, const struct store_campaign *record)
{
	struct campaign_run *run = NULL;
	int ret = campaign_run_create(record, &run);

	if (ret == 0)
		ret = campaign_run_enlist(ctl->campaigns, run);
	if (ret == 0)
		ret = run_restore(ctl, run);
	if (ret == 0)
		ret = campaign_workers_open(ctl, run);
	if (ret == 0) {
		log_info("campaign-resumed", "campaign=%u members=%u verified=%u round=%u",
			record->id, run->record.members, run->record.verified, run->record.round);
		return 0;
	}
	log_error("campaign-not-resumed", "campaign=%u errno=%d", record->id, -ret);
	// Its MSK or group is gone: nothing can ever go on with it.
	if (ret == -ENOENT)
		ctl_writer_run(ctl, campaign_abandoned_job, run);
	if (run != NULL)
		campaign_run_delist(ctl->campaigns, run);
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
