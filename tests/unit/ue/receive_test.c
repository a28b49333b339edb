// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <errno.h>

static struct mikey_bytes payload_of(const struct answer *answer)
{
	assert_true(answer->len > 42);
	return (struct mikey_bytes){answer->frame + 42, (uint16_t)(answer->len - 42)};
}

static void assert_answer(const struct answer *answer, const char *name)
{
	struct mikey_bytes got = payload_of(answer), wanted = vector(name);

	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.data, wanted.data, wanted.len);
}

static void msk_message_f_is_answered_with_g(void **state)
{
	struct ue_site *site = *state;
	struct answer answer = expect_accepted(site, vector("F.msg"));
	const struct ue_msk *msk = &site->phones.msks[0];

	assert_answer(&answer, "G.msg");
	assert_int_equal(site->phones.with_msk, 1);
	assert_memory_equal(msk->key, hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf").data, 16);
	assert_memory_equal(msk->rand, hex("000102030405060708090a0b0c0d0e0f").data, 16);
	assert_int_equal(msk->csb_id, 0x12345678);
	assert_int_equal(site->phones.holdings[0].seq_l, 1);
	assert_int_equal(site->phones.holdings[0].seq_u, 255);
	assert_int_equal(credential_of(site, BTID)->counter, 1);
}

static void eight_octet_timestamps_change_the_answer(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes wanted = vector("G.mac_ts64");
	struct answer answer;

	site->receiver.ts_bytes = 8;
	answer = expect_accepted(site, vector("F.msg"));
	assert_memory_equal(answer.frame + answer.len - 20, wanted.data, 20);
}

static void v600_message_f6_is_answered_with_g6(void **state)
{
	struct ue_site *site = *state;
	struct answer answer = expect_accepted(site, vector("F6.msg"));
	const struct ue_msk *msk = &site->phones.msks[0];

	assert_answer(&answer, "G6.msg");
	assert_int_equal(msk->profile, MIKEY_PROFILE_V600);
	assert_memory_equal(msk->kdi, hex("00f110").data, 3);
	assert_int_equal(msk->group, 1);
}

static void message_k_with_map_and_policy_is_answered_with_its_map(void **state)
{
	struct ue_site *site = *state;
	struct answer answer = expect_accepted(site, vector("K.msg"));
	struct mikey_view view;

	assert_int_equal(
		mikey_parse(payload_of(&answer).data, payload_of(&answer).len, &view), MIKEY_OK);
	assert_int_equal(view.cs_count, 1);
	assert_int_equal(view.cs_map.data[0], 1);
}

static void solicited_pulls_h_and_h6_are_counted_and_not_answered(void **state)
{
	const char *const names[] = {"H.msg", "H6.msg"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ue_site *site = site_of_one();

		assert_int_equal(expect_accepted(site, vector(names[i])).len, 0);
		assert_int_equal(ue_site_count(site, UE_COUNT_SOLICIT), 1);
		assert_int_equal(credential_of(site, BTID)->counter, 2);
		assert_int_equal(site->phones.with_msk, 0);
		ue_site_destroy(site);
	}
}

static void nothing_has_changed(struct ue_site *site)
{
	assert_int_equal(site->phones.with_msk, 0);
	assert_int_equal(site->phones.msk_count, 0);
	assert_int_equal(credential_of(site, BTID)->counter, 0);
	assert_false(credential_of(site, BTID)->is_used);
	assert_int_equal(phone_of(site, IMPI)->accepted, 0);
	assert_int_equal(ue_site_count(site, UE_COUNT_SENT), 0);
}

static void every_flipped_bit_is_refused_without_a_trace(void **state)
{
	const char *const names[] = {"F.msg", "F6.msg", "H.msg"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct ue_site *site = site_of_one();
		struct mikey_bytes message = vector(names[i]);

		for (unsigned bit = 0; bit < message.len * 8u; bit++) {
			uint8_t copy[512];

			memcpy(copy, message.data, message.len);
			copy[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			site_take(site,
				frame_to(ADDRESS, 2269, (struct mikey_bytes){copy, message.len}));
			nothing_has_changed(site);
		}
		expect_accepted(site, message);
		ue_site_destroy(site);
	}
}

static void every_truncation_is_refused(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes message = vector("F.msg");

	for (uint16_t len = 0; len < message.len; len++)
		expect_refusal(site, (struct mikey_bytes){message.data, len}, UE_MIKEY_MALFORMED);
	nothing_has_changed(site);
}

static void wrong_muk_is_a_bad_mac(void **state)
{
	struct ue_site *site = *state;

	credential_of(site, BTID)->muk[31] ^= 1;
	expect_refusal(site, vector("F.msg"), UE_BAD_MAC);
	nothing_has_changed(site);
	assert_int_equal(phone_of(site, IMPI)->refused, 1);
	assert_int_equal(phone_of(site, IMPI)->last_refusal, UE_BAD_MAC);
}

static void counters_rise_by_at_most_half_the_circle(void **state)
{
	static const struct {
		uint32_t stored;
		uint32_t sent;
		enum ue_refusal refusal;
	} cases[] = {
		{100, 101, UE_ACCEPTED},
		{100, 99, UE_STALE_COUNTER},
		{100, 0, UE_STALE_COUNTER},
		{100, 100 + 0x7fffffffu, UE_ACCEPTED},
		{100, 100 + 0x80000000u, UE_STALE_COUNTER},
		{0xffffffffu, 0, UE_ACCEPTED},
		{0xffffffffu, 1, UE_ACCEPTED},
		{0xffffffffu, 0xfffffffeu, UE_STALE_COUNTER},
		{0, 0x7fffffffu, UE_ACCEPTED},
		{0, 0x80000000u, UE_STALE_COUNTER},
		{0, 0, UE_STALE_COUNTER},
	};
	struct ue_site *site = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct push push = push_f(cases[i].sent);

		credential_of(site, BTID)->counter = cases[i].stored;
		if (cases[i].refusal == UE_ACCEPTED) {
			expect_accepted(site, push_seal(&push));
			assert_int_equal(credential_of(site, BTID)->counter, cases[i].sent);
			credential_of(site, BTID)->is_used = false;
		} else {
			expect_refusal(site, push_seal(&push), cases[i].refusal);
			assert_int_equal(credential_of(site, BTID)->counter, cases[i].stored);
		}
	}
}

static void same_message_again_is_replayed(void **state)
{
	struct ue_site *site = *state;

	expect_accepted(site, vector("F.msg"));
	expect_refusal(site, vector("F.msg"), UE_REPLAYED);
	assert_int_equal(ue_site_finding(site, UE_FINDING_COUNTER_REUSED), 0);
}

static void other_good_message_under_one_counter_is_a_finding(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);
	uint8_t forged[512];
	struct mikey_bytes message;

	expect_accepted(site, vector("F.msg"));
	push.number = 2;
	message = push_seal(&push);
	memcpy(forged, message.data, message.len);
	forged[message.len - 1] ^= 1;
	expect_refusal(site, (struct mikey_bytes){forged, message.len}, UE_REPLAYED);
	assert_int_equal(ue_site_finding(site, UE_FINDING_COUNTER_REUSED), 0);
	expect_refusal(site, message, UE_REPLAYED);
	assert_int_equal(ue_site_finding(site, UE_FINDING_COUNTER_REUSED), 1);
	assert_int_equal(site->phones.msk_count, 1);
}

static void expired_muk_takes_solicited_pulls_only(void **state)
{
	struct ue_site *site = *state;

	credential_of(site, BTID)->expires = NOW_S;
	expect_refusal(site, vector("F.msg"), UE_MUK_EXPIRED);
	nothing_has_changed(site);
	expect_accepted(site, vector("H.msg"));
	credential_of(site, BTID)->expires = NOW_S + 1;
	credential_of(site, BTID)->counter = 0;
	expect_accepted(site, vector("F.msg"));
}

static void muk_is_found_by_both_identities(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	push.fqdn = "bmsc.home2.net";
	expect_refusal(site, push_seal(&push), UE_WRONG_IDI);
	push.fqdn = FQDN;
	push.btid = "somebody@else";
	expect_refusal(site, push_seal(&push), UE_UNKNOWN_IDR);
	nothing_has_changed(site);
}

static void messages_that_phones_do_not_take_are_refused_by_kind(void **state)
{
	struct ue_site *site = *state;

	expect_refusal(site, vector("G.msg"), UE_MIKEY_KIND);
	expect_refusal(site, vector("I1.msg"), UE_MIKEY_KIND);
}

// One octet of vector F changed: 134 is the encryption algorithm, 24 ends the Key Number.
static void other_algorithms_and_key_number_zero_are_refused(void **state)
{
	struct ue_site *site = *state;
	struct mikey_bytes f = vector("F.msg");
	uint8_t copy[512];

	memcpy(copy, f.data, f.len);
	copy[134] = MIKEY_ENCR_AES_KW_128;
	expect_refusal(site, (struct mikey_bytes){copy, f.len}, UE_ALGORITHM);
	copy[134] = MIKEY_ENCR_AES_CM_128;
	copy[24] = 0;
	expect_refusal(site, (struct mikey_bytes){copy, f.len}, UE_MIKEY_KIND);
	nothing_has_changed(site);
}

static void tgk_is_as_good_as_tek(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	push.key_type = MIKEY_KEY_TGK;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(site->phones.with_msk, 1);
}

// RFC 3830 6.13: next payload, type and KV, key length, key, then the interval.
static void key_data_that_is_no_msk_is_refused_without_a_trace(void **state)
{
	static const struct {
		const char *plain;
		enum ue_refusal refusal;
	} cases[] = {
		{"00220010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0200010200", UE_KEY_DATA},
		{"14220010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0200010200ff", UE_KEY_DATA},
		{"0022000fa0a1a2a3a4a5a6a7a8a9aaabacadae0200010200ff", UE_KEY_TYPE},
		{"00220011a0a1a2a3a4a5a6a7a8a9aaabacadaeafb00200010200ff", UE_KEY_TYPE},
		{"00320010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0002a0a10200010200ff", UE_KEY_TYPE},
		{"00200010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", UE_KEY_VALIDITY},
		{"00210010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0101", UE_KEY_VALIDITY},
		{"00220010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf010101ff", UE_KEY_VALIDITY},
		{"00220010a0a1a2a3a4a5a6a7a8a9aaabacadaeaf04000000010400000002", UE_KEY_VALIDITY},
	};
	struct ue_site *site = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct push push = push_f(1);

		push.plain = cases[i].plain;
		expect_refusal(site, push_seal(&push), cases[i].refusal);
		nothing_has_changed(site);
	}
}

static void push_without_v_is_not_answered(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	push.wants_verification = false;
	assert_int_equal(expect_accepted(site, push_seal(&push)).len, 0);
	assert_int_equal(site->phones.with_msk, 1);
}

static void solicited_pull_with_v_is_a_finding(void **state)
{
	struct ue_site *site = *state;
	struct push push = push_f(1);

	push.is_solicit = true;
	push.number = 0;
	assert_int_equal(expect_accepted(site, push_seal(&push)).len, 0);
	assert_int_equal(ue_site_finding(site, UE_FINDING_V_ON_SOLICIT), 1);
}

static void phone_takes_frames_to_its_own_address_and_port_only(void **state)
{
	struct ue_site *site = *state;

	site_take(site, frame_to("10.0.0.8", 2269, vector("F.msg")));
	assert_int_equal(ue_site_refused(site, UE_WRONG_ADDRESS), 1);
	site_take(site, frame_to(ADDRESS, 2270, vector("F.msg")));
	assert_int_equal(ue_site_refused(site, UE_WRONG_PORT), 1);
	nothing_has_changed(site);
}

static void phone_without_address_learns_it_from_a_good_message(void **state)
{
	struct ue_site *site = site_of(IMPI "," BTID "," MUK ",," EXPIRES ",,,,,\n");
	struct push push = push_f(1);
	struct mikey_bytes message;
	uint8_t forged[512];

	(void)state;
	message = push_seal(&push);
	memcpy(forged, message.data, message.len);
	forged[message.len - 1] ^= 1;
	site_take(site, frame_to("10.9.9.9", 2269, (struct mikey_bytes){forged, message.len}));
	assert_true(ue_address_is_none(&phone_of(site, IMPI)->address));
	expect_accepted(site, message);
	push.counter = 2;
	message = push_seal(&push);
	site_take(site, frame_to("10.9.9.9", 2269, message));
	assert_int_equal(ue_site_refused(site, UE_WRONG_ADDRESS), 1);
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PHONE(msk_message_f_is_answered_with_g),
		WITH_PHONE(eight_octet_timestamps_change_the_answer),
		WITH_PHONE(v600_message_f6_is_answered_with_g6),
		WITH_PHONE(message_k_with_map_and_policy_is_answered_with_its_map),
		cmocka_unit_test(solicited_pulls_h_and_h6_are_counted_and_not_answered),
		cmocka_unit_test(every_flipped_bit_is_refused_without_a_trace),
		WITH_PHONE(every_truncation_is_refused),
		WITH_PHONE(wrong_muk_is_a_bad_mac),
		WITH_PHONE(counters_rise_by_at_most_half_the_circle),
		WITH_PHONE(same_message_again_is_replayed),
		WITH_PHONE(other_good_message_under_one_counter_is_a_finding),
		WITH_PHONE(expired_muk_takes_solicited_pulls_only),
		WITH_PHONE(muk_is_found_by_both_identities),
		WITH_PHONE(messages_that_phones_do_not_take_are_refused_by_kind),
		WITH_PHONE(other_algorithms_and_key_number_zero_are_refused),
		WITH_PHONE(tgk_is_as_good_as_tek),
		WITH_PHONE(key_data_that_is_no_msk_is_refused_without_a_trace),
		WITH_PHONE(push_without_v_is_not_answered),
		WITH_PHONE(solicited_pull_with_v_is_a_finding),
		WITH_PHONE(phone_takes_frames_to_its_own_address_and_port_only),
		cmocka_unit_test(phone_without_address_learns_it_from_a_good_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
