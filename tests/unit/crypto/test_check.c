// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <string.h>

static bool check_one(
	struct crypto *c, const struct crypto_label *label, const struct crypto_check_msg *msg)
{
	uint8_t is_good = 0xee;
	size_t good = crypto_check_burst(c, label, msg, 1, &is_good);

	assert_in_range(is_good, 0, 1);
	assert_int_equal(good, is_good);
	return is_good == 1;
}

// A whole message: everything before the MAC is covered.
static struct crypto_check_msg whole(const struct crypto_hmac_state *psk, const struct vector *v)
{
	size_t len = v->len - MAC_BYTES;

	return (struct crypto_check_msg){psk, v->data, (uint16_t)len, v->data + len};
}

static void append(struct vector *v, const void *data, size_t len)
{
	assert_true(v->len + len <= sizeof(v->data));
	memcpy(v->data + v->len, data, len);
	v->len += len;
}

// What the MAC of a verification covers: the message without the MAC, IDi, IDr, T.
static struct vector verification(struct vector v, const char *idi, size_t idi_len, size_t ts_len)
{
	static const char btid[] = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org";
	static const uint8_t ts[8] = {0, 0, 0, 0, 0, 0, 0, 1};

	append(&v, idi, idi_len);
	append(&v, btid, strlen(btid));
	append(&v, ts + 8 - ts_len, ts_len);
	return v;
}

static void known_messages_check_good(void **state)
{
	static const char *const under_muk[] = {"F.msg", "H.msg", "K.msg"};
	static const char *const under_msk[] = {"I1.msg", "I3.msg"};
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_hmac_state msk = vector_msk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct crypto_label without_rand = vector_label(0x12345678, 0);

	for (size_t i = 0; i < 3; i++) {
		struct vector v = vector_get(under_muk[i]);
		struct crypto_check_msg msg = whole(&muk, &v);
		assert_true(check_one(*state, &label, &msg));
	}
	for (size_t i = 0; i < 2; i++) {
		struct vector v = vector_get(under_msk[i]);
		struct crypto_check_msg msg = whole(&msk, &v);
		assert_true(check_one(*state, &label, &msg));
	}
	struct vector i2 = vector_get("I2.msg");
	struct crypto_check_msg msg = whole(&msk, &i2);
	assert_true(check_one(*state, &without_rand, &msg));
	assert_false(check_one(*state, &label, &msg));
}

static void verifications_check_good_with_their_tail(void **state)
{
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct vector mac = vector_get("G.mac_ts32");
	struct vector mac8 = vector_get("G.mac_ts64");
	struct vector v = verification(vector_get("G.prefix"), "bmsc.home1.net", 14, 4);
	struct vector v8 = verification(vector_get("G.prefix"), "bmsc.home1.net", 14, 8);
	struct crypto_check_msg msgs[] = {
		{&muk, v.data, (uint16_t)v.len, mac.data},
		{&muk, v.data, (uint16_t)v.len, mac8.data},
		{&muk, v8.data, (uint16_t)v8.len, mac8.data},
		{&muk, v8.data, (uint16_t)v8.len, mac.data},
	};
	uint8_t is_good[4];

	assert_int_equal(crypto_check_burst(*state, &label, msgs, 4, is_good), 2);
	assert_memory_equal(is_good, ((uint8_t[]){1, 0, 1, 0}), 4);
}

static void verification_of_v600_checks_good(void **state)
{
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(1, 16);
	struct vector g6 = vector_get("G6.msg");
	struct vector mac = {.len = MAC_BYTES};

	g6.len -= MAC_BYTES;
	memcpy(mac.data, g6.data + g6.len, MAC_BYTES);
	struct vector v = verification(g6, "\x00\xf1\x10", 3, 4);
	struct crypto_check_msg msg = {&muk, v.data, (uint16_t)v.len, mac.data};
	assert_true(check_one(*state, &label, &msg));
}

// An MTK message from a smart-card test, made by others.
static void foreign_message_checks_good_and_decrypts(void **state)
{
	static const uint8_t msk[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	static const uint8_t plain[] = {0x00, 0x20, 0x00, 0x10, 0x00, 0xaa, 0x00, 0xbb, 0x00, 0xcc,
		0x00, 0xdd, 0x00, 0xee, 0x00, 0xff, 0x00, 0xaa, 0x00, 0xbb};
	static const uint8_t rand[] = {0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef, 0xfe, 0xdc,
		0xba, 0x09, 0x87, 0x65, 0x43, 0x21};
	struct vector v = {.len = 82,
		.data = {0x01, 0x00, 0x15, 0x00, 0xaa, 0xaa, 0xbb, 0xbb, 0x00, 0x01, 0x05, 0x03,
			0x00, 0x11, 0x00, 0x03, 0xaa, 0xaa, 0xaa, 0x01, 0x04, 0xa1, 0xa2, 0xa3,
			0xa4, 0x02, 0x04, 0x01, 0x10, 0x15, 0xaf, 0x01, 0x02, 0x00, 0x00, 0x00,
			0x02, 0x00, 0x01, 0x00, 0x14, 0x72, 0x0d, 0xa9, 0x95, 0xa3, 0x33, 0x23,
			0xde, 0x7a, 0xa0, 0xeb, 0x96, 0x3e, 0x2a, 0xd8, 0x21, 0x51, 0xa1, 0x1a,
			0x2e, 0x01, 0x7c, 0x16, 0xbf, 0x73, 0x40, 0x8f, 0x0b, 0xf1, 0xfd, 0x52,
			0xcc, 0xd6, 0xad, 0xde, 0x8c, 0xd9, 0xa4, 0xa5, 0x3b, 0x8c}};
	struct crypto_hmac_state psk;
	struct crypto_label label = {.csb_id = 0xaaaabbbb};
	struct crypto_label companion = {.csb_id = 0xaaaabbbb, .rand_len = sizeof(rand)};

	memcpy(companion.rand, rand, sizeof(rand));
	crypto_hmac_state_burst(*state, msk, sizeof(msk), sizeof(msk), &psk, 1);
	struct crypto_check_msg check = whole(&psk, &v);
	assert_true(check_one(*state, &label, &check));
	assert_false(check_one(*state, &companion, &check));

	// Counter mode once more is the way back.
	struct crypto_seal_msg seal = {
		.psk = &psk, .data = v.data, .encr_off = 41, .encr_len = 20, .mac_off = 62};
	crypto_seal_burst(*state, &label, 2, &seal, 1);
	assert_memory_equal(v.data + 41, plain, sizeof(plain));
}

// One genuine message among those with a flipped bit, so that nothing passes by failing all.
static void every_flipped_bit_is_seen(void **state)
{
	static struct vector flipped[CRYPTO_BURST];
	struct crypto_check_msg msgs[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	const struct vector f = vector_get("F.msg");
	const size_t bits = 8 * f.len;

	for (size_t bit = 0; bit < bits;) {
		size_t genuine = bit % CRYPTO_BURST;
		size_t n = 0;
		while (n < CRYPTO_BURST && (n == genuine || bit < bits)) {
			flipped[n] = f;
			if (n != genuine) {
				flipped[n].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
				bit++;
			}
			msgs[n] = whole(&muk, &flipped[n]);
			n++;
		}
		size_t expected = genuine < n ? 1 : 0;
		assert_int_equal(crypto_check_burst(*state, &label, msgs, n, is_good), expected);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(is_good[i], i == genuine);
	}
}

static void wrong_label_is_seen(void **state)
{
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label labels[] = {vector_label(0x12345678, 16), vector_label(0x12345679, 16),
		vector_label(0x92345678, 16), vector_label(0x12345678, 15),
		vector_label(0x12345678, 17), vector_label(0x12345678, 0),
		vector_label(0x12345678, 16)};
	struct vector f = vector_get("F.msg");
	struct crypto_check_msg msg = whole(&muk, &f);

	labels[6].rand[15] ^= 0x80;
	assert_true(check_one(*state, &labels[0], &msg));
	for (size_t i = 1; i < sizeof(labels) / sizeof(labels[0]); i++)
		assert_false(check_one(*state, &labels[i], &msg));
}

static void wrong_psk_is_seen(void **state)
{
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct vector f = vector_get("F.msg");

	for (size_t word = 0; word < 5; word++) {
		struct crypto_hmac_state inner = muk;
		struct crypto_hmac_state outer = muk;
		inner.inner[word] ^= 1;
		outer.outer[word] ^= 0x80000000;
		struct crypto_check_msg by_inner = whole(&inner, &f);
		struct crypto_check_msg by_outer = whole(&outer, &f);
		assert_false(check_one(*state, &label, &by_inner));
		assert_false(check_one(*state, &label, &by_outer));
	}
	struct crypto_hmac_state msk = vector_msk(*state);
	struct crypto_check_msg msg = whole(&msk, &f);
	assert_false(check_one(*state, &label, &msg));
}

static void empty_burst_checks_nothing(void **state)
{
	struct crypto_label label = vector_label(1, 16);
	uint8_t is_good = 0xee;

	assert_int_equal(crypto_check_burst(*state, &label, NULL, 0, &is_good), 0);
	assert_int_equal(is_good, 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_messages_check_good),
		cmocka_unit_test(verifications_check_good_with_their_tail),
		cmocka_unit_test(verification_of_v600_checks_good),
		cmocka_unit_test(foreign_message_checks_good_and_decrypts),
		cmocka_unit_test(every_flipped_bit_is_seen),
		cmocka_unit_test(wrong_label_is_seen),
		cmocka_unit_test(wrong_psk_is_seen),
		cmocka_unit_test(empty_burst_checks_nothing),
	};

	return run_on_every_path(tests);
}
