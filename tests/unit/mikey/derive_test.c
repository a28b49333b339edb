// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdlib.h>
#include <string.h>

// Decimals of e, from any table.
static const char e_decimals[] = "718281828459045235360287471352662497757247093699959574966967627";

static void derivation_constants_are_the_decimals_of_e(void **state)
{
	static const uint32_t constants[] = {
		MIKEY_DERIVE_TGK_TEK,
		MIKEY_DERIVE_TGK_AUTH,
		MIKEY_DERIVE_TGK_ENCR,
		MIKEY_DERIVE_ENCR,
		MIKEY_DERIVE_AUTH,
		MIKEY_DERIVE_SALT,
		MIKEY_DERIVE_TGK_SALT,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		char group[10] = {0};

		memcpy(group, e_decimals + 9 * i, 9);
		assert_int_equal(constants[i], strtoul(group, NULL, 10));
	}
}

static void label_is_constant_ff_csb_id_and_rand(void **state)
{
	static const uint8_t want[] = {0x15, 0x05, 0x33, 0xe1, 0xff, 0x12, 0x34, 0x56, 0x78, 'r'};
	uint8_t label[MIKEY_LABEL_MAX_BYTES];
	struct mikey_bytes rand = text_bytes("r");

	(void)state;
	assert_int_equal(mikey_label(label, MIKEY_DERIVE_ENCR, 0x12345678, rand), 10);
	assert_memory_equal(label, want, 10);
}

static void label_takes_a_rand_of_no_octets_and_of_255(void **state)
{
	static const uint8_t octets[255];
	uint8_t *label = malloc(MIKEY_LABEL_MAX_BYTES);
	struct mikey_bytes none = {NULL, 0}, longest = {octets, 255};

	(void)state;
	assert_int_equal(mikey_label(label, MIKEY_DERIVE_AUTH, 1, none), 9);
	assert_int_equal(mikey_label(label, MIKEY_DERIVE_AUTH, 1, longest), MIKEY_LABEL_MAX_BYTES);
	free(label);
}

static void iv_is_that_of_vector_f(void **state)
{
	uint8_t iv[16];

	(void)state;
	mikey_iv(iv, vector("F.salt").data, 0x12345678, 1);
	assert_memory_equal(iv, vector("F.iv").data, 16);
}

static void iv_takes_the_counter_padded_on_the_left(void **state)
{
	static const uint8_t salt[MIKEY_SALT_KEY_BYTES];
	static const uint8_t want[16] = {0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0};
	uint8_t iv[16];

	(void)state;
	mikey_iv(iv, salt, 0x01020304, 0x05060708);
	assert_memory_equal(iv, want, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derivation_constants_are_the_decimals_of_e),
		cmocka_unit_test(label_is_constant_ff_csb_id_and_rand),
		cmocka_unit_test(label_takes_a_rand_of_no_octets_and_of_255),
		cmocka_unit_test(iv_is_that_of_vector_f),
		cmocka_unit_test(iv_takes_the_counter_padded_on_the_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
