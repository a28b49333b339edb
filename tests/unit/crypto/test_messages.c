// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whole messages of each kind and profile under keys of noise: B-TIDs of 1 to 253 octets, 1 to 130
// messages at a time. Each path, ipsec-mb among them, seals what OpenSSL seals, and takes the
// verifications that OpenSSL made.

#include "support.h"

#include <string.h>

#include "mikey.h"

#define MESSAGES_MAX 130
#define BTID_MAX 253
#define BYTES_MAX 1024

enum kind {
	PUSH,
	SOLICIT,
	MTK
};

struct messages {
	enum kind kind;
	enum mikey_profile profile;
	struct crypto_label label;
	uint32_t counter;
	size_t n;
	size_t btid_len; // of the next one
	struct crypto_hmac_state psk[MESSAGES_MAX];
	struct crypto_seal_msg msgs[MESSAGES_MAX];
	struct reference_msg reference[MESSAGES_MAX];
	uint8_t data[MESSAGES_MAX][BYTES_MAX];
	uint8_t expected[MESSAGES_MAX][BYTES_MAX];
};

static struct messages m;
static const uint8_t fqdn[] = "bmsc.home1.net";

static struct mikey_bytes idi_of(void)
{
	return (struct mikey_bytes){fqdn, sizeof(fqdn) - 1};
}

static enum mikey_status msk_build(
	uint8_t *buf, const uint8_t *btid, const uint8_t *key, struct mikey_layout *layout)
{
	const struct mikey_msk msg = {
		.profile = m.profile,
		.wants_verification = m.kind == PUSH,
		.csb_id = m.label.csb_id,
		.id = {.kdi = {0, 0xf1, 0x10}, .group = 7, .number = m.kind == PUSH ? 3 : 0},
		.counter = m.counter,
		.rand = {m.label.rand, m.label.rand_len},
		.idi = idi_of(),
		.idr = {btid, (uint16_t)m.btid_len},
		.key = m.kind == PUSH ? key : NULL,
		.seq_l = 1,
		.seq_u = 0xfffe,
	};

	return mikey_msk_build(buf, BYTES_MAX, &msg, layout);
}

static enum mikey_status mtk_build(uint8_t *buf, const uint8_t *key, struct mikey_layout *layout)
{
	const struct mikey_mtk msg = {
		.profile = m.profile,
		.csb_id = m.label.csb_id,
		.id = {.group = 7, .number = 3, .has_mtk_id = true, .mtk_id_bytes = 2, .mtk_id = 9},
		.counter = m.counter,
		.key = key,
		.salt = {key + 16, m.counter % 2 == 0 ? 14 : 0},
	};

	return mikey_mtk_build(buf, BYTES_MAX, &msg, layout);
}

// Message i, under the MUK of a UE or the MSK of a bearer.
static void message_init(struct crypto *c, uint64_t *seed, size_t i)
{
	struct reference_msg *r = &m.reference[i];
	struct mikey_layout layout;
	uint8_t btid[BTID_MAX], key[32];

	m.btid_len = m.btid_len % BTID_MAX + 1;
	noise_fill(seed, btid, m.btid_len);
	noise_fill(seed, key, sizeof(key));
	assert_int_equal(m.kind == MTK ? mtk_build(m.data[i], key, &layout)
				       : msk_build(m.data[i], btid, key, &layout),
		MIKEY_OK);
	*r = (struct reference_msg){
		.key_len = m.kind == MTK ? 16 : 32,
		.counter = m.counter,
		.data = m.expected[i],
		.encr_off = layout.encr.off,
		.encr_len = layout.encr.len,
		.mac_off = layout.mac.off,
	};
	noise_fill(seed, r->key, r->key_len);
	crypto_hmac_state_burst(c, r->key, r->key_len, r->key_len, &m.psk[i], 1);
	memcpy(m.expected[i], m.data[i], layout.len);
	m.msgs[i] = (struct crypto_seal_msg){
		&m.psk[i], m.data[i], layout.encr.off, layout.encr.len, layout.mac.off};
	reference_seal(&m.label, r);
}

static void messages_init(struct crypto *c, uint64_t *seed, size_t n)
{
	m.label.csb_id =
		m.profile == MIKEY_PROFILE_V600 ? mikey_v600_csb_id(7) : (uint32_t)noise(seed);
	m.label.rand_len = m.kind == MTK && n % 2 == 0 ? 0 : 16;
	noise_fill(seed, m.label.rand, sizeof(m.label.rand));
	m.counter = noise_between(seed, 1, INT32_MAX);
	m.n = n;
	for (size_t i = 0; i < n; i++)
		message_init(c, seed, i);
}

static void messages_seal(struct crypto *c)
{
	for (size_t at = 0; at < m.n; at += CRYPTO_BURST) {
		size_t some = m.n - at < CRYPTO_BURST ? m.n - at : CRYPTO_BURST;

		crypto_seal_burst(c, &m.label, m.counter, m.msgs + at, some);
	}
}

static void assert_sealed_alike(void)
{
	for (size_t i = 0; i < m.n; i++)
		assert_memory_equal(m.data[i], m.expected[i], m.reference[i].mac_off + MAC_BYTES);
}

static void kind_agrees(void **state, enum kind kind, enum mikey_profile profile)
{
	uint64_t seed = 100 + 10 * kind + profile;

	m.kind = kind;
	m.profile = profile;
	for (size_t n = 1; n <= MESSAGES_MAX; n++) {
		messages_init(*state, &seed, n);
		messages_seal(*state);
		assert_sealed_alike();
	}
}

static void push_agrees_in_both_profiles(void **state)
{
	kind_agrees(state, PUSH, MIKEY_PROFILE_TS33246);
	kind_agrees(state, PUSH, MIKEY_PROFILE_V600);
}

static void solicit_agrees_in_both_profiles(void **state)
{
	kind_agrees(state, SOLICIT, MIKEY_PROFILE_TS33246);
	kind_agrees(state, SOLICIT, MIKEY_PROFILE_V600);
}

static void mtk_message_agrees_in_both_profiles(void **state)
{
	kind_agrees(state, MTK, MIKEY_PROFILE_TS33246);
	kind_agrees(state, MTK, MIKEY_PROFILE_V600);
}

// Verification i in m.expected[i], every fifth one with a wrong bit. Octets under the MAC.
static size_t verification_init(uint64_t *seed, size_t i, unsigned ts_bytes)
{
	struct reference_msg *r = &m.reference[i];
	uint8_t btid[BTID_MAX], auth[20];
	struct mikey_layout layout;
	struct mikey_verification msg = {.csb_id = m.label.csb_id, .counter = m.counter};
	size_t len;

	m.btid_len = m.btid_len % BTID_MAX + 1;
	noise_fill(seed, btid, m.btid_len);
	msg.idr = (struct mikey_bytes){btid, (uint16_t)m.btid_len};
	assert_int_equal(
		mikey_verification_build(m.expected[i], BYTES_MAX, &msg, &layout), MIKEY_OK);
	len = layout.mac.off;
	len += mikey_verification_tail(
		m.expected[i] + len, BYTES_MAX - len, idi_of(), msg.idr, m.counter, ts_bytes);
	*r = (struct reference_msg){.key_len = 32};
	noise_fill(seed, r->key, r->key_len);
	reference_derive(r->key, r->key_len, 0x2d22ac75, &m.label, auth);
	reference_hmac(auth, sizeof(auth), m.expected[i], len, m.expected[i] + len);
	if (i % 5 == 4)
		m.expected[i][noise_between(seed, 0, (uint32_t)len + MAC_BYTES - 1)] ^= 8;
	return len;
}

static void verifications_agree(struct crypto *c, uint64_t *seed, size_t n)
{
	struct crypto_check_msg msgs[MESSAGES_MAX];
	uint8_t is_good[MESSAGES_MAX];

	m.label.csb_id = (uint32_t)noise(seed);
	m.label.rand_len = 16;
	noise_fill(seed, m.label.rand, 16);
	m.counter = noise_between(seed, 1, INT32_MAX);
	for (size_t i = 0; i < n; i++) {
		size_t len = verification_init(seed, i, n % 2 == 0 ? 4 : 8);

		crypto_hmac_state_burst(c, m.reference[i].key, 32, 32, &m.psk[i], 1);
		msgs[i] = (struct crypto_check_msg){
			&m.psk[i], m.expected[i], (uint16_t)len, m.expected[i] + len};
	}
	for (size_t at = 0; at < n; at += CRYPTO_BURST)
		crypto_check_burst(c, &m.label, msgs + at,
			n - at < CRYPTO_BURST ? n - at : CRYPTO_BURST, is_good + at);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(is_good[i], i % 5 != 4);
}

static void verification_agrees(void **state)
{
	uint64_t seed = 500;

	for (size_t n = 1; n <= MESSAGES_MAX; n++)
		verifications_agree(*state, &seed, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(push_agrees_in_both_profiles),
		cmocka_unit_test(solicit_agrees_in_both_profiles),
		cmocka_unit_test(mtk_message_agrees_in_both_profiles),
		cmocka_unit_test(verification_agrees),
	};

	return run_on_every_path(tests);
}
