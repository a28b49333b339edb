// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "msk.h"
#include "site.h"
#include "test.h"

static void expect_counts(
	struct site *s, uint32_t id, const uint32_t counts[5], enum store_campaign_state state)
{
	struct campaign_view v = site_view(s, id);

	assert_int_equal(v.record.members, counts[0]);
	assert_int_equal(v.record.verified, counts[1]);
	assert_int_equal(v.record.given_up, counts[2]);
	assert_int_equal(v.record.refused, counts[3]);
	assert_int_equal(v.pending, counts[4]);
	assert_int_equal(v.record.members,
		v.record.verified + v.record.given_up + v.record.refused + v.pending);
	assert_int_equal(v.record.state, state);
}
#define COUNTS(...) ((const uint32_t[5]){__VA_ARGS__})

// Two steps: the workers are told, and their answers are taken.
static void settle(struct site *s)
{
	settle_step(&s->ctl);
	settle_step(&s->ctl);
}

static void members_are_those_authorised_and_registered(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 3);
	s->set = STORE_SET_NONE;
	site_subscribers(s, 1);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->span, 4);
	assert_int_equal(c->round[2], 0);
	assert_int_equal(c->round[3], DP_MEMBER_NONE);
	expect_counts(s, id, COUNTS(3, 0, 0, 0, 3), STORE_CAMPAIGN_RUNNING);
}

static void start_is_durable_before_the_workers_see_it(void **state)
{
	struct site *s = *state;
	uint32_t id;

	site_subscribers(s, 2);
	s->dp->is_full = true;
	struct campaign_order order = {
		.group = s->group, .sends = 1, .wait_s = {1}, .only = STORE_ID_NONE};
	char why[256];
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), -EAGAIN);
	assert_int_equal(site_member(s, id, 1), 0);
	expect_counts(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
	assert_int_equal(ctl_campaign_holding(&s->ctl, 0), 0);
}

static void second_campaign_on_a_group_is_refused_with_its_number(void **state)
{
	struct site *s = *state;
	struct campaign_order order = {
		.group = s->group, .sends = 1, .wait_s = {1}, .only = STORE_ID_NONE};
	uint32_t first, second;
	char why[256];

	site_subscribers(s, 2);
	first = site_push(s, 2);
	assert_int_equal(campaign_start(&s->ctl, &order, &second, why), -EBUSY);
	assert_int_equal(second, first);
	assert_string_equal(why, "Campaign 1 runs on this key group");
	order.only = 1;
	assert_int_equal(campaign_start(&s->ctl, &order, &second, why), 0);
	assert_int_equal(second, 2);
	assert_int_equal(fake_dp_opened(s->dp, 1)->round[0], DP_MEMBER_NONE);
	expect_counts(s, second, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_RUNNING);
}

static void start_releases_the_newest_msk(void **state)
{
	struct site *s = *state;
	struct store_msk made, msk;
	struct store_reader *r;

	site_subscribers(s, 1);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &made), 0);
	site_push(s, 1);
	assert_int_equal(fake_dp_opened(s->dp, 0)->msk.number, 2);
	assert_memory_equal(fake_dp_opened(s->dp, 0)->msk.key, made.key.byte, 16);
	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(store_reader_msk(r, &s->group, 2, &msk), 0);
	assert_true(msk.is_released);
	assert_int_equal(store_reader_msk(r, &s->group, 1, &msk), 0);
	assert_false(msk.is_released);
	ctl_reader_put(&s->ctl, r);
}

static void campaign_closes_as_soon_as_nobody_is_pending(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 3);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_refused(c, 1, DP_REFUSED_NO_MUK);
	settle(s);
	expect_counts(s, id, COUNTS(3, 1, 0, 1, 1), STORE_CAMPAIGN_RUNNING);
	assert_int_equal(fake_dp_count(s->dp, DP_CMD_CAMPAIGN_CLOSE), 0);
	fake_dp_sent(c, 2, 2);
	fake_dp_verified(c, 2, DP_DONE_PREV);
	settle(s);
	expect_counts(s, id, COUNTS(3, 2, 0, 1, 0), STORE_CAMPAIGN_DONE);
	assert_int_equal(site_view(s, id).rounds, 2);
	assert_int_equal(site_view(s, id).record.pushes, 4);
	assert_int_equal(site_view(s, id).refused_by[DP_REFUSED_NO_MUK], 1);
	assert_int_equal(site_member(s, id, 0), STORE_MEMBER_VERIFIED | 1);
	assert_int_equal(site_member(s, id, 1), STORE_MEMBER_REFUSED | DP_REFUSED_NO_MUK);
	assert_int_equal(site_member(s, id, 2), STORE_MEMBER_VERIFIED | 2);
	assert_int_equal(site_member(s, id, 3), STORE_MEMBER_NONE);
	assert_true(ctl_may_reuse_ids(&s->ctl));
}

static void empty_campaign_is_done_at_once(void **state)
{
	struct site *s = *state;
	uint32_t id = site_push(s, 8);

	settle(s);
	expect_counts(s, id, COUNTS(0, 0, 0, 0, 0), STORE_CAMPAIGN_DONE);
}

static void members_without_answer_are_given_up_when_all_workers_are_through(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 2);
	id = site_push(s, 1);
	c = fake_dp_opened(s->dp, 0);
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 1, 1);
	atomic_store(&c->worker[0].is_through, true);
	settle(s);
	expect_counts(s, id, COUNTS(2, 0, 0, 0, 2), STORE_CAMPAIGN_RUNNING);
	fake_dp_through(s->dp, c);
	settle(s);
	expect_counts(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_DONE);
	assert_int_equal(site_member(s, id, 0), STORE_MEMBER_GIVEN_UP);
}

static void late_answer_counts_until_the_workers_let_go(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 2);
	id = site_push(s, 1);
	c = fake_dp_opened(s->dp, 0);
	s->dp->answers_close = false;
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 1, 1);
	fake_dp_through(s->dp, c);
	settle(s);
	assert_int_equal(fake_dp_count(s->dp, DP_CMD_CAMPAIGN_CLOSE), 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	for (uint8_t i = 0; i < 2; i++) {
		expect_counts(s, id, COUNTS(2, i > 0, 0, 0, 2 - (i > 0)), STORE_CAMPAIGN_RUNNING);
		s->dp->event[s->dp->events++] = (struct dp_event){
			.kind = DP_EVENT_CAMPAIGN_CLOSED, .worker = i, .campaign = c};
		settle_step(&s->ctl);
	}
	expect_counts(s, id, COUNTS(2, 1, 1, 0, 0), STORE_CAMPAIGN_DONE);
}

static void refused_member_that_answers_is_verified(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 1);
	id = site_push(s, 3);
	c = fake_dp_opened(s->dp, 0);
	s->dp->answers_close = false;
	fake_dp_refused(c, 0, DP_REFUSED_MUK_EXPIRED);
	settle(s);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	settle_step(&s->ctl);
	expect_counts(s, id, COUNTS(1, 1, 0, 0, 0), STORE_CAMPAIGN_RUNNING);
	assert_int_equal(site_view(s, id).refused_by[DP_REFUSED_MUK_EXPIRED], 0);
}

static void *abort_thread(void *arg)
{
	struct site *s = arg;

	return (void *)(intptr_t)campaign_abort(&s->ctl, 1);
}

static void abort_gives_up_the_pending_and_returns_when_closed(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	pthread_t thread;
	void *ret;
	uint32_t id;

	site_subscribers(s, 3);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	fake_dp_sent(c, 0, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	pthread_create(&thread, NULL, abort_thread, s);
	while (!atomic_load(&c->is_aborted))
		sched_yield();
	settle(s);
	pthread_join(thread, &ret);
	assert_int_equal((int)(intptr_t)ret, 0);
	expect_counts(s, id, COUNTS(3, 1, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
	assert_int_equal(site_member(s, id, 1), STORE_MEMBER_ABORTED);
	assert_int_equal(campaign_abort(&s->ctl, id), -ENOENT);
}

static void pause_and_rate_reach_the_workers_and_the_store(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 1);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(campaign_pause(&s->ctl, id, true), 0);
	assert_int_equal(campaign_rate(&s->ctl, id, 500), 0);
	assert_true(c->is_paused);
	assert_int_equal(c->rate, 500);
	site_restart(s, true);
	expect_counts(s, id, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_PAUSED);
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

	site_subscribers(s, 4);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 3);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_refused(c, 3, DP_REFUSED_NO_ADDRESS);
	atomic_store(&c->worker[0].round, 3);
	atomic_store(&c->worker[1].round, 4);
	settle(s);
	site_restart(s, true);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->id, id);
	assert_int_equal(c->first_round, 3);
	assert_int_equal(c->round[1], 3);
	assert_int_equal(c->done[0], DP_DONE_PREV);
	assert_int_equal(c->done[1], 0);
	expect_counts(s, id, COUNTS(4, 1, 0, 1, 2), STORE_CAMPAIGN_RUNNING);
	assert_int_equal(site_view(s, id).record.pushes, 3);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	fake_dp_sent(c, 2, 4);
	fake_dp_through(s->dp, c);
	settle(s);
	expect_counts(s, id, COUNTS(4, 2, 1, 1, 0), STORE_CAMPAIGN_DONE);
	assert_int_equal(site_view(s, id).record.pushes, 4);
}

static void restart_asks_those_once_more_who_had_all_their_sends(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;

	site_subscribers(s, 3);
	site_push(s, 2);
	c = fake_dp_opened(s->dp, 0);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 2);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	atomic_store(&c->worker[0].round, 3);
	atomic_store(&c->worker[1].round, 3);
	settle(s);
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
	expect_counts(s, id, COUNTS(2 * STORE_SLICE + 7, 0, 0, 0, 2 * STORE_SLICE + 7),
		STORE_CAMPAIGN_RUNNING);
}

// More than the last step and one commit after it take.
#define SLICES 130u

static void clean_stop_keeps_every_answer(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, SLICES * STORE_SLICE);
	id = site_push(s, 8);
	c = fake_dp_opened(s->dp, 0);
	for (uint32_t i = 0; i < SLICES * STORE_SLICE; i += STORE_SLICE) {
		fake_dp_sent(c, i, 1);
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	}
	site_restart(s, false);
	expect_counts(s, id,
		COUNTS(SLICES * STORE_SLICE, SLICES, 0, 0, SLICES * STORE_SLICE - SLICES),
		STORE_CAMPAIGN_RUNNING);
	assert_true(site_flags(s, (SLICES - 1) * STORE_SLICE) & STORE_MUK_VERIFIED);
}

static void verification_is_noted_with_the_subscriber_when_it_was_under_its_current_muk(
	void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;

	site_subscribers(s, 4);
	site_push(s, 1);
	c = fake_dp_opened(s->dp, 0);
	for (uint32_t i = 0; i < 4; i++)
		fake_dp_sent(c, i, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_verified(c, 1, DP_DONE_PREV);
	fake_dp_verified(c, 2, DP_DONE_CURRENT);
	// The new MUK of 2 has not been verified, whatever the old one was.
	site_rekey(s, 2, "new@x");
	fake_dp_through(s->dp, c);
	settle(s);
	assert_true(site_flags(s, 0) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 1) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 2) & STORE_MUK_VERIFIED);
	assert_false(site_flags(s, 3) & STORE_MUK_VERIFIED);
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
		settle(s);
	}
	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(campaign_slice_read(&s->ctl, r, 2, 0, slice), -ENOENT);
	assert_int_equal(campaign_slice_read(&s->ctl, r, 3, 0, slice), 0);
	ctl_reader_put(&s->ctl, r);
}

static void open_campaign_holds_its_members(void **state)
{
	struct site *s = *state;
	uint32_t id;

	site_subscribers(s, 2);
	s->set = STORE_SET_NONE;
	site_subscribers(s, 1);
	id = site_push(s, 1);
	assert_int_equal(ctl_campaign_holding(&s->ctl, 1), id);
	assert_int_equal(ctl_campaign_holding(&s->ctl, 2), 0);
	assert_int_equal(ctl_campaign_holding(&s->ctl, 3), 0);
	assert_false(ctl_may_reuse_ids(&s->ctl));
}

static void worker_that_cannot_take_it_up_ends_it_as_aborted(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 2);
	id = site_push(s, 1);
	c = fake_dp_opened(s->dp, 0);
	atomic_store(&c->worker[1].error, -ENOMEM);
	fake_dp_through(s->dp, c);
	settle(s);
	expect_counts(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
}

static void full_ring_postpones_the_close(void **state)
{
	struct site *s = *state;
	uint32_t id;

	site_subscribers(s, 1);
	id = site_push(s, 1);
	fake_dp_through(s->dp, fake_dp_opened(s->dp, 0));
	s->dp->is_full = true;
	settle_step(&s->ctl);
	expect_counts(s, id, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_RUNNING);
	s->dp->is_full = false;
	settle(s);
	expect_counts(s, id, COUNTS(1, 0, 1, 0, 0), STORE_CAMPAIGN_DONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, site_up, site_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(members_are_those_authorised_and_registered),
		T(start_is_durable_before_the_workers_see_it),
		T(second_campaign_on_a_group_is_refused_with_its_number),
		T(start_releases_the_newest_msk),
		T(campaign_closes_as_soon_as_nobody_is_pending),
		T(empty_campaign_is_done_at_once),
		T(members_without_answer_are_given_up_when_all_workers_are_through),
		T(late_answer_counts_until_the_workers_let_go),
		T(refused_member_that_answers_is_verified),
		T(abort_gives_up_the_pending_and_returns_when_closed),
		T(pause_and_rate_reach_the_workers_and_the_store),
		T(restart_keeps_who_was_verified_and_goes_on_in_the_same_round),
		T(restart_asks_those_once_more_who_had_all_their_sends),
		T(crash_before_the_first_settle_loses_no_member),
		T(clean_stop_keeps_every_answer),
		T(verification_is_noted_with_the_subscriber_when_it_was_under_its_current_muk),
		T(member_states_of_the_last_eight_campaigns_are_kept),
		T(open_campaign_holds_its_members),
		T(worker_that_cannot_take_it_up_ends_it_as_aborted),
		T(full_ring_postpones_the_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
