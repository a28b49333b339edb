// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>
#include <sys/resource.h>

#include "test.h"
#include "ua_ha1.h"

#define ENTRIES 64

static struct ua_ha1 *table;

static int table_make(void **state)
{
	(void)state;
	return ua_ha1_create(ENTRIES, &table);
}

static int table_drop(void **state)
{
	(void)state;
	ua_ha1_destroy(table);
	return 0;
}

static void put(uint32_t id, uint32_t tag, uint64_t version, uint8_t octet)
{
	const struct ua_ha1_key key = {id, tag, version};
	uint8_t ha1[32];

	memset(ha1, octet, sizeof(ha1));
	ua_ha1_put(table, &key, ha1);
}

// The first octet of what is there; -1: nothing.
static int get(uint32_t id, uint32_t tag)
{
	const struct ua_ha1_key key = {id, tag, 0};
	uint8_t ha1[32];

	return ua_ha1_get(table, &key, ha1) ? ha1[0] : -1;
}

static void what_was_put_is_found_under_its_id_and_tag(void **state)
{
	(void)state;
	assert_int_equal(get(0, 7), -1);
	put(0, 7, 1, 0xaa);
	assert_int_equal(get(0, 7), 0xaa);
	assert_int_equal(get(0, 8), -1);
	assert_int_equal(get(ENTRIES, 7), -1);
	put(ENTRIES, 7, 1, 0xbb);
	assert_int_equal(get(ENTRIES, 7), 0xbb);
	assert_int_equal(get(0, 7), -1);
}

// A thread that still reads an old snapshot must not bring back what a change made void.
static void an_older_snapshot_cannot_bring_back_what_was_forgotten(void **state)
{
	(void)state;
	put(5, 7, 10, 0xaa);
	ua_ha1_forget(table, 5, 1, 11);
	assert_int_equal(get(5, 7), -1);
	put(5, 7, 10, 0xaa);
	assert_int_equal(get(5, 7), -1);
	put(5, 7, 11, 0xbb);
	assert_int_equal(get(5, 7), 0xbb);
}

static void a_range_is_forgotten_and_its_neighbours_stay(void **state)
{
	(void)state;
	for (uint32_t id = 0; id < ENTRIES; id++)
		put(id, 1, 1, 1);
	ua_ha1_forget(table, 10, 5, 2);
	for (uint32_t id = 0; id < ENTRIES; id++)
		assert_int_equal(get(id, 1), id >= 10 && id < 15 ? -1 : 1);
	ua_ha1_forget(table, 7, 1000000, 3);
	for (uint32_t id = 0; id < ENTRIES; id++)
		assert_int_equal(get(id, 1), -1);
	ua_ha1_forget(table, 0, 0, 9);
	put(0, 1, 3, 4);
	assert_int_equal(get(0, 1), 4);
}

static long faults(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

// The end of a large table costs what was used of it: a page fault for each page that was not
// would be two hundred thousand here.
static void what_was_never_used_is_not_touched_at_the_end(void **state)
{
	const struct ua_ha1_key key = {70000, 1, 1};
	const uint8_t ha1[32] = {1};
	struct ua_ha1 *large;
	long before;

	(void)state;
	assert_int_equal(ua_ha1_create(1u << 24, &large), 0);
	ua_ha1_put(large, &key, ha1);
	before = faults();
	ua_ha1_destroy(large);
	assert_true(faults() - before < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_put_is_found_under_its_id_and_tag, table_make, table_drop),
		cmocka_unit_test_setup_teardown(
			an_older_snapshot_cannot_bring_back_what_was_forgotten, table_make,
			table_drop),
		cmocka_unit_test_setup_teardown(
			a_range_is_forgotten_and_its_neighbours_stay, table_make, table_drop),
		cmocka_unit_test(what_was_never_used_is_not_touched_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
