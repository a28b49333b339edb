// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdlib.h>
#include <string.h>

static enum mikey_status parse_exact(const void *data, size_t len, struct mikey_key_data *kd)
{
	uint8_t *copy = copy_exact(data, len);
	enum mikey_status status = mikey_key_data_parse(copy, len, kd);

	free(copy);
	return status;
}

static void key_data_of_vector_f_is_a_tek_with_an_interval(void **state)
{
	struct mikey_bytes data = vector("F.keydata");
	struct mikey_key_data kd;

	(void)state;
	assert_int_equal(mikey_key_data_parse(data.data, data.len, &kd), MIKEY_OK);
	assert_int_equal(kd.type, MIKEY_KEY_TEK);
	assert_int_equal(kd.kv, MIKEY_KV_INTERVAL);
	assert_int_equal(kd.key.len, MIKEY_MSK_BYTES);
	assert_memory_equal(kd.key.data, msk_octets, MIKEY_MSK_BYTES);
	assert_int_equal(kd.salt.len, 0);
	assert_int_equal(kd.spi.len, 0);
	assert_int_equal(kd.valid_from.len, 2);
	assert_memory_equal(kd.valid_from.data, "\x00\x01", 2);
	assert_int_equal(kd.valid_to.len, 2);
	assert_memory_equal(kd.valid_to.data, "\x00\xff", 2);
}

static void key_data_of_vector_i3_has_a_salt(void **state)
{
	struct mikey_bytes data = vector("I3.keydata");
	struct mikey_key_data kd;

	(void)state;
	assert_int_equal(mikey_key_data_parse(data.data, data.len, &kd), MIKEY_OK);
	assert_int_equal(kd.type, MIKEY_KEY_TEK_SALT);
	assert_int_equal(kd.kv, MIKEY_KV_NULL);
	assert_int_equal(kd.salt.len, 14);
	assert_memory_equal(kd.salt.data, data.data + 22, 14);
}

static void key_data_of_the_third_party_message_is_a_tek(void **state)
{
	struct mikey_bytes data = vector("T2.keydata");
	struct mikey_key_data kd;

	(void)state;
	assert_int_equal(mikey_key_data_parse(data.data, data.len, &kd), MIKEY_OK);
	assert_int_equal(kd.type, MIKEY_KEY_TEK);
	assert_int_equal(kd.kv, MIKEY_KV_NULL);
	assert_int_equal(kd.key.len, MIKEY_MTK_BYTES);
}

#define OCTETS(string) sizeof(string) - 1, string

static void key_data_refuses_each_fault(void **state)
{
	static const struct {
		enum mikey_status want;
		size_t len;
		const char *data;
	} cases[] = {
		{MIKEY_KEY_DATA_TRUNCATED, OCTETS("")},
		{MIKEY_KEY_DATA_TRUNCATED, OCTETS("\0")},
		{MIKEY_KEY_DATA_TRUNCATED, OCTETS("\0\x20\0")},
		{MIKEY_KEY_DATA_NEXT, OCTETS("\x01\x20\0\x01k")},
		{MIKEY_KEY_DATA_NEXT, OCTETS("\xff\x20\0\x01k")},
		{MIKEY_KEY_DATA_MORE, OCTETS("\x14\x20\0\x01k\0\x20\0\x01k")},
		{MIKEY_KEY_DATA_TYPE, OCTETS("\0\x40\0\x01k")},
		{MIKEY_KEY_DATA_TYPE, OCTETS("\0\xf0\0\x01k")},
		{MIKEY_KEY_DATA_KV, OCTETS("\0\x23\0\x01k")},
		{MIKEY_KEY_DATA_KV, OCTETS("\0\x2f\0\x01k")},
		{MIKEY_KEY_DATA_KEY_EMPTY, OCTETS("\0\x20\0\0")},
		{MIKEY_KEY_DATA_KEY_LENGTH, OCTETS("\0\x20\0\x02k")},
		{MIKEY_KEY_DATA_KEY_LENGTH, OCTETS("\0\x20\xff\xffk")},
		{MIKEY_KEY_DATA_TRAILING, OCTETS("\0\x20\0\x01kk")},
		{MIKEY_OK, OCTETS("\0\0\0\x01k")},
		{MIKEY_OK, OCTETS("\0\x10\0\x01k\0\x01s")},
		{MIKEY_KEY_DATA_SALT_LENGTH, OCTETS("\0\x30\0\x01k")},
		{MIKEY_KEY_DATA_SALT_LENGTH, OCTETS("\0\x30\0\x01k\0")},
		{MIKEY_KEY_DATA_SALT_LENGTH, OCTETS("\0\x30\0\x01k\0\x02s")},
		{MIKEY_KEY_DATA_SALT_EMPTY, OCTETS("\0\x30\0\x01k\0\0")},
		{MIKEY_KEY_DATA_TRAILING, OCTETS("\0\x30\0\x01k\0\x01ss")},
		{MIKEY_OK, OCTETS("\0\x21\0\x01k\x01s")},
		{MIKEY_KEY_DATA_SPI_LENGTH, OCTETS("\0\x21\0\x01k")},
		{MIKEY_KEY_DATA_SPI_LENGTH, OCTETS("\0\x21\0\x01k\x02s")},
		{MIKEY_KEY_DATA_SPI_EMPTY, OCTETS("\0\x21\0\x01k\0")},
		{MIKEY_KEY_DATA_TRAILING, OCTETS("\0\x21\0\x01k\x01ss")},
		{MIKEY_OK, OCTETS("\0\x22\0\x01k\x02ll\x02uu")},
		{MIKEY_OK, OCTETS("\0\x22\0\x01k\x04llll\x04uuuu")},
		{MIKEY_OK, OCTETS("\0\x32\0\x01k\0\x01s\x02ll\x02uu")},
		{MIKEY_KEY_DATA_INTERVAL_LENGTH, OCTETS("\0\x22\0\x01k")},
		{MIKEY_KEY_DATA_INTERVAL_LENGTH, OCTETS("\0\x22\0\x01k\x02l")},
		{MIKEY_KEY_DATA_INTERVAL_LENGTH, OCTETS("\0\x22\0\x01k\x02ll")},
		{MIKEY_KEY_DATA_INTERVAL_LENGTH, OCTETS("\0\x22\0\x01k\x02ll\x02u")},
		{MIKEY_KEY_DATA_INTERVAL_WIDTH, OCTETS("\0\x22\0\x01k\x02ll\x01u")},
		{MIKEY_KEY_DATA_INTERVAL_WIDTH, OCTETS("\0\x22\0\x01k\0\0")},
		{MIKEY_KEY_DATA_TRAILING, OCTETS("\0\x22\0\x01k\x02ll\x02uuu")},
	};
	struct mikey_key_data kd;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum mikey_status got = parse_exact(cases[i].data, cases[i].len, &kd);

		if (got != cases[i].want)
			fail_msg("case %zu: %s, not %s", i, mikey_status_name(got),
				mikey_status_name(cases[i].want));
	}
}

static void key_data_refuses_every_prefix(void **state)
{
	static const char *const names[] = {"F.keydata", "I3.keydata", "T2.keydata"};
	struct mikey_key_data kd;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t len = 0; len < vector(names[i]).len; len++)
			assert_int_not_equal(
				parse_exact(vector(names[i]).data, len, &kd), MIKEY_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_data_of_vector_f_is_a_tek_with_an_interval),
		cmocka_unit_test(key_data_of_vector_i3_has_a_salt),
		cmocka_unit_test(key_data_of_the_third_party_message_is_a_tek),
		cmocka_unit_test(key_data_refuses_each_fault),
		cmocka_unit_test(key_data_refuses_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
