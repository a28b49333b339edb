// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Known answers: the examples of RFC 2617 and RFC 7616, and values made with Python's hashlib for
// the B-TID and MRK of the MIKEY vectors.

#include <string.h>

#include "test.h"
#include "ua_digest.h"

#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define REALM "3GPP-bootstrapping@bmsc.home1.net"
#define URI "/keymanagement?requesttype=msk-request"

static const uint8_t mrk[32] = {0xa6, 0x43, 0xd9, 0x1d, 0x57, 0x48, 0x2b, 0x6c, 0x41, 0x4e, 0x73,
	0x5d, 0x41, 0x10, 0xc1, 0x3c, 0xcb, 0x72, 0x0a, 0x33, 0x80, 0xde, 0x5a, 0x99, 0xa0, 0x92,
	0xc6, 0xb9, 0x74, 0xfd, 0x38, 0xcc};

static struct ua_text text(const char *s)
{
	return ua_text_of(s);
}

static void hash_of(enum ua_alg alg, const char *body, uint8_t out[UA_HASH_MAX])
{
	struct ua_hash h;

	ua_hash_begin(&h, alg);
	ua_hash_add(&h, body, strlen(body));
	ua_hash_end(&h, out);
}

static void expect_hex(const uint8_t *hash, size_t len, const char *wanted)
{
	char hex[UA_HASH_HEX_MAX + 1] = "";

	ua_hex_write(hex, hash, len);
	assert_string_equal(hex, wanted);
}

static struct ua_authorization request_make(enum ua_alg alg, bool is_session, const char *response)
{
	struct ua_authorization a = {
		.username = text(BTID),
		.realm = text(REALM),
		.nonce = text("bm90LWEtcmVhbC1ub25jZQ=="),
		.uri = text(URI),
		.cnonce = text("0a4f113b"),
		.qop_text = text("auth-int"),
		.nc_text = text("00000001"),
		.alg = alg,
		.is_session = is_session,
		.qop = UA_QOP_AUTH_INT,
		.nc = 1,
	};

	assert_int_equal(ua_hex_read(response, strlen(response), a.response, ua_hash_len(alg)), 0);
	return a;
}

static bool is_right(const struct ua_authorization *a, const char *method, const char *body)
{
	uint8_t ha1[UA_HASH_MAX], hash[UA_HASH_MAX];

	ua_digest_ha1_of_mrk(a->alg, a->username, a->realm, mrk, ha1);
	hash_of(a->alg, body, hash);
	return ua_digest_is_right(a, ha1, text(method), hash);
}

static void ha1_of_an_mrk_is_that_of_its_base64(void **state)
{
	uint8_t ha1[UA_HASH_MAX];

	(void)state;
	ua_digest_ha1_of_mrk(UA_ALG_MD5, text(BTID), text(REALM), mrk, ha1);
	expect_hex(ha1, 16, "ca98ea5de460140661f2d6d029946c3b");
}

static void auth_int_covers_method_target_and_body(void **state)
{
	struct ua_authorization a =
		request_make(UA_ALG_MD5, false, "015a1195b41b3c67ef150d51c6acff7e");

	(void)state;
	assert_true(is_right(&a, "POST", "<x/>"));
	assert_false(is_right(&a, "POST", "<x/> "));
	assert_false(is_right(&a, "POST", ""));
	assert_false(is_right(&a, "PUT", "<x/>"));
	a.uri = text("/keymanagement?requesttype=register");
	assert_false(is_right(&a, "POST", "<x/>"));
}

static void each_part_of_a_response_counts(void **state)
{
	const struct ua_authorization good =
		request_make(UA_ALG_MD5, false, "015a1195b41b3c67ef150d51c6acff7e");
	struct ua_authorization a;

	(void)state;
	a = good, a.nonce = text("bm90LWEtcmVhbC1ub25jZQ=");
	assert_false(is_right(&a, "POST", "<x/>"));
	a = good, a.nc_text = text("00000002");
	assert_false(is_right(&a, "POST", "<x/>"));
	a = good, a.cnonce = text("0a4f113c");
	assert_false(is_right(&a, "POST", "<x/>"));
	a = good, a.realm = text("3GPP-bootstrapping@bmsc.home2.net");
	assert_false(is_right(&a, "POST", "<x/>"));
	a = good, a.response[15] ^= 1;
	assert_false(is_right(&a, "POST", "<x/>"));
}

static void sessions_and_sha_256_are_right(void **state)
{
	struct ua_authorization a;

	(void)state;
	a = request_make(UA_ALG_MD5, true, "8da6299ec2fa1ad66856bedfcbb9da20");
	assert_true(is_right(&a, "POST", "<x/>"));
	a = request_make(UA_ALG_SHA256, false,
		"6399733bfdff72054e136b4b812229e52befddf390a7aa61b2e9ab1e7f77f4ee");
	assert_true(is_right(&a, "POST", "<x/>"));
	a = request_make(UA_ALG_SHA256, true,
		"f5e34e2ac9eb764479908b93356412d270a4188b746269a3eb49c6008f591c5a");
	assert_true(is_right(&a, "POST", "<x/>"));
}

static void rspauth_proves_the_answer(void **state)
{
	struct ua_authorization a =
		request_make(UA_ALG_MD5, false, "015a1195b41b3c67ef150d51c6acff7e");
	uint8_t ha1[UA_HASH_MAX], hash[UA_HASH_MAX];
	char hex[UA_HASH_HEX_MAX];

	(void)state;
	ua_digest_ha1_of_mrk(UA_ALG_MD5, a.username, a.realm, mrk, ha1);
	hash_of(UA_ALG_MD5, "<y/>", hash);
	assert_int_equal(ua_digest_rspauth(&a, ha1, hash, hex), 32);
	assert_memory_equal(hex, "b873b06a6067a451c6288a930d2d4471", 32);
}

static void example_of_rfc_2617(void **state)
{
	struct ua_authorization a = {
		.nonce = text("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.uri = text("/dir/index.html"),
		.cnonce = text("0a4f113b"),
		.qop_text = text("auth"),
		.nc_text = text("00000001"),
		.qop = UA_QOP_AUTH,
	};
	uint8_t ha1[UA_HASH_MAX];

	(void)state;
	assert_int_equal(ua_hex_read("6629fae49393a05397450978507c4ef1", 32, a.response, 16), 0);
	ua_digest_ha1(UA_ALG_MD5, text("Mufasa"), text("testrealm@host.com"),
		text("Circle Of Life"), ha1);
	assert_true(ua_digest_is_right(&a, ha1, text("GET"), NULL));
}

static void examples_of_rfc_7616(void **state)
{
	static const struct {
		enum ua_alg alg;
		const char *response;
	} cases[] = {{UA_ALG_MD5, "8ca523f5e9506fed4657c9700eebdbec"},
		{UA_ALG_SHA256,
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ua_authorization a = {
			.nonce = text("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
			.uri = text("/dir/index.html"),
			.cnonce = text("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
			.qop_text = text("auth"),
			.nc_text = text("00000001"),
			.qop = UA_QOP_AUTH,
			.alg = cases[i].alg,
		};
		uint8_t ha1[UA_HASH_MAX];

		assert_int_equal(ua_hex_read(cases[i].response, strlen(cases[i].response),
					 a.response, ua_hash_len(a.alg)),
			0);
		ua_digest_ha1(a.alg, text("Mufasa"), text("http-auth@example.org"),
			text("Circle of Life"), ha1);
		assert_true(ua_digest_is_right(&a, ha1, text("GET"), NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ha1_of_an_mrk_is_that_of_its_base64),
		cmocka_unit_test(auth_int_covers_method_target_and_body),
		cmocka_unit_test(each_part_of_a_response_counts),
		cmocka_unit_test(sessions_and_sha_256_are_right),
		cmocka_unit_test(rspauth_proves_the_answer),
		cmocka_unit_test(example_of_rfc_2617),
		cmocka_unit_test(examples_of_rfc_7616),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
