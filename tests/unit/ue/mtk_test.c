// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of a group: which are taken, and what a BM-SC must not send.

#include "mtk_scene.h"

static void vectors_i_are_taken(void **state)
{
	struct ue_site *site = mtk_holder_from(0);

	(void)state;
	expect_mtk_taken(site, vector("I1.msg"));
	expect_mtk_taken(site, vector("I3.msg"));
	assert_int_equal(site->mtk.seen[0].salt_len, 0);
	assert_int_equal(site->mtk.seen[1].salt_len, 14);
	// SHA-256 of 00aa00bb00cc00dd00ee00ff00aa00bb begins so.
	assert_memory_equal(site->mtk.seen[0].check, hex("da20f0").data, 3);
	assert_int_equal(mtk_holding(site)->seq_s, 2);
	assert_int_equal(mtk_holding(site)->counter, 2);
	ue_site_destroy(site);
}

static void vector_i2_is_the_other_reading_of_rand(void **state)
{
	struct ue_site *site = mtk_holder_from(0);

	(void)state;
	expect_mtk_refusal(site, vector("I2.msg"), UE_BAD_MAC);
	site->mtk.has_no_rand = true;
	expect_mtk_refusal(site, vector("I1.msg"), UE_BAD_MAC);
	expect_mtk_taken(site, vector("I2.msg"));
	ue_site_destroy(site);
}

static void vector_i6_is_taken_in_v600(void **state)
{
	struct ue_site *site = site_of_one();

	(void)state;
	mtk_listen(site, GROUP_ADDRESS ":5004");
	expect_accepted(site, vector("F6.msg"));
	// SEQl of F6 is 1, as is the MTK ID of I6: the first one that can be used is above it.
	expect_mtk_refusal(site, vector("I6.msg"), UE_MTK_REPLAYED);
	site->phones.holdings[0].seq_s = 0;
	expect_mtk_taken(site, vector("I6.msg"));
	// The MSK of this name in the other encoding is another one.
	expect_mtk_refusal(site, vector("I1.msg"), UE_UNKNOWN_MSK);
	ue_site_destroy(site);
}

static void mtk_ids_rise_from_above_seql_to_sequ(void **state)
{
	struct ue_site *site = mtk_holder();

	(void)state;
	expect_mtk_refusal(site, mtk_message(1, 1), UE_MTK_REPLAYED);
	expect_mtk_taken(site, mtk_message(2, 2));
	expect_mtk_refusal(site, mtk_message(3, 2), UE_MTK_REPLAYED);
	expect_mtk_taken(site, mtk_message(4, 100));
	expect_mtk_refusal(site, mtk_message(5, 99), UE_MTK_REPLAYED);
	expect_mtk_taken(site, mtk_message(6, 255));
	assert_int_equal(mtk_holding(site)->seq_s, 255);
	ue_site_destroy(site);
}

static void counter_rises_whatever_the_mtk_id(void **state)
{
	struct ue_site *site = mtk_holder();

	(void)state;
	expect_mtk_taken(site, mtk_message(10, 2));
	expect_mtk_refusal(site, mtk_message(10, 3), UE_MTK_STALE);
	expect_mtk_refusal(site, mtk_message(9, 4), UE_MTK_STALE);
	expect_mtk_refusal(site, mtk_message(10 + 0x80000000u, 5), UE_MTK_STALE);
	expect_mtk_taken(site, mtk_message(11, 3));
	assert_int_equal(mtk_holding(site)->counter, 11);
	ue_site_destroy(site);
}

static void every_flipped_bit_changes_nothing(void **state)
{
	struct ue_site *site = mtk_holder();
	struct mikey_bytes message = mtk_message(5, 9);

	(void)state;
	for (unsigned bit = 0; bit < message.len * 8u; bit++) {
		uint8_t copy[256];

		memcpy(copy, message.data, message.len);
		copy[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		mtk_arrives(site, (struct mikey_bytes){copy, message.len});
		assert_int_equal(mtk_holding(site)->seq_s, 1);
		assert_int_equal(mtk_holding(site)->counter, 0);
		assert_int_equal(site->phones.with_msk, 1);
	}
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), 0);
	expect_mtk_taken(site, message);
	ue_site_destroy(site);
}

static void every_truncation_of_an_mtk_message_is_refused(void **state)
{
	struct ue_site *site = mtk_holder();
	struct mikey_bytes message = mtk_message(5, 9);

	(void)state;
	for (uint16_t len = 0; len < message.len; len++)
		expect_mtk_refusal(
			site, (struct mikey_bytes){message.data, len}, UE_MIKEY_MALFORMED);
	expect_mtk_taken(site, message);
	ue_site_destroy(site);
}

// Spec 3.9: one forged MTK ID must not kill an MSK.
static void mtk_id_above_sequ_ends_the_msk_only_when_the_mac_holds(void **state)
{
	struct ue_site *site = mtk_holder();
	struct mikey_bytes message = mtk_message(5, 256);
	uint8_t forged[256];

	(void)state;
	memcpy(forged, message.data, message.len);
	forged[message.len - 1] ^= 1;
	expect_mtk_refusal(site, (struct mikey_bytes){forged, message.len}, UE_BAD_MAC);
	assert_int_equal(site->phones.with_msk, 1);
	expect_mtk_refusal(site, message, UE_MTK_EXHAUSTED);
	assert_int_equal(site->phones.with_msk, 0);
	expect_mtk_refusal(site, message, UE_UNKNOWN_MSK);
	ue_site_destroy(site);
}

static void key_data_that_is_no_mtk_is_refused(void **state)
{
	static const struct {
		const char *plain;
		enum ue_refusal refusal;
	} cases[] = {
		{"00200010a0a1a2a3a4a5a6a7a8a9aaabacadae", UE_KEY_DATA},
		{"0020000fa0a1a2a3a4a5a6a7a8a9aaabacadae", UE_KEY_TYPE},
		{"00000010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", UE_KEY_TYPE},
		{"00300010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0011"
		 "0102030405060708090a0b0c0d0e0f1011",
			UE_KEY_TYPE},
		{"00220010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0200010200ff", UE_KEY_VALIDITY},
	};
	struct ue_site *site = mtk_holder();
	const struct push msk = push_f(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mtk message = {.counter = 5, .id = 9, .plain = cases[i].plain};

		expect_mtk_refusal(site, mtk_seal(&msk, &message), cases[i].refusal);
		assert_int_equal(mtk_holding(site)->counter, 0);
	}
	ue_site_destroy(site);
}

static void frames_that_are_not_for_the_group_are_refused(void **state)
{
	static const uint8_t other_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x01, 0x02};
	struct ue_site *site = mtk_holder();
	struct mikey_bytes frame;

	(void)state;
	site_take(site, mtk_frame(mtk_message(1, 2), other_mac));
	assert_int_equal(ue_site_refused(site, UE_NOT_OUR_MAC), 1);
	frame = frame_to(GROUP_ADDRESS, GROUP_PORT + 1, mtk_message(1, 2));
	memcpy((uint8_t *)(uintptr_t)frame.data, group_mac, 6);
	site_take(site, frame);
	assert_int_equal(ue_site_refused(site, UE_NOT_JOINED), 1);
	// What is for one phone does not become an MTK message, and the other way round.
	expect_refusal(site, mtk_message(1, 2), UE_MIKEY_KIND);
	expect_mtk_refusal(site, vector("H.msg"), UE_MIKEY_KIND);
	ue_site_destroy(site);
}

static void what_a_bmsc_must_never_do_is_found(void **state)
{
	struct ue_site *site = mtk_holder();
	struct push msk = push_f(0);
	struct mtk message = {.counter = 1, .id = 2, .key = {1}};

	(void)state;
	mtk_arrives(site, mtk_seal(&msk, &message));
	message.counter = 2;
	mtk_arrives(site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_finding(site, UE_FINDING_MTK_CHANGED), 0);
	message.counter = 3;
	message.key[0] = 2;
	mtk_arrives(site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_finding(site, UE_FINDING_MTK_CHANGED), 2);
	message.id = 3;
	mtk_arrives(site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_finding(site, UE_FINDING_COUNTER_REUSED), 1);
	msk.csb_id++;
	message.id = 4;
	message.counter = 4;
	mtk_arrives(site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_finding(site, UE_FINDING_MTK_LABEL), 1);
	ue_site_destroy(site);
}

// An MSK that comes again keeps what was seen under it.
static void refreshed_msk_keeps_its_place(void **state)
{
	struct ue_site *site = mtk_holder();
	struct push push = push_f(2);

	(void)state;
	expect_mtk_taken(site, mtk_message(7, 50));
	push.seq_l = 10;
	push.seq_u = 300;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(mtk_holding(site)->seq_s, 50);
	assert_int_equal(mtk_holding(site)->counter, 7);
	expect_mtk_refusal(site, mtk_message(8, 50), UE_MTK_REPLAYED);
	expect_mtk_taken(site, mtk_message(9, 256));
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_i_are_taken),
		cmocka_unit_test(vector_i2_is_the_other_reading_of_rand),
		cmocka_unit_test(vector_i6_is_taken_in_v600),
		cmocka_unit_test(mtk_ids_rise_from_above_seql_to_sequ),
		cmocka_unit_test(counter_rises_whatever_the_mtk_id),
		cmocka_unit_test(every_flipped_bit_changes_nothing),
		cmocka_unit_test(every_truncation_of_an_mtk_message_is_refused),
		cmocka_unit_test(mtk_id_above_sequ_ends_the_msk_only_when_the_mac_holds),
		cmocka_unit_test(key_data_that_is_no_mtk_is_refused),
		cmocka_unit_test(frames_that_are_not_for_the_group_are_refused),
		cmocka_unit_test(what_a_bmsc_must_never_do_is_found),
		cmocka_unit_test(refreshed_msk_keeps_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
