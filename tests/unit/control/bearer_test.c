// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of a key group in virtual time, on a real store and a real mark file: what is ordered of the
// dataplane, over restarts, changes of the MSK, and clocks that are set.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bearer_air.h"
#include "counter_mark.h"
#include "msk.h"
#include "test.h"

static const struct store_mtk *find(const struct store_mtks *mtks, uint16_t id)
{
	for (unsigned i = 0; i < mtks->count; i++)
		if (mtks->mtk[i].id == id)
			return &mtks->mtk[i];
	return NULL;
}

static void each_mtk_is_ordered_a_lead_ahead_and_again_until_its_use_is_over(void **state)
{
	struct dp *dp = air.site->dp;
	unsigned times[32] = {0};

	(void)state;
	air_start();
	for (unsigned s = 0; s < 20 * SECOND; s++) {
		unsigned before = dp->mtks;
		struct store_mtks mtks;

		air_pass(1);
		mtks = air_stored(1);
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
	air_expect_ascending(0, 1);
	// There is one counter value a second.
	assert_true(dp->mtks <= 20 + 2);
}

static void schedule_survives_a_kill_and_no_mtk_id_names_two_mtks(void **state)
{
	struct store_mtks before, after;
	unsigned same = 0;
	json_t *keys;

	(void)state;
	air_start();
	air_pass(5 * SECOND);
	before = air_stored(1);
	air_restart(3000, 3000);
	keys = bearer_schedule_json(air.all, &air.site->group, 0);
	assert_int_equal(json_array_size(json_object_get(keys, "mtks")), before.count);
	json_decref(keys);
	// Time enough to add what comes, not for all to be over.
	air_pass(5 * SECOND);
	after = air_stored(1);
	for (unsigned i = 0; i < after.count; i++) {
		const struct store_mtk *mtk = find(&before, after.mtk[i].id);

		if (mtk == NULL) {
			assert_true(after.mtk[i].id > before.last_id);
			continue;
		}
		assert_memory_equal(&mtk->key, &after.mtk[i].key, sizeof(mtk->key));
		same++;
	}
	assert_true(same > 0);
	assert_true(after.last_id > before.last_id);
	air_pass(5 * SECOND);
	air_expect_ascending(0, 1);
}

static void clock_set_back_begins_a_new_schedule_with_new_mtk_ids(void **state)
{
	uint16_t last;

	(void)state;
	air_start();
	air_pass(5 * SECOND);
	last = air_stored(1).last_id;
	air_restart(1000, -3600000);
	air_pass(3 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_true(air.site->dp->mtk[i].mtk_id > last);
	air_expect_waits_for("");
}

static void clock_set_forth_goes_on_with_new_mtk_ids(void **state)
{
	uint16_t last;

	(void)state;
	air_start();
	air_pass(5 * SECOND);
	last = air_stored(1).last_id;
	air_restart(1000, 86400000);
	air_pass(3 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_true(air.site->dp->mtk[i].mtk_id > last);
}

static void expect_no_two_in_use(void)
{
	struct store_mtks mtks = air_stored(1);

	for (unsigned i = 1; i < mtks.count; i++)
		assert_true(mtks.mtk[i].from_ms >= mtks.mtk[i - 1].to_ms);
}

// The clock of the daemon, the one that encryptors go by, and the schedule that they get, are one.
static void schedule_goes_along_with_a_clock_that_is_set_while_it_runs(void **state)
{
	struct dp *dp = air.site->dp;
	unsigned before;
	json_t *keys;
	uint16_t last;

	(void)state;
	air_start();
	air_pass(5 * SECOND);
	last = air_stored(1).last_id;
	air.now.unix_ms += 3600000;
	before = dp->mtks;
	air_pass(4 * SECOND);
	assert_true(dp->mtks > before);
	for (unsigned i = before; i < dp->mtks; i++)
		assert_true(dp->mtk[i].mtk_id > last);
	keys = bearer_schedule_json(air.all, &air.site->group, bearers_now(air.all).unix_ms);
	assert_true(json_array_size(json_object_get(keys, "mtks")) >= 3);
	assert_true(json_is_true(
		json_object_get(json_array_get(json_object_get(keys, "mtks"), 0), "is_announced")));
	json_decref(keys);
	assert_true(air_stored(1).mtk[0].from_ms <= air.now.unix_ms);
}

static bool one_is_in_use(void)
{
	struct store_mtks mtks = air_stored(1);

	for (unsigned i = 0; i < mtks.count; i++)
		if (mtks.mtk[i].from_ms <= air.now.unix_ms && air.now.unix_ms < mtks.mtk[i].to_ms)
			return true;
	return false;
}

static void one_mtk_is_in_use_a_lead_after_a_clock_is_set_back(void **state)
{
	struct dp *dp = air.site->dp;

	(void)state;
	air_start();
	for (unsigned back_ms = 2500; back_ms < 24000; back_ms += back_ms < 7000 ? 500 : 3000) {
		unsigned before;

		air_pass(4 * SECOND);
		assert_true(one_is_in_use());
		before = dp->mtks;
		air.now.unix_ms -= back_ms;
		for (unsigned i = 0; i < 7 * SECOND / 2; i++) {
			air_pass(1);
			expect_no_two_in_use();
		}
		assert_true(one_is_in_use());
		assert_true(dp->mtks > before);
	}
	air_expect_waits_for("");
}

static void no_two_mtks_are_in_use_at_once_after_a_start_with_a_clock_set_back(void **state)
{
	struct store_bearer b = air_quick();
	enum mtk_wait wait;

	(void)state;
	b.lead_ms = 8000;
	b.repeat_ms = 8000;
	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
	air_pass(8 * SECOND);
	for (unsigned back_ms = 1500; back_ms < 24000; back_ms += 1500) {
		air_pass(4 * SECOND);
		air_restart(1000, -(int64_t)back_ms);
		for (unsigned i = 0; i < 6 * SECOND; i++) {
			air_pass(1);
			expect_no_two_in_use();
		}
		assert_true(air.site->dp->mtks > 0);
	}
}

// What is left of a longer schedule takes nearly all the room there is: nothing can be added for a
// while.
static void full_schedule_is_sent_all_the_same(void **state)
{
	struct store_bearer b = air_quick();
	enum mtk_wait wait;
	unsigned before;

	(void)state;
	b.interval_ms = b.repeat_ms = 60000;
	b.lead_ms = 40 * b.interval_ms;
	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
	for (unsigned i = 0; i < 100; i++) {
		air.now.boot_ms += b.interval_ms / 2;
		air.now.unix_ms += b.interval_ms / 2;
		air_pass(1);
		air.site->dp->mtks = 0;
	}
	assert_int_equal(bearer_stop(air.all, &air.site->group), 0);
	b.interval_ms = 1000;
	b.lead_ms = 5000;
	b.repeat_ms = 8000;
	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
	for (unsigned i = 0; i < 30 * SECOND && air_stored(1).count < STORE_MTKS_MAX; i++)
		air_pass(1);
	assert_int_equal(air_stored(1).count, STORE_MTKS_MAX);
	air_pass(5 * SECOND);
	before = air.site->dp->mtks;
	air_pass(10 * SECOND);
	assert_true(air.site->dp->mtks > before);
}

static void mtks_end_at_sequ_by_name(void **state)
{
	struct store_bearer b = air_quick();
	struct store_msk msk;
	enum mtk_wait wait;

	(void)state;
	assert_int_equal(msk_new(&air.site->ctl, &air.site->group, 10, 15, &msk), 0);
	assert_int_equal(msk_activate(&air.site->ctl, &air.site->group, 2, &msk), 0);
	air_start();
	air_pass(40 * SECOND);
	for (unsigned i = 0; i < air.site->dp->mtks; i++) {
		assert_true(air.site->dp->mtk[i].mtk_id > 10);
		assert_true(air.site->dp->mtk[i].mtk_id <= 15);
	}
	assert_int_equal(air.site->dp->mtks, 5 * 2);
	air_expect_waits_for("mtk-ids-used-up");
	assert_int_equal(bearer_stop(air.all, &air.site->group), 0);
	assert_int_equal(bearer_start(air.all, &b, &wait), -EPERM);
	assert_int_equal(wait, MTK_WAIT_USED_UP);
}

// The mark file has counted more MTK IDs than the store knows of.
static void older_store_that_was_put_back_waits_for_a_new_msk(void **state)
{
	struct store_msk msk;

	(void)state;
	air_start();
	air_pass(5 * SECOND);
	assert_int_equal(counter_mark_mtk_reserve(air.mark, 1000), 0);
	air_restart(1000, 1000);
	air_pass(5 * SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	air_expect_waits_for("msk-restored");
	// And it is over with a new MSK, not with another restart.
	air_restart(1000, 1000);
	air_pass(SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	assert_int_equal(msk_new(&air.site->ctl, &air.site->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &air.site->group, 2, BEARER_SWITCH_NOW, 0), 0);
	air_pass(10 * SECOND);
	assert_true(air.site->dp->mtks > 0);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		assert_int_equal(air.site->dp->mtk[i].number, 2);
	air_expect_waits_for("");
}

static void lost_mark_file_bars_the_msks_that_live(void **state)
{
	char path[128];

	(void)state;
	air_start();
	air_pass(2 * SECOND);
	snprintf(path, sizeof(path), "%s/counter.mark", air.site->dir);
	assert_int_equal(unlink(path), 0);
	air_restart(1000, 1000);
	air_pass(2 * SECOND);
	assert_int_equal(air.site->dp->mtks, 0);
	air_expect_waits_for("msk-restored");
}

static void orders_that_cannot_be_are_refused_by_name(void **state)
{
	struct store_bearer b = air_quick();
	struct bearer_counts counts;
	enum mtk_wait wait;
	char why[256];

	(void)state;
	assert_null(bearer_check(&b, why));
	b.repeat_ms = 1000;
	assert_string_equal(bearer_check(&b, why), "too-often");
	b = air_quick();
	b.places = 2;
	assert_string_equal(bearer_check(&b, why), "too-often");
	b = air_quick();
	b.interval_ms = 999;
	assert_string_equal(bearer_check(&b, why), "bad-value");
	b = air_quick();
	b.lead_ms = 2000 * 41;
	assert_string_equal(bearer_check(&b, why), "lead-too-long");
	b = air_quick();
	b.group.group = 99;
	assert_int_equal(bearer_start(air.all, &b, &wait), -ENOENT);
	assert_int_equal(bearer_stop(air.all, &air.site->group), -ENOENT);
	air_start();
	b = air_quick();
	assert_int_equal(bearer_start(air.all, &b, &wait), -EALREADY);
	air_pass(SECOND);
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
	air_start();
	air_pass(2);
	dp->mtk_note[0] = (struct dp_mtk_note){.group = 1,
		.number = 1,
		.kdi = {0x00, 0xf1, 0x10},
		.verdict = DP_MTK_SENT,
		.mtk_id = 1,
		.counter = 77};
	dp->mtk_note[1] = dp->mtk_note[0];
	dp->mtk_note[1].verdict = DP_MTK_NO_WAY;
	dp->mtk_notes = 2;
	air_pass(1);
	stream = air_show();
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
	air_start();
	air_pass(2);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "\"event\":\"mtk-started\""));
	assert_non_null(strstr(text, "\"event\":\"mtk-scheduled\""));
	assert_null(strstr(text, "key"));
	close(fd);
	air_pass(20 * SECOND); // nobody listens any more
}

// Groups 2 .. BEARERS_MAX + 1; MTKs of all but the last one are sent, as far as they have an MSK.
static int groups_job(struct store_txn *txn, void *arg)
{
	struct store_group group = {.id = air.site->group, .created = 1};
	struct store_bearer b = air_quick();
	int ret = 0;

	(void)arg;
	b.flags |= STORE_BEARER_ON;
	for (unsigned i = 2; i <= BEARERS_MAX + 1 && ret == 0; i++) {
		b.group.group = group.id.group = (uint16_t)i;
		ret = store_group_put(txn, &group);
		if (ret == 0 && i <= BEARERS_MAX)
			ret = store_bearer_put(txn, &b);
	}
	return ret;
}

static int group_start(uint16_t number)
{
	struct store_bearer b = air_quick();
	enum mtk_wait wait;

	b.group.group = number;
	return bearer_start(air.all, &b, &wait);
}

static void one_group_more_than_there_is_room_for_is_refused_until_one_stops(void **state)
{
	const uint16_t n = BEARERS_MAX + 1;
	struct store_group_id group = air.site->group;
	unsigned orders = 0;
	struct store_msk msk;

	(void)state;
	assert_int_equal(ctl_writer_run(&air.site->ctl, groups_job, NULL), 0);
	air_start();
	group.group = n;
	assert_int_equal(msk_new(&air.site->ctl, &group, 0, 65535, &msk), 0);
	group.group = 7;
	assert_int_equal(msk_new(&air.site->ctl, &group, 0, 65535, &msk), 0);
	assert_int_equal(group_start(n), -EUSERS);
	assert_int_equal(bearer_stop(air.all, &group), 0);
	assert_int_equal(group_start(n), 0);
	assert_int_equal(group_start(7), -EUSERS);
	air_pass(SECOND + 3);
	for (unsigned i = 0; i < air.site->dp->mtks; i++)
		orders += air.site->dp->mtk[i].group == n;
	assert_true(orders > 0);
	assert_int_equal(bearer_stop(air.all, &air.site->group), 0);
	assert_int_equal(group_start(7), 0);
}

static void listener_that_has_gone_keeps_no_seat(void **state)
{
	int fd[BEARER_LISTENERS_MAX];

	(void)state;
	for (unsigned i = 0; i < 2 * BEARER_LISTENERS_MAX; i++) {
		fd[0] = bearers_listen(air.all);
		assert_true(fd[0] >= 0);
		close(fd[0]);
	}
	for (unsigned i = 0; i < BEARER_LISTENERS_MAX; i++) {
		fd[i] = bearers_listen(air.all);
		assert_true(fd[i] >= 0);
	}
	assert_int_equal(bearers_listen(air.all), -EBUSY);
	for (unsigned i = 0; i < BEARER_LISTENERS_MAX; i++)
		close(fd[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AIR(each_mtk_is_ordered_a_lead_ahead_and_again_until_its_use_is_over),
		WITH_AIR(schedule_survives_a_kill_and_no_mtk_id_names_two_mtks),
		WITH_AIR(clock_set_back_begins_a_new_schedule_with_new_mtk_ids),
		WITH_AIR(clock_set_forth_goes_on_with_new_mtk_ids),
		WITH_AIR(schedule_goes_along_with_a_clock_that_is_set_while_it_runs),
		WITH_AIR(one_mtk_is_in_use_a_lead_after_a_clock_is_set_back),
		WITH_AIR(no_two_mtks_are_in_use_at_once_after_a_start_with_a_clock_set_back),
		WITH_AIR(full_schedule_is_sent_all_the_same),
		WITH_AIR(mtks_end_at_sequ_by_name),
		WITH_AIR(older_store_that_was_put_back_waits_for_a_new_msk),
		WITH_AIR(lost_mark_file_bars_the_msks_that_live),
		WITH_AIR(orders_that_cannot_be_are_refused_by_name),
		WITH_AIR(what_became_of_messages_is_told),
		WITH_AIR(events_tell_of_the_schedule_without_keys),
		WITH_AIR(one_group_more_than_there_is_room_for_is_refused_until_one_stops),
		WITH_AIR(listener_that_has_gone_keeps_no_seat),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
