// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Expected values: CPython 3.11's own SipHash-1-3, hash() of bytes under PYTHONHASHSEED=0, which
// is the zero key.

#include "hash.h"

#include "support.h"

static void hash_agrees_with_cpython(void **state)
{
	static const struct hash_key zero;
	uint8_t data[63];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	assert_true(hash_bytes(&zero, "a", 1) == UINT64_C(0x407448d2b89b1813));
	assert_true(hash_bytes(&zero, data, 7) == UINT64_C(0x2f098ab0c751325a));
	assert_true(hash_bytes(&zero, data, 8) == UINT64_C(0xead411e67ebe2eea));
	assert_true(hash_bytes(&zero, data, 9) == UINT64_C(0x75927f9d95124362));
	assert_true(hash_bytes(&zero, data, 63) == UINT64_C(0x385d3e39e5f37359));
}

static void hash_of_a_pair_is_that_of_each(void **state)
{
	static const struct hash_key key = {UINT64_C(0x0123456789abcdef), 42};
	uint8_t data[2][40];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		((uint8_t *)data)[i] = (uint8_t)(200 - 3 * i);
	for (size_t n = 0; n <= sizeof(data[0]); n++)
		for (size_t m = 0; m <= sizeof(data[1]); m++) {
			const struct hash_text text[2] = {{data[0], n}, {data[1], m}};
			uint64_t hash[2];

			hash_pair(&key, text, hash);
			assert_true(hash[0] == hash_bytes(&key, data[0], n));
			assert_true(hash[1] == hash_bytes(&key, data[1], m));
		}
}

static void hash_depends_on_both_halves_of_the_key(void **state)
{
	const struct hash_key keys[3] = {{0, 0}, {1, 0}, {0, 1}};

	(void)state;
	assert_true(hash_bytes(&keys[0], "a", 1) != hash_bytes(&keys[1], "a", 1));
	assert_true(hash_bytes(&keys[0], "a", 1) != hash_bytes(&keys[2], "a", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_agrees_with_cpython),
		cmocka_unit_test(hash_of_a_pair_is_that_of_each),
		cmocka_unit_test(hash_depends_on_both_halves_of_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
