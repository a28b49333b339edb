// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What happened in the workers becomes durable here. Every SETTLE_MS:
//   events are taken; slices that changed are counted again, and go to the store with the records
//   (campaign_save.c). A crash loses the states of the last moments only: those members are pending
//   again and get one message more.
// A campaign closes when nobody is pending, when it was aborted, or when all workers are through
// (the last wait is over). The workers let it go, each says so, and then the arrays stand still:
// who is still pending is given up, every slice that changed is committed, and last the record
// with its final state. Only then is it reported as closed.
// What it leaves to do then is done in parts (campaign_leave.c).

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "campaign_run.h"
#include "conf.h"
#include "dp.h"
#include "history.h"
#include "log.h"
#include "pulse.h"
#include "verifications.h"

#define EVENTS_MAX 64

// --- Events ---------------------------------------------------------------------------------

static void campaign_let_go(struct campaigns *all, const struct dp_campaign *dp)
{
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++)
		if (all->run[i]->dp == dp)
			all->run[i]->workers_closed++;
	pthread_mutex_unlock(&all->lock);
}

static void event_take(struct ctl *ctl, const struct dp_event *event)
{
	switch (event->kind) {
	case DP_EVENT_CAMPAIGN_CLOSED:
		campaign_let_go(ctl->campaigns, event->campaign);
		break;
	case DP_EVENT_HOP_MAC:
		log_info("next-hop-mac", "hop=%u worker=%u", event->hop, event->worker);
		break;
	case DP_EVENT_HOP_LOST:
		log_warning("next-hop-lost", "hop=%u", event->hop);
		break;
	case DP_EVENT_PORT:
		log_warning("port", "port=%u state=%s", event->port,
			event->is_gone	       ? "gone"
				: event->is_up ? "up"
					       : "down");
		break;
	}
}

static void events_take(struct ctl *ctl)
{
	struct dp_event events[EVENTS_MAX];
	size_t n = EVENTS_MAX;

	while (ctl->dp != NULL && n == EVENTS_MAX) {
		pthread_mutex_lock(&ctl->dp_lock);
		n = dp_events(ctl->dp, events, EVENTS_MAX);
		pthread_mutex_unlock(&ctl->dp_lock);
		for (size_t i = 0; i < n; i++)
			event_take(ctl, &events[i]);
	}
}

// --- Closing --------------------------------------------------------------------------------

static bool run_is_over(const struct campaign_run *run)
{
	return atomic_load(&run->dp->is_aborted) || campaign_run_pending(run) == 0 ||
		campaign_run_is_through(run);
}

static void run_close(struct ctl *ctl, struct campaign_run *run)
{
	struct dp_cmd cmd = {.kind = DP_CMD_CAMPAIGN_CLOSE, .campaign = run->dp};

	// A full ring: again at the next step.
	if (ctl_command(ctl, &cmd) != 0)
		return;
	pthread_mutex_lock(&ctl->campaigns->lock);
	run->phase = CAMPAIGN_CLOSING;
	run->record.ended_ms = campaign_now_ms();
	pthread_mutex_unlock(&ctl->campaigns->lock);
}

static bool workers_failed(const struct campaign_run *run)
{
	for (unsigned i = 0; i < run->workers; i++) {
		int error = atomic_load(&run->dp->worker[i].error);

		if (error == 0)
			continue;
		log_error("campaign-not-taken", "campaign=%u worker=%u errno=%d", run->record.id, i,
			-error);
		return true;
	}
	return false;
}

// The arrays stand still: members that are pending are given up. With the lock held.
static void run_finalize(struct campaign_run *run)
{
	bool is_aborted = atomic_load(&run->dp->is_aborted) || workers_failed(run);

	campaign_run_follow(run);
	if (run->rest != 0)
		return;
	run->rest = is_aborted ? STORE_MEMBER_ABORTED : STORE_MEMBER_GIVEN_UP;
	for (uint32_t i = 0; i < run->slices; i++)
		if (run->count[i].members > run->count[i].verified + run->count[i].refused)
			run->is_unsaved[i] = 1;
	run->record.given_up = campaign_run_pending(run);
	run->record.round = run->rounds;
}

static void closed_report(const struct store_campaign *r)
{
	// By the wall clock, which may have been set back meanwhile.
	uint64_t took_ms = r->ended_ms > r->started_ms ? r->ended_ms - r->started_ms : 0;

	log_info("campaign-closed",
		"campaign=%u state=%s members=%u verified=%u given-up=%u refused=%u rounds=%u "
		"pushes=%lu seconds=%.3f",
		r->id, r->state == STORE_CAMPAIGN_ABORTED ? "aborted" : "done", r->members,
		r->verified, r->given_up, r->refused, r->round, (unsigned long)r->pushes,
		(double)took_ms / 1000);
}

// Slices first, the record with its final state last. Fails as a whole until all are durable.
static void run_finish(struct ctl *ctl, struct campaign_run *run)
{
	struct campaigns *all = ctl->campaigns;
	struct store_campaign record;

	pthread_mutex_lock(&all->lock);
	run_finalize(run);
	pthread_mutex_unlock(&all->lock);
	if (campaigns_save(ctl, &run, 1) != 0)
		return;
	record = run->record;
	record.state =
		run->rest == STORE_MEMBER_ABORTED ? STORE_CAMPAIGN_ABORTED : STORE_CAMPAIGN_DONE;
	if (ctl_writer_run(ctl, campaign_record_job, &record) != 0)
		return;
	pthread_mutex_lock(&all->lock);
	run->record = record;
	run->phase = CAMPAIGN_CLOSED;
	pthread_cond_broadcast(&all->closed);
	pthread_mutex_unlock(&all->lock);
	atomic_fetch_add(run->rest == STORE_MEMBER_ABORTED ? &ctl->meters.campaigns_aborted
							   : &ctl->meters.campaigns_done,
		1);
	closed_report(&record);
}

// --- The step -------------------------------------------------------------------------------

static void run_leave(struct ctl *ctl, struct campaign_run *run)
{
	struct campaigns *all = ctl->campaigns;

	if (!campaign_run_leave(ctl, run))
		return;
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++)
		if (all->run[i] == run)
			all->run[i--] = all->run[--all->n];
	pthread_mutex_unlock(&all->lock);
	campaign_run_destroy(run);
}

static void run_step(struct ctl *ctl, struct campaign_run *run)
{
	if (run->phase == CAMPAIGN_OPEN && run_is_over(run))
		run_close(ctl, run);
	else if (run->phase == CAMPAIGN_CLOSING && run->workers_closed >= run->workers)
		run_finish(ctl, run);
	if (run->phase == CAMPAIGN_CLOSED)
		run_leave(ctl, run);
}

static void runs_save(struct ctl *ctl, struct campaign_run *const *runs, unsigned n)
{
	struct campaign_run *open[DP_CAMPAIGNS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		if (runs[i]->phase == CAMPAIGN_OPEN && !run_is_over(runs[i]))
			open[count++] = runs[i];
	campaigns_save(ctl, open, count);
}

// Only this thread takes runs off the list once they are open, so they may be used without the
// lock; their contents change under it.
static unsigned runs_follow(struct campaigns *all, struct campaign_run *runs[DP_CAMPAIGNS_MAX])
{
	unsigned n = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++) {
		if (all->run[i]->phase == CAMPAIGN_STARTING)
			continue;
		campaign_run_follow(all->run[i]);
		if (all->run[i]->phase == CAMPAIGN_OPEN &&
			campaign_run_try(all->run[i], ctl_clock_ms()))
			log_warning("campaign-halted", "campaign=%u verified=%u first=%u",
				all->run[i]->record.id, all->run[i]->record.verified,
				all->run[i]->record.stop_after);
		runs[n++] = all->run[i];
	}
	pthread_mutex_unlock(&all->lock);
	return n;
}

// Nothing that was computed can be trusted: no record of it goes to the store, and the daemon ends.
static void fault_watch(struct ctl *ctl)
{
	const char *fault = NULL;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		fault = dp_fault(ctl->dp);
	pthread_mutex_unlock(&ctl->dp_lock);
	if (fault == NULL || ctl->has_failed)
		return;
	ctl->has_failed = true;
	log_error("crypto-fault",
		"what=\"%s\" why=\"ipsec-mb computes it otherwise; nothing is sent any more, the "
		"daemon ends. Set workers.crypto: ipsec-mb, or use another machine\"",
		fault);
	eventfd_write(ctl->wake_fd, 1);
}

void settle_step(struct ctl *ctl)
{
	struct campaign_run *runs[DP_CAMPAIGNS_MAX];
	uint64_t begin_ns = meter_now_ns();
	unsigned n;

	fault_watch(ctl);
	events_take(ctl);
	n = runs_follow(ctl->campaigns, runs);
	runs_save(ctl, runs, n);
	history_follow(ctl);
	verifications_note(ctl, &ctl->campaigns->verifications);
	governor_step(ctl, &ctl->campaigns->governor);
	for (unsigned i = 0; i < n; i++)
		run_step(ctl, runs[i]);
	campaigns_begin(ctl);
	meter_time(&ctl->meters.settle, begin_ns);
}

void settle_finish(struct ctl *ctl)
{
	struct campaign_run *runs[DP_CAMPAIGNS_MAX];
	unsigned n = runs_follow(ctl->campaigns, runs);

	campaigns_save(ctl, runs, n);
	for (unsigned i = 0; i < n; i++)
		campaign_run_note(ctl, runs[i], UINT_MAX);
}
