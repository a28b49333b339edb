// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "bearer_air.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bearer_inside.h"
#include "campaign.h"
#include "counter_mark.h"
#include "test.h"

struct air air;

// In place of the daemon's (control/bearer_clock.c).
struct bearer_now bearer_clocks(void)
{
	return air.now;
}

static void daemon_up(void)
{
	struct dp_counter_start start;
	char why[256];

	assert_int_equal(
		counter_mark_open(air.site->ctl.env, air.site->dir, true, &air.mark, &start, why),
		0);
	assert_int_equal(bearers_create(&air.site->ctl, air.mark, &air.all), 0);
	air.site->ctl.bearers = air.all;
}

static void daemon_down(void)
{
	bearers_destroy(air.all);
	air.site->ctl.bearers = NULL;
	counter_mark_close(air.mark);
}

int air_up(void **state)
{
	struct dp_counter_start start;
	char why[256];

	if (site_up(state) != 0)
		return -1;
	air = (struct air){.site = *state, .now = {5000, campaign_now_ms()}};
	assert_int_equal(
		counter_mark_open(air.site->ctl.env, air.site->dir, true, &air.mark, &start, why),
		0);
	air.site->dp->now = air.site->dp->highest = start.first;
	assert_int_equal(counter_mark_run(air.mark, &air.site->ctl), 0);
	for (int i = 0; i < 30000 && counter_mark_value(air.mark) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_not_equal(counter_mark_value(air.mark), 0);
	counter_mark_stop(air.mark);
	counter_mark_close(air.mark);
	daemon_up();
	return 0;
}

int air_down(void **state)
{
	daemon_down();
	return site_down(state);
}

void air_restart(int64_t boot_ms, int64_t unix_ms)
{
	daemon_down();
	site_restart(air.site, true);
	air.now.boot_ms += (uint64_t)boot_ms;
	air.now.unix_ms += (uint64_t)unix_ms;
	air.orders = 0;
	daemon_up();
}

// The workers do not send what is ordered too late.
static void expect_orders_are_new(void)
{
	if (air.orders > air.site->dp->mtks)
		air.orders = 0; // the test has dropped them
	for (; air.orders < air.site->dp->mtks; air.orders++)
		assert_true(air.site->dp->mtk[air.orders].until_ns > air.now.boot_ms * 1000000);
}

void air_pass(unsigned steps)
{
	while (steps-- > 0) {
		air.now.boot_ms += STEP_MS;
		air.now.unix_ms += STEP_MS;
		bearers_step(air.all);
		expect_orders_are_new();
		bearers_share_step(air.all);
	}
}

struct store_bearer air_quick(void)
{
	struct store_bearer b = {.group = air.site->group,
		.places = 1,
		.lead_ms = 2000,
		.interval_ms = 2000,
		.repeat_ms = 2000};

	memset(b.place[0].addr.byte + 10, 0xff, 2);
	memcpy(b.place[0].addr.byte + 12, (const uint8_t[]){232, 1, 1, 1}, 4);
	b.place[0].port = 5004;
	return b;
}

void air_start(void)
{
	struct store_bearer b = air_quick();
	enum mtk_wait wait;

	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
}

struct store_mtks air_stored(uint16_t number)
{
	struct store_mtks mtks = {0};
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&air.site->ctl, &r), 0);
	store_reader_mtks(r, &air.site->group, number, &mtks);
	ctl_reader_put(&air.site->ctl, r);
	return mtks;
}

json_t *air_show(void)
{
	json_t *list = bearers_json(air.all, &air.site->group);
	json_t *stream = json_incref(json_array_get(list, 0));

	json_decref(list);
	return stream;
}

void air_expect_waits_for(const char *word)
{
	json_t *stream = air_show();
	const char *seen = json_string_value(json_object_get(stream, "waits_for"));

	assert_string_equal(seen == NULL ? "" : seen, word);
	json_decref(stream);
}

void air_expect_ascending(unsigned from, uint16_t number)
{
	uint16_t newest = 0;

	for (unsigned i = from; i < air.site->dp->mtks; i++) {
		const struct dp_mtk *order = &air.site->dp->mtk[i];

		if (order->number != number)
			continue;
		assert_int_not_equal(order->mtk_id, 0);
		assert_true(order->mtk_id + 2 > newest); // at most two are on the air
		if (order->mtk_id > newest)
			newest = order->mtk_id;
	}
	assert_true(newest > 0);
}

void air_verify(struct dp_campaign *c, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		fake_dp_sent(c, i, 1);
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	}
	site_settle(air.site);
}

unsigned air_orders_under(uint16_t number, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < air.site->dp->mtks; i++)
		n += air.site->dp->mtk[i].number == number;
	return n;
}
