// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdlib.h>

#include "support.h"

#define FRAMES 20000

static unsigned drawn(double loss, double duplicate, double reorder, unsigned *twice)
{
	struct ue_wire wire;
	struct ue_impairment impairment = {loss, duplicate, reorder, 0, 0};
	unsigned lost = 0;

	*twice = 0;
	ue_wire_init(&wire, &impairment, 42);
	for (int i = 0; i < FRAMES; i++) {
		struct ue_fate fate = ue_wire_draw(&wire);

		lost += fate.copies == 0;
		*twice += fate.copies == 2;
	}
	ue_wire_fini(&wire);
	return lost;
}

static void percentages_hold_over_many_frames(void **state)
{
	unsigned twice, lost = drawn(10, 0, 0, &twice);

	(void)state;
	assert_in_range(lost, FRAMES / 10 - 200, FRAMES / 10 + 200);
	assert_int_equal(twice, 0);
	assert_int_equal(drawn(0, 5, 0, &twice), 0);
	assert_in_range(twice, FRAMES / 20 - 150, FRAMES / 20 + 150);
	assert_int_equal(drawn(100, 0, 0, &twice), FRAMES);
	assert_int_equal(drawn(0, 100, 0, &twice), 0);
	assert_int_equal(twice, FRAMES);
}

static void frames_come_in_the_order_of_their_time(void **state)
{
	struct ue_wire wire;
	struct ue_impairment none = {0};
	enum ue_direction direction;
	uint8_t octet, *data;
	size_t len;

	(void)state;
	ue_wire_init(&wire, &none, 1);
	for (int i = 0; i < 200; i++) {
		octet = (uint8_t)(i * 37 % 200);
		assert_int_equal(ue_wire_put(&wire, UE_OUT, octet / 2, &octet, 1), 0);
	}
	assert_false(ue_wire_take(&wire, -1, &direction, &data, &len));
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ue_wire_due(&wire), i);
		for (int k = 0; k < 2; k++) {
			assert_true(ue_wire_take(&wire, i, &direction, &data, &len));
			assert_int_equal(*data / 2, i);
			free(data);
		}
		assert_false(ue_wire_take(&wire, i, &direction, &data, &len));
	}
	assert_int_equal(ue_wire_due(&wire), INT64_MAX);
	ue_wire_fini(&wire);
}

static void frames_of_one_time_keep_their_order(void **state)
{
	struct ue_wire wire;
	struct ue_impairment none = {0};
	enum ue_direction direction;
	uint8_t *data;
	size_t len;

	(void)state;
	ue_wire_init(&wire, &none, 1);
	for (uint8_t i = 0; i < 100; i++)
		assert_int_equal(ue_wire_put(&wire, UE_IN, 5, &i, 1), 0);
	for (uint8_t i = 0; i < 100; i++) {
		assert_true(ue_wire_take(&wire, 5, &direction, &data, &len));
		assert_int_equal(*data, i);
		free(data);
	}
	ue_wire_fini(&wire);
}

// What a tap saw.
struct seen {
	unsigned in;
	unsigned out;
};

static void tap_count(
	void *arg, enum ue_direction direction, const uint8_t *data, size_t len, int64_t wall)
{
	struct seen *seen = arg;

	(void)data;
	(void)len;
	assert_true(wall >= (int64_t)NOW_S * 1000000);
	*(direction == UE_IN ? &seen->in : &seen->out) += 1;
}

static void tap_sees_frames_that_are_then_lost(void **state)
{
	struct ue_site *site = *state;
	struct seen seen = {0, 0};

	ue_site_tap(site, tap_count, &seen);
	site->wire.impairment.loss = 100;
	assert_int_equal(site_take(site, frame_to(ADDRESS, 2269, vector("F.msg"))).len, 0);
	assert_int_equal(seen.in, 1);
	assert_int_equal(seen.out, 0);
	assert_int_equal(ue_site_count(site, UE_COUNT_LOST_IN), 1);
	assert_int_equal(ue_site_count(site, UE_COUNT_MSK), 0);
	site->wire.impairment.loss = 0;
	assert_true(site_take(site, frame_to(ADDRESS, 2269, vector("F.msg"))).len > 0);
	assert_int_equal(seen.in, 2);
	assert_int_equal(seen.out, 1);
}

static size_t poll_at(struct ue_site *site, int64_t us)
{
	struct ue_now now = now_at(us);
	uint8_t out[UE_FRAME_MAX_BYTES];

	return ue_site_poll(site, &now, out, sizeof(out));
}

static void delay_holds_each_way(void **state)
{
	struct ue_site *site = *state;

	site->wire.impairment.delay_us = 1000;
	assert_int_equal(site_take(site, frame_to(ADDRESS, 2269, vector("F.msg"))).len, 0);
	assert_int_equal(ue_site_due(site), now_at(1000).mono);
	assert_int_equal(poll_at(site, 999), 0);
	assert_int_equal(ue_site_count(site, UE_COUNT_MSK), 0);
	assert_int_equal(poll_at(site, 1000), 0);
	assert_int_equal(ue_site_count(site, UE_COUNT_MSK), 1);
	assert_int_equal(poll_at(site, 1999), 0);
	assert_int_equal(poll_at(site, 2000), 42 + vector("G.msg").len);
	assert_int_equal(ue_site_due(site), INT64_MAX);
}

static void doubled_push_is_answered_once_and_its_answer_doubled(void **state)
{
	struct ue_site *site = *state;

	site->wire.impairment.duplicate = 100;
	assert_true(site_take(site, frame_to(ADDRESS, 2269, vector("F.msg"))).len > 0);
	assert_true(poll_at(site, 0) > 0);
	assert_int_equal(poll_at(site, 0), 0);
	assert_int_equal(ue_site_refused(site, UE_REPLAYED), 1);
	assert_int_equal(ue_site_count(site, UE_COUNT_DUPLICATED), 2);
}

static void reordered_frame_is_overtaken(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(2);

	site->wire.impairment.reorder = 100;
	site_take(site, frame_to(ADDRESS, 2269, vector("F.msg")));
	site->wire.impairment.reorder = 0;
	assert_true(site_take(site, frame_to(ADDRESS, 2269, push_seal(&push))).len > 0);
	assert_int_equal(poll_at(site, 10000), 0);
	assert_int_equal(ue_site_refused(site, UE_STALE_COUNTER), 1);
}

static void room_shrinks_with_what_is_under_way(void **state)
{
	struct ue_site *site = *state;
	size_t room = ue_site_room(site);

	assert_true(room >= 64);
	site->wire.impairment.delay_us = 1000;
	for (int i = 0; i < 40; i++)
		site_take(site, frame_to(ADDRESS, 2269, vector("F.msg")));
	assert_true(ue_site_room(site) < room);
	while (ue_site_due(site) != INT64_MAX)
		poll_at(site, ue_site_due(site) - now_at(0).mono);
	assert_int_equal(ue_site_room(site), room);
}

static void same_seed_loses_the_same_frames(void **state)
{
	uint64_t lost[2];

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct ue_site *site = site_of_one();

		site->wire.impairment.loss = 30;
		for (uint32_t i = 1; i < 200; i++) {
			struct push push = push_f(i);

			site_take(site, frame_to(ADDRESS, 2269, push_seal(&push)));
		}
		lost[run] = credential_of(site, BTID)->counter * 1000 +
			ue_site_count(site, UE_COUNT_LOST_OUT);
		ue_site_destroy(site);
	}
	assert_int_equal(lost[0], lost[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentages_hold_over_many_frames),
		cmocka_unit_test(frames_come_in_the_order_of_their_time),
		cmocka_unit_test(frames_of_one_time_keep_their_order),
		WITH_PHONE(tap_sees_frames_that_are_then_lost),
		WITH_PHONE(delay_holds_each_way),
		WITH_PHONE(doubled_push_is_answered_once_and_its_answer_doubled),
		WITH_PHONE(reordered_frame_is_overtaken),
		WITH_PHONE(room_shrinks_with_what_is_under_way),
		cmocka_unit_test(same_seed_loses_the_same_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
