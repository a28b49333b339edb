// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

#define GROUP_ADDRESS "232.1.1.1"
#define GROUP_PORT 5004

static const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x01, 0x01};

static void listen_to(struct ue_site *site, const char *groups)
{
	site->mtk.group_count = ue_mtk_groups_parse(site->mtk.groups, groups);
	assert_int_not_equal(site->mtk.group_count, 0);
}

static struct mikey_bytes frame_with_mac(struct mikey_bytes payload, const uint8_t mac[6])
{
	struct mikey_bytes frame = frame_to(GROUP_ADDRESS, GROUP_PORT, payload);

	memcpy((uint8_t *)(uintptr_t)frame.data, mac, 6);
	return frame;
}

// Lets all phones hear a message; nobody answers.
static void mtk_arrives(struct ue_site *site, struct mikey_bytes payload)
{
	struct ue_now now = now_at(0);
	uint8_t out[UE_FRAME_MAX_BYTES];

	assert_int_equal(site_take(site, frame_with_mac(payload, group_mac)).len, 0);
	while (ue_site_due(site) <= now.mono)
		assert_int_equal(ue_site_poll(site, &now, out, sizeof(out)), 0);
}

static void expect_taken(struct ue_site *site, struct mikey_bytes payload)
{
	uint64_t before = ue_site_count(site, UE_COUNT_MTK_TAKEN);

	mtk_arrives(site, payload);
	for (int i = 1; i < UE_REFUSAL_COUNT; i++)
		if (ue_site_count(site, UE_COUNT_MTK_TAKEN) == before &&
			ue_site_refused(site, (enum ue_refusal)i) != 0)
			print_message("so far refused: %s\n", ue_refusal_name((enum ue_refusal)i));
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), before + 1);
}

static void expect_mtk_refusal(
	struct ue_site *site, struct mikey_bytes payload, enum ue_refusal refusal)
{
	uint64_t before = ue_site_refused(site, refusal);
	uint64_t taken = ue_site_count(site, UE_COUNT_MTK_TAKEN);

	mtk_arrives(site, payload);
	assert_int_equal(ue_site_refused(site, refusal), before + 1);
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), taken);
}

// A phone that holds the MSK of vector F, valid for MTK IDs above seq_l up to 255.
static struct ue_site *holder_from(uint16_t seq_l)
{
	struct ue_site *site = site_of_one();
	struct push push = push_f(1);

	listen_to(site, GROUP_ADDRESS ":5004");
	push.seq_l = seq_l;
	expect_accepted(site, push_seal(&push));
	return site;
}

static struct ue_site *holder(void)
{
	return holder_from(1);
}

static struct mikey_bytes mtk(uint32_t counter, uint16_t id)
{
	const struct push msk = push_f(0);
	const struct mtk message = {.counter = counter, .id = id, .key = {(uint8_t)id}};

	return mtk_seal(&msk, &message);
}

static const struct ue_holding *holding(const struct ue_site *site)
{
	return &site->phones.holdings[site->phones.phones[0].holding];
}

static void vectors_i_are_taken(void **state)
{
	struct ue_site *site = holder_from(0);

	(void)state;
	expect_taken(site, vector("I1.msg"));
	expect_taken(site, vector("I3.msg"));
	assert_int_equal(site->mtk.seen[0].salt_len, 0);
	assert_int_equal(site->mtk.seen[1].salt_len, 14);
	// SHA-256 of 00aa00bb00cc00dd00ee00ff00aa00bb begins so.
	assert_memory_equal(site->mtk.seen[0].check, hex("da20f0").data, 3);
	assert_int_equal(holding(site)->seq_s, 2);
	assert_int_equal(holding(site)->counter, 2);
	ue_site_destroy(site);
}

static void vector_i2_is_the_other_reading_of_rand(void **state)
{
	struct ue_site *site = holder_from(0);

	(void)state;
	expect_mtk_refusal(site, vector("I2.msg"), UE_BAD_MAC);
	site->mtk.has_no_rand = true;
	expect_mtk_refusal(site, vector("I1.msg"), UE_BAD_MAC);
	expect_taken(site, vector("I2.msg"));
	ue_site_destroy(site);
}

static void vector_i6_is_taken_in_v600(void **state)
{
	struct ue_site *site = site_of_one();

	(void)state;
	listen_to(site, GROUP_ADDRESS ":5004");
	expect_accepted(site, vector("F6.msg"));
	// SEQl of F6 is 1, as is the MTK ID of I6: the first one that can be used is above it.
	expect_mtk_refusal(site, vector("I6.msg"), UE_MTK_REPLAYED);
	site->phones.holdings[0].seq_s = 0;
	expect_taken(site, vector("I6.msg"));
	// The MSK of this name in the other encoding is another one.
	expect_mtk_refusal(site, vector("I1.msg"), UE_UNKNOWN_MSK);
	ue_site_destroy(site);
}

static void mtk_ids_rise_from_above_seql_to_sequ(void **state)
{
	struct ue_site *site = holder();

	(void)state;
	expect_mtk_refusal(site, mtk(1, 1), UE_MTK_REPLAYED);
	expect_taken(site, mtk(2, 2));
	expect_mtk_refusal(site, mtk(3, 2), UE_MTK_REPLAYED);
	expect_taken(site, mtk(4, 100));
	expect_mtk_refusal(site, mtk(5, 99), UE_MTK_REPLAYED);
	expect_taken(site, mtk(6, 255));
	assert_int_equal(holding(site)->seq_s, 255);
	ue_site_destroy(site);
}

static void counter_rises_whatever_the_mtk_id(void **state)
{
	struct ue_site *site = holder();

	(void)state;
	expect_taken(site, mtk(10, 2));
	expect_mtk_refusal(site, mtk(10, 3), UE_MTK_STALE);
	expect_mtk_refusal(site, mtk(9, 4), UE_MTK_STALE);
	expect_mtk_refusal(site, mtk(10 + 0x80000000u, 5), UE_MTK_STALE);
	expect_taken(site, mtk(11, 3));
	assert_int_equal(holding(site)->counter, 11);
	ue_site_destroy(site);
}

static void every_flipped_bit_changes_nothing(void **state)
{
	struct ue_site *site = holder();
	struct mikey_bytes message = mtk(5, 9);

	(void)state;
	for (unsigned bit = 0; bit < message.len * 8u; bit++) {
		uint8_t copy[256];

		memcpy(copy, message.data, message.len);
		copy[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		mtk_arrives(site, (struct mikey_bytes){copy, message.len});
		assert_int_equal(holding(site)->seq_s, 1);
		assert_int_equal(holding(site)->counter, 0);
		assert_int_equal(site->phones.with_msk, 1);
	}
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), 0);
	expect_taken(site, message);
	ue_site_destroy(site);
}

static void every_truncation_of_an_mtk_message_is_refused(void **state)
{
	struct ue_site *site = holder();
	struct mikey_bytes message = mtk(5, 9);

	(void)state;
	for (uint16_t len = 0; len < message.len; len++)
		expect_mtk_refusal(
			site, (struct mikey_bytes){message.data, len}, UE_MIKEY_MALFORMED);
	expect_taken(site, message);
	ue_site_destroy(site);
}

// Spec 3.9: one forged MTK ID must not kill an MSK.
static void mtk_id_above_sequ_ends_the_msk_only_when_the_mac_holds(void **state)
{
	struct ue_site *site = holder();
	struct mikey_bytes message = mtk(5, 256);
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
	struct ue_site *site = holder();
	const struct push msk = push_f(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mtk message = {.counter = 5, .id = 9, .plain = cases[i].plain};

		expect_mtk_refusal(site, mtk_seal(&msk, &message), cases[i].refusal);
		assert_int_equal(holding(site)->counter, 0);
	}
	ue_site_destroy(site);
}

static void frames_that_are_not_for_the_group_are_refused(void **state)
{
	static const uint8_t other_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x01, 0x02};
	struct ue_site *site = holder();
	struct mikey_bytes frame;

	(void)state;
	site_take(site, frame_with_mac(mtk(1, 2), other_mac));
	assert_int_equal(ue_site_refused(site, UE_NOT_OUR_MAC), 1);
	frame = frame_to(GROUP_ADDRESS, GROUP_PORT + 1, mtk(1, 2));
	memcpy((uint8_t *)(uintptr_t)frame.data, group_mac, 6);
	site_take(site, frame);
	assert_int_equal(ue_site_refused(site, UE_NOT_JOINED), 1);
	// What is for one phone does not become an MTK message, and the other way round.
	expect_refusal(site, mtk(1, 2), UE_MIKEY_KIND);
	expect_mtk_refusal(site, vector("H.msg"), UE_MIKEY_KIND);
	ue_site_destroy(site);
}

static void what_a_bmsc_must_never_do_is_found(void **state)
{
	struct ue_site *site = holder();
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
	struct ue_site *site = holder();
	struct push push = push_f(2);

	(void)state;
	expect_taken(site, mtk(7, 50));
	push.seq_l = 10;
	push.seq_u = 300;
	expect_accepted(site, push_seal(&push));
	assert_int_equal(holding(site)->seq_s, 50);
	assert_int_equal(holding(site)->counter, 7);
	expect_mtk_refusal(site, mtk(8, 50), UE_MTK_REPLAYED);
	expect_taken(site, mtk(9, 256));
	ue_site_destroy(site);
}

static void unknown_msk_makes_a_phone_fetch_within_the_back_off(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct push msk = push_f(0);
	const struct mtk message = {.counter = 1, .id = 9};

	(void)state;
	listen_to(scene.site, GROUP_ADDRESS ":5004");
	msk.number = 2;
	mtk_arrives(scene.site, mtk_seal(&msk, &message));
	mtk_arrives(scene.site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_refused(scene.site, UE_UNKNOWN_MSK), 2);
	expect_number(&scene, "events/missed", 1);
	expect_nobody_asks(&scene);
	scene.now.mono += 15 * SECOND;
	ask(&scene);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAEAAg==</MSKID>"));
	// Another group than those it fetches is none of its business.
	msk.group = 7;
	mtk_arrives(scene.site, mtk_seal(&msk, &message));
	assert_int_equal(ue_site_refused(scene.site, UE_UNKNOWN_MSK), 2);
	scene_end(&scene);
}

static void msk_that_is_over_makes_a_phone_fetch_the_current_one(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	listen_to(scene.site, GROUP_ADDRESS ":5004");
	expect_accepted(scene.site, vector("F.msg"));
	mtk_arrives(scene.site, mtk(1, 256));
	expect_number(&scene, "events/missed", 1);
	scene.now.mono += 15 * SECOND;
	ask(&scene);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAEAAA==</MSKID>"));
	scene_end(&scene);
}

static void who_is_not_there_hears_nothing(void **state)
{
	struct ue_site *site =
		site_of(IMPI "," BTID "," MUK "," MRK "," EXPIRES "," ADDRESS ",,me,news,\n"
			     "a@ims,,,,,10.0.0.8,,me,news,-\n");

	(void)state;
	listen_to(site, GROUP_ADDRESS ":5004");
	expect_accepted(site, vector("F.msg"));
	// The second one is registered for nothing.
	expect_taken(site, mtk(1, 2));
	assert_int_equal(ue_site_refused(site, UE_UNKNOWN_MSK), 0);
	site->phones.phones[0].habits = UE_OFFLINE;
	mtk_arrives(site, mtk(2, 3));
	site->phones.phones[0].habits = 0;
	site->wire.impairment.loss = 100;
	mtk_arrives(site, mtk(3, 4));
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_LOST), 1);
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), 1);
	ue_site_destroy(site);
}

static void groups_are_read_as_people_write_them(void **state)
{
	static const char *const wrong[] = {"", ":", "232.1.1.1", "232.1.1.1:0", "232.1.1.1:65536",
		"10.0.0.1:5004", "232.1.1.1:5004,", "232.1.1.1%:5004", "[ff3e::1:5004",
		"[2001:db8::1]:5004", "232.1.1.1%averyveryverylongname:5004", "%lo:5004", "]:1",
		"[:1"};
	struct ue_mtk_group groups[UE_MTK_GROUPS_MAX];
	uint8_t mac[6];
	char many[600] = "";

	(void)state;
	assert_int_equal(ue_mtk_groups_parse(groups, "232.129.1.2%lo:5004,[ff3e::8000:1]:6"), 2);
	assert_string_equal(groups[0].interface, "lo");
	assert_int_equal(groups[0].port, 5004);
	ue_group_mac(&groups[0].address, mac);
	assert_memory_equal(mac, hex("01005e010102").data, 6);
	ue_group_mac(&groups[1].address, mac);
	assert_memory_equal(mac, hex("333380000001").data, 6);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(ue_mtk_groups_parse(groups, wrong[i]), 0);
	for (int i = 0; i <= UE_MTK_GROUPS_MAX; i++)
		sprintf(many + strlen(many), "%s232.1.1.%d:1", i > 0 ? "," : "", i);
	assert_int_equal(ue_mtk_groups_parse(groups, many), 0);
}

static void phones_are_gone_through_in_slices(void **state)
{
	struct ue_now now = now_at(0);
	uint8_t out[UE_FRAME_MAX_BYTES];
	struct ue_site *site = holder();
	unsigned slices = 0;
	char impi[16];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ue_row row = {.impi = impi};

		row.impi_len = (size_t)sprintf(impi, "%d", i);
		assert_int_equal(ue_phones_add(&site->phones, &row), 0);
	}
	site_take(site, frame_with_mac(mtk(1, 2), group_mac));
	for (; ue_site_due(site) <= now.mono; slices++)
		ue_site_poll(site, &now, out, sizeof(out));
	assert_in_range(slices, 2, 10);
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), 1);
	assert_int_equal(ue_site_refused(site, UE_UNKNOWN_MSK), 20000);
	// More than can wait are refused, and what waits is freed.
	for (uint16_t i = 0; i < 70; i++)
		site_take(site, frame_with_mac(mtk(2u + i, (uint16_t)(3 + i)), group_mac));
	assert_int_equal(ue_site_refused(site, UE_MTK_OVERRUN), 6);
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
		cmocka_unit_test(unknown_msk_makes_a_phone_fetch_within_the_back_off),
		cmocka_unit_test(msk_that_is_over_makes_a_phone_fetch_the_current_one),
		cmocka_unit_test(who_is_not_there_hears_nothing),
		cmocka_unit_test(groups_are_read_as_people_write_them),
		cmocka_unit_test(phones_are_gone_through_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
