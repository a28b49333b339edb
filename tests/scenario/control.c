// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "control_inside.h"

#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "site.h"

static const uint32_t waits_initial[] = {1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000};

void control_init(struct control *c)
{
	memset(c, 0, sizeof(*c));
	c->campaign = calloc(SITE_CAMPAIGNS, sizeof(*c->campaign));
	if (c->campaign == NULL)
		script_fail("no memory for campaigns");
	c->sends = sizeof(waits_initial) / sizeof(waits_initial[0]);
	memcpy(c->wait_ms, waits_initial, sizeof(waits_initial));
	c->solicits = 3;
	for (unsigned i = 0; i < DP_SENDS_MAX; i++)
		c->solicit_wait_ms[i] = 8000;
}

static void campaign_free(struct campaign *c)
{
	free(c->dp->staged);
	free(c->dp->is_staged);
	free(c->dp->round);
	free(c->dp->done);
	free(c->dp->is_dirty);
	free(c->dp->way);
	free(c->dp->area);
	free(c->dp);
	free(c->saved.round);
	free(c->saved.done);
	free(c);
}

void control_fini(struct control *c)
{
	for (unsigned i = 0; i < c->n; i++)
		campaign_free(c->campaign[i]);
	free(c->campaign);
}

unsigned control_open(const struct control *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		n += c->campaign[i]->is_open;
	return n;
}

void campaign_send(struct site *s, struct campaign *c, enum dp_cmd_kind kind)
{
	struct dp_cmd cmd = {.kind = kind, .campaign = c->dp};

	if (shared_command(&s->shared, &cmd) != 0)
		script_fail("a worker takes no command");
}

// --- Verdicts -------------------------------------------------------------------------------

static void member_tally(struct tally *t, uint8_t round, uint8_t done)
{
	if (round == DP_MEMBER_NONE)
		return;
	t->members++;
	if (done != 0) {
		t->verified++;
	} else if ((round & DP_MEMBER_REFUSED) != 0) {
		t->refused++;
		t->refused_by[round & (CONTROL_REASONS - 1)]++;
	} else {
		t->pending++;
	}
}

void campaign_tally(struct campaign *c, struct tally *t)
{
	memset(t, 0, sizeof(*t));
	for (uint32_t id = 0; id < c->dp->span; id++)
		member_tally(t, c->dp->round[id], c->dp->done[id]);
	if (!c->is_open) {
		t->given_up = t->pending;
		t->pending = 0;
	}
}

// What has to hold of a campaign at every moment.
static void campaign_judge(const struct campaign *c, const struct tally *t)
{
	if (t->members != c->members)
		script_fail(
			"campaign %u has %u members, had %u", c->number, t->members, c->members);
	if (t->verified + t->given_up + t->refused + t->pending != t->members)
		script_fail("campaign %u: the verdicts do not add up", c->number);
	if (t->verified < c->tally.verified)
		script_fail("campaign %u: %u verified, had %u", c->number, t->verified,
			c->tally.verified);
}

static void campaign_count(struct site *s, struct campaign *c)
{
	struct tally t;

	campaign_tally(c, &t);
	campaign_judge(c, &t);
	c->tally = t;
	c->pushes = c->pushes_before;
	c->solicits = 0;
	for (unsigned i = 0; i < s->shared.workers; i++) {
		c->pushes += atomic_load(&c->dp->worker[i].pushes);
		c->solicits += atomic_load(&c->dp->worker[i].solicits);
	}
}

static bool campaign_is_through(const struct site *s, const struct campaign *c)
{
	for (unsigned i = 0; i < s->shared.workers; i++)
		if (!atomic_load(&c->dp->worker[i].is_through))
			return false;
	return true;
}

// --- Settling -------------------------------------------------------------------------------

static struct campaign *campaign_of(struct control *control, const struct dp_campaign *dp)
{
	for (unsigned i = 0; i < control->n; i++)
		if (control->campaign[i]->dp == dp)
			return control->campaign[i];
	script_fail("an event of a campaign nobody knows");
}

// Who verified under the current MUK is noted, as the store would have it.
static void verifications_note(struct site *s, const struct campaign *c)
{
	for (uint32_t id = 0; id < c->dp->span; id++) {
		unsigned person = people_of_id(&s->people, id);

		if (c->dp->done[id] == DP_DONE_CURRENT && person != UINT_MAX)
			s->people.person[person].is_verified = true;
	}
}

static void events_take(struct site *s)
{
	struct dp_event event;

	while (rte_ring_dequeue_elem(s->shared.events, &event, sizeof(event)) == 0) {
		struct campaign *c;

		if (event.kind != DP_EVENT_CAMPAIGN_CLOSED)
			continue;
		c = campaign_of(&s->control, event.campaign);
		if (++c->workers_closed < s->shared.workers)
			continue;
		c->is_open = false;
		c->is_closing = false;
		verifications_note(s, c);
		campaign_count(s, c);
	}
}

static void verifications_take(struct site *s)
{
	struct dp_verification v;
	bool is_noted = false;

	for (unsigned i = 0; i < s->shared.workers; i++)
		while (rte_ring_dequeue_elem(s->shared.worker[i]->verifications, &v, sizeof(v)) ==
			0) {
			unsigned person = people_of_id(&s->people, v.id);

			s->control.told++;
			if (person == UINT_MAX || s->people.person[person].is_verified)
				continue;
			s->people.person[person].is_verified = true;
			people_write_one(&s->people, person);
			is_noted = true;
		}
	if (is_noted)
		site_commit(s);
}

static uint8_t round_behind(const struct site *s, const struct campaign *c)
{
	uint32_t round = c->dp->sends + c->dp->solicits;

	for (unsigned i = 0; i < s->shared.workers; i++) {
		uint32_t its = atomic_load(&c->dp->worker[i].round);

		if (its < round && !atomic_load(&c->dp->worker[i].is_through))
			round = its;
	}
	return (uint8_t)(round < c->dp->first_round ? c->dp->first_round : round);
}

static void campaign_save(const struct site *s, struct campaign *c)
{
	memcpy(c->saved.round, c->dp->round, c->dp->span);
	memcpy(c->saved.done, c->dp->done, c->dp->span);
	c->saved.first_round = round_behind(s, c);
	c->saved.pushes = c->pushes;
}

void control_settle(struct site *s)
{
	s->control.settled_ns = s->ns;
	if (!s->is_running)
		return;
	events_take(s);
	verifications_take(s);
	for (unsigned i = 0; i < s->control.n; i++) {
		struct campaign *c = s->control.campaign[i];

		if (!c->is_open)
			continue;
		campaign_count(s, c);
		campaign_save(s, c);
		if (c->is_closing)
			continue;
		if (atomic_load(&c->dp->is_aborted) || c->tally.pending == 0 ||
			campaign_is_through(s, c)) {
			c->is_closing = true;
			campaign_send(s, c, DP_CMD_CAMPAIGN_CLOSE);
		}
	}
}

enum dp_stall campaign_stall(const struct site *s, const struct campaign *c)
{
	for (unsigned i = 0; i < s->shared.workers; i++) {
		uint32_t stall = atomic_load(&c->dp->worker[i].stall);

		if (stall != DP_STALL_NONE && stall != DP_STALL_PACE)
			return (enum dp_stall)stall;
	}
	return DP_STALL_NONE;
}

// --- After a restart ------------------------------------------------------------------------

// Number of the last message a member gets.
static unsigned last_send(const struct dp_campaign *dp, uint32_t id)
{
	if (dp->way != NULL && dp->way[id] == DP_WAY_SOLICIT)
		return dp->solicits;
	return dp->sends + dp->solicits;
}

static void campaign_restore(struct campaign *c)
{
	struct dp_campaign *dp = c->dp;

	for (uint32_t id = 0; id < dp->span; id++) {
		uint8_t round = c->saved.round[id];

		// Answers to what was sent before the restart find nobody who waits for them: who
		// had all his sends gets one more.
		dp->round[id] = round == last_send(dp, id) ? (uint8_t)(round - 1) : round;
		dp->done[id] = c->saved.done[id] != 0 ? DP_DONE_PREV : 0;
	}
	dp->first_round = c->saved.first_round;
	atomic_store(&dp->first_counter, 0);
	atomic_store(&dp->pace_rate, 0);
	memset(dp->worker, 0, sizeof(dp->worker));
	if (dp->is_staged != NULL)
		memset(dp->is_staged, 0, dp->span);
	c->pushes_before = c->saved.pushes;
	c->is_closing = false;
	c->workers_closed = 0;
	campaign_tally(c, &c->tally);
}

void control_crash(struct site *s, bool is_store_lost)
{
	for (unsigned i = 0; i < s->control.n; i++) {
		struct campaign *c = s->control.campaign[i];

		if (!c->is_open)
			continue;
		c->is_open = !is_store_lost;
		campaign_restore(c);
	}
}

// The store that came back empty has its MSKs too.
static void msks_restore(struct site *s)
{
	for (unsigned g = 1; g <= PEOPLE_GROUPS; g++)
		if (s->control.msk[g].number != 0)
			msk_store(s, &s->control.msk[g], STORE_MSK_CURRENT);
}

void control_resume(struct site *s)
{
	msks_restore(s);
	for (unsigned i = 0; i < s->control.n; i++)
		if (s->control.campaign[i]->is_open)
			campaign_send(s, s->control.campaign[i], DP_CMD_CAMPAIGN_OPEN);
}
