// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// No derived key stays behind: not in the context, not in the ipsec-mb manager. The file takes in
// mb.c to know how large both are.

#include "support.h"

#include "../../../dataplane/crypto/context.h"
#include "../../../dataplane/crypto/mb.c"

struct region {
	const void *start;
	size_t len;
};

static bool region_holds(struct region r, const void *needle, size_t len)
{
	return r.start != NULL && memmem(r.start, r.len, needle, len) != NULL;
}

// As octets, and as the host-order words SHA-1 lanes would keep them in. Eight octets in a row are
// enough to tell.
static bool is_left(struct crypto *c, const uint8_t *key, size_t len)
{
	const struct region regions[] = {
		{c, sizeof(*c)},
		{c->mb, sizeof(*c->mb)},
		{c->mb->mgr, imb_get_mb_mgr_size()},
	};

	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		for (size_t at = 0; at + 8 <= len; at += 4) {
			const uint8_t *k = key + at;
			uint8_t words[] = {k[3], k[2], k[1], k[0], k[7], k[6], k[5], k[4]};
			if (region_holds(regions[i], k, 8) || region_holds(regions[i], words, 8))
				return true;
		}
	}
	return false;
}

static void assert_wiped(struct crypto *c, const uint8_t *key, size_t len)
{
	uint8_t padded[64] = {0};

	assert_false(is_left(c, key, len));
	for (size_t i = 0; i < len; i++)
		padded[i] = key[i] ^ 0x36;
	assert_false(is_left(c, padded, len));
	for (size_t i = 0; i < len; i++)
		padded[i] = key[i] ^ 0x5c;
	assert_false(is_left(c, padded, len));
}

// The states of a key are as good as the key.
static void assert_states_wiped(struct crypto *c, const struct vector *key)
{
	struct crypto_hmac_state s;

	crypto_hmac_state_burst(c, key->data, key->len, key->len, &s, 1);
	assert_false(is_left(c, (const uint8_t *)s.inner, sizeof(s.inner)));
	assert_false(is_left(c, (const uint8_t *)s.outer, sizeof(s.outer)));
}

static void assert_keys_of_f_wiped(struct crypto *c)
{
	static const char *const names[] = {"F.encr", "F.auth", "F.salt", "E.Ks_NAF"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector key = vector_get(names[i]);
		assert_wiped(c, key.data, key.len);
	}
	struct vector auth = vector_get("F.auth");
	struct vector iv = vector_get("F.iv");
	assert_states_wiped(c, &auth);
	assert_false(is_left(c, iv.data, 14));
}

static void search_finds_a_key_where_one_is(void **state)
{
	struct crypto *c = *state;
	struct vector auth = vector_get("F.auth");

	memcpy(c->keys[CRYPTO_BURST - 1].auth, auth.data, auth.len);
	assert_true(is_left(c, auth.data, auth.len));
	memset(c->keys[CRYPTO_BURST - 1].auth, 0, auth.len);
	assert_false(is_left(c, auth.data, auth.len));
}

// n copies of F's plaintext, sealed.
static void seal_copies(struct crypto *c, size_t n)
{
	static struct vector copies[CRYPTO_BURST];
	struct crypto_seal_msg msgs[CRYPTO_BURST];
	struct crypto_hmac_state muk = vector_muk(c);
	struct crypto_label label = vector_label(0x12345678, 16);
	const struct vector f = vector_get("F.msg");
	const struct vector key_data = vector_get("F.keydata");

	for (size_t i = 0; i < n; i++) {
		copies[i] = f;
		memcpy(copies[i].data + 137, key_data.data, key_data.len);
		msgs[i] = (struct crypto_seal_msg){&muk, copies[i].data, 137, KEY_DATA_BYTES, 164};
	}
	crypto_seal_burst(c, &label, 1, msgs, n);
	assert_memory_equal(copies[n - 1].data, f.data, f.len);
}

static const size_t counts[] = {1, 2, 15, 16, 17, CRYPTO_BURST - 1, CRYPTO_BURST};
#define COUNTS (sizeof(counts) / sizeof(counts[0]))

static void sealing_leaves_no_key(void **state)
{
	for (size_t i = 0; i < COUNTS; i++) {
		seal_copies(*state, counts[i]);
		assert_keys_of_f_wiped(*state);
	}
}

// Of a forged message the right MAC is a secret, too, though not as lasting as a key: ipsec-mb may
// keep it until its next burst.
static void checking_leaves_no_key_and_no_mac(void **state)
{
	struct crypto_hmac_state muk = vector_muk(*state);
	struct crypto_label label = vector_label(0x12345678, 16);
	struct vector f = vector_get("F.msg");
	const struct region context = {*state, sizeof(struct crypto)};
	const uint8_t forged[MAC_BYTES] = {0};
	struct crypto_check_msg msgs[CRYPTO_BURST];
	uint8_t is_good[CRYPTO_BURST];

	for (size_t i = 0; i < CRYPTO_BURST; i++)
		msgs[i] = (struct crypto_check_msg){&muk, f.data, 164, forged};
	for (size_t i = 0; i < COUNTS; i++) {
		size_t good = crypto_check_burst(*state, &label, msgs, counts[i], is_good);
		assert_int_equal(good, 0);
		assert_keys_of_f_wiped(*state);
		assert_false(region_holds(context, f.data + 164, MAC_BYTES));
	}
}

static void schedules_are_wiped(void **state)
{
	struct crypto *c = *state;
	static const uint8_t zero[sizeof(c->mb->schedules)];

	seal_copies(c, CRYPTO_BURST);
	assert_memory_equal(c->mb->schedules, zero, sizeof(c->mb->schedules));
	assert_memory_equal(c->mb->decrypt_schedule, zero, sizeof(c->mb->decrypt_schedule));
}

static void prf_leaves_no_key(void **state)
{
	struct vector muk = vector_get("E.Ks_NAF");
	struct vector auth = vector_get("A32.auth");
	uint8_t label[] = {0x2d, 0x22, 0xac, 0x75, 0xff, 0x12, 0x34, 0x56, 0x78};
	uint8_t out[256];

	crypto_prf(*state, muk.data, muk.len, label, sizeof(label), out, sizeof(out));
	for (size_t at = 0; at < 240; at += MAC_BYTES)
		assert_wiped(*state, out + at, MAC_BYTES);
	assert_wiped(*state, auth.data, auth.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_finds_a_key_where_one_is),
		cmocka_unit_test(sealing_leaves_no_key),
		cmocka_unit_test(checking_leaves_no_key_and_no_mac),
		cmocka_unit_test(schedules_are_wiped),
		cmocka_unit_test(prf_leaves_no_key),
	};

	return run_on_every_path(tests);
}
