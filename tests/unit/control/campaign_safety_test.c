// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What keeps an order from doing more than was meant: chosen members, deadlines, first members, and
// campaigns that begin later.

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "campaign_run.h"
#include "msk.h"
#include "site.h"
#include "test.h"

static struct campaign_order order_of(const struct site *s)
{
	return (struct campaign_order){
		.group = s->group, .sends = 2, .wait_s = {1, 1}, .only = STORE_ID_NONE};
}

static uint32_t start(struct site *s, const struct campaign_order *order)
{
	uint32_t id;
	char why[256];

	assert_int_equal(campaign_start(&s->ctl, order, &id, why), 0);
	return id;
}

static unsigned members_of(const struct dp_campaign *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < c->span; i++)
		n += c->round[i] != DP_MEMBER_NONE;
	return n;
}

static void sample_is_exact(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	const struct dp_campaign *a;

	site_subscribers(s, 1000);
	order.choice.sample_ppm = 105000;
	start(s, &order);
	a = fake_dp_opened(s->dp, 0);
	assert_int_equal(members_of(a), 105);
	campaign_abort(&s->ctl, 1);
	site_settle(s);
}

static void only_those_on_the_list_are_members(void **state)
{
	static const store_id ids[] = {1, 3, 7};
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	const struct dp_campaign *c;

	site_subscribers(s, 10);
	order.choice.ids = ids;
	order.choice.n = 3;
	start(s, &order);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(members_of(c), 3);
	assert_int_equal(c->round[7], 0);
	assert_int_equal(c->round[8], DP_MEMBER_NONE);
}

static void undelivered_of_a_campaign_are_members_of_the_next(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	struct dp_campaign *c;
	char why[256];
	uint32_t id;

	c = site_campaign(s, 4, 1, NULL);
	fake_dp_sent(c, 0, 1);
	fake_dp_verified(c, 0, DP_DONE_CURRENT);
	fake_dp_sent(c, 1, 1);
	fake_dp_refused(c, 2, DP_REFUSED_NO_ADDRESS);
	fake_dp_sent(c, 3, 1);
	fake_dp_verified(c, 3, DP_DONE_PREV);
	fake_dp_through(s->dp, c);
	site_settle(s);
	order.choice.undelivered_of = 1;
	start(s, &order);
	c = fake_dp_opened(s->dp, 1);
	assert_int_equal(members_of(c), 2);
	assert_int_equal(c->round[1], 0);
	assert_int_equal(c->round[2], 0);
	campaign_abort(&s->ctl, 2);
	site_settle(s);
	order.choice.undelivered_of = 77;
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), -ESTALE);
}

static void deadline_makes_the_rate_with_room_for_repeats(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);

	site_subscribers(s, 1000);
	order.within_s = 10;
	assert_int_equal(site_view(s, start(s, &order)).record.rate, 110);
	assert_int_equal(atomic_load(&fake_dp_opened(s->dp, 0)->rate), 110);
}

static void area_that_is_too_slow_for_the_deadline_is_named(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	struct campaign_plan plan;
	char why[256];
	uint32_t id;

	// All of them have no address: they lie in the area of the octet 0.
	s->conf.areas = s->dp->areas = 1;
	snprintf(s->conf.area[0].name, sizeof(s->conf.area[0].name), "north");
	s->dp->area_rate[0] = 50;
	site_subscribers(s, 1000);
	order.within_s = 10;
	order.is_msk_new = true;
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), -ETIME);
	assert_string_equal(why,
		"Area north allows 50 UEs per second: its 1000 members take 22 seconds, with a "
		"tenth "
		"for repeats");
	// No MSK was made for it.
	order.within_s = 0;
	assert_int_equal(campaign_plan(&s->ctl, &order, &plan, why), 0);
	assert_int_equal(plan.members, 1000);
	start(s, &order);
	assert_int_equal(fake_dp_opened(s->dp, 0)->msk.number, 2);
}

static struct campaign_run *trial_run(struct site *s, unsigned verified)
{
	struct campaign_order order = order_of(s);
	struct dp_campaign *c;

	site_subscribers(s, 50);
	order.stop_percent = 20;
	order.stop_after = 10;
	start(s, &order);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(atomic_load(&c->trial), 10);
	for (uint32_t i = 0; i < 10; i++)
		fake_dp_sent(c, i, 1);
	for (uint32_t i = 0; i < verified; i++)
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	atomic_store(&c->tried, 10);
	campaign_run_follow(campaigns_find(s->ctl.campaigns, 1));
	return campaigns_find(s->ctl.campaigns, 1);
}

// Who resumed a halted campaign has decided: a restart does not try it again.
static void trial_that_was_judged_is_over_for_good(void **state)
{
	struct site *s = *state;
	struct campaign_run *run = trial_run(s, 7);
	uint32_t id = run->record.id;

	assert_false(campaign_run_try(run, 1000));
	assert_true(campaign_run_try(run, 4000));
	assert_int_equal(campaign_pause(&s->ctl, id, false), 0);
	site_restart(s, true);
	assert_int_equal(site_view(s, id).record.state, STORE_CAMPAIGN_RUNNING);
	assert_int_equal(atomic_load(&fake_dp_opened(s->dp, 0)->trial), 0);
}

static void enough_of_the_first_members_let_it_go_on_at_once(void **state)
{
	struct campaign_run *run = trial_run(*state, 8);

	assert_false(campaign_run_try(run, 1000));
	assert_int_equal(atomic_load(&run->dp->trial), 0);
	assert_false(atomic_load(&run->dp->is_paused));
}

static void too_few_of_the_first_members_halt_it(void **state)
{
	struct site *s = *state;
	struct campaign_run *run = trial_run(s, 7);

	assert_false(campaign_run_try(run, 1000));
	assert_false(campaign_run_try(run, 3999));
	assert_true(campaign_run_try(run, 4000));
	assert_true(atomic_load(&run->dp->is_paused));
	assert_int_equal(run->record.state, STORE_CAMPAIGN_PAUSED);
	assert_int_equal(run->record.flags & STORE_CAMPAIGN_HALTED, STORE_CAMPAIGN_HALTED);
	// Who resumes it has seen it.
	assert_int_equal(campaign_pause(&s->ctl, 1, false), 0);
	assert_int_equal(atomic_load(&run->dp->trial), 0);
	assert_int_equal(run->record.flags & STORE_CAMPAIGN_HALTED, 0);
}

static void scheduled_campaign_takes_the_members_of_its_time(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	uint32_t id;

	site_subscribers(s, 3);
	order.start_ms = campaign_now_ms() + 3600000;
	id = start(s, &order);
	settle_step(&s->ctl);
	site_expect(s, id, COUNTS(3, 0, 0, 0, 3), STORE_CAMPAIGN_SCHEDULED);
	assert_null(fake_dp_opened(s->dp, 0));
	assert_int_equal(campaign_abort(&s->ctl, id), 0);
	// Who its members were to be nobody knows.
	site_expect(s, id, COUNTS(0, 0, 0, 0, 0), STORE_CAMPAIGN_ABORTED);
	order.start_ms = 1;
	order.is_msk_new = true;
	id = start(s, &order);
	site_subscribers(s, 1);
	site_restart(s, true);
	settle_step(&s->ctl);
	assert_non_null(fake_dp_opened(s->dp, 0));
	assert_int_equal(fake_dp_opened(s->dp, 0)->msk.number, 2);
	assert_int_equal(site_view(s, id).record.state, STORE_CAMPAIGN_RUNNING);
}

static void scheduled_campaign_keeps_those_who_were_chosen(void **state)
{
	static const store_id ids[] = {0, 2};
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	uint32_t id;

	site_subscribers(s, 3);
	order.start_ms = 1;
	order.choice.ids = ids;
	order.choice.n = 2;
	id = start(s, &order);
	settle_step(&s->ctl);
	assert_int_equal(members_of(fake_dp_opened(s->dp, 0)), 2);
	site_expect(s, id, COUNTS(2, 0, 0, 0, 2), STORE_CAMPAIGN_RUNNING);
}

// Else it would be sent to whoever gets the id of one who was chosen and has left.
static void no_id_is_given_out_again_while_a_campaign_is_scheduled(void **state)
{
	static const store_id ids[] = {0};
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	uint32_t id;

	site_subscribers(s, 2);
	assert_true(ctl_may_reuse_ids(&s->ctl));
	order.start_ms = campaign_now_ms() + 3600000;
	order.choice.ids = ids;
	order.choice.n = 1;
	id = start(s, &order);
	assert_false(ctl_may_reuse_ids(&s->ctl));
	site_restart(s, true);
	settle_step(&s->ctl);
	assert_false(ctl_may_reuse_ids(&s->ctl));
	assert_int_equal(campaign_abort(&s->ctl, id), 0);
	s->ctl.campaigns->begun_ms = 0;
	settle_step(&s->ctl);
	assert_true(ctl_may_reuse_ids(&s->ctl));
}

static unsigned newest_msk(struct site *s)
{
	struct store_reader *r;
	struct store_msk msk;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(store_reader_msk_newest(r, &s->group, &msk), 0);
	ctl_reader_put(&s->ctl, r);
	return msk.number;
}

static void no_msk_is_made_for_a_campaign_without_room(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	uint32_t id, first = 0;
	char why[256];

	site_subscribers(s, DP_CAMPAIGNS_MAX);
	for (order.only = 0; order.only < DP_CAMPAIGNS_MAX; order.only++) {
		id = start(s, &order);
		first = first == 0 ? id : first;
	}
	order.only = STORE_ID_NONE;
	order.is_msk_new = true;
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), -EMFILE);
	assert_int_equal(newest_msk(s), 1);
	order.start_ms = 1;
	id = start(s, &order);
	settle_step(&s->ctl);
	assert_int_equal(site_view(s, id).record.state, STORE_CAMPAIGN_SCHEDULED);
	assert_int_equal(newest_msk(s), 1);
	// It begins when another one has ended.
	campaign_abort(&s->ctl, first);
	site_settle(s);
	s->ctl.campaigns->begun_ms = 0;
	settle_step(&s->ctl);
	assert_int_equal(site_view(s, id).record.state, STORE_CAMPAIGN_RUNNING);
	assert_int_equal(newest_msk(s), 2);
}

static void auto_campaign_parts_its_members_by_the_life_of_their_muks(void **state)
{
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	const struct dp_campaign *c;

	s->conf.muk_margin_s = 30;
	site_subscribers(s, 3);
	order.kind = STORE_CAMPAIGN_AUTO;
	order.solicits = 2;
	order.solicit_wait_s[0] = 5;
	order.solicit_wait_s[1] = 7;
	order.is_previous = true;
	start(s, &order);
	c = fake_dp_opened(s->dp, 0);
	assert_int_equal(c->way[0], DP_WAY_PUSH);
	assert_int_equal(c->solicits, 3);
	assert_true(c->is_last_previous);
	assert_int_equal(c->solicit_wait_ms[0], 5000);
	assert_int_equal(c->solicit_wait_ms[1], 0);
	assert_int_equal(c->solicit_wait_ms[2], 7000);
}

static void solicit_campaign_has_a_label_of_its_own_and_no_key(void **state)
{
	static const uint8_t zero[16];
	uint8_t rand[16];
	struct site *s = *state;
	struct campaign_order order = order_of(s);
	const struct dp_campaign *c;

	site_subscribers(s, 1);
	order.kind = STORE_CAMPAIGN_SOLICIT;
	order.solicits = 1;
	start(s, &order);
	c = fake_dp_opened(s->dp, 0);
	assert_memory_equal(c->msk.key, zero, sizeof(zero));
	assert_memory_not_equal(c->solicit_rand, zero, sizeof(zero));
	assert_memory_not_equal(c->solicit_rand, c->msk.rand, sizeof(zero));
	assert_int_equal(c->sends, 0);
	// The same after a crash.
	memcpy(rand, c->solicit_rand, sizeof(rand));
	site_restart(s, true);
	c = fake_dp_opened(s->dp, 0);
	assert_memory_equal(c->solicit_rand, rand, sizeof(rand));
	assert_int_equal(c->kind, DP_CAMPAIGN_SOLICIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(sample_is_exact),
		WITH_SITE(only_those_on_the_list_are_members),
		WITH_SITE(undelivered_of_a_campaign_are_members_of_the_next),
		WITH_SITE(deadline_makes_the_rate_with_room_for_repeats),
		WITH_SITE(area_that_is_too_slow_for_the_deadline_is_named),
		WITH_SITE(trial_that_was_judged_is_over_for_good),
		WITH_SITE(enough_of_the_first_members_let_it_go_on_at_once),
		WITH_SITE(too_few_of_the_first_members_halt_it),
		WITH_SITE(scheduled_campaign_takes_the_members_of_its_time),
		WITH_SITE(scheduled_campaign_keeps_those_who_were_chosen),
		WITH_SITE(no_id_is_given_out_again_while_a_campaign_is_scheduled),
		WITH_SITE(no_msk_is_made_for_a_campaign_without_room),
		WITH_SITE(auto_campaign_parts_its_members_by_the_life_of_their_muks),
		WITH_SITE(solicit_campaign_has_a_label_of_its_own_and_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
