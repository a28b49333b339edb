// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "test.h"
#include "ua_replay.h"

#define ENTRIES 1024
#define LIFE 300
#define NOW 100000

static struct ua_replay *replay;

static int table_make(void **state)
{
	(void)state;
	return ua_replay_create(ENTRIES, LIFE, &replay);
}

static int table_drop(void **state)
{
	(void)state;
	ua_replay_destroy(replay);
	return 0;
}

static struct ua_nonce nonce_at(uint64_t number, uint32_t issued_s)
{
	struct ua_nonce nonce = {.number = number, .issued_s = issued_s};

	for (int i = 0; i < UA_NONCE_MAC; i++)
		nonce.mac[i] = (uint8_t)(number * 31 + (uint64_t)i);
	return nonce;
}

static bool take(uint64_t number, uint32_t nc)
{
	struct ua_nonce nonce = nonce_at(number, NOW);

	return ua_replay_take(replay, &nonce, nc, NOW);
}

static void a_count_is_taken_once(void **state)
{
	(void)state;
	assert_true(take(1, 1));
	assert_false(take(1, 1));
	assert_true(take(1, 2));
	assert_false(take(1, 2));
	assert_false(take(1, 1));
}

// Requests in a pipeline, or over two connections, overtake each other.
static void counts_may_overtake_within_the_window(void **state)
{
	(void)state;
	assert_true(take(1, 1));
	assert_true(take(1, 70));
	for (uint32_t nc = 7; nc < 70; nc++)
		assert_true(take(1, nc));
	for (uint32_t nc = 1; nc <= 70; nc++)
		assert_false(take(1, nc));
	assert_true(take(1, UINT32_MAX));
	assert_false(take(1, UINT32_MAX));
	assert_true(take(1, UINT32_MAX - 63));
	assert_false(take(1, UINT32_MAX - 64));
}

static void a_nonce_begins_with_count_1(void **state)
{
	(void)state;
	assert_false(take(1, 2));
	assert_true(take(1, 1));
}

static void only_the_very_nonce_is_known(void **state)
{
	struct ua_nonce nonce = nonce_at(5, NOW), none = {0};

	(void)state;
	assert_false(ua_replay_knows(replay, &nonce));
	assert_true(take(5, 1));
	assert_true(ua_replay_knows(replay, &nonce));
	nonce.mac[3] ^= 1;
	assert_false(ua_replay_knows(replay, &nonce));
	assert_false(ua_replay_knows(replay, &none));
}

static void a_life_ends(void **state)
{
	struct ua_nonce nonce = nonce_at(1, NOW);

	(void)state;
	assert_true(ua_replay_take(replay, &nonce, 1, NOW));
	assert_false(ua_replay_is_aging(replay, &nonce, NOW + LIFE / 2));
	assert_true(ua_replay_is_aging(replay, &nonce, NOW + LIFE / 2 + 1));
	assert_true(ua_replay_take(replay, &nonce, 2, NOW + LIFE));
	assert_false(ua_replay_take(replay, &nonce, 3, NOW + LIFE + 1));
	// A thread whose clock is a second behind.
	nonce = nonce_at(2, NOW + 1);
	assert_true(ua_replay_take(replay, &nonce, 1, NOW));
}

// All of the last so many nonces fit, whatever order they come back in.
static void as_many_as_there_are_entries_are_kept_apart(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < ENTRIES; i++)
		assert_true(take(1 + i * 7 % ENTRIES, 1));
	for (uint64_t i = 1; i <= ENTRIES; i++) {
		assert_false(take(i, 1));
		assert_true(take(i, 2));
	}
}

// The heart of it: what was evicted must not be taken for new.
static void an_evicted_nonce_is_stale_for_ever(void **state)
{
	(void)state;
	assert_true(take(1, 1));
	assert_true(take(2, 1));
	assert_true(take(1 + ENTRIES, 1));
	assert_false(take(1, 1));
	assert_false(take(1, 2));
	// Those up to the evicted one that still have an entry go on, those behind it too.
	assert_true(take(2, 2));
	assert_true(take(3, 1));
	assert_true(take(2 + ENTRIES, 1));
	assert_false(take(2, 3));
	// Number 3 has an entry, 4 was issued after all that left.
	assert_true(take(3, 2));
	assert_true(take(4, 1));
}

static void below_an_evicted_nonce_nothing_is_new(void **state)
{
	(void)state;
	assert_true(take(9, 1));
	assert_true(take(9 + ENTRIES, 1));
	assert_false(take(8, 1));
	assert_true(take(10, 1));
}

static void an_entry_whose_life_is_over_leaves_without_a_trace(void **state)
{
	struct ua_nonce old = nonce_at(9, NOW - LIFE), young = nonce_at(9 + ENTRIES, NOW + 1),
			before = nonce_at(8, NOW);

	(void)state;
	assert_true(ua_replay_take(replay, &old, 1, NOW));
	assert_true(ua_replay_take(replay, &young, 1, NOW + 1));
	assert_true(ua_replay_take(replay, &before, 1, NOW + 1));
}

static void an_older_nonce_does_not_push_out_a_newer_one(void **state)
{
	(void)state;
	assert_true(take(9 + ENTRIES, 1));
	assert_false(take(9, 1));
	assert_true(take(9 + ENTRIES, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_count_is_taken_once, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			counts_may_overtake_within_the_window, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			a_nonce_begins_with_count_1, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			only_the_very_nonce_is_known, table_make, table_drop),
		cmocka_unit_test_setup_teardown(a_life_ends, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			as_many_as_there_are_entries_are_kept_apart, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			an_evicted_nonce_is_stale_for_ever, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			below_an_evicted_nonce_nothing_is_new, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			an_entry_whose_life_is_over_leaves_without_a_trace, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			an_older_nonce_does_not_push_out_a_newer_one, table_make, table_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
