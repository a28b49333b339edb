// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdio.h>
#include <string.h>

// Inputs of the vectors A16, A32 and A48.
static void answer_holds(
	struct crypto *c, size_t key_len, uint32_t constant, uint8_t cs_id, const char *which)
{
	static const uint8_t rest[] = {0xaa, 0xaa, 0xbb, 0xbb, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab,
		0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x09, 0x87, 0x65, 0x43, 0x21};
	uint8_t label[25] = {(uint8_t)(constant >> 24), (uint8_t)(constant >> 16),
		(uint8_t)(constant >> 8), (uint8_t)constant, cs_id};
	uint8_t key[48];
	uint8_t out[48];
	char name[32];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	memcpy(label + 5, rest, sizeof(rest));
	snprintf(name, sizeof(name), "A%zu.%s", key_len, which);
	struct vector expected = vector_get(name);
	crypto_prf(c, key, key_len, label, sizeof(label), out, expected.len);
	assert_memory_equal(out, expected.data, expected.len);
}

static void prf_gives_the_known_answers(void **state)
{
	for (size_t key_len = 16; key_len <= 48; key_len += 16) {
		answer_holds(*state, key_len, 0x150533e1, 0xff, "encr");
		answer_holds(*state, key_len, 0x2d22ac75, 0xff, "auth");
		answer_holds(*state, key_len, 0x29b88916, 0xff, "salt");
		answer_holds(*state, key_len, 0x2ad01c64, 0x01, "tek_cs1");
		answer_holds(*state, key_len, 0x2d22ac75, 0xff, "prf384");
	}
}

static void compare(
	struct crypto *c, const uint8_t *key, size_t key_len, size_t label_len, size_t out_len)
{
	uint8_t label[264];
	uint8_t out[257];
	uint8_t expected[256];
	uint64_t seed = key_len * 1000003 + out_len * 101 + 7;

	noise_fill(&seed, label, label_len);
	memset(out, 0xee, sizeof(out));
	crypto_prf(c, key, key_len, label, label_len, out, out_len);
	reference_prf(key, key_len, label, label_len, expected, out_len);
	assert_memory_equal(out, expected, out_len);
	assert_int_equal(out[out_len], 0xee);
}

static void prf_agrees_with_openssl_for_every_key_length(void **state)
{
	static uint8_t key[1024];
	uint64_t seed = 1;

	noise_fill(&seed, key, sizeof(key));
	for (size_t key_len = 1; key_len <= 200; key_len++)
		compare(*state, key, key_len, 25, 20);
	compare(*state, key, 992, 264, 256);
	compare(*state, key, 1023, 264, 256);
	compare(*state, key, 1024, 264, 256);
}

static void prf_agrees_with_openssl_for_every_output_length(void **state)
{
	uint8_t key[64];
	uint64_t seed = 2;

	noise_fill(&seed, key, sizeof(key));
	for (size_t out_len = 0; out_len <= 256; out_len++)
		compare(*state, key, sizeof(key), 9, out_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prf_gives_the_known_answers),
		cmocka_unit_test(prf_agrees_with_openssl_for_every_key_length),
		cmocka_unit_test(prf_agrees_with_openssl_for_every_output_length),
	};

	return run_on_every_path(tests);
}
