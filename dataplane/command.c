// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a worker does when control tells it to: take a campaign up, let it go, see the store as
// it is now.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "single.h"
#include "staged.h"
#include "translate.h"

void worker_event(struct worker *w, const struct dp_event *event)
{
	struct dp_event copy = *event;

	copy.worker = (uint8_t)w->index;
	// Events are few and the ring is large; one that does not fit is seen in the counters.
	if (rte_ring_enqueue_elem(w->shared->events, &copy, sizeof(copy)) != 0)
		w->stats.events_lost++;
}

static void run_free(struct run *run)
{
	sweeps_fini(run);
	store_eligibility_free(&run->eligibility);
	explicit_bzero(run, sizeof(*run));
	free(run);
}

// What any run needs to check answers.
static int run_begin(struct worker *w, struct run *run, const struct dp_msk *msk)
{
	const char *idi = w->shared->conf->idi;
	struct store_group_id group = translate_group(msk);

	run->idi = msk->profile == MIKEY_PROFILE_V600
		? (struct mikey_bytes){msk->kdi, sizeof(msk->kdi)}
		: (struct mikey_bytes){(const uint8_t *)idi, (uint16_t)strlen(idi)};
	translate_label(msk, &run->msk.label);
	return store_eligibility_load(w->reader, &group, &run->eligibility);
}

static int msk_draft(const struct worker *w, struct run *run, const struct dp_msk *msk)
{
	struct mikey_msk msg;

	translate_msk(msk, w->shared->conf->idi, &msg);
	return mikey_template_init(&run->msk.tpl, &msg) == MIKEY_OK ? 0 : -EINVAL;
}

static int solicit_draft(const struct worker *w, struct run *run, const struct dp_campaign *c)
{
	struct mikey_msk msg;

	translate_solicit(c, w->shared->conf->idi, &msg, &run->solicit.label);
	return mikey_template_init(&run->solicit.tpl, &msg) == MIKEY_OK ? 0 : -EINVAL;
}

int run_prepare(struct worker *w, struct run *run, const struct dp_msk *msk)
{
	int ret = msk_draft(w, run, msk);

	return ret != 0 ? ret : run_begin(w, run, msk);
}

static int run_init(
	struct worker *w, struct run *run, struct dp_campaign *c, const struct dp_now *now)
{
	int ret = run_begin(w, run, &c->msk);

	run->campaign = c;
	// Who only solicits has no message that could carry a key.
	if (ret == 0 && c->kind != DP_CAMPAIGN_SOLICIT)
		ret = msk_draft(w, run, &c->msk);
	if (ret == 0 && c->kind != DP_CAMPAIGN_PUSH)
		ret = solicit_draft(w, run, c);
	return ret != 0 ? ret : sweeps_init(w, run, now);
}

static void campaign_open(struct worker *w, struct dp_campaign *c, const struct dp_now *now)
{
	struct run *run = calloc(1, sizeof(*run));
	int ret = run == NULL || w->runs == DP_CAMPAIGNS_MAX ? -ENOMEM : run_init(w, run, c, now);

	if (ret == 0) {
		w->run[w->runs++] = run;
		return;
	}
	// Its members stay pending; control closes it and says why.
	atomic_store(&c->worker[w->index].error, ret);
	atomic_store(&c->worker[w->index].is_through, true);
	if (run != NULL)
		run_free(run);
}

void run_close(struct worker *w, struct run *run)
{
	unsigned i = 0;

	while (w->run[i] != run)
		i++;
	burst_discard(w, run);
	w->run[i] = w->run[--w->runs];
	run_free(run);
}

static void campaign_close(struct worker *w, struct dp_campaign *c)
{
	struct dp_event event = {.kind = DP_EVENT_CAMPAIGN_CLOSED, .campaign = c};

	for (unsigned i = 0; i < w->runs; i++) {
		if (w->run[i]->campaign != c)
			continue;
		run_close(w, w->run[i]);
		break;
	}
	worker_event(w, &event);
}

// Values of new or changed records begin above all that is in use: the key may have been known
// under another id before.
static void records_raise(struct worker *w, uint32_t first, uint32_t n)
{
	uint32_t highest = shared_counter_highest(w->shared), end = first + n;

	if (end > w->counter.counter->ids || end < first)
		end = w->counter.counter->ids;
	for (uint32_t id = first; id < end; id++) {
		if (counter_owner_of(id, w->shared->workers) != w->index)
			continue;
		counter_raise(&w->counter, id, highest);
		for (unsigned i = 0; i < w->runs; i++) {
			struct dp_campaign *c = w->run[i]->campaign;

			run_unstage(w, w->run[i], id);
			if (id < c->span && c->done[id] == DP_DONE_CURRENT)
				c->done[id] = DP_DONE_PREV;
		}
	}
}

static void eligibilities_follow(struct worker *w)
{
	for (unsigned i = 0; i < w->runs; i++) {
		struct run *run = w->run[i];
		struct store_group_id group = translate_group(&run->campaign->msk);
		struct store_eligibility fresh;

		if (store_eligibility_load(w->reader, &group, &fresh) != 0)
			continue;
		store_eligibility_free(&run->eligibility);
		run->eligibility = fresh;
		// Who was entitled when a frame was built may not be any more.
		if (run_stages_frames(run))
			run_unstage_all(w, run);
	}
}

void worker_follow(struct worker *w, const struct dp_now *now)
{
	uint64_t dict = store_reader_dict_version(w->reader);

	// What waits was made from records that may be gone.
	if (w->burst.n != 0)
		burst_return(w);
	if (store_reader_renew(w->reader) <= 0)
		return;
	if (dict != store_reader_dict_version(w->reader))
		eligibilities_follow(w);
	single_follow(w, now);
}

bool worker_has_seen(struct worker *w, uint64_t version, const struct dp_now *now)
{
	if (store_reader_version(w->reader) >= version)
		return true;
	if (w->is_held || w->known_version < version)
		return false;
	worker_follow(w, now);
	return store_reader_version(w->reader) >= version;
}

// Changed records are taken over by all workers together: each stops sending, and when all have
// stopped, no key can be in use under its old record any more while another worker raises the
// values of its new one.
static void hold_begin(struct worker *w, const struct dp_cmd *cmd)
{
	burst_return(w);
	w->is_held = true;
	w->holds++;
	w->waiting = *cmd;
	w->has_waiting = true;
	atomic_fetch_add(&w->shared->held, 1);
}

static bool all_hold(const struct worker *w)
{
	return atomic_load(&w->shared->held) >= w->holds * w->shared->workers;
}

static void store_changed(struct worker *w, const struct dp_cmd *cmd, const struct dp_now *now)
{
	if (cmd->n != 0 && !w->is_held) {
		hold_begin(w, cmd);
		return;
	}
	records_raise(w, cmd->first, cmd->n);
	if (cmd->has_more)
		return;
	w->known_version = cmd->version;
	worker_follow(w, now);
	w->is_held = false;
}

// The snapshot may hold commits whose changed records were not named yet.
bool worker_may_send(const struct worker *w)
{
	return !w->is_held && store_reader_version(w->reader) <= w->known_version &&
		atomic_load_explicit(&w->shared->fault, memory_order_relaxed) == NULL;
}

static void command_take(struct worker *w, const struct dp_cmd *cmd, const struct dp_now *now)
{
	switch (cmd->kind) {
	case DP_CMD_CAMPAIGN_OPEN:
		campaign_open(w, cmd->campaign, now);
		break;
	case DP_CMD_CAMPAIGN_CLOSE:
		campaign_close(w, cmd->campaign);
		break;
	case DP_CMD_STORE_CHANGED:
		store_changed(w, cmd, now);
		break;
	case DP_CMD_STORE_KNOWN:
		w->known_version = cmd->version;
		break;
	}
}

void worker_commands(struct worker *w, const struct dp_now *now)
{
	struct dp_cmd cmd;

	while (!w->has_waiting || all_hold(w)) {
		if (w->has_waiting)
			cmd = w->waiting;
		else if (rte_ring_dequeue_elem(w->commands, &cmd, sizeof(cmd)) != 0)
			return;
		w->has_waiting = false;
		command_take(w, &cmd, now);
	}
}
