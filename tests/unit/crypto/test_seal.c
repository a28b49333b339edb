// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <string.h>

static const uint8_t mtk[] = {0x00, 0xaa, 0x00, 0xbb, 0x00, 0xcc, 0x00, 0xdd, 0x00, 0xee, 0x00,
	0xff, 0x00, 0xaa, 0x00, 0xbb};

// How a vector's message was made. The span to encrypt ends one octet before the MAC: there
// stands the MAC algorithm.
struct known {
	const char *name;
	bool is_mtk; // under the MSK, else under the MUK
	uint32_t csb_id;
	uint8_t rand_len;
	uint32_t counter;
	struct vector key_data; // empty: nothing to encrypt
};

static struct vector mtk_key_data(void)
{
	struct vector v = {.len = 20, .data = {0x00, 0x20, 0x00, 0x10}};

	memcpy(v.data + 4, mtk, sizeof(mtk));
	return v;
}

static struct crypto_seal_msg open_up(
	const struct known *k, struct vector *message, const struct crypto_hmac_state *psk)
{
	struct crypto_seal_msg msg = {
		.psk = psk,
		.data = message->data,
		.encr_len = (uint16_t)k->key_data.len,
		.mac_off = (uint16_t)(message->len - MAC_BYTES),
	};

	msg.encr_off = (uint16_t)(msg.mac_off - 1 - msg.encr_len);
	memcpy(msg.data + msg.encr_off, k->key_data.data, msg.encr_len);
	memset(msg.data + msg.mac_off, 0, MAC_BYTES);
	return msg;
}

static void seals_to(struct crypto *c, const struct known *k)
{
	struct crypto_hmac_state psk = k->is_mtk ? vector_msk(c) : vector_muk(c);
	struct crypto_label label = vector_label(k->csb_id, k->rand_len);
	struct vector expected = vector_get(k->name);
	struct vector message = expected;
	struct crypto_seal_msg msg = open_up(k, &message, &psk);

	assert_int_equal(crypto_seal_burst(c, &label, k->counter, &msg, 1), 1);
	assert_memory_equal(message.data, expected.data, sizeof(message.data));
}

static void msk_messages_are_sealed_to_the_known_octets(void **state)
{
	const struct vector key_data = vector_get("F.keydata");
	const struct known f = {"F.msg", false, 0x12345678, 16, 1, key_data};
	const struct known k = {"K.msg", false, 0x12345678, 16, 3, key_data};
	const struct known f6 = {"F6.msg", false, 1, 16, 1, key_data};

	seals_to(*state, &f);
	seals_to(*state, &k);
	seals_to(*state, &f6);
}

static void solicited_pulls_are_sealed_to_the_known_octets(void **state)
{
	const struct known h = {"H.msg", false, 0x12345678, 16, 2, {0}};
	const struct known h6 = {"H6.msg", false, 1, 16, 2, {0}};

	seals_to(*state, &h);
	seals_to(*state, &h6);
}

static void mtk_messages_are_sealed_to_the_known_octets(void **state)
{
	const struct known i1 = {"I1.msg", true, 0x12345678, 16, 1, mtk_key_data()};
	const struct known i2 = {"I2.msg", true, 0x12345678, 0, 1, mtk_key_data()};
	const struct known i3 = {"I3.msg", true, 0x12345678, 16, 2, vector_get("I3.keydata")};
	const struct known i6 = {"I6.msg", true, 1, 16, 1, mtk_key_data()};

	seals_to(*state, &i1);
	seals_to(*state, &i2);
	seals_to(*state, &i3);
	seals_to(*state, &i6);
}

static void empty_burst_seals_nothing(void **state)
{
	struct crypto_label label = vector_label(1, 16);

	assert_int_equal(crypto_seal_burst(*state, &label, 1, NULL, 0), 0);
}

struct neighbour {
	struct crypto_hmac_state psk;
	uint8_t data[640];
};

// Neighbours of other keys and lengths, some with nothing to encrypt.
static struct crypto_seal_msg neighbour_init(
	struct crypto *c, struct neighbour *n, uint64_t *seed, bool has_key_data)
{
	uint8_t key[32];

	noise_fill(seed, key, sizeof(key));
	noise_fill(seed, n->data, sizeof(n->data));
	crypto_hmac_state_burst(c, key, 32, 32, &n->psk, 1);
	return (struct crypto_seal_msg){
		.psk = &n->psk,
		.data = n->data,
		.encr_off = 10,
		.encr_len = has_key_data ? KEY_DATA_BYTES : 0,
		.mac_off = (uint16_t)noise_between(seed, 40, 600),
	};
}

static void message_does_not_depend_on_its_neighbours(void **state)
{
	static struct neighbour neighbours[CRYPTO_BURST];
	struct crypto_seal_msg msgs[CRYPTO_BURST];
	struct crypto_hmac_state psk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct vector expected = vector_get("F.msg");
	const struct known f = {"F.msg", false, 0x12345678, 16, 1, vector_get("F.keydata")};
	uint64_t seed = 5;

	for (size_t place = 0; place < CRYPTO_BURST; place++) {
		struct vector message = expected;
		size_t n = noise_between(&seed, (uint32_t)place + 1, CRYPTO_BURST);
		for (size_t i = 0; i < n; i++)
			msgs[i] = neighbour_init(*state, &neighbours[i], &seed, i % 3 != 0);
		msgs[place] = open_up(&f, &message, &psk);
		assert_int_equal(crypto_seal_burst(*state, &label, 1, msgs, n), n);
		assert_memory_equal(message.data, expected.data, sizeof(message.data));
	}
}

static void nothing_outside_span_and_mac_is_written(void **state)
{
	struct crypto_hmac_state psk = vector_muk(*state);
	struct crypto_label label = vector_label(1, 16);
	uint8_t data[300];

	memset(data, 0x55, sizeof(data));
	struct crypto_seal_msg msg = {
		.psk = &psk, .data = data + 8, .encr_off = 100, .encr_len = 26, .mac_off = 200};
	crypto_seal_burst(*state, &label, 1, &msg, 1);
	for (size_t i = 0; i < sizeof(data); i++) {
		bool is_ours = (i >= 108 && i < 134) || (i >= 208 && i < 228);
		assert_true(is_ours || data[i] == 0x55);
	}
}

static void counter_and_csb_id_and_rand_change_the_ciphertext(void **state)
{
	struct crypto_hmac_state psk = vector_muk(*state);
	struct crypto_label labels[] = {vector_label(1, 16), vector_label(1, 16),
		vector_label(2, 16), vector_label(1, 15), vector_label(1, 16)};
	const uint32_t counters[] = {1, 0x80000001, 1, 1, 2};
	uint8_t data[5][60 + MAC_BYTES] = {0};

	for (size_t i = 0; i < 5; i++) {
		struct crypto_seal_msg msg = {
			.psk = &psk, .data = data[i], .encr_off = 0, .encr_len = 16, .mac_off = 60};
		crypto_seal_burst(*state, &labels[i], counters[i], &msg, 1);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(data[i], data[j], 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(msk_messages_are_sealed_to_the_known_octets),
		cmocka_unit_test(solicited_pulls_are_sealed_to_the_known_octets),
		cmocka_unit_test(mtk_messages_are_sealed_to_the_known_octets),
		cmocka_unit_test(empty_burst_seals_nothing),
		cmocka_unit_test(message_does_not_depend_on_its_neighbours),
		cmocka_unit_test(nothing_outside_span_and_mac_is_written),
		cmocka_unit_test(counter_and_csb_id_and_rand_change_the_ciphertext),
	};

	return run_on_every_path(tests);
}
