// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who hears an MTK, on which addresses, and what a phone does that lacks the MSK.

#include "mtk_scene.h"

static void unknown_msk_makes_a_phone_fetch_within_the_back_off(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct push msk = push_f(0);
	const struct mtk message = {.counter = 1, .id = 9};

	(void)state;
	mtk_listen(scene.site, GROUP_ADDRESS ":5004");
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
	mtk_listen(scene.site, GROUP_ADDRESS ":5004");
	expect_accepted(scene.site, vector("F.msg"));
	mtk_arrives(scene.site, mtk_message(1, 256));
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
	mtk_listen(site, GROUP_ADDRESS ":5004");
	expect_accepted(site, vector("F.msg"));
	// The second one is registered for nothing.
	expect_mtk_taken(site, mtk_message(1, 2));
	assert_int_equal(ue_site_refused(site, UE_UNKNOWN_MSK), 0);
	site->phones.phones[0].habits = UE_OFFLINE;
	mtk_arrives(site, mtk_message(2, 3));
	site->phones.phones[0].habits = 0;
	site->wire.impairment.loss = 100;
	mtk_arrives(site, mtk_message(3, 4));
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
	struct ue_site *site = mtk_holder();
	unsigned slices = 0;
	char impi[16];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ue_row row = {.impi = impi};

		row.impi_len = (size_t)sprintf(impi, "%d", i);
		assert_int_equal(ue_phones_add(&site->phones, &row), 0);
	}
	site_take(site, mtk_frame(mtk_message(1, 2), group_mac));
	for (; ue_site_due(site) <= now.mono; slices++)
		ue_site_poll(site, &now, out, sizeof(out));
	assert_in_range(slices, 2, 10);
	assert_int_equal(ue_site_count(site, UE_COUNT_MTK_TAKEN), 1);
	assert_int_equal(ue_site_refused(site, UE_UNKNOWN_MSK), 20000);
	// More than can wait are refused, and what waits is freed.
	for (uint16_t i = 0; i < 70; i++)
		site_take(site, mtk_frame(mtk_message(2u + i, (uint16_t)(3 + i)), group_mac));
	assert_int_equal(ue_site_refused(site, UE_MTK_OVERRUN), 6);
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_msk_makes_a_phone_fetch_within_the_back_off),
		cmocka_unit_test(msk_that_is_over_makes_a_phone_fetch_the_current_one),
		cmocka_unit_test(who_is_not_there_hears_nothing),
		cmocka_unit_test(groups_are_read_as_people_write_them),
		cmocka_unit_test(phones_are_gone_through_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
