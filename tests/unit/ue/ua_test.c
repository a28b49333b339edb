// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

#define UICC_ROW                                                       \
	"other@ims,other@bsf," MUK ",00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff," EXPIRES ",10.0.0.8,,uicc,news,\n"

static void phone_registers_fetches_and_gets_its_msk(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	want(&scene, UE_FETCH);
	want(&scene, UE_REGISTER);
	ask(&scene);
	assert_string_equal(
		scene.request.line, "POST /base/keymanagement?requesttype=register HTTP/1.1");
	assert_string_equal(scene.request.type, "application/mbms-register+xml");
	assert_non_null(strstr(scene.request.agent, "3gpp-gba"));
	assert_non_null(strstr(scene.request.body, "<serviceID>news</serviceID>"));
	expect_again(&scene, bmsc_challenge("n1", ", opaque=\"o\""));
	assert_string_equal(scene.request.user, BTID);
	assert_string_equal(scene.request.realm, "3GPP-bootstrapping@" FQDN);
	assert_string_equal(scene.request.uri, "/base/keymanagement?requesttype=register");
	assert_string_equal(scene.request.nc, "00000001");
	assert_string_equal(scene.request.opaque, "o");
	grant(&scene, BMSC_SERVICE_ANSWER("200 OK"));
	// The credentials go along with the next request.
	ask(&scene);
	assert_string_equal(
		scene.request.line, "POST /base/keymanagement?requesttype=msk-request HTTP/1.1");
	assert_string_equal(scene.request.nc, "00000002");
	assert_non_null(strstr(scene.request.body, "<MSKID>AAEAAA==</MSKID>"));
	scene.now.mono += 3000;
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "expecting", 1);
	expect_nobody_asks(&scene);
	scene.now.mono += 5000;
	expect_accepted(scene.site, vector("F.msg"));
	expect_number(&scene, "idle", 1);
	expect_number(&scene, "events/msk-came", 1);
	expect_number(&scene, "events/challenged", 1);
	expect_number(&scene, "register/answers/401", 1);
	expect_number(&scene, "register/answers/200", 1);
	expect_number(&scene, "register/items/200", 1);
	expect_number(&scene, "msk-request/answers/200", 1);
	expect_number(&scene, "msk-request/latency_us/max", 3000);
	assert_string_equal(
		scene.site->phones.names[phone_of(scene.site, IMPI)->registered], "news");
	scene_end(&scene);
}

static void deregistration_takes_the_services_away(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	assert_int_equal(ue_phone_register(&scene.site->phones, 0, "news", 4), 0);
	ask_authenticated(&scene, UE_DEREGISTER);
	assert_string_equal(scene.request.type, "application/mbms-deregister+xml");
	grant(&scene, BMSC_SERVICE_ANSWER("200 OK"));
	assert_string_equal(scene.site->phones.names[phone_of(scene.site, IMPI)->registered], "");
	expect_number(&scene, "idle", 1);
	scene_end(&scene);
}

static void stale_nonce_is_replaced_without_bootstrapping(void **state)
{
	struct scene scene = scene_with(NULL, true);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_again(&scene, bmsc_challenge("n2", ", stale=true"));
	assert_string_equal(scene.request.nonce, "n2");
	assert_string_equal(scene.request.nc, "00000001");
	assert_string_equal(scene.request.user, BTID);
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "events/stale", 1);
	expect_number(&scene, "events/bootstraps", 0);
	scene_end(&scene);
}

static void plain_401_to_credentials_makes_a_phone_bootstrap(void **state)
{
	struct scene scene = scene_with(NULL, true);
	const struct bmsc_answer ok = {.body = BMSC_KEY_ANSWER("200 OK")};
	const struct ue_credential *fresh;
	char password[45];

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_again(&scene, bmsc_challenge("n2", ""));
	fresh = current(&scene, password);
	assert_string_not_equal(scene.request.user, BTID);
	assert_int_equal(strlen(scene.request.user), fresh->btid_len);
	assert_memory_equal(scene.request.user, fresh->btid, fresh->btid_len);
	assert_string_equal(scene.request.nonce, "n2");
	assert_true(bmsc_is_right(&scene.request, password));
	expect_end(&scene, bmsc_ok(&scene.request, password, &ok));
	expect_number(&scene, "events/renegotiated", 1);
	expect_number(&scene, "events/bootstraps", 1);
	expect_number(&scene, "key_source/bootstraps", 1);
	// The old MUK is still good for what is under way.
	expect_accepted(scene.site, vector("F.msg"));
	expect_number(&scene, "events/msk-came", 1);
	scene_end(&scene);
}

static void phone_that_cannot_bootstrap_leaves(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_end(&scene, bmsc_challenge("n2", ""));
	expect_number(&scene, "left/renegotiation", 1);
	scene_end(&scene);
	scene = scene_with(IMPI ",,,,," ADDRESS ",,me,news,\n", false);
	want(&scene, UE_FETCH);
	assert_int_equal(ue_ua_take(scene.ua, &scene.now), 0);
	assert_int_equal(ue_ua_request(scene.ua, 0, &scene.now, (char[8192]){0}, 8192), 0);
	expect_number(&scene, "left/no-credential", 1);
	scene_end(&scene);
}

static void expired_or_absent_credential_is_replaced_first(void **state)
{
	const char *rows[] = {IMPI "," BTID "," MUK "," MRK ",1799999999," ADDRESS ",,me,news,\n",
		IMPI ",,,,," ADDRESS ",,me,news,\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scene scene = scene_with(rows[i], true);
		char password[45];

		want(&scene, UE_FETCH);
		ask(&scene);
		expect_number(&scene, "events/bootstraps", 1);
		expect_again(&scene, bmsc_challenge("n1", ""));
		current(&scene, password);
		assert_true(bmsc_is_right(&scene.request, password));
		scene_end(&scene);
	}
}

static void next_nonce_is_used(void **state)
{
	struct scene scene = scene_with(NULL, false);
	const struct bmsc_answer ok = {.body = BMSC_SERVICE_ANSWER("200 OK"), .nextnonce = "n2"};

	(void)state;
	want(&scene, UE_FETCH);
	ask_authenticated(&scene, UE_REGISTER);
	expect_end(&scene, bmsc_ok(&scene.request, PASSWORD, &ok));
	ask(&scene);
	assert_string_equal(scene.request.nonce, "n2");
	assert_string_equal(scene.request.nc, "00000001");
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "events/nextnonce", 1);
	scene_end(&scene);
}

static void msk_that_does_not_come_is_asked_for_again(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	for (int i = 0; i < 3; i++) {
		grant(&scene, BMSC_KEY_ANSWER("200 OK"));
		expect_number(&scene, "expecting", 1);
		scene.now.mono += 20 * SECOND - 1;
		expect_nobody_asks(&scene);
		scene.now.mono++;
		expect_nobody_asks(&scene);
		expect_number(&scene, "events/msk-missing", i + 1);
		scene.now.mono += 10 * SECOND;
		if (i < 2)
			ask(&scene);
	}
	expect_number(&scene, "left/no-msk", 1);
	expect_number(&scene, "gone", 1);
	scene_end(&scene);
}

static void msk_may_come_before_the_200_is_read(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_accepted(scene.site, vector("F.msg"));
	expect_number(&scene, "events/msk-came", 0);
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "events/msk-came", 1);
	expect_number(&scene, "idle", 1);
	scene_end(&scene);
}

// The MSK after a registration, when the phone was about to ask for it; the BM-SC merges that.
static void msk_came_early(bool is_asked_before)
{
	struct scene scene = scene_with(NULL, false);

	want(&scene, UE_FETCH);
	if (is_asked_before)
		ask(&scene);
	expect_accepted(scene.site, vector("F.msg"));
	if (!is_asked_before)
		ask(&scene);
	expect_again(&scene, bmsc_challenge("n1", ""));
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "events/msk-came", 1);
	expect_number(&scene, "idle", 1);
	want(&scene, UE_FETCH);
	ask(&scene);
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	expect_number(&scene, "expecting", 1);
	scene_end(&scene);
}

static void msk_may_come_before_it_is_asked_for(void **state)
{
	(void)state;
	msk_came_early(false);
	msk_came_early(true);
}

static void msk_of_another_group_is_not_what_was_asked_for(void **state)
{
	struct scene scene = scene_with(NULL, false);
	struct push push = push_f(1);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	grant(&scene, BMSC_KEY_ANSWER("200 OK"));
	push.group = 2;
	expect_accepted(scene.site, push_seal(&push));
	expect_number(&scene, "expecting", 1);
	push.group = 1;
	push.number = 7;
	push.counter = 2;
	expect_accepted(scene.site, push_seal(&push));
	expect_number(&scene, "idle", 1);
	scene_end(&scene);
}

static void nothing_to_ask_for_is_said(void **state)
{
	struct scene scene =
		scene_with(IMPI "," BTID "," MUK "," MRK "," EXPIRES "," ADDRESS ",,me,,\n", false);

	(void)state;
	assert_false(ue_ua_want(scene.ua, 0, UE_REGISTER, NULL, 0, 0));
	assert_true(ue_ua_want(scene.ua, 0, UE_FETCH, NULL, 0, 0));
	scene_end(&scene);
}

static void phones_take_their_turns_in_time(void **state)
{
	static char rows[200 * 100];
	size_t len = 0;
	struct scene scene;
	int64_t last = 0;

	(void)state;
	// site_of() has room for so many.
	for (int i = 0; i < 60; i++)
		len += (size_t)sprintf(rows + len, "%d@ims,,,,,10.0.1.%d,,me,news,\n", i, i);
	scene = scene_with(rows, true);
	for (uint32_t i = 0; i < 60; i++)
		ue_ua_want(scene.ua, i, UE_FETCH, NULL, 0, (int64_t)(i * 7919 % 61));
	// Some are called earlier, which the others must not notice.
	for (uint32_t i = 0; i < 60; i += 7)
		ue_ua_want(scene.ua, i, UE_FETCH, NULL, 0, (int64_t)(i % 5));
	for (int i = 0; i < 60; i++) {
		int64_t due = ue_ua_due(scene.ua);

		assert_true(due >= last);
		last = due;
		assert_int_not_equal(ue_ua_take(scene.ua, &scene.now), UE_NONE);
	}
	expect_nobody_asks(&scene);
	expect_number(&scene, "asking", 60);
	scene_end(&scene);
}

static void keys_in_the_uicc_answer_their_own_realm(void **state)
{
	struct scene scene = scene_with(UICC_ROW, false);

	(void)state;
	want(&scene, UE_FETCH);
	ask(&scene);
	expect_again(&scene,
		bmsc_status("401 x\r\nWWW-Authenticate: Digest "
			    "realm=\"3GPP-bootstrapping-uicc@" FQDN
			    "\", nonce=\"n\", qop=\"auth-int\""));
	assert_string_equal(scene.request.realm, "3GPP-bootstrapping-uicc@" FQDN);
	// base64 of the row's MRK
	assert_true(bmsc_is_right(&scene.request, "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="));
	scene_end(&scene);
}

// The MRK of keys in the ME follows from the MUK.
static void mrk_that_the_csv_lacks_is_derived(void **state)
{
	struct scene scene =
		scene_with(IMPI "," BTID "," MUK ",," EXPIRES "," ADDRESS ",,me,news,\n", false);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phone_registers_fetches_and_gets_its_msk),
		cmocka_unit_test(deregistration_takes_the_services_away),
		cmocka_unit_test(stale_nonce_is_replaced_without_bootstrapping),
		cmocka_unit_test(plain_401_to_credentials_makes_a_phone_bootstrap),
		cmocka_unit_test(phone_that_cannot_bootstrap_leaves),
		cmocka_unit_test(expired_or_absent_credential_is_replaced_first),
		cmocka_unit_test(next_nonce_is_used),
		cmocka_unit_test(msk_that_does_not_come_is_asked_for_again),
		cmocka_unit_test(msk_may_come_before_it_is_asked_for),
		cmocka_unit_test(msk_may_come_before_the_200_is_read),
		cmocka_unit_test(msk_of_another_group_is_not_what_was_asked_for),
		cmocka_unit_test(nothing_to_ask_for_is_said),
		cmocka_unit_test(phones_take_their_turns_in_time),
		cmocka_unit_test(keys_in_the_uicc_answer_their_own_realm),
		cmocka_unit_test(mrk_that_the_csv_lacks_is_derived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
