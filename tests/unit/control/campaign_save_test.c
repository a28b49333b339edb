// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What open campaigns have become goes to the store at each step, whole.

#include "campaign_run.h"
#include "site.h"
#include "test.h"

static uint64_t version(struct site *s)
{
	struct store_env_info info;

	assert_int_equal(store_env_info(s->ctl.env, &info), 0);
	return info.version;
}

// What the store says of a member, not the run that is open.
static uint8_t stored(struct site *s, uint32_t campaign, store_id id)
{
	uint8_t state[STORE_SLICE];
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(store_reader_campaign_slice(r, campaign, id / STORE_SLICE, state), 0);
	ctl_reader_put(&s->ctl, r);
	return state[id % STORE_SLICE];
}

static uint32_t push_one(struct site *s, store_id only)
{
	struct campaign_order order = {.group = s->group, .sends = 1, .wait_s = {1}, .only = only};
	char why[256];
	uint32_t id;

	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), 0);
	return id;
}

static void one_commit_carries_all_open_campaigns(void **state)
{
	struct site *s = *state;
	struct dp_campaign *all;
	uint32_t of_all, of_one;
	uint64_t before;

	all = site_campaign(s, 3, 8, &of_all);
	fake_dp_sent(all, 1, 1);
	fake_dp_sent(all, 2, 1);
	of_one = push_one(s, 0);
	site_settle(s);
	before = version(s);
	fake_dp_verified(all, 1, DP_DONE_CURRENT);
	fake_dp_sent(fake_dp_opened(s->dp, 1), 0, 1);
	settle_step(&s->ctl);
	assert_int_equal(version(s), before + 1);
	assert_int_equal(stored(s, of_all, 1), STORE_MEMBER_VERIFIED | 1);
	assert_int_equal(stored(s, of_one, 0), 1);
	settle_step(&s->ctl);
	assert_int_equal(version(s), before + 1);
}

// A campaign over a million ids, of which only the last one of each slice is a member.
#define SLICES 300
static void more_than_one_commit_holds_is_saved_all_the_same(void **state)
{
	struct site *s = *state;
	struct campaign_run *run;
	struct store_campaign record = {.span = SLICES * STORE_SLICE};

	site_campaign(s, 1, 8, &record.id);
	assert_int_equal(campaign_run_create(&record, &run), 0);
	for (uint32_t i = 0; i < SLICES; i++) {
		run->dp->round[(i + 1) * STORE_SLICE - 1] = 3;
		campaign_run_count(run, i);
	}
	assert_int_equal(campaigns_save(&s->ctl, &run, 1), 0);
	for (uint32_t i = 0; i < SLICES; i++)
		assert_int_equal(stored(s, record.id, (i + 1) * STORE_SLICE - 1), 3);
	campaign_run_destroy(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(one_commit_carries_all_open_campaigns),
		WITH_SITE(more_than_one_commit_holds_is_saved_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
