// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <jansson.h>

#include <errno.h>
#include <string.h>

static uint8_t nibble(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (uint8_t)(digit - '0');
	assert_in_range(digit, 'a', 'f');
	return (uint8_t)(digit - 'a' + 10);
}

struct vector vector_get(const char *name)
{
	struct vector v = {0};
	json_error_t error;
	json_t *root = json_load_file(VECTORS_FILE, 0, &error);
	const char *hex = json_string_value(json_object_get(root, name));

	assert_non_null(hex);
	v.len = strlen(hex) / 2;
	assert_in_range(v.len, 1, sizeof(v.data));
	for (size_t i = 0; i < v.len; i++)
		v.data[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	json_decref(root);
	return v;
}

struct crypto_hmac_state vector_muk(struct crypto *c)
{
	struct crypto_hmac_state state;
	struct vector muk = vector_get("E.Ks_NAF");

	crypto_hmac_state_burst(c, muk.data, muk.len, muk.len, &state, 1);
	return state;
}

struct crypto_hmac_state vector_msk(struct crypto *c)
{
	struct crypto_hmac_state state;
	uint8_t msk[16];

	for (size_t i = 0; i < sizeof(msk); i++)
		msk[i] = (uint8_t)(0xa0 + i);
	crypto_hmac_state_burst(c, msk, sizeof(msk), sizeof(msk), &state, 1);
	return state;
}

struct crypto_label vector_label(uint32_t csb_id, uint8_t rand_len)
{
	struct crypto_label label = {.csb_id = csb_id, .rand_len = rand_len};

	for (size_t i = 0; i < rand_len; i++)
		label.rand[i] = (uint8_t)i;
	return label;
}

static enum crypto_path_id path;

static int crypto_setup(void **state)
{
	return crypto_create_path(path, (struct crypto **)state);
}

static int crypto_teardown(void **state)
{
	crypto_destroy(*state);
	return 0;
}

static bool path_is_available(void)
{
	struct crypto *c;

	if (crypto_create_path(path, &c) == -ENOSYS)
		return false;
	crypto_destroy(c);
	return true;
}

int run_on_paths(const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;

	for (path = CRYPTO_PATH_AUTO + 1; path < CRYPTO_PATH_COUNT; path++)
		if (path_is_available())
			failed += _cmocka_run_group_tests(
				crypto_path_name(path), tests, n, crypto_setup, crypto_teardown);
	return failed;
}

uint64_t noise(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dull;
}

uint32_t noise_between(uint64_t *seed, uint32_t low, uint32_t high)
{
	return low + (uint32_t)((noise(seed) >> 32) % (high - low + 1));
}

void noise_fill(uint64_t *seed, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(noise(seed) >> 56);
}
