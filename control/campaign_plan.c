// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a campaign comes to before it starts: how many are sent what, at which rate, how long that
// takes, and what the areas make of it.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "campaign_run.h"
#include "conf.h"
#include "dp.h"

#define REPEATS_PERCENT 10 // of the time is kept for repeats

static uint32_t area_rate(struct ctl *ctl, unsigned area)
{
	uint32_t rate;

	pthread_mutex_lock(&ctl->dp_lock);
	rate = ctl->dp != NULL ? dp_area_rate(ctl->dp, area) : 0;
	pthread_mutex_unlock(&ctl->dp_lock);
	return rate;
}

static bool addr_is_none(const struct store_addr *addr)
{
	static const struct store_addr none, v4 = {{[10] = 0xff, [11] = 0xff}};

	return memcmp(addr, &none, sizeof(none)) == 0 || memcmp(addr, &v4, sizeof(v4)) == 0;
}

unsigned campaign_refusal(uint8_t kind, const struct store_hot *hot, int64_t fresh_at)
{
	if ((store_hot_flags(hot) & STORE_HAS_MUK) == 0)
		return DP_REFUSED_NO_MUK;
	if (kind == STORE_CAMPAIGN_PUSH && (int64_t)hot->expires <= fresh_at)
		return DP_REFUSED_MUK_EXPIRED;
	return addr_is_none(&hot->addr) ? DP_REFUSED_NO_ADDRESS : 0;
}

// --- A deadline -----------------------------------------------------------------------------

static uint64_t messages_of(uint32_t n)
{
	return ((uint64_t)n * (100 + REPEATS_PERCENT) + 99) / 100;
}

// The rate that sends to n members once within so many seconds, and leaves time for repeats.
static uint32_t rate_within(uint32_t n, uint32_t within_s)
{
	uint64_t rate = (messages_of(n) + within_s - 1) / within_s;

	return rate > 0 ? (uint32_t)rate : 1;
}

// Members that will be sent to. Whoever has no address may still come and bring one.
struct load {
	uint32_t all;
	uint32_t area[256];
};

static int64_t fresh_from(const struct ctl *ctl)
{
	return (int64_t)time(NULL) + (int64_t)ctl->conf->muk_margin_s;
}

static bool has_muk_for(uint8_t kind, const struct store_hot *hot, int64_t fresh_at)
{
	unsigned why = campaign_refusal(kind, hot, fresh_at);

	return why != DP_REFUSED_NO_MUK && why != DP_REFUSED_MUK_EXPIRED;
}

static void load_count(struct ctl *ctl, const struct campaign_run *run,
	const struct store_reader *r, struct load *load)
{
	int64_t fresh_at = fresh_from(ctl);

	memset(load, 0, sizeof(*load));
	for (store_id id = 0; id < run->record.span; id++) {
		const struct store_hot *hot;

		if (run->dp->round[id] == DP_MEMBER_NONE)
			continue;
		hot = store_reader_hot(r, id);
		if (hot == NULL || !has_muk_for(run->record.kind, hot, fresh_at))
			continue;
		load->all++;
		load->area[run->dp->area != NULL ? run->dp->area[id] : 0]++;
	}
}

static int areas_allow(struct ctl *ctl, const struct load *load, uint32_t within_s, char why[256])
{
	for (unsigned i = 0; i < ctl->conf->areas; i++) {
		uint32_t limit = area_rate(ctl, i), n = load->area[i];

		if (limit == 0 || n == 0 || rate_within(n, within_s) <= limit)
			continue;
		snprintf(why, 256,
			"Area %s allows %u UEs per second: its %u members take %lu seconds, with "
			"a tenth for repeats",
			ctl->conf->area[i].name, limit, n,
			(unsigned long)((messages_of(n) + limit - 1) / limit));
		return -ETIME;
	}
	return 0;
}

int campaign_pace_set(struct ctl *ctl, struct campaign_run *run, const struct store_reader *r,
	const struct campaign_order *order, char why[256])
{
	struct load load;
	int ret;

	if (order->within_s == 0)
		return 0;
	load_count(ctl, run, r, &load);
	ret = areas_allow(ctl, &load, order->within_s, why);
	run->record.rate = rate_within(load.all, order->within_s);
	atomic_store(&run->dp->rate, run->record.rate);
	return ret;
}

// --- The plan -------------------------------------------------------------------------------

static void member_plan(const struct campaign_run *run, const struct store_hot *hot, store_id id,
	int64_t fresh_at, struct campaign_plan *plan)
{
	struct campaign_plan_area *area =
		&plan->area[run->dp->area != NULL ? run->dp->area[id] : 0];
	unsigned why =
		hot != NULL ? campaign_refusal(run->record.kind, hot, fresh_at) : DP_REFUSED_LEFT;
	bool is_solicit = run->record.kind == STORE_CAMPAIGN_SOLICIT ||
		(run->dp->way != NULL && run->dp->way[id] == DP_WAY_SOLICIT);

	plan->members++;
	if (why != 0) {
		plan->refused_by[why]++;
		return;
	}
	area->members++;
	area->solicits += is_solicit;
	plan->solicits += is_solicit;
	plan->pushes += !is_solicit;
}

static double seconds_at(uint32_t n, uint32_t rate)
{
	return rate > 0 ? (double)n / rate : 0;
}

// The slowest of them all: the whole at its rate, or one area at its limit.
static void plan_time(struct ctl *ctl, struct campaign_plan *plan)
{
	plan->seconds = seconds_at(plan->pushes + plan->solicits, plan->rate);
	plan->areas = ctl->conf->areas > 0 ? ctl->conf->areas + 1 : 0;
	for (unsigned i = 0; i < ctl->conf->areas; i++) {
		struct campaign_plan_area *area = &plan->area[i];

		area->rate = area_rate(ctl, i);
		area->seconds = seconds_at(area->members, area->rate);
		if (area->seconds > plan->seconds)
			plan->seconds = area->seconds;
	}
}

static void plan_fill(struct ctl *ctl, const struct campaign_run *run, const struct store_reader *r,
	struct campaign_plan *plan)
{
	int64_t fresh_at = fresh_from(ctl);

	for (store_id id = 0; id < run->record.span; id++)
		if (run->dp->round[id] != DP_MEMBER_NONE)
			member_plan(run, store_reader_hot(r, id), id, fresh_at, plan);
	plan->rate = run->record.rate;
	plan_time(ctl, plan);
}

// A run that nobody ever sees.
static int run_plan(struct ctl *ctl, const struct campaign_order *order, struct store_reader *r,
	struct campaign_plan *plan, char why[256])
{
	struct campaign_run *run = NULL;
	struct store_campaign record;
	int ret;

	campaign_order_record(order, r, &record);
	ret = campaign_run_create(&record, &run);
	if (ret == 0)
		ret = campaign_run_fill(ctl, run, r, order, why);
	if (ret == 0)
		plan_fill(ctl, run, r, plan);
	campaign_run_destroy(run);
	return ret;
}

int campaign_plan(struct ctl *ctl, const struct campaign_order *order, struct campaign_plan *plan,
	char why[256])
{
	struct store_group group;
	struct store_reader *r;
	struct store_msk msk = {0};
	int ret = ctl_reader_get(ctl, &r);

	memset(plan, 0, sizeof(*plan));
	why[0] = '\0';
	if (ret != 0)
		return ret;
	ret = store_reader_group(r, &order->group, &group);
	if (ret == 0 && !order->is_msk_new)
		ret = campaign_order_msk(r, order, &msk);
	explicit_bzero(&msk, sizeof(msk));
	if (ret == 0)
		ret = run_plan(ctl, order, r, plan, why);
	ctl_reader_put(ctl, r);
	if (ret != 0)
		campaign_start_explain(ret, 0, why);
	return ret;
}
