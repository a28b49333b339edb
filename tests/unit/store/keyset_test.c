// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "keyset.h"

#include "support.h"

#define MANY 1000000

static void check(size_t expected)
{
	struct keyset set;

	assert_int_equal(keyset_init(&set, expected), 0);
	for (uint64_t i = 0; i < MANY; i++) {
		keyset_prefetch(&set, i * i);
		assert_int_equal(keyset_add(&set, i * i), 0);
	}
	for (uint64_t i = 0; i < MANY; i++)
		assert_true(keyset_has(&set, i * i));
	for (uint64_t i = 2; i < MANY; i++)
		assert_false(keyset_has(&set, i * i + 1));
	keyset_fini(&set);
}

static void keys_are_kept_as_the_set_grows(void **state)
{
	(void)state;
	check(0);
}

static void expected_keys_are_kept_too(void **state)
{
	(void)state;
	check(MANY);
}

static void key_is_counted_once(void **state)
{
	struct keyset set;
	size_t count = 0;

	(void)state;
	assert_int_equal(keyset_init(&set, 0), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(keyset_add(&set, 5), 0);
	for (unsigned i = 0; i < KEYSET_PARTS; i++)
		count += set.part[i].count;
	assert_int_equal(count, 1);
	keyset_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_kept_as_the_set_grows),
		cmocka_unit_test(expected_keys_are_kept_too),
		cmocka_unit_test(key_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
