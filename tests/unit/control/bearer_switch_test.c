// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From one MSK to the next while MTKs are on the air: when the change is due, how phones learn of
// it, and what goes under neither.

#include <errno.h>

#include "bearer_air.h"
#include "msk.h"
#include "test.h"

static void next_msk_is_used_when_enough_have_it_and_the_old_one_runs_out(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned from;

	(void)state;
	air_start();
	site_subscribers(s, 50);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), -EBUSY);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	site_push(s, 8);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	air_verify(fake_dp_opened(s->dp, 0), 0, 48);
	air_pass(10 * SECOND);
	assert_int_equal(air_orders_under(2, 0), 0);
	air_verify(fake_dp_opened(s->dp, 0), 48, 1); // 49 of 50
	from = s->dp->mtks;
	for (unsigned i = 0; i < 20 * SECOND && air_orders_under(2, 0) == 0; i++)
		air_pass(1);
	assert_true(air_orders_under(2, 0) > 0);
	// A phone has two now; no third one can be made.
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), -EBUSY);
	air_pass(10 * SECOND);
	assert_true(air_orders_under(1, from) > 0);
	from = s->dp->mtks;
	air_pass(4 * SECOND);
	assert_int_equal(air_orders_under(1, from), 0);
	air_expect_ascending(0, 1);
	air_expect_ascending(0, 2);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(msk.number, 3);
}

// One of many subscribers is looked at: that takes a moment, and the operator asks meanwhile.
static void one_is_counted(void)
{
	struct bearer_counts counts;

	air.now.boot_ms += 1000;
	air.now.unix_ms += 1000;
	bearers_count(air.all, &counts);
	assert_int_equal(counts.switching, 1);
}

static int verified_job(struct store_txn *txn, void *arg)
{
	(void)arg;
	return store_subscriber_verified(txn, (const store_id[]){0, 1, 2}, 3);
}

// What is known of the last push of an id may be of somebody who had it before.
static void pull_counts_where_something_was_verified_under_the_present_muk(void **state)
{
	struct site *s = air.site;
	struct rotation_share share;

	(void)state;
	site_subscribers(s, 5);
	for (store_id id = 0; id < 4; id++)
		s->dp->note[id] = (struct dp_push_note){.at_s = 1,
			.group = 1,
			.number = 2,
			.kdi = {0x00, 0xf1, 0x10},
			.state = DP_PUSH_VERIFIED};
	assert_int_equal(rotation_share_count(&s->ctl, &s->group, 2, &share), 0);
	assert_int_equal(share.members, 5);
	assert_int_equal(share.have, 0);
	assert_int_equal(ctl_writer_run(&s->ctl, verified_job, NULL), 0);
	assert_int_equal(rotation_share_count(&s->ctl, &s->group, 2, &share), 0);
	assert_int_equal(share.have, 3);
	assert_int_equal(rotation_share_count(&s->ctl, &s->group, 1, &share), 0);
	assert_int_equal(share.have, 0);
}

static void long_count_of_who_has_the_next_msk_holds_nobody_up(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned before;

	(void)state;
	air_start();
	site_subscribers(s, 5);
	assert_int_equal(ctl_writer_run(&s->ctl, verified_job, NULL), 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	before = s->dp->mtks;
	s->dp->on_note = one_is_counted;
	air_pass(4);
	s->dp->on_note = NULL;
	assert_true(air.now.boot_ms > 8000);
	assert_true(s->dp->mtks > before);
}

static void change_that_waits_survives_a_restart_and_can_be_cancelled(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	json_t *stream;

	(void)state;
	air_start();
	site_subscribers(s, 10);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 50), 0);
	air_pass(3 * SECOND);
	air_restart(1000, 1000);
	air_pass(3 * SECOND);
	stream = air_show();
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(stream, "switch"), "state")),
		"waits");
	json_decref(stream);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_CANCEL, 0), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_CANCEL, 0), -ENOENT);
	air_pass(3 * SECOND);
	assert_int_equal(air_orders_under(2, 0), 0);
}

static void dummy_makes_the_next_msk_known_before_it_is_used(void **state)
{
	struct site *s = air.site;
	struct store_bearer b = air_quick();
	struct store_msk msk;
	enum mtk_wait wait;
	struct store_mtks mtks;

	(void)state;
	b.dummy_ms = 6000;
	assert_int_equal(bearer_start(air.all, &b, &wait), 0);
	air_pass(2 * SECOND);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	site_subscribers(s, 1);
	site_push(s, 8);
	air_verify(fake_dp_opened(s->dp, 0), 0, 1);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	air_pass(3 * SECOND);
	mtks = air_stored(2);
	assert_int_equal(mtks.count, 1);
	assert_int_equal(mtks.mtk[0].flags, STORE_MTK_DUMMY);
	assert_true(air_orders_under(2, 0) > 0);
	assert_true(air_orders_under(1, 0) > 0);
	air_pass(8 * SECOND);
	mtks = air_stored(2);
	assert_true(mtks.last_id > 1);
}

static void nothing_goes_under_a_revoked_msk(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned before;
	json_t *keys;

	(void)state;
	air_start();
	air_pass(3 * SECOND);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), 0);
	air_pass(6 * SECOND); // it is looked for every five
	before = s->dp->mtks;
	air_pass(6 * SECOND);
	assert_int_equal(s->dp->mtks, before);
	air_expect_waits_for("msk-revoked");
	keys = bearer_schedule_json(air.all, &s->group, 0);
	assert_int_equal(json_array_size(json_object_get(keys, "mtks")), 0);
	json_decref(keys);
}

static void expect_refused(uint16_t number, int ret)
{
	struct site *s = air.site;

	assert_int_equal(bearer_switch(air.all, &s->group, number, BEARER_SWITCH_WAIT, 98), ret);
	assert_int_equal(bearer_switch(air.all, &s->group, number, BEARER_SWITCH_NOW, 0), ret);
}

// Else there would be none from then on, until somebody sees it.
static void msk_that_no_mtk_can_go_under_is_not_changed_to(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	unsigned before;

	(void)state;
	air_start();
	assert_int_equal(msk_new(&s->ctl, &s->group, 10, 10, &msk), 0); // the first would be 11
	expect_refused(2, -EKEYEXPIRED);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 2, &msk), 0);
	expect_refused(2, -EKEYREVOKED);
	before = s->dp->mtks;
	air_pass(6 * SECOND);
	assert_true(air_orders_under(1, before) > 0);
	// Where none can go under the current one either it is the way on.
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_NOW, 0), 0);
}

static void change_to_an_msk_that_is_revoked_meanwhile_is_dropped(void **state)
{
	struct site *s = air.site;
	struct store_msk msk;
	json_t *stream;
	unsigned before;

	(void)state;
	air_start();
	site_subscribers(s, 2);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(bearer_switch(air.all, &s->group, 2, BEARER_SWITCH_WAIT, 98), 0);
	air_pass(3 * SECOND);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 2, &msk), 0);
	bearers_follow(air.all);
	before = s->dp->mtks;
	air_pass(10 * SECOND);
	assert_int_equal(air_orders_under(2, 0), 0);
	assert_true(air_orders_under(1, before) > 0);
	stream = air_show();
	assert_true(json_is_null(json_object_get(stream, "switch")));
	json_decref(stream);
	// A new one takes its place.
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 65535, &msk), 0);
	assert_int_equal(msk.number, 3);
	assert_int_equal(bearer_switch(air.all, &s->group, 3, BEARER_SWITCH_NOW, 0), 0);
	air_pass(3 * SECOND);
	assert_true(air_orders_under(3, 0) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AIR(next_msk_is_used_when_enough_have_it_and_the_old_one_runs_out),
		WITH_AIR(pull_counts_where_something_was_verified_under_the_present_muk),
		WITH_AIR(long_count_of_who_has_the_next_msk_holds_nobody_up),
		WITH_AIR(change_that_waits_survives_a_restart_and_can_be_cancelled),
		WITH_AIR(dummy_makes_the_next_msk_known_before_it_is_used),
		WITH_AIR(nothing_goes_under_a_revoked_msk),
		WITH_AIR(msk_that_no_mtk_can_go_under_is_not_changed_to),
		WITH_AIR(change_to_an_msk_that_is_revoked_meanwhile_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
