// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "counter.h"
#include "rounds.h"

#define MS 1000000ull
#define SPAN (5 * COUNTER_SLICE / 2)

struct site {
	struct dp_campaign campaign;
	uint8_t round[SPAN];
	uint8_t done[SPAN];
	struct rounds rounds;
};

static void site_rounds(struct site *s, unsigned worker, unsigned workers)
{
	struct rounds_plan plan = {
		.first = 1, .last = s->campaign.sends, .wait_ms = s->campaign.wait_ms};

	assert_int_equal(rounds_init(&s->rounds, &s->campaign, &plan,
				 (struct rounds_share){worker, workers}, 0),
		0);
}

static void site_open(struct site *s, unsigned worker, unsigned workers)
{
	memset(s, 0, sizeof(*s));
	s->campaign.sends = 3;
	s->campaign.wait_ms[0] = 1000;
	s->campaign.wait_ms[1] = 2000;
	s->campaign.wait_ms[2] = 4000;
	s->campaign.span = SPAN;
	s->campaign.round = s->round;
	s->campaign.done = s->done;
	site_rounds(s, worker, workers);
}

// Takes all that is due and marks it as sent; returns how many.
static unsigned site_send(struct site *s, uint64_t now_ns)
{
	uint32_t ids[64];
	unsigned all = 0, n, round, idle = 0;

	while (idle < 3) {
		round = s->rounds.round;
		n = rounds_due(&s->rounds, now_ns, ids, 64);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(s->round[ids[i]], round - 1);
			s->round[ids[i]] = (uint8_t)round;
		}
		if (n > 0)
			rounds_sent(&s->rounds, now_ns, ids, n);
		all += n;
		idle = n == 0 ? idle + 1 : 0;
	}
	return all;
}

static void everybody_is_due_once_in_the_first_round(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	assert_int_equal(site_send(&s, 0), SPAN);
	assert_int_equal(site_send(&s, 999 * MS), 0);
	rounds_fini(&s.rounds);
}

static void only_those_without_answer_are_due_again(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	site_send(&s, 0);
	memset(s.done, 1, SPAN);
	s.done[7] = 0;
	s.done[SPAN - 1] = 0;
	assert_int_equal(site_send(&s, 1001 * MS), 2);
	assert_int_equal(s.round[7], 2);
	assert_int_equal(s.round[8], 1);
	rounds_fini(&s.rounds);
}

static void refused_and_foreign_are_never_due(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	s.round[3] = DP_MEMBER_NONE;
	s.round[4] = DP_MEMBER_REFUSED | DP_REFUSED_NO_MUK;
	assert_int_equal(site_send(&s, 0), SPAN - 2);
	rounds_fini(&s.rounds);
}

static void each_round_waits_its_own_time(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	assert_int_equal(site_send(&s, 0), SPAN);
	assert_int_equal(site_send(&s, 1000 * MS), 0);
	assert_int_equal(site_send(&s, 1001 * MS), SPAN);
	assert_int_equal(site_send(&s, 3001 * MS), 0);
	assert_int_equal(site_send(&s, 3002 * MS), SPAN);
	assert_int_equal(site_send(&s, 100000 * MS), 0);
	rounds_fini(&s.rounds);
}

static void through_only_after_the_last_wait(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	site_send(&s, 0);
	site_send(&s, 1001 * MS);
	site_send(&s, 3002 * MS);
	assert_int_equal(s.rounds.round, 4);
	assert_false(rounds_is_through(&s.rounds, 7002 * MS));
	assert_true(rounds_is_through(&s.rounds, 7003 * MS));
	rounds_fini(&s.rounds);
}

static void time_to_answer_begins_when_the_port_took_the_message(void **state)
{
	struct site s;
	uint32_t ids[64];
	unsigned n;

	(void)state;
	site_open(&s, 0, 1);
	memset(s.done, 1, SPAN);
	s.done[0] = 0;
	n = rounds_due(&s.rounds, 0, ids, 64);
	assert_int_equal(n, 1);
	// The port was stuck for five seconds.
	s.round[0] = 1;
	rounds_sent(&s.rounds, 5000 * MS, ids, n);
	assert_int_equal(site_send(&s, 6000 * MS), 0);
	assert_int_equal(site_send(&s, 6001 * MS), 1);
	rounds_fini(&s.rounds);
}

static void a_call_never_mixes_two_rounds(void **state)
{
	struct site s;
	uint32_t ids[64];

	(void)state;
	site_open(&s, 0, 1);
	memset(s.round, DP_MEMBER_NONE, SPAN);
	s.round[1] = s.round[2] = 0;
	assert_int_equal(rounds_due(&s.rounds, 0, ids, 64), 2);
	assert_int_equal(s.rounds.round, 2);
	rounds_fini(&s.rounds);
}

static void workers_share_the_members_out(void **state)
{
	static struct site s[2];

	(void)state;
	site_open(&s[0], 0, 2);
	site_open(&s[1], 1, 2);
	assert_int_equal(site_send(&s[0], 0) + site_send(&s[1], 0), SPAN);
	for (unsigned id = 0; id < SPAN; id++)
		assert_int_equal(s[0].round[id] + s[1].round[id], 1);
	rounds_fini(&s[0].rounds);
	rounds_fini(&s[1].rounds);
}

static void worker_without_members_is_through_at_once(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 4, 5);
	assert_int_equal(site_send(&s, 0), 0);
	assert_true(rounds_is_through(&s.rounds, 0));
	rounds_fini(&s.rounds);
}

static void resumed_campaign_goes_on_in_its_round(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	rounds_fini(&s.rounds);
	memset(s.round, 1, SPAN);
	memset(s.round, 2, 100); // the crash came in the middle of round 2
	site_rounds(&s, 0, 1);
	s.rounds.round = 2;
	assert_int_equal(rounds_is_through(&s.rounds, 0), false);
	for (unsigned i = 0, n = 0; n < SPAN - 100; i++) {
		uint32_t ids[64];
		unsigned got = rounds_due(&s.rounds, 0, ids, 64);

		assert_true(i < 1000 && got > 0);
		assert_int_equal(ids[0], 100 + n);
		for (unsigned k = 0; k < got; k++)
			s.round[ids[k]] = 2;
		rounds_sent(&s.rounds, 0, ids, got);
		n += got;
	}
	rounds_fini(&s.rounds);
}

// A member that could not be sent to comes again in its round; those behind it that were sent to
// do not.
static void returned_member_is_due_again(void **state)
{
	uint32_t ids[64];
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	assert_int_equal(rounds_due(&s.rounds, 0, ids, 64), 64);
	for (unsigned i = 0; i < 64; i++)
		if (i != 5)
			s.round[ids[i]] = 1;
	rounds_sent(&s.rounds, 0, ids, 64);
	rounds_return(&s.rounds, 1, ids[5]);
	assert_int_equal(rounds_due(&s.rounds, 0, ids, 64), 64);
	assert_int_equal(ids[0], 5);
	assert_int_equal(ids[1], 64);
	rounds_fini(&s.rounds);
}

static void return_goes_back_over_the_end_of_a_round(void **state)
{
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	site_send(&s, 0);
	assert_int_equal(s.rounds.round, 2);
	s.round[SPAN - 1] = 0;
	rounds_return(&s.rounds, 1, SPAN - 1);
	assert_int_equal(s.rounds.round, 1);
	assert_int_equal(site_send(&s, 0), 1);
	rounds_fini(&s.rounds);
}

static void return_never_goes_forward(void **state)
{
	uint32_t ids[64];
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	rounds_due(&s.rounds, 0, ids, 64);
	rounds_return(&s.rounds, 1, ids[3]);
	rounds_return(&s.rounds, 1, ids[9]);
	assert_int_equal(rounds_due(&s.rounds, 0, ids, 1), 1);
	assert_int_equal(ids[0], 3);
	rounds_fini(&s.rounds);
}

// Members by area and by way, each swept for themselves.
static void a_sweep_concerns_its_area_and_its_ways(void **state)
{
	static uint8_t area[SPAN], way[SPAN];
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	for (unsigned id = 0; id < SPAN; id++) {
		area[id] = id % 3;
		way[id] = id % 2 ? DP_WAY_SOLICIT : DP_WAY_PUSH;
	}
	s.campaign.area = area;
	s.campaign.way = way;
	s.rounds.plan.area = 2;
	s.rounds.plan.ways = 1 << DP_WAY_SOLICIT;
	assert_int_equal(site_send(&s, 0), SPAN / 6);
	for (unsigned id = 0; id < SPAN; id++)
		assert_int_equal(s.round[id], id % 6 == 5);
	rounds_fini(&s.rounds);
}

// Sends of an escalation are numbered behind the pushes; who got fewer of those is due all the
// same.
static void sends_may_be_numbered_behind_others(void **state)
{
	const uint32_t wait_ms[] = {500, 700};
	struct rounds_plan plan = {.first = 4, .last = 5, .wait_ms = wait_ms};
	uint32_t ids[64];
	struct site s;

	(void)state;
	site_open(&s, 0, 1);
	rounds_fini(&s.rounds);
	memset(s.done, 1, SPAN);
	s.done[10] = s.done[20] = 0;
	s.round[10] = 3;
	s.round[20] = 1;
	assert_int_equal(
		rounds_init(&s.rounds, &s.campaign, &plan, (struct rounds_share){0, 1}, 0), 0);
	assert_int_equal(rounds_due(&s.rounds, 0, ids, 64), 2);
	s.round[10] = s.round[20] = 4;
	rounds_sent(&s.rounds, 0, ids, 2);
	assert_int_equal(rounds_due(&s.rounds, 500 * MS, ids, 64), 0);
	assert_int_equal(rounds_due(&s.rounds, 501 * MS, ids, 64), 2);
	s.round[10] = s.round[20] = 5;
	rounds_sent(&s.rounds, 501 * MS, ids, 2);
	rounds_due(&s.rounds, 501 * MS, ids, 64);
	assert_false(rounds_is_through(&s.rounds, 1201 * MS));
	assert_true(rounds_is_through(&s.rounds, 1202 * MS));
	rounds_fini(&s.rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_due_once_in_the_first_round),
		cmocka_unit_test(only_those_without_answer_are_due_again),
		cmocka_unit_test(refused_and_foreign_are_never_due),
		cmocka_unit_test(each_round_waits_its_own_time),
		cmocka_unit_test(through_only_after_the_last_wait),
		cmocka_unit_test(time_to_answer_begins_when_the_port_took_the_message),
		cmocka_unit_test(a_call_never_mixes_two_rounds),
		cmocka_unit_test(workers_share_the_members_out),
		cmocka_unit_test(worker_without_members_is_through_at_once),
		cmocka_unit_test(resumed_campaign_goes_on_in_its_round),
		cmocka_unit_test(returned_member_is_due_again),
		cmocka_unit_test(return_goes_back_over_the_end_of_a_round),
		cmocka_unit_test(return_never_goes_forward),
		cmocka_unit_test(a_sweep_concerns_its_area_and_its_ways),
		cmocka_unit_test(sends_may_be_numbered_behind_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
