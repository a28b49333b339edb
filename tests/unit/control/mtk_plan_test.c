// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include "mtk_plan.h"
#include "test.h"

#define NOW 1000000000000ull

static const struct store_bearer bearer = {
	.places = 1, .lead_ms = 30000, .interval_ms = 60000, .repeat_ms = 10000};

static struct mtk_supply supply_of(uint16_t seq_l, uint16_t seq_u)
{
	return (struct mtk_supply){.number = 1, .seq_l = seq_l, .seq_u = seq_u};
}

static void schedule_has_no_gap_and_each_mtk_is_sent_a_lead_ahead(void **state)
{
	struct mtk_supply s = supply_of(7, 65535);
	unsigned n = mtk_plan_extend(&bearer, &s, 0, NOW);

	(void)state;
	assert_int_equal(n, MTK_AHEAD);
	assert_int_equal(s.mtks.mtk[0].id, 8);
	assert_int_equal(s.mtks.mtk[0].send_ms, NOW);
	assert_int_equal(s.mtks.mtk[0].from_ms, NOW + 30000);
	for (unsigned i = 1; i < n; i++) {
		assert_int_equal(s.mtks.mtk[i].id, 8 + i);
		assert_int_equal(s.mtks.mtk[i].from_ms, s.mtks.mtk[i - 1].to_ms);
		assert_int_equal(s.mtks.mtk[i].to_ms, s.mtks.mtk[i].from_ms + 60000);
		assert_int_equal(s.mtks.mtk[i].send_ms, s.mtks.mtk[i].from_ms - 30000);
	}
	assert_int_equal(s.mtks.last_id, 7 + n);
}

static void schedule_is_carried_on_where_it_ends(void **state)
{
	struct mtk_supply s = supply_of(0, 65535);
	uint64_t end;

	(void)state;
	mtk_plan_extend(&bearer, &s, 0, NOW);
	end = mtk_plan_end(&s.mtks);
	assert_false(mtk_plan_is_short(&bearer, end, NOW));
	assert_int_equal(mtk_plan_extend(&bearer, &s, end, NOW), 0);
	assert_true(mtk_plan_is_short(&bearer, end, NOW + 130000));
	assert_true(mtk_plan_extend(&bearer, &s, end, NOW + 130000) > 0);
	assert_int_equal(s.mtks.mtk[MTK_AHEAD].from_ms, end);
}

static void no_mtk_id_goes_beyond_sequ_and_none_is_used_twice(void **state)
{
	struct mtk_supply s = supply_of(65532, 65535);

	(void)state;
	assert_int_equal(mtk_ids_left(&s), 3);
	assert_int_equal(mtk_plan_extend(&bearer, &s, 0, NOW), 3);
	assert_int_equal(s.mtks.last_id, 65535);
	assert_int_equal(mtk_ids_left(&s), 0);
	assert_int_equal(mtk_supply_check(&s), MTK_WAIT_USED_UP);
	assert_int_equal(mtk_plan_tidy(&s.mtks, UINT64_MAX - 1), 3);
	assert_int_equal(mtk_plan_extend(&bearer, &s, 0, NOW), 0);
	assert_false(mtk_plan_add_dummy(&bearer, &s, NOW));
}

static void what_is_in_the_way_has_a_name(void **state)
{
	struct mtk_supply none = {0}, revoked = supply_of(5, 4), restored = supply_of(0, 9);

	(void)state;
	restored.mtks.is_barred = true;
	assert_int_equal(mtk_supply_check(&none), MTK_WAIT_NO_MSK);
	assert_int_equal(mtk_supply_check(&revoked), MTK_WAIT_REVOKED);
	assert_int_equal(mtk_supply_check(&restored), MTK_WAIT_RESTORED);
	assert_int_equal(mtk_plan_extend(&bearer, &restored, 0, NOW), 0);
	assert_string_equal(mtk_wait_name(MTK_WAIT_RESTORED), "msk-restored");
	assert_string_equal(mtk_wait_name(MTK_WAITS), "unknown");
}

static void what_is_on_the_air_is_not_withdrawn(void **state)
{
	struct mtk_supply s = supply_of(0, 65535);

	(void)state;
	mtk_plan_extend(&bearer, &s, 0, NOW);
	assert_int_equal(mtk_plan_withdraw(&s.mtks, NOW + 60000), MTK_AHEAD - 2);
	assert_int_equal(s.mtks.count, 2);
	assert_int_equal(s.mtks.last_id, MTK_AHEAD);
}

static void clock_that_was_set_back_puts_the_schedule_out_of_reach(void **state)
{
	struct mtk_supply s = supply_of(0, 65535);

	(void)state;
	assert_false(mtk_plan_is_out_of_reach(&bearer, &s.mtks, NOW));
	mtk_plan_extend(&bearer, &s, 0, NOW);
	assert_false(mtk_plan_is_out_of_reach(&bearer, &s.mtks, NOW - 120000));
	assert_true(mtk_plan_is_out_of_reach(&bearer, &s.mtks, NOW - 120001));
	// Whatever the other MSK still has out there does not keep the new schedule back.
	assert_true(mtk_plan_is_short(&bearer, mtk_plan_end(&s.mtks), NOW - 3600000));
	s = supply_of(0, 65535);
	mtk_plan_extend(&bearer, &s, NOW + 3600000, NOW);
	assert_int_equal(s.mtks.mtk[0].from_ms, NOW + 30000);
}

// Some MTKs are near enough, but what would be added now would be in use together with the others.
static void far_end_of_a_schedule_is_out_of_reach_too(void **state)
{
	struct store_bearer b = bearer;
	struct mtk_supply s = supply_of(0, 65535);
	uint64_t back = NOW - 200000;

	(void)state;
	b.lead_ms = 120000;
	for (uint64_t now = NOW - 600000; now <= NOW; now += 60000) {
		mtk_plan_tidy(&s.mtks, now);
		mtk_plan_extend(&b, &s, mtk_plan_end(&s.mtks), now);
	}
	assert_false(mtk_plan_is_out_of_reach(&b, &s.mtks, NOW));
	assert_true(s.mtks.mtk[0].send_ms < back + 120000);
	assert_true(mtk_plan_is_short(&b, mtk_plan_end(&s.mtks), back));
	assert_true(mtk_plan_is_out_of_reach(&b, &s.mtks, back));
	assert_true(mtk_plan_withdraw(&s.mtks, back) > 0);
	assert_false(mtk_plan_is_out_of_reach(&b, &s.mtks, back));
}

static void dummy_is_never_the_end_of_a_schedule(void **state)
{
	struct store_bearer salted = bearer;
	struct mtk_supply s = supply_of(0, 65535);

	(void)state;
	salted.dummy_ms = 5000;
	salted.flags = STORE_BEARER_SALT;
	assert_true(mtk_plan_add_dummy(&salted, &s, NOW));
	assert_int_equal(s.mtks.mtk[0].flags, STORE_MTK_DUMMY | STORE_MTK_SALTED);
	assert_int_equal(s.mtks.mtk[0].to_ms, NOW + 5000);
	assert_true(mtk_is_on_air(&s.mtks.mtk[0], NOW));
	assert_false(mtk_is_on_air(&s.mtks.mtk[0], NOW + 5000));
	assert_int_equal(mtk_plan_end(&s.mtks), 0);
}

static void messages_of_an_interval_are_those_on_the_air_times_repeats(void **state)
{
	struct store_bearer b = bearer;

	(void)state;
	assert_int_equal(mtk_plan_messages(&b), 2 * 6);
	b.lead_ms = 0;
	assert_int_equal(mtk_plan_messages(&b), 6);
	b.lead_ms = 60001;
	assert_int_equal(mtk_plan_messages(&b), 3 * 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedule_has_no_gap_and_each_mtk_is_sent_a_lead_ahead),
		cmocka_unit_test(schedule_is_carried_on_where_it_ends),
		cmocka_unit_test(no_mtk_id_goes_beyond_sequ_and_none_is_used_twice),
		cmocka_unit_test(what_is_in_the_way_has_a_name),
		cmocka_unit_test(what_is_on_the_air_is_not_withdrawn),
		cmocka_unit_test(clock_that_was_set_back_puts_the_schedule_out_of_reach),
		cmocka_unit_test(far_end_of_a_schedule_is_out_of_reach_too),
		cmocka_unit_test(dummy_is_never_the_end_of_a_schedule),
		cmocka_unit_test(messages_of_an_interval_are_those_on_the_air_times_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
