// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/gba.h"
#include "ue/generate.h"

#include <errno.h>
#include <stdlib.h>

#include "support.h"

static struct ue_generate conf_of(uint64_t count)
{
	return (struct ue_generate){
		.count = count,
		.seed = 7,
		.service = "news",
		.bsf = "bsf.mnc001.mcc001.pub.3gppnetwork.org",
		.ims = "ims.mnc001.mcc001.3gppnetwork.org",
		.imsi_prefix = "0010101",
		.first_address = ue_address_v4((const uint8_t[]){10, 0, 0, 250}),
		.now = NOW_S,
		.lifetime = 3600,
	};
}

static char *generated(const struct ue_generate *conf)
{
	char *text = NULL, why[UE_WHY_BYTES];
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	assert_int_equal(ue_generate(conf, file, why), 0);
	fclose(file);
	return text;
}

static void load(struct ue_phones *phones, const struct ue_generate *conf)
{
	char *text = generated(conf), why[UE_WHY_BYTES];

	assert_int_equal(ue_phones_init(phones), 0);
	assert_int_equal(ue_csv_load(phones, text, strlen(text), why), 0);
	free(text);
}

static void seed_decides_everything(void **state)
{
	struct ue_generate conf = conf_of(50);
	char *first = generated(&conf), *second = generated(&conf), *other;

	(void)state;
	conf.seed = 8;
	other = generated(&conf);
	assert_string_equal(first, second);
	assert_string_not_equal(first, other);
	free(first);
	free(second);
	free(other);
}

static void phones_differ_in_everything_that_names_them(void **state)
{
	struct ue_generate conf = conf_of(2000);
	struct ue_phones phones;

	(void)state;
	load(&phones, &conf);
	assert_int_equal(phones.phone_count, 2000);
	assert_int_equal(phones.credential_count, 2000);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(ue_phone_at(&phones, &phones.phones[i].address), i);
		assert_int_equal(phones.credentials[i].btid_len, strlen(BTID));
		assert_memory_equal(phones.phones[i].impi, "0010101", 7);
		assert_int_equal(phones.phones[i].impi_len, strlen(IMPI));
	}
	ue_phones_fini(&phones);
}

static void addresses_carry_over_into_the_next_octet(void **state)
{
	struct ue_generate conf = conf_of(10);
	struct ue_address wanted = ue_address_v4((const uint8_t[]){10, 0, 1, 3});
	struct ue_phones phones;

	(void)state;
	load(&phones, &conf);
	assert_int_equal(ue_phone_at(&phones, &wanted), 9);
	ue_phones_fini(&phones);
}

static void first_phones_are_registered_for_nothing(void **state)
{
	struct ue_generate conf = conf_of(10);
	struct ue_phones phones;

	(void)state;
	conf.unregistered = 4;
	load(&phones, &conf);
	for (uint32_t i = 0; i < 10; i++) {
		assert_string_equal(phones.names[phones.phones[i].services], "news");
		assert_string_equal(phones.names[phones.phones[i].registered], i < 4 ? "" : "news");
	}
	ue_phones_fini(&phones);
}

static void keys_in_me_have_the_mrk_that_follows_from_the_muk(void **state)
{
	struct ue_generate conf = conf_of(20);
	struct ue_phones phones;
	uint8_t mrk[UE_KEY_BYTES];
	unsigned in_uicc = 0;

	(void)state;
	conf.uicc = 25;
	load(&phones, &conf);
	for (uint32_t i = 0; i < 20; i++) {
		ue_mrk(phones.credentials[i].muk, mrk);
		assert_int_equal(memcmp(mrk, phones.credentials[i].mrk, 32) == 0,
			!phones.credentials[i].keys_in_uicc);
		in_uicc += phones.credentials[i].keys_in_uicc;
	}
	assert_int_equal(in_uicc, 5);
	ue_phones_fini(&phones);
}

static void percentages_are_exact(void **state)
{
	struct ue_generate conf = conf_of(1000);
	struct ue_phones phones;
	unsigned without = 0, expired = 0;

	(void)state;
	conf.no_muk = 10;
	conf.expired = 20;
	load(&phones, &conf);
	for (uint32_t i = 0; i < 1000; i++)
		without += phones.phones[i].current == UE_NONE;
	for (uint32_t i = 0; i < phones.credential_count; i++)
		expired += phones.credentials[i].expires < NOW_S;
	assert_int_equal(without, 100);
	assert_int_equal(expired, 180);
	ue_phones_fini(&phones);
}

static void expect_why(const struct ue_generate *conf, const char *wanted)
{
	char why[UE_WHY_BYTES];

	assert_int_equal(ue_generate(conf, stderr, why), -EINVAL);
	assert_string_equal(why, wanted);
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
	struct ue_generate conf = conf_of(11);

	(void)state;
	conf.imsi_prefix = "00101012345678";
	expect_why(&conf, "the IMSI prefix leaves too few digits for so many phones");
	conf.imsi_prefix = "001010123456789";
	expect_why(&conf, "the IMSI prefix has to be at most 14 digits");
	conf.imsi_prefix = "00101x";
	expect_why(&conf, "the IMSI prefix has to be at most 14 digits");
	conf = conf_of(11);
	conf.first_address = ue_address_v4((const uint8_t[]){255, 255, 255, 250});
	expect_why(&conf, "there are not so many addresses behind the first one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seed_decides_everything),
		cmocka_unit_test(phones_differ_in_everything_that_names_them),
		cmocka_unit_test(addresses_carry_over_into_the_next_octet),
		cmocka_unit_test(first_phones_are_registered_for_nothing),
		cmocka_unit_test(keys_in_me_have_the_mrk_that_follows_from_the_muk),
		cmocka_unit_test(percentages_are_exact),
		cmocka_unit_test(numbers_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
