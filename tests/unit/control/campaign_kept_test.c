// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What of a campaign is kept: through restarts and crashes, with the subscribers, and for how long.

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "campaign_run.h"
#include "site.h"
#include "test.h"

static void pause_and_rate_reach_the_workers_and_the_store(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 1, 8, &id);
	assert_int_equal(campaign_pause(&s->ctl, id, true), 0);
	assert_int_equal(campaign_rate(&s->ctl, id, 500), 0);
	assert_true(c->is_paused);
	assert_int_equal(c->rate, 500);
	site_restart(s, true);
	site_expect(s, id, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_PAUSED);
	c = fake_dp_opened(s->dp, 0);
	assert_true(c->is_paused);
	assert_int_equal(c->rate, 500);
	assert_int_equal(campaign_pause(&s->ctl, id, false), 0);
	assert_false(c->is_paused);
	assert_int_equal(campaign_pause(&s->ctl, 99, false), -ENOENT);
}

static void restart_keeps_who_was_verified_and_goes_on_in_the_same_round(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 4, 8, &id);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 3);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_refused(c, 3, DP_REFUSED_NO_ADDRESS);
	atomic_store(&c->worker[0].round, 3);
	atomic_store(&c->worker[1].round, 4);
	site_settle(s);
	site_restart(s, true);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->id, id);
	assert_int_equal(c->first_round, 3);
	assert_int_equal(c->round[1], 3);
	assert_int_equal(c->done[0], DP_DONE_PREV);
	assert_int_equal(c->done[1], 0);
	site_expect(s, id, COUNTS(4, 1, 0, 1, 2), STORE_CAMPAIGN_RUNNING);
	assert_int_equal(site_view(s, id).record.pushes, 3);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	fake_dp_sent(c, 2, 4);
	fake_dp_through(s->dp, c);
	site_settle(s);
	site_expect(s, id, COUNTS(4, 2, 1, 1, 0), STORE_CAMPAIGN_DONE);
	assert_int_equal(site_view(s, id).record.pushes, 4);
}

static void restart_asks_those_once_more_who_had_all_their_sends(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;

	c = site_campaign(s, 3, 2, NULL);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 2);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	atomic_store(&c->worker[0].round, 3);
	atomic_store(&c->worker[1].round, 3);
	site_settle(s);
	site_restart(s, true);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->first_round, 2);
	assert_int_equal(c->round[0], 1);
	assert_int_equal(c->round[1], 2);
	assert_int_equal(c->round[2], 1);
}

static void crash_before_the_first_settle_loses_no_member(void **state)
{
	struct site *s = *state;
	uint32_t id;

	site_subscribers(s, 2 * STORE_SLICE + 7);
	id = site_push(s, 8);
	site_restart(s, true);
	site_expect(s, id, COUNTS(2 * STORE_SLICE + 7, 0, 0, 0, 2 * STORE_SLICE + 7),
		STORE_CAMPAIGN_RUNNING);
}

// More than the last step and one commit after it take.
#define SLICES 130u

static void clean_stop_keeps_every_answer(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, SLICES * STORE_SLICE, 8, &id);
	for (uint32_t i = 0; i < SLICES * STORE_SLICE; i += STORE_SLICE) {
		fake_dp_sent(c, i, 1);
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	}
	site_restart(s, false);
	site_expect(s, id,
		COUNTS(SLICES * STORE_SLICE, SLICES, 0, 0, SLICES * STORE_SLICE - SLICES),
		STORE_CAMPAIGN_RUNNING);
	assert_true(site_flags(s, (SLICES - 1) * STORE_SLICE) & STORE_MUK_VERIFIED);
}

static void verification_under_the_current_muk_is_noted_with_the_subscriber(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;

	c = site_campaign(s, 4, 1, NULL);
	for (uint32_t i = 0; i < 4; i++)
		fake_dp_sent(c, i, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_verified(c, 1, DP_DONE_PREV);
	fake_dp_verified(c, 2, DP_DONE_CURRENT);
	// The new MUK of 2 has not been verified, whatever the old one was.
	site_rekey(s, 2, "new@x");
	fake_dp_through(s->dp, c);
	site_settle(s);
	assert_true(site_flags(s, 0) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 1) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 2) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 3) & STORE_MUK_VERIFIED);
}

// LMDB writes nothing behind the head of its file any more.
static void commits_fail(bool fail)
{
	const struct rlimit limit = {fail ? 4096 : RLIM_INFINITY, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void settle_until_flagged(struct site *s, store_id id)
{
	for (unsigned i = 0; i < 1000 && (site_flags(s, id) & STORE_MUK_VERIFIED) == 0; i++) {
		settle_step(&s->ctl);
		usleep(10000);
	}
	assert_true(site_flags(s, id) & STORE_MUK_VERIFIED);
}

static void verifications_that_could_not_be_noted_are_noted_later(void **state)
{
	struct site *s = *state;
	struct campaign_run *run;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 2, 1, &id);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_through(s->dp, c);
	run = campaigns_find(s->ctl.campaigns, id);
	commits_fail(true);
	assert_false(campaign_run_note(&s->ctl, run, 1));
	assert_int_equal(site_flags(s, 0) & STORE_MUK_VERIFIED, 0);
	commits_fail(false);
	settle_until_flagged(s, 0);
	assert_null(campaigns_find(s->ctl.campaigns, id));
}

static void what_a_single_push_verified_is_kept_until_it_can_be_noted(void **state)
{
	struct site *s = *state;

	site_subscribers(s, 2);
	// The MUKs of a site have no states.
	s->dp->verification[0] = (struct dp_verification){.id = 1};
	s->dp->verifications = 1;
	commits_fail(true);
	settle_step(&s->ctl);
	assert_int_equal(site_flags(s, 1) & STORE_MUK_VERIFIED, 0);
	commits_fail(false);
	settle_until_flagged(s, 1);
}

// What is noted of a large one is not allowed to hold up what others have to commit.
static void closed_campaign_leaves_in_many_steps(void **state)
{
	enum {
		MEMBERS = 60000
	};
	struct site *s = *state;
	struct dp_campaign *c;
	unsigned steps = 0;

	c = site_campaign(s, MEMBERS, 1, NULL);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		fake_dp_sent(c, i, 1);
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	}
	fake_dp_through(s->dp, c);
	site_settle(s);
	assert_true(site_flags(s, 0) & STORE_MUK_VERIFIED);
	for (; (site_flags(s, MEMBERS - 1) & STORE_MUK_VERIFIED) == 0; steps++)
		settle_step(&s->ctl);
	assert_in_range(steps, 2, 10);
}

static void member_states_of_the_last_eight_campaigns_are_kept(void **state)
{
	struct site *s = *state;
	uint8_t slice[STORE_SLICE];
	struct store_reader *r;

	site_subscribers(s, 1);
	for (unsigned i = 0; i < 10; i++) {
		site_push(s, 1);
		fake_dp_through(s->dp, fake_dp_opened(s->dp, i));
		site_settle(s);
	}
	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(campaign_slice_read(&s->ctl, r, 2, 0, slice), -ENOENT);
	assert_int_equal(campaign_slice_read(&s->ctl, r, 3, 0, slice), 0);
	ctl_reader_put(&s->ctl, r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(pause_and_rate_reach_the_workers_and_the_store),
		WITH_SITE(restart_keeps_who_was_verified_and_goes_on_in_the_same_round),
		WITH_SITE(restart_asks_those_once_more_who_had_all_their_sends),
		WITH_SITE(crash_before_the_first_settle_loses_no_member),
		WITH_SITE(clean_stop_keeps_every_answer),
		WITH_SITE(verification_under_the_current_muk_is_noted_with_the_subscriber),
		WITH_SITE(verifications_that_could_not_be_noted_are_noted_later),
		WITH_SITE(what_a_single_push_verified_is_kept_until_it_can_be_noted),
		WITH_SITE(closed_campaign_leaves_in_many_steps),
		WITH_SITE(member_states_of_the_last_eight_campaigns_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
