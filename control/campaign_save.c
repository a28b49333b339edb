// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Slices and records of campaigns go to the store, of all that are open in the same commits, and
// ahead of whatever else waits for the writer: how long a verification is not durable is promised.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "campaign_run.h"
#include "log.h"
#include "pulse.h"

#define SAVE_MAX 256 // slices of one commit, about 1 MB

struct save {
	unsigned records;
	struct saved_record {
		struct campaign_run *run;
		struct store_campaign record;
	} record[DP_CAMPAIGNS_MAX];
	unsigned n;
	struct saved_slice {
		struct campaign_run *run;
		uint32_t slice;
		uint8_t state[STORE_SLICE];
	} slice[SAVE_MAX];
};

static int save_job(struct store_txn *txn, void *arg)
{
	const struct save *save = arg;
	int ret = 0;

	for (unsigned i = 0; i < save->n && ret == 0; i++) {
		const struct saved_slice *s = &save->slice[i];

		ret = store_campaign_slice_put(txn, s->run->dp->id, s->slice, s->state);
	}
	for (unsigned i = 0; i < save->records && ret == 0; i++)
		ret = store_campaign_put(txn, &save->record[i].record);
	return ret;
}

static void slices_collect(struct campaign_run *run, struct save *save)
{
	const uint8_t *next;
	uint32_t at = 0;

	while (save->n < SAVE_MAX && at < run->slices &&
		(next = memchr(run->is_unsaved + at, 1, run->slices - at)) != NULL) {
		struct saved_slice *s = &save->slice[save->n++];

		at = (uint32_t)(next - run->is_unsaved);
		s->run = run;
		s->slice = at;
		campaign_run_slice(run, at, s->state);
		run->is_unsaved[at++] = 0;
	}
}

static void run_collect(struct campaign_run *run, struct save *save)
{
	unsigned before = save->n;

	slices_collect(run, save);
	if (!run->is_record_unsaved && save->n == before)
		return;
	run->is_record_unsaved = false;
	save->record[save->records++] = (struct saved_record){run, run->record};
}

static void save_take_back(struct campaigns *all, const struct save *save)
{
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < save->n; i++)
		save->slice[i].run->is_unsaved[save->slice[i].slice] = 1;
	for (unsigned i = 0; i < save->records; i++)
		save->record[i].run->is_record_unsaved = true;
	pthread_mutex_unlock(&all->lock);
}

// One commit. Returns 1 when there may be more, 0 when all is saved, -errno.
static int save_commit(
	struct ctl *ctl, struct save *save, struct campaign_run *const *runs, unsigned n)
{
	struct campaigns *all = ctl->campaigns;
	int ret;

	save->n = save->records = 0;
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < n; i++)
		run_collect(runs[i], save);
	pthread_mutex_unlock(&all->lock);
	if (save->records == 0)
		return 0;
	ret = ctl_writer_run_first(ctl, save_job, save);
	if (ret == 0)
		return save->n == SAVE_MAX;
	log_warning("campaigns-not-saved", "campaigns=%u first=%u errno=%d", save->records,
		save->record[0].record.id, -ret);
	save_take_back(all, save);
	return ret;
}

int campaigns_save(struct ctl *ctl, struct campaign_run *const *runs, unsigned n)
{
	struct save *save;
	int ret = 1;

	if (n == 0)
		return 0;
	save = malloc(sizeof(*save));
	if (save == NULL)
		return -ENOMEM;
	while (ret > 0) {
		ret = save_commit(ctl, save, runs, n);
		pulse_beat(ctl);
	}
	free(save);
	return ret;
}
