// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <string.h>

static struct mikey_view parsed(const char *name)
{
	struct mikey_bytes message = vector(name);
	struct mikey_view view;

	assert_int_equal(mikey_parse(message.data, message.len, &view), MIKEY_OK);
	assert_int_equal(view.len, message.len);
	return view;
}

static void assert_bytes(struct mikey_bytes got, const void *want, size_t len)
{
	assert_int_equal(got.len, len);
	assert_memory_equal(got.data, want, len);
}

static void parse_reads_the_msk_message_of_vector_f(void **state)
{
	static const uint8_t kdi[] = {0x00, 0xf1, 0x10};
	struct mikey_view view = parsed("F.msg");

	(void)state;
	assert_int_equal(view.data_type, MIKEY_TYPE_PSK);
	assert_true(view.wants_verification);
	assert_int_equal(view.csb_id, 0x12345678);
	assert_int_equal(view.cs_count, 0);
	assert_int_equal(view.map_type, MIKEY_MAP_EMPTY);
	assert_true(view.has_key_id && view.has_kdi && view.has_msk_id && !view.id.has_mtk_id);
	assert_int_equal(view.msk_id_bytes, 4);
	assert_memory_equal(view.id.kdi, kdi, sizeof(kdi));
	assert_int_equal(view.id.group, 1);
	assert_int_equal(view.id.number, 1);
	assert_true(view.has_t && view.ts_type == MIKEY_TS_COUNTER);
	assert_int_equal(view.ts.len, 4);
	assert_int_equal(view.counter, 1);
	assert_true(view.has_rand);
	assert_bytes(view.rand, rand_octets, sizeof(rand_octets));
	assert_int_equal(view.identity_count, 2);
	assert_bytes(view.identity[0], FQDN, strlen(FQDN));
	assert_bytes(view.identity[1], BTID, strlen(BTID));
	assert_int_equal(view.identity_type[0], MIKEY_ID_NAI);
	assert_int_equal(view.policy_count, 0);
}

static void parse_finds_encrypted_data_and_mac_of_vector_f(void **state)
{
	struct mikey_bytes message = vector("F.msg"), encr = vector("F.encdata");
	struct mikey_view view = parsed("F.msg");

	(void)state;
	assert_true(view.has_kemac && !view.has_v && !view.has_err);
	assert_int_equal(view.encr_alg, MIKEY_ENCR_AES_CM_128);
	assert_bytes(view.encr, encr.data, encr.len);
	assert_ptr_equal(view.encr.data, message.data + 137);
	assert_int_equal(view.mac_alg, MIKEY_MAC_HMAC_SHA1_160);
	assert_int_equal(view.mac.off, 164);
	assert_int_equal(view.mac.len, MIKEY_MAC_BYTES);
	assert_memory_equal(message.data + view.mac.off, vector("F.mac").data, view.mac.len);
}

static void parse_reads_the_verifications(void **state)
{
	struct mikey_view view = parsed("G.msg");

	(void)state;
	assert_int_equal(view.data_type, MIKEY_TYPE_PSK_VERIFICATION);
	assert_false(view.wants_verification);
	assert_true(view.has_v && !view.has_kemac && !view.has_rand && !view.has_key_id);
	assert_int_equal(view.csb_id, 0x12345678);
	assert_int_equal(view.counter, 1);
	assert_int_equal(view.identity_count, 1);
	assert_bytes(view.identity[0], BTID, strlen(BTID));
	assert_int_equal(view.mac.off, vector("G.prefix").len);
	assert_int_equal(view.mac.len, MIKEY_MAC_BYTES);
	assert_int_equal(parsed("G6.msg").csb_id, 1);
}

static void parse_reads_map_and_policy_of_vector_k(void **state)
{
	static const uint8_t map[MIKEY_MAP_SRTP_BYTES] = {1};
	static const uint8_t params[8][2] = {
		{0, 1}, {1, 16}, {2, 1}, {3, 20}, {4, 14}, {7, 1}, {10, 1}, {11, 10}};
	struct mikey_view view = parsed("K.msg");

	(void)state;
	assert_int_equal(view.map_type, MIKEY_MAP_SRTP);
	assert_int_equal(view.cs_count, 1);
	assert_bytes(view.cs_map, map, sizeof(map));
	assert_int_equal(view.policy_count, 1);
	assert_int_equal(view.policy.policy, 1);
	assert_int_equal(view.policy.prot_type, MIKEY_SP_PROT_SRTP);
	assert_int_equal(view.policy.param_count, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(view.policy.param[i].type, params[i][0]);
		assert_int_equal(view.policy.param[i].len, 1);
		assert_int_equal(view.policy.param[i].value[0], params[i][1]);
	}
}

static void parse_reads_mtk_ids_of_two_and_four_octets(void **state)
{
	struct mikey_view view = parsed("I3.msg");

	(void)state;
	assert_true(view.id.has_mtk_id);
	assert_int_equal(view.id.mtk_id_bytes, 2);
	assert_int_equal(view.id.mtk_id, 2);
	view = parsed("T2.msg");
	assert_int_equal(view.id.mtk_id_bytes, 4);
	assert_int_equal(view.id.mtk_id, 0x011015af);
	assert_int_equal(view.id.group, 0xa1a2);
	assert_int_equal(view.id.number, 0xa3a4);
	assert_int_equal(view.counter, 2);
	assert_int_equal(view.encr.len, 20);
}

static void parse_reads_the_third_party_msk_message(void **state)
{
	struct mikey_view view = parsed("T3.msg");
	const char *idr = "fMpi1DFM3DqkMwKS/JrWMA==@chinamobile.com";

	(void)state;
	assert_true(view.wants_verification);
	assert_int_equal(view.csb_id, 0xaaaabbbb);
	assert_int_equal(view.id.group, 0x000a);
	assert_int_equal(view.id.number, 0x000a);
	assert_int_equal(view.counter, 1);
	assert_bytes(view.identity[0], "192.168.10.70", 13);
	assert_bytes(view.identity[1], idr, strlen(idr));
	assert_int_equal(view.encr.len, 30);
	assert_int_equal(view.mac.len, MIKEY_MAC_BYTES);
}

static void parse_takes_group_from_csb_id_and_domain_from_idi_in_v600(void **state)
{
	static const uint8_t kdi[] = {0x00, 0xf1, 0x10};
	static const char *const names[] = {"F6.msg", "H6.msg", "I6.msg"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct mikey_view view = parsed(names[i]);

		assert_int_equal(view.msk_id_bytes, 2);
		assert_int_equal(view.id.group, 1);
		assert_true(view.has_kdi);
		assert_memory_equal(view.id.kdi, kdi, sizeof(kdi));
		assert_int_equal(view.id.number, i == 1 ? 0 : 1);
	}
}

static void parse_leaves_nothing_of_an_older_message_in_a_view(void **state)
{
	struct mikey_bytes message = vector("G.msg");
	struct mikey_view fresh, used;

	(void)state;
	memset(&fresh, 0, sizeof(fresh));
	memset(&used, 0xff, sizeof(used));
	assert_int_equal(mikey_parse(message.data, message.len, &fresh), MIKEY_OK);
	assert_int_equal(mikey_parse(message.data, message.len, &used), MIKEY_OK);
	assert_memory_equal(&used, &fresh, offsetof(struct mikey_view, policy.param));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_reads_the_msk_message_of_vector_f),
		cmocka_unit_test(parse_finds_encrypted_data_and_mac_of_vector_f),
		cmocka_unit_test(parse_reads_the_verifications),
		cmocka_unit_test(parse_reads_map_and_policy_of_vector_k),
		cmocka_unit_test(parse_reads_mtk_ids_of_two_and_four_octets),
		cmocka_unit_test(parse_reads_the_third_party_msk_message),
		cmocka_unit_test(parse_takes_group_from_csb_id_and_domain_from_idi_in_v600),
		cmocka_unit_test(parse_leaves_nothing_of_an_older_message_in_a_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
