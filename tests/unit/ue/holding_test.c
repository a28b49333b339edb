// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

// Pushes MSK `number` of a group, with its first octet `octet`, under the next counter.
static void push_msk(struct ue_site *site, uint16_t group, uint16_t number, uint8_t octet)
{
	struct push push = push_f(credential_of(site, BTID)->counter + 1);

	push.group = group;
	push.number = number;
	push.key[0] = octet;
	expect_accepted(site, push_seal(&push));
}

static bool holds(struct ue_site *site, uint16_t group, uint16_t number)
{
	const struct ue_phones *phones = &site->phones;
	uint32_t at = phone_of(site, IMPI)->holding;

	for (; at != UE_NONE; at = phones->holdings[at].next) {
		const struct ue_msk *msk = &phones->msks[phones->holdings[at].msk];

		if (msk->group == group && msk->number == number)
			return true;
	}
	return false;
}

static void third_msk_drops_the_older(void **state)
{
	struct ue_site *site = *state;

	push_msk(site, 1, 1, 1);
	push_msk(site, 1, 2, 2);
	assert_true(holds(site, 1, 1));
	push_msk(site, 1, 3, 3);
	assert_false(holds(site, 1, 1));
	assert_true(holds(site, 1, 2));
	assert_true(holds(site, 1, 3));
	assert_int_equal(ue_site_count(site, UE_COUNT_DROPPED_OLDER), 1);
	assert_int_equal(site->phones.msks[0].phones, 0);
	assert_int_equal(site->phones.msks[2].phones, 1);
}

static void groups_do_not_push_each_other_out(void **state)
{
	struct ue_site *site = *state;

	push_msk(site, 1, 1, 1);
	push_msk(site, 1, 2, 2);
	push_msk(site, 2, 1, 3);
	push_msk(site, 2, 2, 4);
	assert_true(holds(site, 1, 1));
	assert_true(holds(site, 2, 1));
	assert_int_equal(ue_site_count(site, UE_COUNT_DROPPED_OLDER), 0);
	assert_int_equal(site->phones.with_msk, 1);
}

static void resent_msk_refreshes_its_validity_only(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);
	const struct ue_holding *holding;

	push.seq_l = 10;
	expect_accepted(site, push_seal(&push));
	holding = &site->phones.holdings[phone_of(site, IMPI)->holding];
	assert_int_equal(holding->seq_s, 10);
	push.counter = 2;
	push.seq_l = 5;
	push.seq_u = 400;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(holding->seq_l, 5);
	assert_int_equal(holding->seq_u, 400);
	assert_int_equal(holding->seq_s, 10);
	assert_int_equal(ue_site_count(site, UE_COUNT_REFRESHED), 1);
	assert_int_equal(site->phones.msk_count, 1);
}

static void empty_interval_revokes_and_is_answered(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(2);

	push_msk(site, 1, 1, 0xa0);
	push.seq_l = 256;
	assert_int_not_equal(expect_accepted(site, push_seal(&push)).len, 0);
	assert_false(holds(site, 1, 1));
	assert_int_equal(site->phones.with_msk, 0);
	assert_int_equal(credential_of(site, BTID)->counter, 2);
	assert_int_equal(ue_site_count(site, UE_COUNT_REVOKED), 1);
}

static void revocation_of_an_unknown_msk_changes_nothing_else(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(2);

	push_msk(site, 1, 1, 0xa0);
	push.number = 9;
	push.seq_l = 256;
	expect_accepted(site, push_seal(&push));
	assert_true(holds(site, 1, 1));
	assert_int_equal(site->phones.with_msk, 1);
}

static void interval_of_one_is_no_revocation(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	push.seq_l = push.seq_u;
	expect_accepted(site, push_seal(&push));
	assert_true(holds(site, 1, 1));
}

static void other_octets_under_one_msk_id_are_taken_and_found(void **state)
{
	struct ue_site *site = *state;

	push_msk(site, 1, 1, 1);
	push_msk(site, 1, 1, 2);
	assert_int_equal(ue_site_finding(site, UE_FINDING_MSK_CHANGED), 1);
	assert_int_equal(site->phones.msks[0].phones, 0);
	assert_int_equal(site->phones.msks[1].phones, 1);
	assert_int_equal(site->phones.msks[1].key[0], 2);
}

static void other_rand_under_one_msk_is_found(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	expect_accepted(site, push_seal(&push));
	push.counter = 2;
	push.rand[15] ^= 1;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(ue_site_finding(site, UE_FINDING_LABEL_CHANGED), 1);
	assert_int_equal(ue_site_finding(site, UE_FINDING_MSK_CHANGED), 0);
}

static void phones_with_different_octets_are_found(void **state)
{
	struct ue_site *site = site_of(IMPI "," BTID "," MUK ",," EXPIRES "," ADDRESS ",,,,\n"
					    "two@ims,two@bsf," MUK ",," EXPIRES ",,,,,\n");
	struct push push = push_f(1);

	(void)state;
	expect_accepted(site, push_seal(&push));
	push.btid = "two@bsf";
	expect_accepted(site, push_seal(&push));
	assert_int_equal(ue_site_finding(site, UE_FINDING_MSK_DIFFERS), 0);
	assert_int_equal(site->phones.msk_count, 1);
	assert_int_equal(site->phones.msks[0].phones, 2);
	push.counter = 2;
	push.key[0] ^= 1;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(ue_site_finding(site, UE_FINDING_MSK_DIFFERS), 1);
	ue_site_destroy(site);
}

static void forgetting_takes_all_msks(void **state)
{
	struct ue_site *site = *state;

	push_msk(site, 1, 1, 1);
	push_msk(site, 2, 1, 2);
	assert_int_equal(ue_holding_forget(&site->phones, 0), 2);
	assert_int_equal(site->phones.with_msk, 0);
	assert_int_equal(ue_holding_forget(&site->phones, 0), 0);
	push_msk(site, 1, 1, 1);
	assert_int_equal(site->phones.with_msk, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PHONE(third_msk_drops_the_older),
		WITH_PHONE(groups_do_not_push_each_other_out),
		WITH_PHONE(resent_msk_refreshes_its_validity_only),
		WITH_PHONE(empty_interval_revokes_and_is_answered),
		WITH_PHONE(revocation_of_an_unknown_msk_changes_nothing_else),
		WITH_PHONE(interval_of_one_is_no_revocation),
		WITH_PHONE(other_octets_under_one_msk_id_are_taken_and_found),
		WITH_PHONE(other_rand_under_one_msk_is_found),
		cmocka_unit_test(phones_with_different_octets_are_found),
		WITH_PHONE(forgetting_takes_all_msks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
