// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <string.h>

#include "msk.h"
#include "site.h"
#include "test.h"

static struct store_msk stored(struct site *s, uint16_t number)
{
	struct store_msk msk;
	struct store_reader *r;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	assert_int_equal(store_reader_msk(r, &s->group, number, &msk), 0);
	ctl_reader_put(&s->ctl, r);
	return msk;
}

static void first_msk_of_a_group_is_current_and_the_second_next(void **state)
{
	struct site *s = *state;
	struct store_msk msk;

	assert_int_equal(stored(s, 1).state, STORE_MSK_CURRENT);
	assert_true(stored(s, 1).activated != 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 3, 9, &msk), 0);
	assert_int_equal(msk.number, 2);
	assert_int_equal(stored(s, 2).state, STORE_MSK_NEXT);
	assert_int_equal(stored(s, 2).seq_l, 3);
	assert_int_equal(stored(s, 2).seq_u, 9);
	assert_int_equal(stored(s, 2).activated, 0);
}

static void third_living_msk_is_refused(void **state)
{
	struct site *s = *state;
	struct store_msk msk, none = {0};

	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 1, &msk), 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 1, &msk), -EBUSY);
	assert_memory_equal(&msk, &none, sizeof(msk));
}

static void activation_retires_the_current_one(void **state)
{
	struct site *s = *state;
	struct store_msk msk;

	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 1, &msk), 0);
	assert_int_equal(msk_activate(&s->ctl, &s->group, 1, &msk), -EBUSY);
	assert_int_equal(msk_activate(&s->ctl, &s->group, 3, &msk), -ENOENT);
	assert_int_equal(msk_activate(&s->ctl, &s->group, 2, &msk), 0);
	assert_int_equal(msk.state, STORE_MSK_CURRENT);
	assert_int_equal(stored(s, 1).state, STORE_MSK_RETIRED);
	assert_int_equal(stored(s, 2).state, STORE_MSK_CURRENT);
	assert_int_equal(msk_activate(&s->ctl, &s->group, 2, &msk), -EBUSY);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 1, &msk), 0);
	assert_int_equal(msk.number, 3);
}

static void every_msk_has_its_own_key_rand_and_csb_id(void **state)
{
	struct site *s = *state;
	struct store_msk a = stored(s, 1), b;

	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 1, &b), 0);
	assert_memory_not_equal(a.key.byte, b.key.byte, 16);
	assert_memory_not_equal(a.rand, b.rand, 16);
	assert_int_not_equal(a.csb_id, b.csb_id);
}

static void revoked_msk_has_an_empty_interval_and_its_old_octets(void **state)
{
	struct site *s = *state;
	struct store_msk before = stored(s, 1), msk;
	struct campaign_order order = {
		.group = s->group, .sends = 1, .wait_s = {1}, .only = STORE_ID_NONE};
	char why[256];
	uint32_t id;

	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), 0);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), 0);
	assert_true(stored(s, 1).seq_l > stored(s, 1).seq_u);
	assert_memory_equal(&msk.key, &before.key, sizeof(msk.key));
	assert_memory_equal(msk.rand, before.rand, sizeof(msk.rand));
	// Phones are told by a push of it, although a newer one lives.
	site_subscribers(s, 1);
	order.msk_number = 1;
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), 0);
	assert_int_equal(fake_dp_opened(s->dp, 0)->msk.number, 1);
	assert_true(fake_dp_opened(s->dp, 0)->msk.seq_l > fake_dp_opened(s->dp, 0)->msk.seq_u);
	assert_int_equal(campaigns_of_group(s->ctl.campaigns, &s->group), id);
	assert_int_equal(msk_activate(&s->ctl, &s->group, 2, &msk), 0);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), -EBUSY);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 7, &msk), -ENOENT);
}

// A push to one phone, which waits, would tell it later that the MSK is good.
static void msk_is_not_revoked_while_any_campaign_sends_it(void **state)
{
	struct site *s = *state;
	struct campaign_order order = {
		.group = s->group, .sends = 1, .wait_s = {1}, .only = 0, .msk_number = 1};
	struct store_msk msk;
	char why[256];
	uint32_t id;

	site_subscribers(s, 1);
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), 0);
	assert_int_equal(campaign_pause(&s->ctl, id, true), 0);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 1, &msk), -EINPROGRESS);
	assert_int_equal(campaigns_of_msk(s->ctl.campaigns, &s->group, 1), id);
	assert_true(stored(s, 1).seq_l <= stored(s, 1).seq_u);
	// It says nothing of another one.
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), 0);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 2, &msk), 0);
}

// Phones that deleted it have one MSK, and can take another.
static void new_msk_takes_the_place_of_a_next_one_that_is_revoked(void **state)
{
	struct site *s = *state;
	struct campaign_order order = {
		.group = s->group, .sends = 1, .wait_s = {1}, .only = STORE_ID_NONE};
	struct store_msk msk;
	char why[256];
	uint32_t id;

	site_subscribers(s, 1);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), -EBUSY);
	assert_int_equal(msk_revoke(&s->ctl, &s->group, 2, &msk), 0);
	// Phones are being told of it.
	assert_int_equal(campaign_start(&s->ctl, &order, &id, why), 0);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), -EBUSY);
	fake_dp_sent(fake_dp_opened(s->dp, 0), 0, 1);
	fake_dp_verified(fake_dp_opened(s->dp, 0), 0, DP_DONE_CURRENT);
	site_settle(s);
	assert_int_equal(msk_new(&s->ctl, &s->group, 0, 9, &msk), 0);
	assert_int_equal(msk.number, 3);
	assert_int_equal(msk.state, STORE_MSK_NEXT);
	assert_int_equal(stored(s, 1).state, STORE_MSK_CURRENT);
	assert_int_equal(stored(s, 2).state, STORE_MSK_RETIRED);
}

static int v600_job(struct store_txn *txn, void *id)
{
	struct store_group group = {
		.id = *(struct store_group_id *)id, .profile = STORE_PROFILE_V600, .created = 1};

	return store_group_put(txn, &group);
}

static void csb_id_of_the_old_encoding_is_the_group(void **state)
{
	struct site *s = *state;
	struct store_group_id id = {{0x00, 0xf1, 0x10}, 0x1234};
	struct store_msk msk;

	assert_int_equal(ctl_writer_run(&s->ctl, v600_job, &id), 0);
	assert_int_equal(msk_new(&s->ctl, &id, 0, 1, &msk), 0);
	assert_int_equal(msk.csb_id, 0x00001234);
}

static void unknown_group_has_no_msks(void **state)
{
	struct site *s = *state;
	struct store_group_id id = {{0x00, 0xf1, 0x10}, 0x99};
	struct store_msk msk;

	assert_int_equal(msk_new(&s->ctl, &id, 0, 1, &msk), -ENOENT);
}

static void key_numbers_leave_zero_out(void **state)
{
	(void)state;
	assert_int_equal(msk_number_after(0), 1);
	assert_int_equal(msk_number_after(41), 42);
	assert_int_equal(msk_number_after(0xffff), 1);
}

static void check_value_is_the_head_of_sha256(void **state)
{
	// printf '\0%.0s' {1..16} | sha256sum
	struct store_secret16 key = {{0}};
	char text[MSK_CHECK_TEXT];

	(void)state;
	msk_check_text(&key, text);
	assert_string_equal(text, "374708");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(first_msk_of_a_group_is_current_and_the_second_next),
		WITH_SITE(third_living_msk_is_refused),
		WITH_SITE(activation_retires_the_current_one),
		WITH_SITE(every_msk_has_its_own_key_rand_and_csb_id),
		WITH_SITE(revoked_msk_has_an_empty_interval_and_its_old_octets),
		WITH_SITE(msk_is_not_revoked_while_any_campaign_sends_it),
		WITH_SITE(new_msk_takes_the_place_of_a_next_one_that_is_revoked),
		WITH_SITE(csb_id_of_the_old_encoding_is_the_group),
		WITH_SITE(unknown_group_has_no_msks),
		cmocka_unit_test(key_numbers_leave_zero_out),
		cmocka_unit_test(check_value_is_the_head_of_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
