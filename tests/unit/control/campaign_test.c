// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "msk.h"
#include "site.h"
#include "test.h"

static void members_are_those_authorised_and_registered(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	site_subscribers(s, 3);
	s->set = STORE_SET_NONE;
	c = site_campaign(s, 1, 8, &id);
	assert_int_equal(c->span, 4);
	assert_int_equal(c->round[2], 0);
	assert_int_equal(c->round[3], DP_MEMBER_NONE);
	site_expect(s, id, COUNTS(3, 0, 0, 0, 3), STORE_CAMPAIGN_RUNNING);
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
	site_expect(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
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
	site_expect(s, second, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_RUNNING);
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

	c = site_campaign(s, 3, 8, &id);
	for (uint32_t i = 0; i < 3; i++)
		fake_dp_sent(c, i, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_refused(c, 1, DP_REFUSED_NO_MUK);
	site_settle(s);
	site_expect(s, id, COUNTS(3, 1, 0, 1, 1), STORE_CAMPAIGN_RUNNING);
	assert_int_equal(fake_dp_count(s->dp, DP_CMD_CAMPAIGN_CLOSE), 0);
	fake_dp_sent(c, 2, 2);
	fake_dp_verified(c, 2, DP_DONE_PREV);
	site_settle(s);
	site_expect(s, id, COUNTS(3, 2, 0, 1, 0), STORE_CAMPAIGN_DONE);
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

	site_settle(s);
	site_expect(s, id, COUNTS(0, 0, 0, 0, 0), STORE_CAMPAIGN_DONE);
}

static void members_without_answer_are_given_up_when_all_workers_are_through(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 2, 1, &id);
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 1, 1);
	atomic_store(&c->worker[0].is_through, true);
	site_settle(s);
	site_expect(s, id, COUNTS(2, 0, 0, 0, 2), STORE_CAMPAIGN_RUNNING);
	fake_dp_through(s->dp, c);
	site_settle(s);
	site_expect(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_DONE);
	assert_int_equal(site_member(s, id, 0), STORE_MEMBER_GIVEN_UP);
}

static void late_answer_counts_until_the_workers_let_go(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 2, 1, &id);
	s->dp->answers_close = false;
	fake_dp_sent(c, 0, 1);
	fake_dp_sent(c, 1, 1);
	fake_dp_through(s->dp, c);
	site_settle(s);
	assert_int_equal(fake_dp_count(s->dp, DP_CMD_CAMPAIGN_CLOSE), 1);
	fake_dp_verified(c, 1, DP_DONE_CURRENT);
	for (uint8_t i = 0; i < 2; i++) {
		site_expect(s, id, COUNTS(2, i > 0, 0, 0, 2 - (i > 0)), STORE_CAMPAIGN_RUNNING);
		s->dp->event[s->dp->events++] = (struct dp_event){
			.kind = DP_EVENT_CAMPAIGN_CLOSED, .worker = i, .campaign = c};
		settle_step(&s->ctl);
	}
	site_expect(s, id, COUNTS(2, 1, 1, 0, 0), STORE_CAMPAIGN_DONE);
}

static void refused_member_that_answers_is_verified(void **state)
{
	struct site *s = *state;
	struct dp_campaign *c;
	uint32_t id;

	c = site_campaign(s, 1, 3, &id);
	s->dp->answers_close = false;
	fake_dp_refused(c, 0, DP_REFUSED_MUK_EXPIRED);
	site_settle(s);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	settle_step(&s->ctl);
	site_expect(s, id, COUNTS(1, 1, 0, 0, 0), STORE_CAMPAIGN_RUNNING);
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

	c = site_campaign(s, 3, 8, &id);
	fake_dp_sent(c, 0, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	pthread_create(&thread, NULL, abort_thread, s);
	while (!atomic_load(&c->is_aborted))
		sched_yield();
	site_settle(s);
	pthread_join(thread, &ret);
	assert_int_equal((int)(intptr_t)ret, 0);
	site_expect(s, id, COUNTS(3, 1, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
	assert_int_equal(site_member(s, id, 1), STORE_MEMBER_ABORTED);
	assert_int_equal(campaign_abort(&s->ctl, id), -ENOENT);
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

	c = site_campaign(s, 2, 1, &id);
	atomic_store(&c->worker[1].error, -ENOMEM);
	fake_dp_through(s->dp, c);
	site_settle(s);
	site_expect(s, id, COUNTS(2, 0, 2, 0, 0), STORE_CAMPAIGN_ABORTED);
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
	site_expect(s, id, COUNTS(1, 0, 0, 0, 1), STORE_CAMPAIGN_RUNNING);
	s->dp->is_full = false;
	site_settle(s);
	site_expect(s, id, COUNTS(1, 0, 1, 0, 0), STORE_CAMPAIGN_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(members_are_those_authorised_and_registered),
		WITH_SITE(start_is_durable_before_the_workers_see_it),
		WITH_SITE(second_campaign_on_a_group_is_refused_with_its_number),
		WITH_SITE(start_releases_the_newest_msk),
		WITH_SITE(campaign_closes_as_soon_as_nobody_is_pending),
		WITH_SITE(empty_campaign_is_done_at_once),
		WITH_SITE(members_without_answer_are_given_up_when_all_workers_are_through),
		WITH_SITE(late_answer_counts_until_the_workers_let_go),
		WITH_SITE(refused_member_that_answers_is_verified),
		WITH_SITE(abort_gives_up_the_pending_and_returns_when_closed),
		WITH_SITE(open_campaign_holds_its_members),
		WITH_SITE(worker_that_cannot_take_it_up_ends_it_as_aborted),
		WITH_SITE(full_ring_postpones_the_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
