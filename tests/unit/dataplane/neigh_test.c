// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"

#include <string.h>

#include "neigh.h"

#define MS 1000000ull
#define S 1000000000ull

static const uint8_t none[6];
static const struct rte_ether_addr good = {{2, 0, 0, 0, 0, 1}}, evil = {{2, 0, 0, 0, 0, 9}};

static void assert_mac(const struct neigh *neigh, const struct rte_ether_addr *want)
{
	struct rte_ether_addr mac;

	assert_true(neigh_mac(neigh, &mac));
	assert_memory_equal(&mac, want, sizeof(mac));
}

// Whom a next hop is asked about at a time; nobody may get lost by it.
static enum neigh_question ask(struct neigh *neigh, uint64_t now_ns)
{
	enum neigh_question whom = neigh_due(neigh, now_ns);

	if (whom != NEIGH_ASK_NOBODY)
		assert_false(neigh_asked(neigh, now_ns));
	return whom;
}

static void neigh_known(struct neigh *neigh)
{
	neigh_init(neigh, none);
	assert_int_equal(ask(neigh, S), NEIGH_ASK_ALL);
	assert_true(neigh_learn(neigh, &good, S));
}

static void fixed_mac_is_neither_asked_for_nor_replaced(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, good.addr_bytes);
	assert_mac(&neigh, &good);
	assert_int_equal(ask(&neigh, S), NEIGH_ASK_NOBODY);
	assert_false(neigh_learn(&neigh, &evil, S));
	assert_int_equal(ask(&neigh, 100 * S), NEIGH_ASK_NOBODY);
	assert_mac(&neigh, &good);
}

static void unknown_mac_is_asked_for_until_it_is_heard(void **state)
{
	struct rte_ether_addr mac;
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	assert_false(neigh_mac(&neigh, &mac));
	assert_int_equal(neigh_mark(&neigh), 0);
	assert_int_equal(ask(&neigh, S), NEIGH_ASK_ALL);
	assert_int_equal(ask(&neigh, S + 199 * MS), NEIGH_ASK_NOBODY);
	for (unsigned i = 1; i < 100; i++)
		assert_int_equal(ask(&neigh, S + i * 200 * MS), NEIGH_ASK_ALL);
	assert_true(neigh_learn(&neigh, &good, 30 * S));
	assert_mac(&neigh, &good);
	assert_int_equal(ask(&neigh, 31 * S), NEIGH_ASK_NOBODY);
}

static void unsolicited_answer_does_not_replace_a_known_mac(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	assert_false(neigh_learn(&neigh, &evil, 2 * S));
	assert_mac(&neigh, &good);
}

static void contradiction_makes_the_question_come_earlier(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	assert_false(neigh_learn(&neigh, &evil, S + 100 * MS));
	assert_int_equal(ask(&neigh, S + 900 * MS), NEIGH_ASK_NOBODY);
	assert_int_equal(ask(&neigh, 2 * S), NEIGH_ASK_IT);
	// It answers: whoever contradicted lied, and gets no more than a question a second.
	assert_false(neigh_learn(&neigh, &good, 2 * S + MS));
	assert_false(neigh_learn(&neigh, &evil, 2 * S + 2 * MS));
	assert_int_equal(ask(&neigh, 2 * S + 900 * MS), NEIGH_ASK_NOBODY);
	assert_int_equal(ask(&neigh, 3 * S + 2 * MS), NEIGH_ASK_IT);
	assert_mac(&neigh, &good);
}

static void liar_who_answers_a_direct_question_is_not_believed(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	assert_int_equal(ask(&neigh, 31 * S), NEIGH_ASK_IT);
	assert_false(neigh_learn(&neigh, &evil, 31 * S + MS));
	assert_mac(&neigh, &good);
	assert_false(neigh_learn(&neigh, &good, 31 * S + 2 * MS));
	assert_int_equal(ask(&neigh, 33 * S), NEIGH_ASK_NOBODY);
}

static void mac_that_does_not_answer_is_replaced_by_who_does(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	for (unsigned i = 0; i < NEIGH_DIRECT; i++)
		assert_int_equal(ask(&neigh, 31 * S + i * 200 * MS), NEIGH_ASK_IT);
	assert_int_equal(ask(&neigh, 31 * S + 600 * MS), NEIGH_ASK_ALL);
	assert_mac(&neigh, &good);
	assert_true(neigh_learn(&neigh, &evil, 31 * S + 601 * MS));
	assert_mac(&neigh, &evil);
	assert_int_equal(ask(&neigh, 32 * S), NEIGH_ASK_NOBODY);
}

// The known one's answers get lost in the storm; one of them comes through before it is lost.
static void storm_of_claims_does_not_replace_a_mac_that_is_doubted(void **state)
{
	struct neigh neigh;
	uint64_t now = 31 * S;

	(void)state;
	neigh_known(&neigh);
	for (unsigned i = 0; i < NEIGH_LOST; i++, now += 200 * MS) {
		assert_int_not_equal(ask(&neigh, now), NEIGH_ASK_NOBODY);
		for (unsigned claim = 0; claim < 100; claim++)
			assert_false(neigh_learn(&neigh, &evil, now + MS));
	}
	assert_mac(&neigh, &good);
	assert_false(neigh_learn(&neigh, &good, now));
	assert_true(neigh_is_usable(&neigh));
}

static void next_hop_that_never_answers_is_lost(void **state)
{
	struct rte_ether_addr mac;
	unsigned questions = 0;
	bool is_lost = false;
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	for (uint64_t now = 31 * S; !is_lost && questions < 100; now += 200 * MS) {
		assert_mac(&neigh, &good);
		assert_int_not_equal(neigh_due(&neigh, now), NEIGH_ASK_NOBODY);
		is_lost = neigh_asked(&neigh, now);
		questions++;
	}
	assert_int_equal(questions, NEIGH_LOST + 1);
	assert_false(neigh_mac(&neigh, &mac));
	assert_int_equal(ask(&neigh, 60 * S), NEIGH_ASK_ALL);
	assert_true(neigh_learn(&neigh, &evil, 60 * S));
}

static void link_that_was_down_brings_a_question(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_known(&neigh);
	assert_true(neigh_is_usable(&neigh));
	neigh_doubt(&neigh);
	assert_false(neigh_is_usable(&neigh));
	// Who says so unasked proves nothing.
	assert_false(neigh_learn(&neigh, &good, S + 50 * MS));
	assert_false(neigh_is_usable(&neigh));
	assert_int_equal(ask(&neigh, S + 100 * MS), NEIGH_ASK_IT);
	assert_mac(&neigh, &good);
	assert_false(neigh_learn(&neigh, &good, S + 101 * MS));
	assert_true(neigh_is_usable(&neigh));
	assert_int_equal(ask(&neigh, S + 500 * MS), NEIGH_ASK_NOBODY);
}

static void nothing_is_sent_to_who_is_doubted(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	assert_false(neigh_is_usable(&neigh));
	neigh_known(&neigh);
	for (unsigned i = 0; i < NEIGH_DIRECT; i++) {
		ask(&neigh, 31 * S + i * 200 * MS);
		assert_true(neigh_is_usable(&neigh));
	}
	ask(&neigh, 31 * S + 600 * MS);
	assert_false(neigh_is_usable(&neigh));
	assert_false(neigh_learn(&neigh, &good, 31 * S + 601 * MS));
	assert_true(neigh_is_usable(&neigh));
	neigh_init(&neigh, good.addr_bytes);
	neigh_doubt(&neigh);
	assert_true(neigh_is_usable(&neigh));
}

static void addresses_that_no_station_has_are_never_learnt(void **state)
{
	static const struct rte_ether_addr broadcast = {{255, 255, 255, 255, 255, 255}}, zero;
	struct rte_ether_addr mac;
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	ask(&neigh, S);
	assert_false(neigh_learn(&neigh, &broadcast, S));
	assert_false(neigh_learn(&neigh, &zero, S));
	assert_false(neigh_mac(&neigh, &mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_mac_is_neither_asked_for_nor_replaced),
		cmocka_unit_test(unknown_mac_is_asked_for_until_it_is_heard),
		cmocka_unit_test(unsolicited_answer_does_not_replace_a_known_mac),
		cmocka_unit_test(contradiction_makes_the_question_come_earlier),
		cmocka_unit_test(liar_who_answers_a_direct_question_is_not_believed),
		cmocka_unit_test(mac_that_does_not_answer_is_replaced_by_who_does),
		cmocka_unit_test(storm_of_claims_does_not_replace_a_mac_that_is_doubted),
		cmocka_unit_test(next_hop_that_never_answers_is_lost),
		cmocka_unit_test(link_that_was_down_brings_a_question),
		cmocka_unit_test(nothing_is_sent_to_who_is_doubted),
		cmocka_unit_test(addresses_that_no_station_has_are_never_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
