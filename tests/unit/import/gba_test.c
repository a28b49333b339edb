// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Vector E of tests/vectors/mikey-vectors.json (MILENAGE test set 1), and values by Python's hmac.

#include "gba.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define NAF_ID "bmsc.home1.net\x01\x00\x00\x00\x01"

static const char ks_hex[] = "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441";
static const char rand_hex[] = "23553cbe9637a89d218ae64dae47bf35";
static const char ks_naf_hex[] = "f16197fcabf87299f60458efcf92cf1a9a4beb1429c111137258e2648a71a8bd";
static const char ks_int_naf_hex[] =
	"9addd04f20bac9bfc5a0f950b1a19fa6926f440b6e293c50a88fc2ebe08e493b";
static const char mrk_hex[] = "a643d91d57482b6c414e735d4110c13ccb720a3380de5a99a092c6b974fd38cc";

static void hex_read(const char *hex, uint8_t *out)
{
	for (size_t i = 0; i < strlen(hex) / 2; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
}

static void expect_hex(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[32];

	hex_read(hex, expected);
	assert_memory_equal(bytes, expected, 32);
}

static struct gba *context(void **state)
{
	return *state;
}

static void expect_kdf(struct gba *gba, const char *p0, const char *expected)
{
	uint8_t ks[32], rand[16], out[32];
	const struct gba_param params[] = {
		{p0, (uint16_t)strlen(p0)},
		{rand, sizeof(rand)},
		{IMPI, sizeof(IMPI) - 1},
		{NAF_ID, sizeof(NAF_ID) - 1},
	};

	hex_read(ks_hex, ks);
	hex_read(rand_hex, rand);
	assert_int_equal(gba_kdf(gba, ks, params, 4, out), 0);
	expect_hex(out, expected);
}

static void kdf_gives_ks_naf_and_ks_int_naf_of_vector_e(void **state)
{
	expect_kdf(context(state), "gba-me", ks_naf_hex);
	expect_kdf(context(state), "gba-u", ks_int_naf_hex);
}

static void me_keys_are_those_of_vector_e(void **state)
{
	uint8_t ks_naf[32], muk[32], mrk[32];

	hex_read(ks_naf_hex, ks_naf);
	assert_int_equal(gba_derive_me(context(state), ks_naf, muk, mrk), 0);
	expect_hex(muk, ks_naf_hex);
	expect_hex(mrk, mrk_hex);
}

// One context derives under many keys; the one before leaves no trace.
static void context_is_good_for_many_keys(void **state)
{
	uint8_t counting[32], ones[32], muk[32], mrk[32];

	for (unsigned i = 0; i < 32; i++)
		counting[i] = (uint8_t)i;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(gba_derive_me(context(state), counting, muk, mrk), 0);
		expect_hex(mrk, "96404969f502440305f7da54c58d513452e111d8fdac531eaf4403ac780db495");
		assert_int_equal(gba_derive_me(context(state), ones, muk, mrk), 0);
		expect_hex(mrk, "0af0a9c12ae48736a3c25a374539734b7b88e4e9bb7ab68f1c9b6be350bd5323");
	}
}

static void uicc_keys_are_ks_int_naf_and_ks_ext_naf(void **state)
{
	uint8_t ext[32], internal[32], muk[32], mrk[32];

	(void)state;
	hex_read(ks_naf_hex, ext);
	hex_read(ks_int_naf_hex, internal);
	gba_derive_uicc(ext, internal, muk, mrk);
	expect_hex(muk, ks_int_naf_hex);
	expect_hex(mrk, ks_naf_hex);
}

static int begin(void **state)
{
	struct gba *gba;
	int err = gba_create(&gba);

	*state = gba;
	return err;
}

static int end(void **state)
{
	gba_destroy(context(state));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kdf_gives_ks_naf_and_ks_int_naf_of_vector_e),
		cmocka_unit_test(me_keys_are_those_of_vector_e),
		cmocka_unit_test(context_is_good_for_many_keys),
		cmocka_unit_test(uicc_keys_are_ks_int_naf_and_ks_ext_naf),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
