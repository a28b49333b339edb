// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include "ue/gba.h"

// Derives the three keys of 8.1 and of vector F and compares them.
static void expect_keys(struct mikey_bytes psk, uint32_t csb_id, struct mikey_bytes rand,
	const char *encr, const char *auth, const char *salt)
{
	struct ue_hmac hmac;
	uint8_t out[20];

	ue_hmac_init(&hmac, psk.data, psk.len);
	ue_derive(&hmac, MIKEY_DERIVE_ENCR, csb_id, rand, out, 16);
	assert_memory_equal(out, vector(encr).data, 16);
	ue_derive(&hmac, MIKEY_DERIVE_AUTH, csb_id, rand, out, 20);
	assert_memory_equal(out, vector(auth).data, 20);
	ue_derive(&hmac, MIKEY_DERIVE_SALT, csb_id, rand, out, 14);
	assert_memory_equal(out, vector(salt).data, 14);
}

static void keys_are_those_of_the_known_answers(void **state)
{
	struct mikey_bytes octets =
		hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	struct mikey_bytes rand = hex("1234567890abcdeffedcba0987654321");
	struct mikey_bytes half = {octets.data, 16};

	(void)state;
	expect_keys(half, 0xAAAABBBB, rand, "A16.encr", "A16.auth", "A16.salt");
	expect_keys(octets, 0xAAAABBBB, rand, "A32.encr", "A32.auth", "A32.salt");
	expect_keys(hex(MUK), 0x12345678, half, "F.encr", "F.auth", "F.salt");
}

static void key_data_of_f_is_decrypted(void **state)
{
	struct mikey_view view = {
		.csb_id = 0x12345678,
		.rand = hex("000102030405060708090a0b0c0d0e0f"),
		.counter = 1,
		.encr = vector("F.encdata"),
	};
	struct mikey_bytes muk = hex(MUK);
	struct ue_hmac hmac;
	uint8_t plain[26];

	(void)state;
	ue_hmac_init(&hmac, muk.data, muk.len);
	ue_decrypt(&hmac, &view, plain);
	assert_memory_equal(plain, vector("F.keydata").data, sizeof(plain));
}

static void hmac_of_rfc_2202_holds(void **state)
{
	struct ue_hmac hmac;
	uint8_t mac[20];
	struct mikey_bytes key = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");

	(void)state;
	ue_hmac_init(&hmac, key.data, key.len);
	ue_hmac_sum(&hmac, hex("4869"), hex("205468657265"), mac);
	assert_memory_equal(mac, hex("b617318655057264e28bc0b6fb378c8ef146be00").data, 20);
}

// Spec 8.4: MILENAGE test set 1.
static void naf_keys_follow_from_ck_and_ik(void **state)
{
	struct ue_gba_input input = {
		.ks = hex("b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441").data,
		.rand = hex("23553cbe9637a89d218ae64dae47bf35").data,
		.impi = {(const uint8_t *)IMPI, sizeof(IMPI) - 1},
	};
	uint8_t naf_id[UE_NAF_ID_MAX_BYTES], key[UE_KEY_BYTES];
	char btid[UE_IDENTITY_MAX_BYTES];
	size_t len = ue_btid_put(btid, input.rand, "bsf.mnc001.mcc001.pub.3gppnetwork.org");

	(void)state;
	assert_int_equal(len, strlen(BTID));
	assert_memory_equal(btid, BTID, len);
	input.naf_id = (struct mikey_bytes){naf_id, (uint16_t)ue_naf_id_put(naf_id, FQDN)};
	assert_int_equal(input.naf_id.len, vector("E.nafid").len);
	assert_memory_equal(naf_id, vector("E.nafid").data, input.naf_id.len);
	ue_ks_naf(UE_GBA_ME, &input, key);
	assert_memory_equal(key, vector("E.Ks_NAF").data, sizeof(key));
	ue_ks_naf(UE_GBA_UICC, &input, key);
	assert_memory_equal(key, vector("E.Ks_int_NAF").data, sizeof(key));
}

static void mrk_follows_from_ks_naf(void **state)
{
	uint8_t mrk[UE_KEY_BYTES];

	(void)state;
	ue_mrk(vector("E.Ks_NAF").data, mrk);
	assert_memory_equal(mrk, vector("E.MRK_me").data, sizeof(mrk));
}

// printf a0a1..af | xxd -r -p | sha256sum
static void check_value_is_the_head_of_sha256(void **state)
{
	uint8_t check[3];

	(void)state;
	ue_check_value(hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf").data, check);
	assert_memory_equal(check, hex("503563").data, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_known_answers),
		cmocka_unit_test(key_data_of_f_is_decrypted),
		cmocka_unit_test(hmac_of_rfc_2202_holds),
		cmocka_unit_test(naf_keys_follow_from_ck_and_ik),
		cmocka_unit_test(mrk_follows_from_ks_naf),
		cmocka_unit_test(check_value_is_the_head_of_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
