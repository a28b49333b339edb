// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Seals and checks what OpenSSL seals, over noise: keys, lengths, labels and counts.

#include "support.h"

#include <string.h>

#define MESSAGES_MAX 130
#define DATA_MAX (2048 + MAC_BYTES)

struct batch {
	struct crypto_label label;
	uint32_t counter;
	size_t n;
	struct crypto_hmac_state psk[CRYPTO_BURST];
	struct crypto_seal_msg msgs[CRYPTO_BURST];
	struct reference_msg reference[CRYPTO_BURST];
	uint8_t data[CRYPTO_BURST][DATA_MAX];
	uint8_t expected[CRYPTO_BURST][DATA_MAX];
	uint8_t staged_data[CRYPTO_BURST][DATA_MAX];
};

static void batch_init(struct batch *b, uint64_t *seed, uint8_t rand_len, size_t n)
{
	b->label.csb_id = (uint32_t)noise(seed);
	b->label.rand_len = rand_len;
	noise_fill(seed, b->label.rand, rand_len);
	b->counter = (uint32_t)noise(seed);
	b->n = n;
}

// Message i, of noise under a key of noise.
static void batch_put(
	struct batch *b, struct crypto *c, uint64_t *seed, size_t i, const uint32_t lens[3])
{
	struct reference_msg *r = &b->reference[i];

	*r = (struct reference_msg){
		.key_len = noise_between(seed, 1, 64),
		.counter = b->counter,
		.data = b->expected[i],
		.mac_off = lens[0],
		.encr_len = lens[1],
		.encr_off = lens[2],
	};
	noise_fill(seed, r->key, r->key_len);
	noise_fill(seed, b->data[i], r->mac_off + MAC_BYTES);
	memcpy(b->expected[i], b->data[i], r->mac_off + MAC_BYTES);
	crypto_hmac_state_burst(c, r->key, r->key_len, r->key_len, &b->psk[i], 1);
	b->msgs[i] = (struct crypto_seal_msg){&b->psk[i], b->data[i], (uint16_t)r->encr_off,
		(uint16_t)r->encr_len, (uint16_t)r->mac_off};
}

static void batch_put_noise(struct batch *b, struct crypto *c, uint64_t *seed, size_t i)
{
	uint32_t mac_off = noise_between(seed, 40, 600);
	uint32_t limit = mac_off < 64 ? mac_off : 64;
	uint32_t encr_len = noise_between(seed, 0, 3) == 0 ? 0 : noise_between(seed, 0, limit);
	const uint32_t lens[] = {mac_off, encr_len, noise_between(seed, 0, mac_off - encr_len)};

	batch_put(b, c, seed, i, lens);
}

// Seals a copy under keys that are derived ahead.
static void batch_seal_staged(struct batch *b, struct crypto *c)
{
	const struct crypto_hmac_state *psks[CRYPTO_BURST];
	struct crypto_staged_keys keys[CRYPTO_BURST];
	const struct crypto_staged_keys *staged[CRYPTO_BURST];
	struct crypto_seal_msg msgs[CRYPTO_BURST];

	for (size_t i = 0; i < b->n; i++) {
		memcpy(b->staged_data[i], b->data[i], b->reference[i].mac_off + MAC_BYTES);
		psks[i] = &b->psk[i];
		staged[i] = &keys[i];
		msgs[i] = b->msgs[i];
		msgs[i].psk = NULL;
		msgs[i].data = b->staged_data[i];
	}
	assert_int_equal(crypto_derive_burst(c, &b->label, psks, b->n, keys), b->n);
	assert_int_equal(
		crypto_seal_staged_burst(c, b->label.csb_id, b->counter, staged, msgs, b->n), b->n);
}

static void batch_compare(struct batch *b, struct crypto *c)
{
	batch_seal_staged(b, c);
	assert_int_equal(crypto_seal_burst(c, &b->label, b->counter, b->msgs, b->n), b->n);
	for (size_t i = 0; i < b->n; i++) {
		reference_seal(&b->label, &b->reference[i]);
		size_t len = b->reference[i].mac_off + MAC_BYTES;
		assert_memory_equal(b->data[i], b->expected[i], len);
		assert_memory_equal(b->staged_data[i], b->expected[i], len);
	}
}

// Checks what batch_compare() left, every third message with a flipped bit somewhere.
static void batch_check(struct batch *b, struct crypto *c, uint64_t *seed)
{
	struct crypto_check_msg msgs[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];
	size_t expected = 0;

	for (size_t i = 0; i < b->n; i++) {
		size_t len = b->reference[i].mac_off;
		if (i % 3 == 2) {
			uint32_t bit = noise_between(seed, 0, (uint32_t)(len + MAC_BYTES) * 8 - 1);
			b->data[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
		} else {
			expected++;
		}
		msgs[i] = (struct crypto_check_msg){
			&b->psk[i], b->data[i], (uint16_t)len, b->data[i] + len};
	}
	assert_int_equal(crypto_check_burst(c, &b->label, msgs, b->n, is_good), expected);
	for (size_t i = 0; i < b->n; i++)
		assert_int_equal(is_good[i], i % 3 != 2);
}

static void batch_of_noise_agrees(
	struct batch *b, struct crypto *c, uint64_t *seed, uint8_t rand_len, size_t n)
{
	batch_init(b, seed, rand_len, n);
	for (size_t i = 0; i < n; i++)
		batch_put_noise(b, c, seed, i);
	batch_compare(b, c);
	batch_check(b, c, seed);
}

static void any_number_of_messages_agrees_with_openssl(void **state)
{
	static struct batch b;
	uint64_t seed = 6;

	for (size_t total = 1; total <= MESSAGES_MAX; total++) {
		for (size_t left = total; left > 0;) {
			uint32_t most = left < CRYPTO_BURST ? (uint32_t)left : CRYPTO_BURST;
			size_t n = noise_between(&seed, 1, most);
			uint8_t rand_len = (uint8_t)noise_between(&seed, 0, 255);
			batch_of_noise_agrees(&b, *state, &seed, rand_len, n);
			left -= n;
		}
	}
}

static void any_burst_agrees_with_openssl(void **state)
{
	static struct batch b;
	uint64_t seed = 7;

	for (size_t n = 1; n <= CRYPTO_BURST; n++)
		batch_of_noise_agrees(&b, *state, &seed, 16, n);
}

static void any_rand_agrees_with_openssl(void **state)
{
	static struct batch b;
	uint64_t seed = 8;

	for (unsigned rand_len = 0; rand_len <= 255; rand_len++)
		batch_of_noise_agrees(&b, *state, &seed, (uint8_t)rand_len, 3);
}

// Walks all block boundaries of SHA-1 and AES.
static void any_length_agrees_with_openssl(void **state)
{
	static struct batch b;
	uint64_t seed = 9;

	for (uint32_t len = 1; len <= 260; len += 4) {
		batch_init(&b, &seed, 16, 4);
		for (uint32_t i = 0; i < 4; i++) {
			const uint32_t lens[] = {len + i, len + i, 0};
			batch_put(&b, *state, &seed, i, lens);
		}
		batch_compare(&b, *state);
	}
}

static void longest_messages_agree_with_openssl(void **state)
{
	static struct batch b;
	const uint32_t lens[] = {2048, 1024, 1024};
	uint64_t seed = 10;

	batch_init(&b, &seed, 255, CRYPTO_BURST);
	for (size_t i = 0; i < b.n; i++)
		batch_put(&b, *state, &seed, i, lens);
	batch_compare(&b, *state);
	batch_check(&b, *state, &seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_messages_agrees_with_openssl),
		cmocka_unit_test(any_burst_agrees_with_openssl),
		cmocka_unit_test(any_rand_agrees_with_openssl),
		cmocka_unit_test(any_length_agrees_with_openssl),
		cmocka_unit_test(longest_messages_agree_with_openssl),
	};

	return run_on_every_path(tests);
}
