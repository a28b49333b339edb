// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a campaign leaves to do once its report is final.
// That verifications arrived under the current MUK is written to the subscribers then, in the
// order of their ids, so that a block is written once for all of its members. After a crash
// in between it is not known of some, and their next new B-TID keeps an older previous one.

#include <string.h>

#include "campaign_run.h"
#include "log.h"
#include "pulse.h"

#define FLAGS_MAX 5000 // verifications noted in one commit
#define KEPT 8 // campaigns of a group whose member states are kept
#define DROP_SLICES 256 // dropped in one commit
#define LEAVE_COMMITS 4 // of a campaign that is closed, in one step: others want theirs in time

static int flags_job(struct store_txn *txn, void *arg)
{
	struct campaign_run *run = arg;
	store_id ids[FLAGS_MAX];
	size_t n = 0;

	for (; run->noted < run->dp->span && n < FLAGS_MAX; run->noted++)
		if (run->dp->done[run->noted] == DP_DONE_CURRENT)
			ids[n++] = run->noted;
	return n == 0 ? 0 : store_subscriber_verified(txn, ids, n);
}

// One commit; the job reads done[] in the writer's thread, where changes of subscribers are seen in
// order. What it could not commit is noted no more than before.
static int flags_commit(struct ctl *ctl, struct campaign_run *run)
{
	store_id before = run->noted;
	int ret = ctl_writer_run(ctl, flags_job, run);

	if (ret != 0)
		run->noted = before;
	pulse_beat(ctl);
	return ret;
}

bool campaign_run_note(struct ctl *ctl, struct campaign_run *run, unsigned commits)
{
	int ret = 0;

	for (; run->noted < run->dp->span && ret == 0 && commits > 0; commits--)
		ret = flags_commit(ctl, run);
	if (ret == 0) {
		run->note_retry = (struct retry){0};
		return run->noted >= run->dp->span;
	}
	log_warning("verifications-not-noted", "campaign=%u errno=%d", run->record.id, -ret);
	return !retry_later(&run->note_retry, ctl_clock_ms());
}

struct drop {
	uint32_t id;
	int has_more;
};

static int drop_job(struct store_txn *txn, void *arg)
{
	struct drop *drop = arg;

	drop->has_more = store_campaign_slices_drop(txn, drop->id, DROP_SLICES);
	return drop->has_more < 0 ? drop->has_more : 0;
}

// Whether all are dropped, or cannot be.
static bool slices_drop(struct ctl *ctl, uint32_t id, unsigned commits)
{
	struct drop drop = {.id = id, .has_more = 1};

	for (; drop.has_more == 1 && commits > 0; commits--) {
		if (ctl_writer_run(ctl, drop_job, &drop) != 0)
			return true;
		pulse_beat(ctl);
	}
	return drop.has_more != 1;
}

// Campaigns of the same kind over the same group: those for one subscriber do not push out the
// member states of those for all.
static bool record_is_alike(const struct store_campaign *a, const struct store_campaign *b)
{
	return memcmp(a->group.kdi, b->group.kdi, sizeof(a->group.kdi)) == 0 &&
		a->group.group == b->group.group &&
		(a->only == STORE_ID_NONE) == (b->only == STORE_ID_NONE);
}

// Drops the member states of the campaigns that are now the ninth and tenth of their kind: those
// before went when they were, the tenth only in case a crash left it. Whether that is done.
static bool history_trim(struct ctl *ctl, const struct store_campaign *closed)
{
	uint32_t ids[KEPT + 2] = {0};
	struct store_campaign record = {0};
	struct store_reader *r;
	bool is_done = true;

	if (ctl_reader_get(ctl, &r) != 0)
		return true;
	while (store_reader_campaign_next(r, record.id, &record) == 0) {
		if (!record_is_alike(&record, closed))
			continue;
		memmove(ids + 1, ids, sizeof(ids) - sizeof(ids[0]));
		ids[0] = record.id;
	}
	ctl_reader_put(ctl, r);
	for (int i = KEPT; i < KEPT + 2; i++)
		if (ids[i] != 0 && !slices_drop(ctl, ids[i], LEAVE_COMMITS))
			is_done = false;
	return is_done;
}

bool campaign_run_leave(struct ctl *ctl, struct campaign_run *run)
{
	return retry_is_due(&run->note_retry, ctl_clock_ms()) &&
		campaign_run_note(ctl, run, LEAVE_COMMITS) && history_trim(ctl, &run->record);
}
