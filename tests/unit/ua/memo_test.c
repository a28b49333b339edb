// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include "test.h"
#include "ua_memo.h"

static struct ua_memo *memo;

static int memo_make(void **state)
{
	(void)state;
	return ua_memo_create(&memo);
}

static int memo_drop(void **state)
{
	(void)state;
	ua_memo_destroy(memo);
	return 0;
}

static void expect_md5(const char *text, size_t len, const char *wanted)
{
	uint8_t hash[UA_HASH_MAX], octets[UA_HASH_MAX];

	assert_int_equal(ua_hex_read(wanted, 32, octets, 16), 0);
	// Made, then found.
	for (int i = 0; i < 2; i++) {
		memset(hash, 0, sizeof(hash));
		ua_memo_hash(memo, UA_ALG_MD5, (struct ua_text){text, len}, hash);
		assert_memory_equal(hash, octets, 16);
	}
}

// RFC 1321 A.5.
static void a_hash_is_the_same_the_second_time(void **state)
{
	(void)state;
	expect_md5("", 0, "d41d8cd98f00b204e9800998ecf8427e");
	expect_md5("abc", 3, "900150983cd24fb0d6963f7d28e17f72");
	expect_md5("message digest", 14, "f96b697d7cb7938d525a2f31aaf161d0");
	expect_md5("abc", 3, "900150983cd24fb0d6963f7d28e17f72");
}

static void algorithms_are_told_apart(void **state)
{
	uint8_t hash[UA_HASH_MAX], wanted[UA_HASH_MAX];

	(void)state;
	expect_md5("abc", 3, "900150983cd24fb0d6963f7d28e17f72");
	// FIPS 180-2 B.1.
	ua_hex_read(
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 64, wanted, 32);
	ua_memo_hash(memo, UA_ALG_SHA256, ua_text_of("abc"), hash);
	assert_memory_equal(hash, wanted, 32);
	expect_md5("abc", 3, "900150983cd24fb0d6963f7d28e17f72");
}

static void direct(const char *text, size_t len, uint8_t out[UA_HASH_MAX])
{
	ua_memo_hash(NULL, UA_ALG_MD5, (struct ua_text){text, len}, out);
}

// More texts than there are seats, so that some share one; each differs from others in one octet.
static void texts_that_share_a_seat_are_told_apart(void **state)
{
	uint8_t hash[UA_HASH_MAX], wanted[UA_HASH_MAX];
	char text[40];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			size_t at = i % sizeof(text);

			text[at] = (char)(i / sizeof(text) + 1);
			ua_memo_hash(memo, UA_ALG_MD5, (struct ua_text){text, sizeof(text)}, hash);
			direct(text, sizeof(text), wanted);
			assert_memory_equal(hash, wanted, 16);
			text[at] = 'x';
		}
	}
}

static void every_length_is_right_also_those_that_are_not_kept(void **state)
{
	static char text[UA_MEMO_OCTETS + 40];
	uint8_t hash[UA_HASH_MAX], wanted[UA_HASH_MAX];

	(void)state;
	memset(text, 'y', sizeof(text));
	for (int round = 0; round < 2; round++)
		for (size_t len = 0; len <= sizeof(text); len++) {
			ua_memo_hash(memo, UA_ALG_MD5, (struct ua_text){text, len}, hash);
			direct(text, len, wanted);
			assert_memory_equal(hash, wanted, 16);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_hash_is_the_same_the_second_time, memo_make, memo_drop),
		cmocka_unit_test_setup_teardown(algorithms_are_told_apart, memo_make, memo_drop),
		cmocka_unit_test_setup_teardown(
			texts_that_share_a_seat_are_told_apart, memo_make, memo_drop),
		cmocka_unit_test_setup_teardown(
			every_length_is_right_also_those_that_are_not_kept, memo_make, memo_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
