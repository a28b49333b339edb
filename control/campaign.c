// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders to open campaigns, and how any campaign stands.

#include "campaign.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "campaign_run.h"
#include "log.h"

#define ABORT_WAIT_S 5

int campaigns_create(struct ctl *ctl, struct campaigns **out)
{
	struct campaigns *all = calloc(1, sizeof(*all));
	pthread_condattr_t attr;

	(void)ctl;
	if (all == NULL)
		return -ENOMEM;
	pthread_mutex_init(&all->lock, NULL);
	pthread_mutex_init(&all->start_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&all->closed, &attr);
	pthread_condattr_destroy(&attr);
	*out = all;
	return 0;
}

void campaigns_destroy(struct campaigns *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->n; i++)
		campaign_run_destroy(all->run[i]);
	pthread_cond_destroy(&all->closed);
	pthread_mutex_destroy(&all->lock);
	pthread_mutex_destroy(&all->start_lock);
	free(all);
}

// The run under a number that still takes orders. With the lock held.
static struct campaign_run *run_for_order(struct campaigns *all, uint32_t id)
{
	struct campaign_run *run = campaigns_find(all, id);

	return run != NULL && run->phase == CAMPAIGN_OPEN ? run : NULL;
}

struct order {
	struct campaigns *all;
	uint32_t id;
};

// In the writer's thread, so that what is written is never older than what settle wrote before. A
// campaign that closes meanwhile has its final record to come, or written already.
static int order_job(struct store_txn *txn, void *arg)
{
	const struct order *order = arg;
	const struct campaign_run *run;
	struct store_campaign record;

	pthread_mutex_lock(&order->all->lock);
	run = run_for_order(order->all, order->id);
	if (run != NULL)
		record = run->record;
	pthread_mutex_unlock(&order->all->lock);
	return run != NULL ? store_campaign_put(txn, &record) : 0;
}

static int order_commit(struct ctl *ctl, uint32_t id)
{
	struct order order = {ctl->campaigns, id};

	return ctl_writer_run(ctl, order_job, &order);
}

int campaign_pause(struct ctl *ctl, uint32_t id, bool is_paused)
{
	struct campaigns *all = ctl->campaigns;
	struct campaign_run *run;
	bool is_armed = false;

	pthread_mutex_lock(&all->lock);
	run = run_for_order(all, id);
	if (run != NULL)
		is_armed = campaign_run_is_armed(run);
	if (run != NULL && !is_armed) {
		atomic_store(&run->dp->is_paused, is_paused);
		run->record.state = is_paused ? STORE_CAMPAIGN_PAUSED : STORE_CAMPAIGN_RUNNING;
		run->record.flags &= (uint8_t)~STORE_CAMPAIGN_HALTED;
	}
	pthread_mutex_unlock(&all->lock);
	if (run == NULL || is_armed)
		return run == NULL ? -ENOENT : -EPERM;
	log_info(is_paused ? "campaign-paused" : "campaign-resumed", "campaign=%u", id);
	return order_commit(ctl, id);
}

int campaign_rate(struct ctl *ctl, uint32_t id, uint32_t rate)
{
	struct campaigns *all = ctl->campaigns;
	struct campaign_run *run;

	pthread_mutex_lock(&all->lock);
	run = run_for_order(all, id);
	if (run != NULL) {
		atomic_store(&run->dp->rate, rate);
		run->record.rate = rate;
	}
	pthread_mutex_unlock(&all->lock);
	if (run == NULL)
		return -ENOENT;
	log_info("campaign-rate", "campaign=%u rate=%u", id, rate);
	return order_commit(ctl, id);
}

// One that has not begun yet.
static int campaign_unschedule(struct ctl *ctl, uint32_t id)
{
	struct store_campaign record;
	struct store_reader *r;
	int ret;

	// Nobody begins it meanwhile.
	pthread_mutex_lock(&ctl->campaigns->start_lock);
	ret = ctl_reader_get(ctl, &r);
	if (ret == 0) {
		ret = store_reader_campaign(r, id, &record);
		ctl_reader_put(ctl, r);
	}
	if (ret == 0 && record.state != STORE_CAMPAIGN_SCHEDULED)
		ret = -ENOENT;
	if (ret == 0) {
		campaign_record_drop(&record);
		ret = ctl_writer_run(ctl, campaign_record_job, &record);
	}
	pthread_mutex_unlock(&ctl->campaigns->start_lock);
	return ret;
}

int campaign_abort(struct ctl *ctl, uint32_t id)
{
	struct campaigns *all = ctl->campaigns;
	struct campaign_run *run;
	struct timespec end;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ABORT_WAIT_S;
	pthread_mutex_lock(&all->lock);
	run = run_for_order(all, id);
	if (run == NULL) {
		pthread_mutex_unlock(&all->lock);
		return campaign_unschedule(ctl, id);
	}
	atomic_store(&run->dp->is_aborted, true);
	log_info("campaign-aborted", "campaign=%u", id);
	while (run != NULL && run->phase != CAMPAIGN_CLOSED && ret == 0) {
		ret = pthread_cond_timedwait(&all->closed, &all->lock, &end);
		run = campaigns_find(all, id);
	}
	pthread_mutex_unlock(&all->lock);
	return 0;
}

void campaigns_ids_changed(struct campaigns *all, store_id first, uint32_t n)
{
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++) {
		struct campaign_run *run = all->run[i];
		uint64_t end = (uint64_t)first + n;

		if (end > run->record.span)
			end = run->record.span;
		for (store_id id = first; id < end; id++)
			if (run->dp->done[id] == DP_DONE_CURRENT)
				run->dp->done[id] = DP_DONE_PREV;
	}
	pthread_mutex_unlock(&all->lock);
}

uint32_t ctl_campaign_holding(struct ctl *ctl, store_id id)
{
	struct campaigns *all = ctl->campaigns;
	uint32_t holder = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n && holder == 0; i++) {
		const struct campaign_run *run = all->run[i];

		if (run->phase == CAMPAIGN_STARTING)
			holder = run->record.id;
		else if (run->phase != CAMPAIGN_CLOSED && id < run->record.span &&
			run->dp->round[id] != DP_MEMBER_NONE)
			holder = run->record.id;
	}
	pthread_mutex_unlock(&all->lock);
	return holder;
}

bool ctl_may_reuse_ids(struct ctl *ctl)
{
	bool may;

	pthread_mutex_lock(&ctl->campaigns->lock);
	// What was scheduled may have begun since it was counted: then it is a run by now.
	may = atomic_load(&ctl->campaigns->scheduled) == 0 && ctl->campaigns->n == 0;
	pthread_mutex_unlock(&ctl->campaigns->lock);
	return may;
}

// --- How a campaign stands ------------------------------------------------------------------

static bool run_is_shown(const struct campaign_run *run)
{
	return run != NULL && (run->phase == CAMPAIGN_OPEN || run->phase == CAMPAIGN_CLOSING);
}

static bool open_view(struct campaigns *all, uint32_t id, struct campaign_view *out)
{
	struct campaign_run *run;
	bool is_shown;

	pthread_mutex_lock(&all->lock);
	run = campaigns_find(all, id);
	is_shown = run_is_shown(run);
	if (is_shown) {
		*out = (struct campaign_view){
			.record = run->record,
			.pending = campaign_run_pending(run),
			.rounds = run->rounds,
			.stall = (uint8_t)campaign_run_stall(run),
			.is_open = true,
			.staged = campaign_run_staged(run),
			.staged_bytes = (uint64_t)campaign_run_staged(run) * run->dp->staged_bytes,
		};
		memcpy(out->refused_by, run->refused_by, sizeof(out->refused_by));
	}
	pthread_mutex_unlock(&all->lock);
	return is_shown;
}

static void refused_sum(const struct store_reader *r, struct campaign_view *view)
{
	uint32_t slices = (view->record.span + STORE_SLICE - 1) / STORE_SLICE;
	uint8_t state[STORE_SLICE];

	for (uint32_t i = 0; i < slices && view->record.refused > 0; i++) {
		if (store_reader_campaign_slice(r, view->record.id, i, state) != 0)
			continue;
		for (int k = 0; k < STORE_SLICE; k++)
			if (state[k] != STORE_MEMBER_NONE && (state[k] & STORE_MEMBER_REFUSED) != 0)
				view->refused_by[state[k] & (CAMPAIGN_REASONS - 1)]++;
	}
}

int campaign_view(struct ctl *ctl, struct store_reader *r, uint32_t id, struct campaign_view *out)
{
	const struct store_campaign *record = &out->record;
	int ret;

	if (open_view(ctl->campaigns, id, out))
		return 0;
	// It may have been closed since the reader's snapshot was taken.
	store_reader_renew(r);
	*out = (struct campaign_view){0};
	ret = store_reader_campaign(r, id, &out->record);
	if (ret != 0)
		return ret;
	out->pending = record->members - record->verified - record->refused - record->given_up;
	out->rounds = record->round;
	refused_sum(r, out);
	return 0;
}

size_t campaigns_open(struct ctl *ctl, uint32_t *ids, size_t max)
{
	struct campaigns *all = ctl->campaigns;
	size_t n = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n && n < max; i++)
		if (run_is_shown(all->run[i]))
			ids[n++] = all->run[i]->record.id;
	pthread_mutex_unlock(&all->lock);
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && ids[k - 1] > ids[k]; k--) {
			uint32_t high = ids[k - 1];

			ids[k - 1] = ids[k];
			ids[k] = high;
		}
	return n;
}

int campaign_slice_read(struct ctl *ctl, struct store_reader *r, uint32_t id, uint32_t slice,
	uint8_t out[STORE_SLICE])
{
	struct campaigns *all = ctl->campaigns;
	struct campaign_run *run;
	bool is_shown;

	pthread_mutex_lock(&all->lock);
	run = campaigns_find(all, id);
	is_shown = run_is_shown(run) && slice < run->slices;
	if (is_shown)
		campaign_run_slice(run, slice, out);
	pthread_mutex_unlock(&all->lock);
	return is_shown ? 0 : store_reader_campaign_slice(r, id, slice, out);
}
