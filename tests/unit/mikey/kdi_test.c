// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

static void domain_of_two_and_three_digit_networks(void **state)
{
	static const uint8_t two[3] = {0x00, 0xf1, 0x10}, three[3] = {0x21, 0x63, 0x54};
	uint8_t kdi[MIKEY_KDI_BYTES];

	(void)state;
	assert_true(mikey_kdi_from_text(kdi, "001-01"));
	assert_memory_equal(kdi, two, 3);
	assert_true(mikey_kdi_from_text(kdi, "123-456"));
	assert_memory_equal(kdi, three, 3);
}

static void domain_text_comes_back(void **state)
{
	static const char *const texts[] = {"001-01", "001-001", "999-99", "262-010"};
	uint8_t kdi[MIKEY_KDI_BYTES];
	char text[8];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(mikey_kdi_from_text(kdi, texts[i]));
		mikey_kdi_to_text(text, kdi);
		assert_string_equal(text, texts[i]);
	}
}

static void domain_refuses_other_text(void **state)
{
	static const char *const texts[] = {"", "001", "00101", "001-1", "001-0001", "001-0a",
		"a01-01", "001 01", "0011-01", "001-01 ", " 001-01", "001--01", "001-\xb2\x31"};
	uint8_t kdi[MIKEY_KDI_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(mikey_kdi_from_text(kdi, texts[i]));
}

static void digits_that_are_none_show_as_question_marks(void **state)
{
	static const uint8_t kdi[MIKEY_KDI_BYTES] = {0xaa, 0xaa, 0xaa};
	char text[8];

	(void)state;
	mikey_kdi_to_text(text, kdi);
	assert_string_equal(text, "\?\?\?-\?\?\?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_of_two_and_three_digit_networks),
		cmocka_unit_test(domain_text_comes_back),
		cmocka_unit_test(domain_refuses_other_text),
		cmocka_unit_test(digits_that_are_none_show_as_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
