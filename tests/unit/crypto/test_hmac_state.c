// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <string.h>

// Whether the state derives what OpenSSL derives from the key: seals a message that has nothing
// to encrypt.
static void state_stands_for(
	struct crypto *c, const struct crypto_hmac_state *state, const uint8_t *key, size_t key_len)
{
	const struct crypto_label label = vector_label(0x12345678, 16);
	uint8_t data[40 + MAC_BYTES] = {1};
	uint8_t expected[40 + MAC_BYTES] = {1};
	struct crypto_seal_msg msg = {.psk = state, .data = data, .mac_off = 40};
	struct reference_msg reference = {.key_len = key_len, .data = expected, .mac_off = 40};

	memcpy(reference.key, key, key_len);
	reference_seal(&label, &reference);
	assert_int_equal(crypto_seal_burst(c, &label, 1, &msg, 1), 1);
	assert_memory_equal(data, expected, sizeof(data));
}

static void state_of_a_key_of_any_length_stands_for_it(void **state)
{
	uint8_t key[64];
	uint64_t seed = 3;

	noise_fill(&seed, key, sizeof(key));
	for (size_t key_len = 1; key_len <= sizeof(key); key_len++) {
		struct crypto_hmac_state s;
		crypto_hmac_state_burst(*state, key, key_len, key_len, &s, 1);
		state_stands_for(*state, &s, key, key_len);
	}
}

static void states_are_made_of_keys_at_a_stride(void **state)
{
	uint8_t records[130][48];
	struct crypto_hmac_state states[131];
	struct crypto_hmac_state untouched;
	uint64_t seed = 4;

	noise_fill(&seed, records[0], sizeof(records));
	memset(&untouched, 0xee, sizeof(untouched));
	states[130] = untouched;
	crypto_hmac_state_burst(*state, records[0] + 5, 48, 32, states, 130);
	for (size_t i = 0; i < 130; i++)
		state_stands_for(*state, &states[i], records[i] + 5, 32);
	assert_memory_equal(&states[130], &untouched, sizeof(untouched));
	crypto_hmac_state_burst(*state, records[0], 48, 32, &states[130], 0);
	assert_memory_equal(&states[130], &untouched, sizeof(untouched));
}

// Stores keep states, so their form must not change. From a SHA-1 written in Python.
static void state_holds_sha1_words_in_host_order(void **state)
{
	static const struct crypto_hmac_state expected = {
		.inner = {0xfd378e0a, 0xc89492a5, 0xb1c38c2c, 0x79996277, 0x4d50fe1a},
		.outer = {0x7049fa9a, 0xb8c0fdca, 0x444fedd7, 0xd426d866, 0x3c263200},
	};
	struct crypto_hmac_state muk = vector_muk(*state);

	assert_memory_equal(&muk, &expected, sizeof(muk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_of_a_key_of_any_length_stands_for_it),
		cmocka_unit_test(states_are_made_of_keys_at_a_stride),
		cmocka_unit_test(state_holds_sha1_words_in_host_order),
	};

	return run_on_every_path(tests);
}
