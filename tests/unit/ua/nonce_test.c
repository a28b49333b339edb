// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <string.h>

#include "test.h"
#include "ua_nonce.h"

static struct ua_nonce_key key_make(uint8_t first, const char *realms)
{
	struct ua_nonce_key key;
	uint8_t secret[32];

	for (int i = 0; i < 32; i++)
		secret[i] = (uint8_t)(first + i);
	ua_nonce_key_init(&key, secret, ua_text_of(realms));
	return key;
}

// The MAC is that of Python's hmac over realm, time and number.
static void a_nonce_is_time_number_and_mac(void **state)
{
	struct ua_nonce_key key = key_make(0, "3GPP-bootstrapping@bmsc.home1.net");
	struct ua_nonce nonce, read;
	char text[UA_NONCE_TEXT + 1] = "";

	(void)state;
	ua_nonce_make(&key, 0x01020304, 0x05060708090a0b0cull, &nonce);
	ua_nonce_write(&nonce, text);
	assert_string_equal(text, "0102030405060708090a0b0cd8ee22f4f4de557a7cd4949ec41b645d");
	assert_int_equal(ua_nonce_read(ua_text_of(text), &read), 0);
	assert_int_equal(read.issued_s, 0x01020304);
	assert_true(read.number == 0x05060708090a0b0cull);
	assert_true(ua_nonce_is_ours(&key, &read));
}

static void every_changed_digit_is_noticed(void **state)
{
	struct ua_nonce_key key = key_make(0, "realm");
	struct ua_nonce nonce;
	char text[UA_NONCE_TEXT];

	(void)state;
	ua_nonce_make(&key, 1000, 7, &nonce);
	ua_nonce_write(&nonce, text);
	for (int i = 0; i < UA_NONCE_TEXT; i++) {
		char before = text[i];

		text[i] = before == '0' ? '1' : '0';
		assert_int_equal(ua_nonce_read((struct ua_text){text, UA_NONCE_TEXT}, &nonce), 0);
		assert_false(ua_nonce_is_ours(&key, &nonce));
		text[i] = before;
	}
}

static void other_keys_and_realms_are_foreign(void **state)
{
	struct ua_nonce_key key = key_make(0, "realm"), other = key_make(1, "realm"),
			    elsewhere = key_make(0, "realn");
	struct ua_nonce nonce;

	(void)state;
	ua_nonce_make(&key, 1000, 7, &nonce);
	assert_true(ua_nonce_is_ours(&key, &nonce));
	assert_false(ua_nonce_is_ours(&other, &nonce));
	assert_false(ua_nonce_is_ours(&elsewhere, &nonce));
}

static void other_forms_are_refused(void **state)
{
	static const char text[UA_NONCE_TEXT + 2] =
		"0102030405060708090a0b0cd8ee22f4f4de557a7cd4949ec41b645d0";
	struct ua_nonce nonce;

	(void)state;
	assert_int_equal(ua_nonce_read((struct ua_text){text, UA_NONCE_TEXT - 1}, &nonce), -EINVAL);
	assert_int_equal(ua_nonce_read((struct ua_text){text, UA_NONCE_TEXT + 1}, &nonce), -EINVAL);
	assert_int_equal(ua_nonce_read((struct ua_text){text, 0}, &nonce), -EINVAL);
	assert_int_equal(ua_nonce_read(ua_text_of("bm90LWEtcmVhbC1ub25jZQ=="), &nonce), -EINVAL);
}

// Two threads that handle a challenge and its answer may differ by a second.
static void a_nonce_of_the_second_to_come_is_not_old(void **state)
{
	(void)state;
	assert_int_equal(ua_nonce_age_s(1000, 1030), 30);
	assert_true(ua_nonce_age_s(1001, 1000) < 0);
	assert_int_equal(ua_nonce_age_s(UINT32_MAX, 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nonce_is_time_number_and_mac),
		cmocka_unit_test(every_changed_digit_is_noticed),
		cmocka_unit_test(other_keys_and_realms_are_foreign),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(a_nonce_of_the_second_to_come_is_not_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
