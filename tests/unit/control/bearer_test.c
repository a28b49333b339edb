// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of a key group in virtual time, on a real store and a real mark file: what is ordered of the
// dataplane, over restarts, changes of the MSK, and clocks that are set.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bearer.h"
#include "campaign.h"
#include "counter_mark.h"
#include "msk.h"
#include "site.h"
#include "test.h"

#define STEP_MS 50
#define SECOND (1000 / STEP_MS)

struct air {
	struct site *site;
	struct counter_mark *mark;
	struct bearers *all;
	struct bearer_now now;
};
static struct air air;

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

// The site has an MSK that nobody has used before: its mark file is the one of its store.
static int air_up(void **state)
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
	for (int i = 0; i < 5000 && counter_mark_value(air.mark) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	counter_mark_stop(air.mark);
	counter_mark_close(air.mark);
	daemon_up();
	return 0;
}

static int air_down(void **state)
{
	daemon_down();
	return site_down(state);
}
#define WITH_AIR(test) cmocka_unit_test_setup_teardown(test, air_up, air_down)

// The daemon is killed, and comes back when its clocks have moved.
static void restart(int64_t boot_ms, int64_t unix_ms)
{
	daemon_down();
	site_restart(air.site, true);
	air.now.boot_ms += (uint64_t)boot_ms;
	air.now.unix_ms += (uint64_t)unix_ms;
	daemon_up();
}

static void pass(unsigned steps)
{
	while (steps-- > 0) {
		air.now.boot_ms += STEP_MS;
		air.now.unix_ms += STEP_MS;
		bearers_step(air.all, &air.now);
	}
}

static struct store_bearer quick(void)
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

static void start(void)
{
	struct store_bearer b = quick();
	enum mtk_wait wait;

	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
}

static struct store_mtks stored(uint16_t number)
{
	struct store_mtks mtks = {0};
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&air.site->ctl, &r), 0);
	store_reader_mtks(r, &air.site->group, number, &mtks);
	ctl_reader_put(&air.site->ctl, r);
	return mtks;
}

static const struct store_mtk *find(const struct store_mtks *mtks, uint16_t id)
{
	for (unsigned i = 0; i < mtks->count; i++)
		if (mtks->mtk[i].id == id)
			return &mtks->mtk[i];
	return NULL;
}

static json_t *show(void)
{
	json_t *list = bearers_json(air.all, &air.site->group);
	json_t *stream = json_incref(json_array_get(list, 0));

	json_decref(list);
	return stream;
}

static void expect_waits_for(const char *word)
{
	json_t *stream = show();
	const char *seen = json_string_value(json_object_get(stream, "waits_for"));

	assert_string_equal(seen == NULL ? "" : seen, word);
	json_decref(stream);
}

// Orders from `from` on: MTK IDs under an MSK never go below one of an earlier round.
static void expect_ascending(unsigned from, uint16_t number)
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

static void each_mtk_is_ordered_a_lead_ahead_and_again_until_its_use_is_over(void **state)
{
	struct dp *dp = air.site->dp;
	unsigned times[32] = {0};

	(void)state;
	start();
	for (unsigned s = 0; s < 20 * SECOND; s++) {
		unsigned before = dp->mtks;
		struct store_mtks mtks;

		pass(1);
		mtks = stored(1);
		for (unsigned i = before; i < dp->mtks; i++) {
			const struct store_mtk *mtk = find(&mtks, dp->mtk[i].mtk_id);

			assert_non_null(mtk);
			assert_true(mtk_is_on_air(mtk, air.now.unix_ms));
			if (times[mtk->id]++ == 0 && mtk->id > 1)
				assert_true(mtk->from_ms - air.now.unix_ms > 2000 - 2 * STEP_MS);
			assert_int_equal(dp->mtk[i].port, 5004);
			assert_true(dp->mtk[i].version > 0);
		}
	}
	for (unsigned id = 1; id < 8; id++)
		assert_int_equal(times[id], 2);
	expect_ascending(0, 1);
	// There is one counter value a second.
	assert_true(dp->mtks <= 20 + 2);
}

static void schedule_survives_a_kill_and_no_mtk_id_names_two_mtks(void **state)
{
	struct store_mtks before, after;
	json_t *keys;

	(void)state;
	start();
	pass(5 * SECOND);
	before = stored(1);
	restart(3000, 3000);
	keys = bearer_schedule_json(air.all, &air.site->group, 0);
	assert_int_equal(json_array_size(json_object_get(keys, "mtks")), before.count);
	json_decref(keys);
	pass(10 * SECOND);
	after = stored(1);
	for (unsigned i = 0; i < after.count; i++) {
		const struct store_mtk *mtk = find(&before, after.mtk[i].id);

		if (mtk != NULL)
			assert_memory_equal(&mtk->key, &after.mtk[i].key, sizeof(mtk->key));
		else
			assert_true(after.mtk[i].id > before.last_id);
	}
	assert_true(after.last_id > before.last_id);
	expect_ascending(0, 1);
}

static void clock_set_back_begins_a_new_schedule_with_new_mtk_ids(void **state)
{
	uint16_t last;

	(void)state;
	start();
	pass(5 * SECOND);
	last = stored(1).last_id;
	restart(1000, -3600000);
	pass(3 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_true(air.site->dp->mtk[i].mtk_id > last);
	expect_waits_for("");
}

static void clock_set_forth_goes_on_with_new_mtk_ids(void **state)
{
	uint16_t last;

	(void)state;
	start();
	pass(5 * SECOND);
	last = stored(1).last_id;
	restart(1000, 86400000);
	pass(3 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_true(air.site->dp->mtk[i].mtk_id > last);
}

static void mtks_end_at_sequ_by_name(void **state)
{
	struct store_bearer b = quick();
	struct store_msk msk;
	enum mtk_wait wait;

	(void)state;
	assert_int_equal(msk_new(&air.site->ctl, &air.site->group, 10, 15, &msk), 0);
	assert_int_equal(msk_activate(&air.site->ctl, &air.site->group, 2, &msk), 0);
	start();
	pass(40 * SECOND);
	for (unsigned i = 0; i < air.site->dp->mtks; i++) {
		assert_true(air.site->dp->mtk[i].mtk_id > 10);
		assert_true(air.site->dp->mtk[i].mtk_id <= 15);
	}
	assert_int_equal(air.site->dp->mtks, 5 * 2);
	expect_waits_for("mtk-ids-used-up");
	assert_int_equal(bearer_stop(air.all, &air.site->group), 0);
	assert_int_equal(bearer_start(air.all, &b, &wait), -EPERM);
	assert_int_equal(wait, MTK_WAIT_USED_UP);
}

// The mark file has counted more MTK IDs than the store knows of.
static void older_store_that_was_put_back_waits_for_a_new_msk(void **state)
{
	struct store_msk msk;

	(void)state;
	start();
	pass(5 * SECOND);
	assert_int_equal(counter_mark_mtk_reserve(air.mark, 1000), 0);
	restart(1000, 1000);
	pass(5 * SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	expect_waits_for("msk-restored");
	// And it is over with a new MSK, not with another restart.
	restart(1000, 1000);
	pass(SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	assert_int_equal(msk_new(&air.site->ctl, &air.site->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &air.site->group, 2, BEARER_SWITCH_NOW, 0), 0);
	pass(10 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_int_equal(air.site->dp->mtk[i].number, 2);
	expect_waits_for("");
}

static void lost_mark_file_bars_the_msks_that_live(void **state)
{
	char path[128];

	(void)state;
	start();
	pass(2 * SECOND);
	snprintf(path, sizeof(path), "%s/counter.mark", air.site->dir);
	assert_int_equal(unlink(path), 0);
	restart(1000, 1000);
	pass(2 * SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	expect_waits_for("msk-restored");
}

static void verify(struct dp_campaign *c, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		fake_dp_sent(c, i, 1);
		fake_dp_verified(c, i, DP_DONE_CURRENT);
	}
	site_settle(air.site);
}

static unsigned orders_under(uint16_t number, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = from; i < air.site->dp->mtks; i++)
		n += air.site->dp->mtk[i].number == number;
	return n;
}

static void next_msk_is_used_when_enough_have_it_and_the_old_one_runs_out(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned from;

	(void)state;
	start();
	site_subscribers(s, 50);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), -EBUSY);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	site_push(s, 8);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	verify(fake_dp_opened(s->dp, 0), 0, 48);
	pass(10 * SECOND);
	assert_int_equal(orders_under(2, 0), 0);
	verify(fake_dp_opened(s->dp, 0), 48, 1); // 49 of 50
	from = s->dp->mtks;
	for (unsigned i = 0; i < 20 * SECOND && orders_under(2, 0) == 0; i++)
		pass(1);
	assert_true(orders_under(2, 0) > 0);
	// A phone has two now; no third one can be made.
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), -EBUSY);
	pass(10 * SECOND);
	assert_true(orders_under(1, from) > 0);
	from = s->dp->mtks;
	pass(4 * SECOND);
	assert_int_equal(orders_under(1, from), 0);
	expect_ascending(0, 1);
	expect_ascending(0, 2);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(msk.number, 3);
}

static void change_that_waits_survives_a_restart_and_can_be_cancelled(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	json_t *stream;

	(void)state;
	start();
	site_subscribers(s, 10);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 50), 0);
	pass(3 * SECOND);
	restart(1000, 1000);
	pass(3 * SECOND);
	stream = show();
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(stream, "switch"), "state")),
		"waits");
	json_decref(stream);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_CANCEL, 0), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_CANCEL, 0), -ENOENT);
	pass(3 * SECOND);
	assert_int_equal(orders_under(2, 0), 0);
}

static void dummy_makes_the_next_msk_known_before_it_is_used(void **state)
{
	struct site *s = air.site;
	struct store_bearer b = quick();
	struct store_msk msk;
	enum mtk_wait wait;
	struct store_mtks mtks;

	(void)state;
	b.dummy_ms = 6000;
	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
	pass(2 * SECOND);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	site_subscribers(s, 1);
	site_push(s, 8);
	verify(fake_dp_opened(s->dp, 0), 0, 1);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	pass(3 * SECOND);
	mtks = stored(2);
	assert_int_equal(mtks.count, 1);
	assert_int_equal(mtks.mtk[0].flags, STORE_MTK_DUMMY);
	assert_true(orders_under(2, 0) > 0);
	assert_true(orders_under(1, 0) > 0);
	pass(8 * SECOND);
	mtks = stored(2);
	assert_true(mtks.last_id > 1);
}

static void nothing_goes_under_a_revoked_msk(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned before;
	json_t *keys;

	(void)state;
	start();
	pass(3 * SECOND);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), 0);
	pass(6 * SECOND); // it is looked for every five
	before = s->dp->mtks;
	pass(6 * SECOND);
	assert_int_equal(s->dp->mtks, before);
	expect_waits_for("msk-revoked");
	keys = bearer_schedule_json(air.all, &s->group, 0);
	assert_int_equal(json_array_size(json_object_get(keys, "mtks")), 0);
	json_decref(keys);
}

static void orders_that_cannot_be_are_refused_by_name(void **state)
{
	struct store_bearer b = quick();
	struct bearer_counts counts;
	enum mtk_wait wait;
	char why[256];

	(void)state;
	assert_null(bearer_check(&b, why));
	b.repeat_ms = 1000;
	assert_string_equal(bearer_check(&b, why), "too-often");
	b = quick();
	b.places = 2;
	assert_string_equal(bearer_check(&b, why), "too-often");
	b = quick();
	b.interval_ms = 999;
	assert_string_equal(bearer_check(&b, why), "bad-value");
	b = quick();
	b.lead_ms = 2000 * 41;
	assert_string_equal(bearer_check(&b, why), "lead-too-long");
	b = quick();
	b.group.group = 99;
	assert_int_equal(bearer_start(air.all, &b, &wait), -ENOENT);
	assert_int_equal(bearer_stop(air.all, &air.site->group), -ENOENT);
	start();
	b = quick();
	assert_int_equal(bearer_start(air.all, &b, &wait), -EALREADY);
	pass(SECOND);
	bearers_count(air.all, &counts);
	assert_int_equal(counts.on, 1);
	assert_int_equal(counts.waiting, 0);
	assert_true(counts.made > 0);
	assert_int_equal(counts.ids_left_least, 65535 - counts.made);
}

static void what_became_of_messages_is_told(void **state)
{
	struct dp *dp = air.site->dp;
	struct bearer_counts counts;
	json_t *stream;

	(void)state;
	start();
	pass(2);
	dp->mtk_note[0] = (struct dp_mtk_note){.group = 1,
		.number = 1,
		.kdi = {0x00, 0xf1, 0x10},
		.verdict = DP_MTK_SENT,
		.mtk_id = 1,
		.counter = 77};
	dp->mtk_note[1] = dp->mtk_note[0];
	dp->mtk_note[1].verdict = DP_MTK_NO_WAY;
	dp->mtk_notes = 2;
	pass(1);
	stream = show();
	assert_int_equal(json_integer_value(json_object_get(stream, "sent")), 1);
	assert_int_equal(json_integer_value(json_object_get(stream, "unsent")), 1);
	assert_int_equal(json_integer_value(json_object_get(stream, "last_counter")), 77);
	assert_string_equal(json_string_value(json_object_get(stream, "last_verdict")), "no-way");
	json_decref(stream);
	bearers_count(air.all, &counts);
	assert_int_equal(counts.verdict[DP_MTK_NO_WAY], 1);
}

static void events_tell_of_the_schedule_without_keys(void **state)
{
	char text[8192];
	ssize_t n;
	int fd = bearers_listen(air.all);

	(void)state;
	assert_true(fd >= 0);
	start();
	pass(2);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "\"event\":\"mtk-started\""));
	assert_non_null(strstr(text, "\"event\":\"mtk-scheduled\""));
	assert_null(strstr(text, "key"));
	close(fd);
	pass(20 * SECOND); // nobody listens any more
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AIR(each_mtk_is_ordered_a_lead_ahead_and_again_until_its_use_is_over),
		WITH_AIR(schedule_survives_a_kill_and_no_mtk_id_names_two_mtks),
		WITH_AIR(clock_set_back_begins_a_new_schedule_with_new_mtk_ids),
		WITH_AIR(clock_set_forth_goes_on_with_new_mtk_ids),
		WITH_AIR(mtks_end_at_sequ_by_name),
		WITH_AIR(older_store_that_was_put_back_waits_for_a_new_msk),
		WITH_AIR(lost_mark_file_bars_the_msks_that_live),
		WITH_AIR(next_msk_is_used_when_enough_have_it_and_the_old_one_runs_out),
		WITH_AIR(change_that_waits_survives_a_restart_and_can_be_cancelled),
		WITH_AIR(dummy_makes_the_next_msk_known_before_it_is_used),
		WITH_AIR(nothing_goes_under_a_revoked_msk),
		WITH_AIR(orders_that_cannot_be_are_refused_by_name),
		WITH_AIR(what_became_of_messages_is_told),
		WITH_AIR(events_tell_of_the_schedule_without_keys),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
