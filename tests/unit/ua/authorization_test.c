// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "ua_authorization.h"

#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define RESPONSE "015a1195b41b3c67ef150d51c6acff7e"
#define GOOD                                                                               \
	"Digest username=\"" BTID "\", realm=\"3GPP-bootstrapping@bmsc.home1.net\", "      \
	"nonce=\"abc==\", uri=\"/k?requesttype=msk-request\", response=\"" RESPONSE "\", " \
	"cnonce=\"0a4f113b\", qop=auth-int, nc=0000000a"

static char scratch[UA_AUTHORIZATION_MAX];
static struct ua_authorization a;

// The header stands in a block of exactly its size, so that a sanitizer sees reads behind it.
static enum ua_authorization_verdict parse(const char *header)
{
	size_t len = strlen(header);
	static char *exact;

	free(exact);
	exact = malloc(len);
	memcpy(exact, header, len);
	return ua_authorization_parse(exact, len, scratch, &a);
}

static void expect_text(struct ua_text text, const char *wanted)
{
	assert_int_equal(text.len, strlen(wanted));
	assert_memory_equal(text.data, wanted, text.len);
}

static void all_parameters_are_found(void **state)
{
	(void)state;
	assert_int_equal(parse(GOOD), UA_AUTHORIZATION_OK);
	expect_text(a.username, BTID);
	expect_text(a.realm, "3GPP-bootstrapping@bmsc.home1.net");
	expect_text(a.nonce, "abc==");
	expect_text(a.uri, "/k?requesttype=msk-request");
	expect_text(a.cnonce, "0a4f113b");
	expect_text(a.qop_text, "auth-int");
	expect_text(a.nc_text, "0000000a");
	assert_int_equal(a.nc, 10);
	assert_int_equal(a.qop, UA_QOP_AUTH_INT);
	assert_int_equal(a.alg, UA_ALG_MD5);
	assert_false(a.is_session);
	assert_int_equal(a.response[0], 0x01);
	assert_int_equal(a.response[15], 0x7e);
}

static void spacing_case_order_and_unknown_parameters_do_not_matter(void **state)
{
	(void)state;
	assert_int_equal(parse("  DIGEST\t,, NC=00000001 ,QOP=\"auth\" ,opaque=\"\",x-new=tok,"
			       "Response=" RESPONSE ",uri=\"/\", cnonce=\"c\",algorithm = \"MD5\","
			       "nonce=\"n\",realm=\"r\",username=\"u\" , "),
		UA_AUTHORIZATION_OK);
	expect_text(a.username, "u");
	assert_int_equal(a.qop, UA_QOP_AUTH);
}

static void backslashes_are_taken_out_of_quoted_texts(void **state)
{
	(void)state;
	assert_int_equal(
		parse("Digest username=\"a\\\"b\\\\c\", realm=\"r\\r\", nonce=\"n\", uri=\"/\","
		      "response=" RESPONSE ", cnonce=\"c\", qop=auth, nc=00000001"),
		UA_AUTHORIZATION_OK);
	expect_text(a.username, "a\"b\\c");
	expect_text(a.realm, "rr");
}

static void algorithms_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		enum ua_alg alg;
		bool is_session;
	} cases[] = {{"MD5-sess", UA_ALG_MD5, true}, {"md5", UA_ALG_MD5, false},
		{"SHA-256", UA_ALG_SHA256, false}, {"SHA-256-sess", UA_ALG_SHA256, true}};
	char header[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(header, sizeof(header),
			"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", "
			"algorithm=%s, response=%s%s, cnonce=\"c\", qop=auth, nc=00000001",
			cases[i].name, RESPONSE, cases[i].alg == UA_ALG_SHA256 ? RESPONSE : "");
		assert_int_equal(parse(header), UA_AUTHORIZATION_OK);
		assert_int_equal(a.alg, cases[i].alg);
		assert_int_equal(a.is_session, cases[i].is_session);
	}
}

static void other_schemes_are_no_credentials(void **state)
{
	(void)state;
	assert_int_equal(parse("Basic dTpw"), UA_AUTHORIZATION_OTHER);
	assert_int_equal(parse(""), UA_AUTHORIZATION_OTHER);
	assert_int_equal(parse("Digestive username=\"u\""), UA_AUTHORIZATION_OTHER);
	assert_int_equal(parse("\"Digest\""), UA_AUTHORIZATION_OTHER);
}

static void missing_qop_has_its_own_verdict(void **state)
{
	(void)state;
	assert_int_equal(parse("Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", "
			       "response=" RESPONSE),
		UA_AUTHORIZATION_NO_QOP);
}

// Each of these is one change away from a good header.
static void malformed_headers_are_refused(void **state)
{
	static const char *const bad[] = {
		"Digest",
		"Digest ",
		"Digest username",
		"Digest username=",
		"Digest username=\"u",
		"Digest username=\"u\\",
		"Digest username=\"\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000001",
		"Digest realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", cnonce=\"c\", "
		"qop=auth, "
		"nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=other, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=00000000",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=0000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", cnonce=\"c\", qop=auth, nc=0000000g",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		"0, cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", algorithm=SHA-256, cnonce=\"c\", qop=auth, nc=00000001",
		"Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=" RESPONSE
		", algorithm=token, cnonce=\"c\", qop=auth, nc=00000001",
		GOOD ", username=\"again\"",
		GOOD ", nc=0000000b",
		GOOD " nc2=1",
		GOOD " , ;",
		GOOD ", x=\"\x01\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != UA_AUTHORIZATION_MALFORMED)
			fail_msg("taken: %s", bad[i]);
}

static void a_name_or_header_that_is_too_long_is_malformed(void **state)
{
	char header[UA_AUTHORIZATION_MAX + 64], name[UA_BTID_MAX + 1];

	(void)state;
	memset(name, 'b', sizeof(name));
	name[UA_BTID_MAX] = '\0';
	for (int extra = 0; extra < 2; extra++) {
		snprintf(header, sizeof(header),
			"Digest username=\"%s%s\", realm=\"r\", nonce=\"n\", uri=\"/\", "
			"response=" RESPONSE ", cnonce=\"c\", qop=auth, nc=00000001",
			name, extra ? "b" : "");
		assert_int_equal(
			parse(header), extra ? UA_AUTHORIZATION_MALFORMED : UA_AUTHORIZATION_OK);
	}
	memset(header, ' ', sizeof(header));
	memcpy(header, GOOD, strlen(GOOD));
	header[UA_AUTHORIZATION_MAX] = '\0';
	assert_int_equal(parse(header), UA_AUTHORIZATION_OK);
	header[UA_AUTHORIZATION_MAX] = ' ';
	header[UA_AUTHORIZATION_MAX + 1] = '\0';
	assert_int_equal(parse(header), UA_AUTHORIZATION_MALFORMED);
}

// Every piece of a good header is read without touching what is behind it.
static void each_truncation_is_read_within_its_bounds(void **state)
{
	char header[] = GOOD;

	(void)state;
	for (size_t len = sizeof(header) - 2; len > 0; len--) {
		header[len] = '\0';
		parse(header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_parameters_are_found),
		cmocka_unit_test(spacing_case_order_and_unknown_parameters_do_not_matter),
		cmocka_unit_test(backslashes_are_taken_out_of_quoted_texts),
		cmocka_unit_test(algorithms_are_told_apart),
		cmocka_unit_test(other_schemes_are_no_credentials),
		cmocka_unit_test(missing_qop_has_its_own_verdict),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(a_name_or_header_that_is_too_long_is_malformed),
		cmocka_unit_test(each_truncation_is_read_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
