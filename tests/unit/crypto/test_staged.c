// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Keys derived ahead of the moment they are used.

#include "support.h"

#include <string.h>

static struct crypto_staged_keys stage(
	struct crypto *c, const struct crypto_label *label, const struct crypto_hmac_state *psk)
{
	struct crypto_staged_keys keys;

	memset(&keys, 0xee, sizeof(keys));
	assert_int_equal(crypto_derive_burst(c, label, &psk, 1, &keys), 1);
	return keys;
}

static void staged_keys_are_the_known_ones(void **state)
{
	static const uint8_t zero[2];
	struct crypto_hmac_state muk = vector_muk(*state), auth_state;
	struct crypto_label label = vector_label(0x12345678, 16);
	struct vector encr = vector_get("F.encr");
	struct vector salt = vector_get("F.salt");
	struct vector auth = vector_get("F.auth");
	struct crypto_staged_keys keys = stage(*state, &label, &muk);

	crypto_hmac_state_burst(*state, auth.data, auth.len, auth.len, &auth_state, 1);
	assert_memory_equal(keys.encr, encr.data, encr.len);
	assert_memory_equal(keys.salt, salt.data, salt.len);
	assert_memory_equal(keys.salt + 14, zero, 2);
	assert_memory_equal(&keys.auth, &auth_state, sizeof(auth_state));
}

// One set of keys seals messages of other counters and kinds.
static void staged_keys_seal_to_the_known_octets(void **state)
{
	static const struct {
		const char *name;
		uint32_t counter;
		uint16_t encr_len;
	} known[] = {{"F.msg", 1, KEY_DATA_BYTES}, {"K.msg", 3, KEY_DATA_BYTES}, {"H.msg", 2, 0}};
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct crypto_staged_keys keys = stage(*state, &label, &muk);
	const struct crypto_staged_keys *staged = &keys;
	struct vector key_data = vector_get("F.keydata");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct vector expected = vector_get(known[i].name);
		struct vector message = expected;
		struct crypto_seal_msg msg = {.data = message.data, .encr_len = known[i].encr_len};

		msg.mac_off = (uint16_t)(message.len - MAC_BYTES);
		msg.encr_off = (uint16_t)(msg.mac_off - 1 - msg.encr_len);
		memcpy(msg.data + msg.encr_off, key_data.data, msg.encr_len);
		memset(msg.data + msg.mac_off, 0, MAC_BYTES);
		crypto_seal_staged_burst(*state, label.csb_id, known[i].counter, &staged, &msg, 1);
		assert_memory_equal(message.data, expected.data, sizeof(message.data));
	}
}

static void empty_burst_derives_and_seals_nothing(void **state)
{
	struct crypto_label label = vector_label(1, 16);
	struct crypto_staged_keys keys, untouched;

	memset(&keys, 0xee, sizeof(keys));
	untouched = keys;
	assert_int_equal(crypto_derive_burst(*state, &label, NULL, 0, &keys), 0);
	assert_int_equal(crypto_seal_staged_burst(*state, 1, 1, NULL, NULL, 0), 0);
	assert_memory_equal(&keys, &untouched, sizeof(keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(staged_keys_are_the_known_ones),
		cmocka_unit_test(staged_keys_seal_to_the_known_octets),
		cmocka_unit_test(empty_burst_derives_and_seals_nothing),
	};

	return run_on_every_path(tests);
}
