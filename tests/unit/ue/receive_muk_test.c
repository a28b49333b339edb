// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A phone with more than one MUK: which of them it takes messages under, and which it keeps.

#include "support.h"

#include <errno.h>

static void each_muk_has_a_counter_of_its_own(void **state)
{
	struct ue_site *site = site_of(IMPI ",old@bsf," MUK ",," EXPIRES "," ADDRESS ",,,,\n" IMPI
					    "," BTID "," MUK ",," EXPIRES "," ADDRESS ",,,,\n");
	struct push push = push_f(500);

	(void)state;
	push.btid = "old@bsf";
	expect_accepted(site, push_seal(&push));
	push.btid = BTID;
	push.counter = 7;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(credential_of(site, "old@bsf")->counter, 500);
	assert_int_equal(credential_of(site, BTID)->counter, 7);
	assert_int_equal(site->phones.phone_count, 1);
	ue_site_destroy(site);
}

// Spec 3.11: the replacement takes effect with the first message under the new MUK.
static void old_muk_goes_when_the_new_one_was_used(void **state)
{
	struct ue_site *site = site_of(IMPI ",old@bsf," MUK ",," EXPIRES "," ADDRESS ",,,,\n" IMPI
					    "," BTID "," MUK ",," EXPIRES "," ADDRESS ",,,,\n");
	struct push push = push_f(1);
	struct mikey_bytes forged = push_seal(&push);

	(void)state;
	((uint8_t *)(uintptr_t)forged.data)[forged.len - 1] ^= 1;
	expect_refusal(site, forged, UE_BAD_MAC);
	push.btid = "old@bsf";
	expect_accepted(site, push_seal(&push));
	push.btid = BTID;
	expect_accepted(site, push_seal(&push));
	push.btid = "old@bsf";
	push.counter = 2;
	expect_refusal(site, push_seal(&push), UE_FORGOTTEN_IDR);
	ue_site_destroy(site);
}

static void expect_kept(struct ue_site *site, const char *current, const char *previous)
{
	const struct ue_phone *phone = phone_of(site, IMPI);

	assert_ptr_equal(&site->phones.credentials[phone->current], credential_of(site, current));
	assert_ptr_equal(&site->phones.credentials[phone->previous], credential_of(site, previous));
}

static void renew(struct ue_site *site, const char *btid)
{
	const struct ue_fresh fresh = {
		btid, strlen(btid), NOW_S + 60, hex(MUK).data, hex(MRK).data};

	assert_int_equal(ue_phones_renew(&site->phones, 0, &fresh), 0);
}

// A verified, B never used, C new: A stays.
static void last_used_muk_outlives_one_that_never_was(void **state)
{
	struct ue_site *site = site_of_one();
	struct push push = push_f(1);

	(void)state;
	renew(site, "b@bsf");
	expect_kept(site, "b@bsf", BTID);
	renew(site, "c@bsf");
	expect_kept(site, "c@bsf", "b@bsf");
	ue_site_destroy(site);
	site = site_of_one();
	expect_accepted(site, push_seal(&push));
	renew(site, "b@bsf");
	renew(site, "c@bsf");
	expect_kept(site, "c@bsf", BTID);
	push.btid = "c@bsf";
	expect_accepted(site, push_seal(&push));
	assert_int_equal(phone_of(site, IMPI)->previous, UE_NONE);
	renew(site, "d@bsf");
	expect_kept(site, "d@bsf", "c@bsf");
	assert_string_equal(site->phones.names[credential_of(site, "d@bsf")->services], "news");
	assert_int_equal(ue_phones_renew(&site->phones, 0,
				 &(struct ue_fresh){"c@bsf", 5, 0, hex(MUK).data, NULL}),
		-EEXIST);
	ue_site_destroy(site);
}

static void phone_remembers_two_muks_only(void **state)
{
	struct ue_site *site =
		site_of(IMPI ",first@bsf," MUK ",," EXPIRES "," ADDRESS ",,,,\n" IMPI
			     ",second@bsf," MUK ",," EXPIRES "," ADDRESS ",,,,\n" IMPI "," BTID
			     "," MUK ",," EXPIRES "," ADDRESS ",,,,\n");
	struct push push = push_f(1);

	(void)state;
	push.btid = "first@bsf";
	expect_refusal(site, push_seal(&push), UE_FORGOTTEN_IDR);
	push.btid = "second@bsf";
	expect_accepted(site, push_seal(&push));
	push.btid = BTID;
	expect_accepted(site, push_seal(&push));
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_muk_has_a_counter_of_its_own),
		cmocka_unit_test(old_muk_goes_when_the_new_one_was_used),
		cmocka_unit_test(last_used_muk_outlives_one_that_never_was),
		cmocka_unit_test(phone_remembers_two_muks_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
