// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "scene.h"

static void endless_stale_nonces_are_a_failure(void **state)
{
	struct scene scene = scene_with(NULL, true);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	for (int i = 0; i < 3; i++)
		expect_again(&scene, bmsc_challenge("n2", ", stale=true"));
	expect_end(&scene, bmsc_challenge("n2", ", stale=true"));
	expect_number(&scene, "refused/challenge", 1);
	expect_number(&scene, "due", 1);
	scene_end(&scene);
}

static void endless_renegotiation_makes_a_phone_leave(void **state)
{
	struct scene scene = scene_with(NULL, true);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	for (int i = 0; i < 3; i++)
		expect_again(&scene, bmsc_challenge("n2", ""));
	expect_end(&scene, bmsc_challenge("n2", ""));
	expect_number(&scene, "left/renegotiation", 1);
	expect_number(&scene, "gone", 1);
	expect_number(&scene, "events/bootstraps", 3);
	scene_end(&scene);
}

// Asks until the phone has gone; returns how often.
static int ask_until_gone(struct scene *scene)
{
	int times = 0;

	while (number(scene, "due") == 1 && times++ < 10) {
		scene->now.mono += 60 * (int64_t)SECOND;
		ask(scene);
		expect_end(scene, bmsc_status("500 Down"));
	}
	return times;
}

static void answers_without_a_good_proof_are_refused(void **state)
{
	static const struct {
		struct bmsc_answer answer;
		const char *refusal;
	} rows[] = {
		{{.has_no_info = true}, "refused/no-proof"},
		{{.rspauth = "00000000000000000000000000000000"}, "refused/wrong-proof"},
		{{.rspauth = ""}, "refused/wrong-proof"},
		{{.rspauth = "\", x=\""}, "refused/wrong-proof"},
		{{.rspauth = "\"x"}, "refused/bad-proof"},
		{{.qop = "auth"}, "refused/other-proof"},
		{{.type = "text/html"}, "refused/media-type"},
		{{.type = "application/mbms-msk-response+xmlx"}, "refused/media-type"},
		{{.body = "<x"}, "refused/xml"},
		{{.body = "<x/>"}, "refused/items"},
		{{.body = BMSC_SERVICE_ANSWER("200 OK")}, "refused/items"},
		{{.body = "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:x\"/>"},
			"refused/items"},
		{{.body = "<mbmsMSKResponse xmlns=\"urn:3GPP:metadata:2005:MBMS:x\"><Response>"
			  "<keyGroupID>0001</keyGroupID><ResponseCode>200 OK</ResponseCode>"
			  "</Response></mbmsMSKResponse>"},
			"refused/items"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene = scene_with(NULL, true);
		struct bmsc_answer bad = rows[i].answer;

		if (bad.body == NULL)
			bad.body = BMSC_KEY_ANSWER("200 OK");
		ask_authenticated(&scene, UE_FETCH);
		expect_end(&scene, bmsc_ok(&scene.request, PASSWORD, &bad));
		expect_number(&scene, rows[i].refusal, 1);
		expect_number(&scene, "events/msk-expected", 0);
		expect_nobody_asks(&scene);
		scene.now.mono += 2 * SECOND;
		ask(&scene);
		assert_string_equal(scene.request.user, "");
		scene_end(&scene);
	}
}

static void answer_whose_body_was_changed_is_refused(void **state)
{
	struct scene scene = scene_with(NULL, false);
	const struct bmsc_answer ok = {.body = BMSC_KEY_ANSWER("403 No")};
	char changed[4096];

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	strcpy(changed, bmsc_ok(&scene.request, PASSWORD, &ok));
	memcpy(strstr(changed, "403 No"), "200 OK", 6);
	expect_end(&scene, changed);
	expect_number(&scene, "refused/wrong-proof", 1);
	scene_end(&scene);
}

static void ok_to_a_request_without_credentials_is_refused(void **state)
{
	struct scene scene = scene_with(NULL, false);
	const struct bmsc_answer ok = {.body = BMSC_KEY_ANSWER("200 OK")};

	(void)state;
	want(&scene, UE_FETCH);
	ask(&scene);
	expect_end(&scene, bmsc_ok(&scene.request, PASSWORD, &ok));
	expect_number(&scene, "refused/unauthenticated", 1);
	scene_end(&scene);
}

static void challenges_that_are_not_the_bmscs_are_refused(void **state)
{
	static const char *const headers[] = {"401 x\r\nWWW-Authenticate: Basic realm=\"x\"",
		"401 x",
		"401 x\r\nWWW-Authenticate: Digest realm=\"3GPP-bootstrapping@evil.net\", "
		"nonce=\"n\", qop=\"auth-int\"",
		"401 x\r\nWWW-Authenticate: Digest realm=\"3GPP-bootstrapping@" FQDN
		"\", nonce=\"n\", qop=\"auth\"",
		"401 x\r\nWWW-Authenticate: Digest realm=\"3GPP-bootstrapping@" FQDN
		"\", nonce=\"n\"",
		"401 x\r\nWWW-Authenticate: Digest realm=\"3GPP-bootstrapping@" FQDN
		"\", nonce=\"n\", qop=\"auth-int\", algorithm=SHA-512-256",
		"401 x\r\nWWW-Authenticate: Digest realm=\"3GPP-bootstrapping-uicc@" FQDN
		"\", nonce=\"n\", qop=\"auth-int\""};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct scene scene = scene_with(NULL, true);

		want(&scene, UE_FETCH);
		ask(&scene);
		expect_end(&scene, bmsc_status(headers[i]));
		expect_number(&scene, "refused/challenge", 1);
		scene_end(&scene);
	}
}

static void usable_challenge_among_others_is_taken(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	want(&scene, UE_FETCH);
	ask(&scene);
	expect_again(&scene,
		bmsc_status("401 x\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
			    "WWW-Authenticate: Digest realm=\"3GPP-bootstrapping-uicc@" FQDN
			    ";3GPP-bootstrapping@" FQDN "\", nonce=\"u\", qop=\"auth-int\", "
			    "algorithm=MD5-sess"));
	assert_string_equal(scene.request.realm, "3GPP-bootstrapping@" FQDN);
	assert_string_equal(scene.request.algorithm, "MD5-sess");
	scene_end(&scene);
}

static void refusals_to_talk_have_their_consequences(void **state)
{
	static const struct {
		const char *status;
		const char *left;
	} rows[] = {
		{"403 Forbidden", "left/forbidden"},
		{"404 Not Found", "left/unknown"},
		{"400 Bad Request", "left/rejected"},
		{"302 Found", "left/rejected"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene = scene_with(NULL, true);

		ask_authenticated(&scene, UE_FETCH);
		expect_end(&scene, bmsc_status(rows[i].status));
		expect_number(&scene, rows[i].left, 1);
		expect_number(&scene, "gone", 1);
		scene_end(&scene);
	}
}

static void server_that_is_busy_is_asked_later(void **state)
{
	struct scene scene = scene_with(NULL, false);
	int64_t due;

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_end(&scene, bmsc_status("503 Busy\r\nRetry-After: 30"));
	due = ue_ua_due(scene.ua) - scene.now.mono;
	assert_in_range(due, 30 * SECOND, 45 * SECOND + 1);
	scene.now.mono += due - 1;
	expect_nobody_asks(&scene);
	scene.now.mono++;
	ask(&scene);
	assert_string_equal(scene.request.nc, "00000002");
	grant(&scene, BMSC_KEY_ANSWER("503 Busy"));
	assert_in_range(ue_ua_due(scene.ua) - scene.now.mono, 2 * SECOND, 3 * SECOND + 1);
	expect_number(&scene, "msk-request/items/503", 1);
	assert_int_equal(ask_until_gone(&scene), 1);
	expect_number(&scene, "left/unavailable", 1);
	scene_end(&scene);
}

static void wrong_proof_on_a_refusal_to_talk_is_noticed(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	ask_authenticated(&scene, UE_FETCH);
	expect_end(&scene,
		bmsc_status("403 Forbidden\r\nAuthentication-Info: rspauth=\"00\", qop=auth-int"));
	expect_number(&scene, "refused/other-proof", 1);
	expect_number(&scene, "gone", 0);
	scene_end(&scene);
}

static void failures_in_a_row_make_a_phone_leave(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	want(&scene, UE_FETCH);
	ask(&scene);
	ue_ua_fail(scene.ua, 0, UE_UA_CONNECT, &scene.now);
	assert_int_equal(ask_until_gone(&scene), 2);
	expect_number(&scene, "left/unavailable", 1);
	expect_number(&scene, "events/retries", 2);
	// An order brings it back.
	want(&scene, UE_FETCH);
	expect_number(&scene, "events/came-back", 1);
	ask(&scene);
	scene_end(&scene);
}

static void connection_that_had_ended_costs_no_failure(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	want(&scene, UE_FETCH);
	for (int i = 0; i < 5; i++) {
		ask(&scene);
		ue_ua_fail(scene.ua, 0, UE_UA_REOPENED, &scene.now);
	}
	expect_number(&scene, "due", 1);
	expect_number(&scene, "events/retries", 0);
	scene_end(&scene);
}

static void item_codes_have_their_consequences(void **state)
{
	static const struct {
		const char *body;
		const char *path;
	} rows[] = {
		{BMSC_KEY_ANSWER("204 No Content"), "events/none-needed"},
		{BMSC_KEY_ANSWER("403 Forbidden"), "left/forbidden"},
		{BMSC_KEY_ANSWER("404 Not Found"), "left/unknown"},
		{BMSC_KEY_ANSWER("409 Conflict"), "left/unknown"},
		{BMSC_KEY_ANSWER("503 Busy"), "events/retries"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene = scene_with(NULL, false);

		ask_authenticated(&scene, UE_FETCH);
		grant(&scene, rows[i].body);
		expect_number(&scene, rows[i].path, 1);
		expect_number(&scene, "expecting", 0);
		scene_end(&scene);
	}
}

static void phone_with_a_valid_older_msk_stays(void **state)
{
	struct scene scene = scene_with(NULL, false);

	(void)state;
	expect_accepted(scene.site, vector("F.msg"));
	ask_authenticated(&scene, UE_FETCH);
	expect_end(&scene, bmsc_status("403 Forbidden"));
	expect_number(&scene, "events/kept-older", 1);
	expect_number(&scene, "gone", 0);
	// One whose MTK IDs are used up is of no use.
	scene.site->phones.holdings[0].seq_s = scene.site->phones.holdings[0].seq_u;
	want(&scene, UE_FETCH);
	ask(&scene);
	expect_end(&scene, bmsc_status("403 Forbidden"));
	expect_number(&scene, "left/forbidden", 1);
	// Without a registration there is no service, whatever the phone holds.
	scene.site->phones.holdings[0].seq_s = 1;
	want(&scene, UE_REGISTER);
	ask(&scene);
	expect_end(&scene, bmsc_status("403 Forbidden"));
	expect_number(&scene, "left/forbidden", 2);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endless_stale_nonces_are_a_failure),
		cmocka_unit_test(endless_renegotiation_makes_a_phone_leave),
		cmocka_unit_test(answers_without_a_good_proof_are_refused),
		cmocka_unit_test(answer_whose_body_was_changed_is_refused),
		cmocka_unit_test(ok_to_a_request_without_credentials_is_refused),
		cmocka_unit_test(challenges_that_are_not_the_bmscs_are_refused),
		cmocka_unit_test(usable_challenge_among_others_is_taken),
		cmocka_unit_test(refusals_to_talk_have_their_consequences),
		cmocka_unit_test(server_that_is_busy_is_asked_later),
		cmocka_unit_test(wrong_proof_on_a_refusal_to_talk_is_noticed),
		cmocka_unit_test(failures_in_a_row_make_a_phone_leave),
		cmocka_unit_test(connection_that_had_ended_costs_no_failure),
		cmocka_unit_test(item_codes_have_their_consequences),
		cmocka_unit_test(phone_with_a_valid_older_msk_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
