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

static void fixed_mac_is_neither_asked_for_nor_replaced(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, good.addr_bytes);
	assert_mac(&neigh, &good);
	assert_false(neigh_ask(&neigh, S));
	assert_false(neigh_learn(&neigh, &evil, S));
	assert_mac(&neigh, &good);
}

static void unknown_mac_is_asked_for_until_it_is_heard(void **state)
{
	struct rte_ether_addr mac;
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	assert_false(neigh_mac(&neigh, &mac));
	assert_true(neigh_ask(&neigh, S));
	assert_false(neigh_ask(&neigh, S + 199 * MS));
	assert_true(neigh_ask(&neigh, S + 200 * MS));
	assert_true(neigh_learn(&neigh, &good, S + 201 * MS));
	assert_mac(&neigh, &good);
	assert_false(neigh_ask(&neigh, 2 * S));
}

static void unsolicited_answer_does_not_replace_a_known_mac(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	neigh_ask(&neigh, S);
	neigh_learn(&neigh, &good, S);
	assert_false(neigh_learn(&neigh, &evil, 2 * S));
	assert_mac(&neigh, &good);
}

static void refreshed_mac_may_change(void **state)
{
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	neigh_ask(&neigh, S);
	neigh_learn(&neigh, &good, S);
	assert_true(neigh_ask(&neigh, 31 * S));
	assert_mac(&neigh, &good);
	assert_true(neigh_learn(&neigh, &evil, 31 * S + MS));
	assert_mac(&neigh, &evil);
}

static void group_addresses_are_never_learnt(void **state)
{
	static const struct rte_ether_addr broadcast = {{255, 255, 255, 255, 255, 255}};
	struct rte_ether_addr mac;
	struct neigh neigh;

	(void)state;
	neigh_init(&neigh, none);
	neigh_ask(&neigh, S);
	assert_false(neigh_learn(&neigh, &broadcast, S));
	assert_false(neigh_mac(&neigh, &mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_mac_is_neither_asked_for_nor_replaced),
		cmocka_unit_test(unknown_mac_is_asked_for_until_it_is_heard),
		cmocka_unit_test(unsolicited_answer_does_not_replace_a_known_mac),
		cmocka_unit_test(refreshed_mac_may_change),
		cmocka_unit_test(group_addresses_are_never_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
