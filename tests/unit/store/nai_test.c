// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "nai.h"

#include <openssl/evp.h>

#include "support.h"

static bool split(const char *text, uint8_t bin[16], struct nai_suffix *suffix)
{
	return nai_btid_split(text, strlen(text), bin, suffix);
}

static void btid_is_base64_as_openssl_makes_it(void **state)
{
	uint8_t rand[16], bin[16];
	struct nai_suffix suffix;
	char text[64], back[NAI_BTID_TEXT];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		for (unsigned n = 0; n < 16; n++)
			rand[n] = (uint8_t)(i * 31 + n * 17 * (i + 1));
		EVP_EncodeBlock((uint8_t *)text, rand, 16);
		strcat(text, "@bsf");
		assert_true(split(text, bin, &suffix));
		assert_memory_equal(bin, rand, 16);
		assert_int_equal(suffix.len, 3);
		assert_memory_equal(suffix.text, "bsf", 3);
		nai_btid_text(bin, back);
		assert_memory_equal(back, text, NAI_BTID_TEXT);
	}
}

static void btid_of_another_form_is_not_split(void **state)
{
	static const char *const others[] = {
		"",
		"@",
		"AAAAAAAAAAAAAAAAAAAAAA==@",
		"AAAAAAAAAAAAAAAAAAAAAA==",
		"AAAAAAAAAAAAAAAAAAAAA===@b",
		"AAAAAAAAAAAAAAAAAAAAAAA=@b",
		"AAAAAAAAAAAAAAAAAAAAAB==@b",
		"AAAAAAAAAAAAAAAAAAAAAI==@b",
		"AAAAAAAAAA AAAAAAAAAAA==@b",
		"AAAAAAAAAA-AAAAAAAAAAA==@b",
		"=AAAAAAAAAAAAAAAAAAAAA==@b",
		"\xc3\xa4"
		"AAAAAAAAAAAAAAAAAAAA==@b",
	};
	struct nai_suffix suffix;
	uint8_t bin[16];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(split(others[i], bin, &suffix));
}

static void impi_keeps_leading_zeros(void **state)
{
	static const char *const digits[] = {"0", "00", "001010000000001", "999999999999999",
		"00000000000000000", "99999999999999999", "10000000000000000"};
	struct nai_suffix suffix;
	char text[64], back[NAI_IMPI_DIGITS_MAX];
	uint64_t bin;

	(void)state;
	for (size_t i = 0; i < sizeof(digits) / sizeof(*digits); i++) {
		strcpy(text, digits[i]);
		strcat(text, "@ims");
		assert_true(nai_impi_split(text, strlen(text), &bin, &suffix));
		assert_true(bin != 0);
		assert_int_equal(suffix.len, 3);
		assert_int_equal(nai_impi_text(bin, back), strlen(digits[i]));
		assert_memory_equal(back, digits[i], strlen(digits[i]));
	}
}

static void impi_of_another_form_is_not_split(void **state)
{
	static const char *const others[] = {"", "@", "@ims", "1", "1@", "12", "a@ims", "1a@ims",
		"-1@ims", "000000000000000000@ims", "100000000000000000000000000@ims"};
	struct nai_suffix suffix;
	uint64_t bin;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(nai_impi_split(others[i], strlen(others[i]), &bin, &suffix));
}

static void damaged_impi_has_no_text(void **state)
{
	char text[NAI_IMPI_DIGITS_MAX];

	(void)state;
	assert_int_equal(nai_impi_text(UINT64_MAX, text), 0);
	assert_int_equal(nai_impi_text(0, text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(btid_is_base64_as_openssl_makes_it),
		cmocka_unit_test(btid_of_another_form_is_not_split),
		cmocka_unit_test(impi_keeps_leading_zeros),
		cmocka_unit_test(impi_of_another_form_is_not_split),
		cmocka_unit_test(damaged_impi_has_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
