// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ue/digest.h"

#include "support.h"

#define URI "/keymanagement?requesttype=msk-request"
#define REALM "3GPP-bootstrapping@" FQDN
#define UICC_REALM "3GPP-bootstrapping-uicc@" FQDN
#define PASSWORD "pkPZHVdIK2xBTnNdQRDBPMtyCjOA3lqZoJLGuXT9OMw="
#define NONCE "bm90LWEtcmVhbC1ub25jZQ=="
#define J_CNONCE "0a4f113b"
#define CNONCE "0a4f113b0a4f113b"

static const struct ue_digest_user phone = {
	{BTID, sizeof(BTID) - 1},
	{PASSWORD, sizeof(PASSWORD) - 1},
	{REALM, sizeof(REALM) - 1},
	{CNONCE, sizeof(CNONCE) - 1},
};

// A request with its body and the answer's.
struct exchange {
	const char *challenge;
	struct ue_digest_user user;
	const char *method;
	const char *uri;
	const char *body;
	const char *answer;
};

static struct ue_association *associate(const struct exchange *exchange)
{
	struct ue_challenge challenges[UE_CHALLENGES_MAX];
	struct ue_association *association;

	assert_int_equal(ue_challenges_parse(ue_text_of(exchange->challenge), challenges), 1);
	association = ue_association_create(&challenges[0], &exchange->user);
	assert_non_null(association);
	return association;
}

// The next Authorization header. Static memory.
static const char *authorize(struct ue_association *association, const struct exchange *exchange)
{
	static char text[1024];
	struct ue_writer writer = {text, text + sizeof(text) - 1, false};
	struct ue_digest_target target;

	ue_digest_target_init(
		&target, exchange->method, ue_text_of(exchange->uri), ue_text_of(exchange->body));
	ue_authorization_put(&writer, association, &target);
	assert_false(writer.is_full);
	*writer.at = '\0';
	return text;
}

static void expect_response(const char *header, const char *wanted)
{
	const char *response = strstr(header, "response=\"");

	assert_non_null(response);
	response += strlen("response=\"");
	assert_int_equal(strcspn(response, "\""), strlen(wanted));
	assert_memory_equal(response, wanted, strlen(wanted));
}

static enum ue_proof proof_of(const struct ue_association *association,
	const struct exchange *exchange, const char *header)
{
	struct ue_authentication_info info;

	assert_true(ue_authentication_info_parse(ue_text_of(header), &info));
	return ue_proof_check(
		association, &info, ue_text_of(exchange->uri), ue_text_of(exchange->answer));
}

static struct exchange exchange_j(const char *challenge)
{
	return (struct exchange){challenge, phone, "POST", URI, "<x/>", "<y/>"};
}

// Spec 8.8.
static void vector_j_comes_out(void **state)
{
	struct exchange j = exchange_j(
		"Digest realm=\"" REALM "\", nonce=\"" NONCE "\", qop=\"auth-int\", algorithm=MD5");
	struct ue_association *association;

	(void)state;
	j.user.cnonce = ue_text_of(J_CNONCE);
	association = associate(&j);
	assert_string_equal(authorize(association, &j),
		"Digest username=\"" BTID "\", realm=\"" REALM "\", nonce=\"" NONCE "\", uri=\"" URI
		"\", response=\"015a1195b41b3c67ef150d51c6acff7e\", cnonce=\"" J_CNONCE
		"\", nc=00000001, qop=auth-int, algorithm=MD5");
	assert_memory_equal(association->ha1.hex, "ca98ea5de460140661f2d6d029946c3b", 32);
	assert_int_equal(proof_of(association, &j,
				 "rspauth=\"b873b06a6067a451c6288a930d2d4471\", qop=auth-int, "
				 "cnonce=\"" J_CNONCE "\", nc=00000001"),
		UE_PROOF_GOOD);
	ue_association_destroy(association);
}

// RFC 2617 3.5 and RFC 7616 3.9.1.
static void examples_of_the_rfcs_come_out(void **state)
{
	static const char *const modern_nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
	struct exchange old = {"Digest realm=\"testrealm@host.com\", qop=\"auth,auth2\", "
			       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
			       "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		{ue_text_of("Mufasa"), ue_text_of("Circle Of Life"),
			ue_text_of("testrealm@host.com"), ue_text_of("0a4f113b")},
		"GET", "/dir/index.html", "", ""};
	struct exchange modern = old;
	struct ue_association *association = associate(&old);
	struct ue_challenge challenges[UE_CHALLENGES_MAX];
	char both[512];

	(void)state;
	expect_response(authorize(association, &old), "6629fae49393a05397450978507c4ef1");
	assert_non_null(strstr(authorize(association, &old), "nc=00000002"));
	assert_non_null(strstr(
		authorize(association, &old), "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
	ue_association_destroy(association);
	snprintf(both, sizeof(both),
		"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
		"algorithm=SHA-256, nonce=\"%s\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo"
		"5tdS\", Digest realm=\"http-auth@example.org\", qop=\"auth\", algorithm=MD5, "
		"nonce=\"%s\"",
		modern_nonce, modern_nonce);
	modern.user = (struct ue_digest_user){ue_text_of("Mufasa"), ue_text_of("Circle of Life"),
		ue_text_of("http-auth@example.org"),
		ue_text_of("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")};
	assert_int_equal(ue_challenges_parse(ue_text_of(both), challenges), 2);
	assert_true(challenges[0].offers_auth_int && challenges[0].offers_auth);
	challenges[0].offers_auth_int = false; // as in the example
	association = ue_association_create(&challenges[0], &modern.user);
	expect_response(authorize(association, &modern),
		"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
	ue_association_destroy(association);
	association = ue_association_create(&challenges[1], &modern.user);
	expect_response(authorize(association, &modern), "8ca523f5e9506fed4657c9700eebdbec");
	ue_association_destroy(association);
}

// Computed with Python's hashlib for cnonce 0a4f113b0a4f113b.
static void every_algorithm_and_qop_gives_what_hashlib_gives(void **state)
{
	static const struct {
		const char *challenge;
		const char *response;
		const char *rspauth;
		const char *qop;
	} rows[] = {
		{"MD5, qop=\"auth-int\"", "a4bfa04084a0d4ba4625216efbe2d481",
			"2b309aef68b0ec6c9b23315d3026a402", "auth-int"},
		{"MD5, qop=auth", "d99c055f22861a312f72bea69984b6e2",
			"6e97afab86651299637c8ee407b46182", "auth"},
		{"MD5-sess, qop=\"auth,auth-int\"", "db7bcdff545d4553ef3b477d0c29d030",
			"465a8ab685165c83a2c11bbefed23eb7", "auth-int"},
		{"md5-SESS, qop=\"auth\"", "3556f00951728798e3a31353a939117d",
			"3f660e5dae15e065bfa233b35cce877c", "auth"},
		{"SHA-256, qop=\"auth-int\"",
			"1e526fb78902e35bf2c0651e3143e75a336ddc74b1a1895f0466bf085107e022",
			"bb009865080976ca8bf9149079177e90b037e3a534dfec83cc3b8a18c5278da0",
			"auth-int"},
		{"SHA-256-sess, qop=\"auth-int\"",
			"43c6dd6385f33c70020d4b386f425990c72418fa992a0d5b4944df0ac064b481",
			"a27787b57f18d63438c6001e6424055653c57a87f230d84cc073733d8b77738a",
			"auth-int"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char challenge[256], info[256];
		struct exchange exchange = exchange_j(challenge);
		struct ue_association *association;

		snprintf(challenge, sizeof(challenge),
			"Digest realm=\"" REALM "\", nonce=\"" NONCE "\", algorithm=%s",
			rows[i].challenge);
		snprintf(info, sizeof(info),
			"qop=%s, rspauth=\"%s\", nc=00000001, cnonce=\"" CNONCE "\"", rows[i].qop,
			rows[i].rspauth);
		association = associate(&exchange);
		expect_response(authorize(association, &exchange), rows[i].response);
		assert_int_equal(proof_of(association, &exchange, info), UE_PROOF_GOOD);
		ue_association_destroy(association);
	}
}

static void proof_fails_when_anything_differs(void **state)
{
	static const char good[] = "rspauth=\"2b309aef68b0ec6c9b23315d3026a402\", qop=auth-int, "
				   "cnonce=\"" CNONCE "\", nc=00000001";
	struct exchange exchange =
		exchange_j("Digest realm=\"" REALM "\", nonce=\"" NONCE "\", qop=\"auth-int\"");
	struct ue_association *association = associate(&exchange);
	char header[sizeof(good)];

	(void)state;
	authorize(association, &exchange);
	assert_int_equal(proof_of(association, &exchange, good), UE_PROOF_GOOD);
	exchange.answer = "<z/>";
	assert_int_equal(proof_of(association, &exchange, good), UE_PROOF_WRONG);
	exchange.answer = "<y/>";
	for (int i = 0; i < 32; i++) {
		memcpy(header, good, sizeof(good));
		header[9 + i] = header[9 + i] == '0' ? '1' : '0';
		assert_int_equal(proof_of(association, &exchange, header), UE_PROOF_WRONG);
	}
	assert_int_equal(proof_of(association, &exchange, strstr(good, "qop")), UE_PROOF_MISSING);
	memcpy(header, good, sizeof(good));
	header[sizeof(good) - 2] = '2';
	assert_int_equal(proof_of(association, &exchange, header), UE_PROOF_OTHER);
	memcpy(header, good, sizeof(good));
	*strstr(header, CNONCE) = '1';
	assert_int_equal(proof_of(association, &exchange, header), UE_PROOF_OTHER);
	assert_int_equal(proof_of(association, &exchange,
				 "rspauth=\"2b309aef68b0ec6c9b23315d3026a402\", cnonce=\"" CNONCE
				 "\", nc=00000001"),
		UE_PROOF_OTHER);
	// An answer to the request before.
	authorize(association, &exchange);
	assert_int_equal(proof_of(association, &exchange, good), UE_PROOF_OTHER);
	ue_association_destroy(association);
}

static void next_nonce_starts_the_count_anew(void **state)
{
	struct exchange exchange = exchange_j(
		"Digest realm=\"" REALM "\", nonce=\"old\", qop=\"auth-int\", opaque=\"o\"");
	struct ue_association *association = associate(&exchange);
	struct ue_authentication_info info;

	(void)state;
	authorize(association, &exchange);
	authorize(association, &exchange);
	assert_true(ue_authentication_info_parse(
		ue_text_of("nextnonce=\"" NONCE "\" , rspauth=\"00\""), &info));
	assert_int_equal(ue_association_renew(&association, info.nextnonce, ue_text_of(CNONCE)), 0);
	expect_response(authorize(association, &exchange), "a4bfa04084a0d4ba4625216efbe2d481");
	assert_non_null(strstr(authorize(association, &exchange), "opaque=\"o\""));
	ue_association_destroy(association);
}

static void expect_challenges(const char *header, int count)
{
	struct ue_challenge challenges[UE_CHALLENGES_MAX];

	if (ue_challenges_parse(ue_text_of(header), challenges) != count)
		fail_msg("%s: not %d challenges", header, count);
}

static void challenges_are_told_from_other_schemes(void **state)
{
	(void)state;
	expect_challenges("", 0);
	expect_challenges("Basic realm=\"x, Digest y\"", 0);
	expect_challenges("Negotiate YII==, Digest realm=\"r\", nonce=\"n\"", 1);
	expect_challenges("NTLM, digest realm=\"r\",nonce=\"n\",,stale=FALSE ,qop=auth-int", 1);
	expect_challenges("Digest realm=\"r\", nonce=\"n\", Basic realm=\"b\"", 1);
	expect_challenges(
		"Digest realm=r , nonce = \"a\\\"b\", unknown=\"x\", Digest realm=\"\", nonce=\"\"",
		2);
}

static void malformed_challenges_are_refused(void **state)
{
	(void)state;
	expect_challenges("Digest realm=\"r\"", -1);
	expect_challenges("Digest nonce=\"n\"", -1);
	expect_challenges("Digest realm=\"r\", realm=\"s\", nonce=\"n\"", -1);
	expect_challenges("Digest realm=\"r\", nonce=\"n", -1);
	expect_challenges("Digest realm=\"r\", nonce=\"n\\", -1);
	expect_challenges("Digest realm=\"r\" nonce=\"n\"", -1);
	expect_challenges("Digest realm=\"r\", nonce=\"n\", =x", -1);
	expect_challenges("realm=\"r\", nonce=\"n\"", -1);
	expect_challenges("Digest \"r\"", -1);
	expect_challenges("Basic \"\\", -1);
	expect_challenges("Digest realm=\"r\", nonce=\"n\"x", -1);
}

static void more_challenges_than_fit_are_passed_over(void **state)
{
	char header[1024] = "";

	(void)state;
	for (int i = 0; i < UE_CHALLENGES_MAX + 2; i++)
		strcat(header, "Digest realm=\"r\", nonce=\"n\", ");
	expect_challenges(header, UE_CHALLENGES_MAX);
}

static void stale_and_unknown_algorithms_are_seen(void **state)
{
	struct ue_challenge challenges[UE_CHALLENGES_MAX];

	(void)state;
	assert_int_equal(ue_challenges_parse(ue_text_of("Digest realm=\"r\", nonce=\"n\", "
							"stale=true, algorithm=SHA-512-256"),
				 challenges),
		1);
	assert_true(challenges[0].is_stale);
	assert_int_equal(challenges[0].algorithm, UE_DIGEST_UNKNOWN);
	assert_false(challenges[0].offers_auth_int);
	assert_int_equal(ue_challenges_parse(ue_text_of("Digest realm=\"r\", nonce=\"n\", "
							"stale=\"TRUE\""),
				 challenges),
		1);
	assert_true(challenges[0].is_stale);
}

static void expect_info(const char *header, bool is_good)
{
	struct ue_authentication_info info;

	if (ue_authentication_info_parse(ue_text_of(header), &info) != is_good)
		fail_msg("%s: not %d", header, is_good);
}

static void malformed_authentication_info_is_refused(void **state)
{
	(void)state;
	expect_info("", true);
	expect_info("rspauth=\"\", other=1", true);
	expect_info("Digest rspauth=\"00\"", false);
	expect_info("rspauth=\"00\", rspauth=\"11\"", false);
	expect_info("rspauth=\"00", false);
	expect_info("rspauth", false);
}

static void expect_realm(const char *realm, bool keys_in_uicc, const char *wanted)
{
	struct ue_text chosen = ue_realm_choose(ue_text_of(realm), FQDN, keys_in_uicc);

	if (wanted == NULL) {
		assert_null(chosen.data);
		return;
	}
	assert_non_null(chosen.data);
	assert_int_equal(chosen.len, strlen(wanted));
	assert_memory_equal(chosen.data, wanted, chosen.len);
}

static void one_realm_of_several_is_answered(void **state)
{
	(void)state;
	expect_realm(REALM, false, REALM);
	expect_realm(REALM, true, REALM);
	expect_realm(UICC_REALM ";" REALM, false, REALM);
	expect_realm(UICC_REALM ";" REALM, true, REALM);
	expect_realm(UICC_REALM, true, UICC_REALM);
	expect_realm(UICC_REALM, false, NULL);
	expect_realm("3GPP-bootstrapping@other.net;" REALM, false, REALM);
	expect_realm(REALM ".evil.net", false, NULL);
	expect_realm("3GPP-bootstrapping@", false, NULL);
	expect_realm("", false, NULL);
}

static void credentials_that_do_not_fit_are_noticed(void **state)
{
	struct exchange exchange = exchange_j("Digest realm=\"" REALM "\", nonce=\"" NONCE "\"");
	struct ue_association *association = associate(&exchange);
	size_t len = strlen(authorize(association, &exchange));
	struct ue_digest_target target;
	char text[1024];

	(void)state;
	ue_digest_target_init(&target, "POST", ue_text_of(URI), ue_text_of("<x/>"));
	for (size_t room = 0; room <= len; room++) {
		struct ue_writer writer = {text, text + room, false};

		ue_authorization_put(&writer, association, &target);
		assert_int_equal(writer.is_full, room < len);
	}
	ue_association_destroy(association);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_j_comes_out),
		cmocka_unit_test(examples_of_the_rfcs_come_out),
		cmocka_unit_test(every_algorithm_and_qop_gives_what_hashlib_gives),
		cmocka_unit_test(proof_fails_when_anything_differs),
		cmocka_unit_test(next_nonce_starts_the_count_anew),
		cmocka_unit_test(challenges_are_told_from_other_schemes),
		cmocka_unit_test(malformed_challenges_are_refused),
		cmocka_unit_test(more_challenges_than_fit_are_passed_over),
		cmocka_unit_test(stale_and_unknown_algorithms_are_seen),
		cmocka_unit_test(malformed_authentication_info_is_refused),
		cmocka_unit_test(one_realm_of_several_is_answered),
		cmocka_unit_test(credentials_that_do_not_fit_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
