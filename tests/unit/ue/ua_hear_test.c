// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

#include "ue/ua_order.h"

#define EXPIRED_ROW IMPI "," BTID "," MUK "," MRK ",1799999999," ADDRESS ",,me,news,\n"
#define BACK_OFF (15 * (int64_t)SECOND)

static void solicit_arrives(struct scene *scene, uint32_t counter)
{
	struct push push = solicit_f(counter);

	site_at(scene, push_seal(&push));
}

static void msk_arrives(struct scene *scene, uint32_t counter, uint16_t number)
{
	struct push push = push_f(counter);

	push.number = number;
	push.key[0] = (uint8_t)number;
	site_at(scene, push_seal(&push));
}

// Holders of the newest MSK that got it this way.
static unsigned got_it(const struct scene *scene, enum ue_way way)
{
	const struct ue_phones *phones = &scene->site->phones;

	return phones->msks[phones->msk_count - 1].ways[way];
}

static void solicited_pull_makes_a_phone_ask(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct push push = push_f(2);

	(void)state;
	push.is_solicit = true;
	push.number = 0;
	push.wants_verification = false;
	push.group = 3;
	expect_accepted(scene.site, push_seal(&push));
	expect_number(&scene, "events/solicited", 1);
	ask(&scene);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAMAAA==</MSKID>"));
	// Again while it asks: nothing more to do.
	push.counter = 3;
	expect_accepted(scene.site, push_seal(&push));
	expect_number(&scene, "events/merged", 1);
	// Another group while it asks: next.
	push.counter = 4;
	push.group = 4;
	expect_accepted(scene.site, push_seal(&push));
	expect_end(&scene, bmsc_status("500 Down"));
	scene.now.mono += 2 * SECOND;
	ask(&scene);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAMAAA==</MSKID>"));
	assert_non_null(strstr(scene.request.body, "<MSKID>AAQAAA==</MSKID>"));
	scene_end(&scene);
}

static void solicit_of_v600_names_the_group_alone(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	expect_accepted(scene.site, vector("H6.msg"));
	ask(&scene);
	assert_non_null(strstr(scene.request.body,
		"<mbmsMSK xmlns=\"urn:3GPP:metadata:2005:"
		"MBMS:msk\"><keyGroupID>0001</keyGroupID>"
		"</mbmsMSK>"));
	expect_again(&scene, bmsc_challenge("n1", ""));
	grant(&scene,
		"<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:x\"><Response>"
		"<keyGroupID>0001</keyGroupID><ResponseCode>200 OK</ResponseCode></Response>"
		"</mbmsMSKResponse>");
	expect_number(&scene, "expecting", 1);
	scene_end(&scene);
}

static void missed_update_is_fetched_once_within_the_back_off(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct ue_subject key = group1, other = group1;
	int64_t start = scene.now.mono;

	(void)state;
	key.number = 9;
	other.group = 2;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	assert_in_range(ue_ua_due(scene.ua), start + 5 * SECOND, start + 15 * SECOND);
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	expect_number(&scene, "events/missed", 1);
	expect_number(&scene, "events/merged", 1);
	scene.now.mono = ue_ua_due(scene.ua);
	ask(&scene);
	assert_non_null(strstr(scene.request.body, "<MSKID>AAEACQ==</MSKID>"));
	expect_again(&scene, bmsc_challenge("n1", ""));
	expect_end(&scene, bmsc_status("404 Not Found"));
	scene.now.mono = start + 15 * SECOND - 1;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	expect_nobody_asks(&scene);
	expect_number(&scene, "events/missed", 1);
	ue_ua_miss(scene.ua, 0, &other, &scene.now);
	expect_number(&scene, "events/missed", 2);
	scene.now.mono++;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	expect_number(&scene, "events/missed", 3);
	scene_end(&scene);
}

// All moments of the back-off are as likely, within the reason of a thousand draws.
static void missed_updates_are_spread_over_the_back_off(void **state)
{
	struct scene scene = scene_with(NULL, false);
	unsigned tenths[10] = {0};
	struct ue_subject key = group1;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		key.group = (uint16_t)(i + 1);
		ue_ua_miss(scene.ua, 0, &key, &scene.now);
		tenths[(ue_ua_due(scene.ua) - scene.now.mono - 5 * SECOND) / (SECOND + 1)]++;
		scene.now.mono += 60 * (int64_t)SECOND;
		ask(&scene);
		expect_end(&scene, bmsc_status("404 Not Found"));
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(tenths[i], 60, 140);
	scene_end(&scene);
}

static void expired_muk_is_replaced_before_a_solicited_phone_asks(void **state)
{
	struct scene scene = scene_with(EXPIRED_ROW, true);
	const struct bmsc_answer ok = {.body = BMSC_KEY_ANSWER("200 OK")};
	struct push push = push_f(1);
	char password[45];

	(void)state;
	solicit_arrives(&scene, 2);
	ask(&scene);
	expect_number(&scene, "events/bootstraps", 1);
	expect_again(&scene, bmsc_challenge("n1", ""));
	assert_string_not_equal(scene.request.user, BTID);
	current(&scene, password);
	assert_true(bmsc_is_right(&scene.request, password));
	expect_end(&scene, bmsc_ok(&scene.request, password, &ok));
	expect_number(&scene, "events/renegotiated", 0);
	// The old MUK stays until the new one was used: another solicited pull holds under it.
	solicit_arrives(&scene, 3);
	assert_int_equal(ue_site_count(scene.site, UE_COUNT_SOLICIT), 2);
	expect_number(&scene, "events/merged", 1);
	push.btid = scene.request.user;
	memcpy(push.muk, current(&scene, password)->muk, sizeof(push.muk));
	assert_int_not_equal(site_at(&scene, push_seal(&push)).len, 0);
	expect_number(&scene, "idle", 1);
	assert_int_equal(got_it(&scene, UE_WAY_SOLICITED), 1);
	solicit_arrives(&scene, 4);
	assert_int_equal(ue_site_refused(scene.site, UE_FORGOTTEN_IDR), 1);
	assert_int_equal(ue_site_count(scene.site, UE_COUNT_SOLICIT_REFUSED), 1);
	scene_end(&scene);
}

static void pull_for(struct scene *scene, const char *body)
{
	ask(scene);
	if (scene->request.user[0] == '\0')
		expect_again(scene, bmsc_challenge("n1", ""));
	grant(scene, body);
}

static void solicited_phone_pulls_once_within_the_back_off(void **state)
{
	struct scene scene = scene_with(NULL, false);
	int64_t start = scene.now.mono;

	(void)state;
	solicit_arrives(&scene, 1);
	pull_for(&scene, BMSC_KEY_ANSWER("200 OK"));
	// While the MSK is awaited, and after it has come.
	solicit_arrives(&scene, 2);
	expect_number(&scene, "events/merged", 1);
	msk_arrives(&scene, 3, 1);
	scene.now.mono = start + BACK_OFF - 1;
	expect_nobody_asks(&scene);
	solicit_arrives(&scene, 4);
	solicit_arrives(&scene, 5);
	expect_number(&scene, "events/deferred", 1);
	expect_nobody_asks(&scene);
	scene.now.mono++;
	pull_for(&scene, BMSC_KEY_ANSWER("200 OK"));
	msk_arrives(&scene, 6, 2);
	scene.now.mono += BACK_OFF;
	expect_nobody_asks(&scene);
	expect_number(&scene, "msk-request/answers/200", 2);
	scene_end(&scene);
}

static void solicit_does_not_shorten_retry_after(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	solicit_arrives(&scene, 1);
	ask(&scene);
	expect_end(&scene, bmsc_status("503 Busy\r\nRetry-After: 7"));
	solicit_arrives(&scene, 2);
	scene.now.mono += 7 * SECOND - 1;
	expect_nobody_asks(&scene);
	scene.now.mono += 4 * SECOND;
	ask(&scene);
	scene_end(&scene);
}

static void solicit_makes_a_phone_ask_at_once_that_was_to_ask_later(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct ue_subject key = group1;

	(void)state;
	key.number = 1;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	expect_nobody_asks(&scene);
	solicit_arrives(&scene, 1);
	pull_for(&scene,
		"<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:mskResponse\"><Response><MSK>"
		"<keyDomainID>APEQ</keyDomainID><MSKID>AAEAAQ==</MSKID></MSK><ResponseCode>200 OK"
		"</ResponseCode></Response><Response><MSK><keyDomainID>APEQ</keyDomainID>"
		"<MSKID>AAEAAA==</MSKID></MSK><ResponseCode>200 OK</ResponseCode></Response>"
		"</mbmsMSKResponse>");
	msk_arrives(&scene, 2, 1);
	assert_int_equal(got_it(&scene, UE_WAY_SOLICITED), 1);
	scene.now.mono += BACK_OFF;
	expect_nobody_asks(&scene);
	scene_end(&scene);
}

static void solicits_that_do_not_hold_make_nobody_ask(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct push push = solicit_f(1);

	(void)state;
	push.muk[31] ^= 1;
	site_at(&scene, push_seal(&push));
	assert_int_equal(ue_site_refused(scene.site, UE_BAD_MAC), 1);
	push = solicit_f(1);
	push.fqdn = "bmsc.home2.net";
	site_at(&scene, push_seal(&push));
	assert_int_equal(ue_site_count(scene.site, UE_COUNT_SOLICIT_REFUSED), 2);
	expect_nobody_asks(&scene);
	push = solicit_f(1);
	site_at(&scene, push_seal(&push));
	pull_for(&scene, BMSC_KEY_ANSWER("204 No Content"));
	site_at(&scene, push_seal(&push));
	assert_int_equal(ue_site_count(scene.site, UE_COUNT_SOLICIT_REFUSED), 3);
	scene.now.mono += BACK_OFF;
	expect_nobody_asks(&scene);
	scene_end(&scene);
}

static void missed_update_that_comes_by_itself_is_not_asked_for(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct ue_subject key = group1;

	(void)state;
	key.number = 2;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	msk_arrives(&scene, 1, 1);
	expect_number(&scene, "due", 1);
	msk_arrives(&scene, 2, 2);
	expect_number(&scene, "events/overtaken", 1);
	assert_int_equal(got_it(&scene, UE_WAY_PUSHED), 1);
	scene.now.mono += BACK_OFF;
	expect_nobody_asks(&scene);
	scene_end(&scene);
}

static void report_tells_what_brought_each_msk(void **state)
{
	const struct ue_ua_order order = {.procedures = 1u << UE_FETCH, .count = 1};
	struct scene scene = scene_with(NULL, false);
	struct ue_subject key = group1;

	(void)state;
	msk_arrives(&scene, 1, 1);
	assert_int_equal(got_it(&scene, UE_WAY_PUSHED), 1);
	assert_int_equal(ue_ua_order(scene.ua, &order, &scene.now), 1);
	pull_for(&scene, BMSC_KEY_ANSWER("200 OK"));
	msk_arrives(&scene, 2, 2);
	assert_int_equal(got_it(&scene, UE_WAY_ASKED), 1);
	key.number = 0;
	ue_ua_miss(scene.ua, 0, &key, &scene.now);
	scene.now.mono += BACK_OFF;
	pull_for(&scene, BMSC_KEY_ANSWER("200 OK"));
	msk_arrives(&scene, 3, 3);
	assert_int_equal(got_it(&scene, UE_WAY_MISSED), 1);
	// The reason has gone with it, and a refreshed MSK stays what it was.
	msk_arrives(&scene, 4, 3);
	assert_int_equal(got_it(&scene, UE_WAY_MISSED), 1);
	msk_arrives(&scene, 5, 4);
	assert_int_equal(got_it(&scene, UE_WAY_PUSHED), 1);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(solicited_pull_makes_a_phone_ask),
		cmocka_unit_test(solicit_of_v600_names_the_group_alone),
		cmocka_unit_test(expired_muk_is_replaced_before_a_solicited_phone_asks),
		cmocka_unit_test(solicited_phone_pulls_once_within_the_back_off),
		cmocka_unit_test(solicit_does_not_shorten_retry_after),
		cmocka_unit_test(solicit_makes_a_phone_ask_at_once_that_was_to_ask_later),
		cmocka_unit_test(solicits_that_do_not_hold_make_nobody_ask),
		cmocka_unit_test(missed_update_that_comes_by_itself_is_not_asked_for),
		cmocka_unit_test(missed_update_is_fetched_once_within_the_back_off),
		cmocka_unit_test(missed_updates_are_spread_over_the_back_off),
		cmocka_unit_test(report_tells_what_brought_each_msk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
