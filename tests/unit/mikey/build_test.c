// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdlib.h>
#include <string.h>

#define BUF_BYTES 1024

struct built {
	uint8_t data[BUF_BYTES];
	struct mikey_layout layout;
};

static const uint8_t zeros[MIKEY_MAC_BYTES];

static bool in_span(size_t i, struct mikey_span span)
{
	return i >= span.off && i < (size_t)span.off + span.len;
}

// What was built has to be the vector, but for its holes: the plain key data and a MAC of zeros.
static void assert_builds(struct built *built, const char *name, const char *key_data)
{
	struct mikey_bytes want = vector(name);
	struct mikey_span encr = built->layout.encr, mac = built->layout.mac;

	assert_int_equal(built->layout.len, want.len);
	assert_int_equal(mac.len, MIKEY_MAC_BYTES);
	assert_int_equal(mac.off + mac.len, want.len);
	for (size_t i = 0; i < want.len; i++)
		if (!in_span(i, encr) && !in_span(i, mac) && built->data[i] != want.data[i])
			fail_msg("%s: octet %zu is %02x, not %02x", name, i, built->data[i],
				want.data[i]);
	assert_memory_equal(built->data + mac.off, zeros, MIKEY_MAC_BYTES);
	if (key_data == NULL) {
		assert_int_equal(encr.len, 0);
	} else {
		assert_int_equal(encr.len, vector(key_data).len);
		assert_memory_equal(built->data + encr.off, vector(key_data).data, encr.len);
	}
	memcpy(built->data + encr.off, want.data + encr.off, encr.len);
	memcpy(built->data + mac.off, want.data + mac.off, mac.len);
	assert_memory_equal(built->data, want.data, want.len);
}

static void assert_msk_builds(const struct mikey_msk *msg, const char *name, const char *key_data)
{
	struct built built;

	assert_int_equal(mikey_msk_bytes(msg), vector(name).len);
	assert_int_equal(
		mikey_msk_build(built.data, sizeof(built.data), msg, &built.layout), MIKEY_OK);
	assert_builds(&built, name, key_data);
}

static void build_makes_the_msk_message_of_vector_f(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	assert_msk_builds(&msg, "F.msg", "F.keydata");
}

static void build_makes_the_msk_message_with_map_and_policy_of_vector_k(void **state)
{
	struct mikey_policy policy = {
		.policy = 1,
		.param_count = 8,
		.param = {{0, 1, {1}}, {1, 1, {16}}, {2, 1, {1}}, {3, 1, {20}}, {4, 1, {14}},
			{7, 1, {1}}, {10, 1, {1}}, {11, 1, {10}}},
	};
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	msg.counter = 3;
	msg.cs_count = 1;
	msg.cs[0] = (struct mikey_cs){.policy = 1};
	msg.policy = &policy;
	assert_msk_builds(&msg, "K.msg", "F.keydata");
}

static void build_makes_the_solicited_pull_of_vector_h(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	msg.id.number = 0;
	msg.counter = 2;
	msg.wants_verification = false;
	msg.key = NULL;
	assert_msk_builds(&msg, "H.msg", NULL);
}

static void build_makes_the_v600_messages_of_vectors_f6_and_h6(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_V600);

	(void)state;
	assert_msk_builds(&msg, "F6.msg", "F.keydata");
	msg.id.number = 0;
	msg.counter = 2;
	msg.wants_verification = false;
	msg.key = NULL;
	assert_msk_builds(&msg, "H6.msg", NULL);
}

static void assert_verification_builds(uint32_t csb_id, const char *name)
{
	struct mikey_verification msg = {.csb_id = csb_id, .counter = 1, .idr = text_bytes(BTID)};
	struct built built;

	assert_int_equal(
		mikey_verification_build(built.data, sizeof(built.data), &msg, &built.layout),
		MIKEY_OK);
	assert_builds(&built, name, NULL);
}

static void build_makes_the_verifications_of_vectors_g_and_g6(void **state)
{
	(void)state;
	assert_verification_builds(0x12345678, "G.msg");
	assert_verification_builds(1, "G6.msg");
}

static void verification_repeats_the_map_of_the_msk_message(void **state)
{
	struct mikey_verification msg = {
		.csb_id = 7, .cs_count = 1, .cs = {{1, 2, 3}}, .idr = text_bytes("x")};
	static const uint8_t map[] = {1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
	struct built built;

	(void)state;
	assert_int_equal(
		mikey_verification_build(built.data, sizeof(built.data), &msg, &built.layout),
		MIKEY_OK);
	assert_memory_equal(built.data + 8, map, sizeof(map));
}

static void verification_tail_is_identities_and_counter(void **state)
{
	static const char want4[] = "ab\1\2\3\4";
	static const char want8[] = "ab\0\0\0\0\1\2\3\4";
	struct mikey_bytes idi = text_bytes("a"), idr = text_bytes("b");
	uint8_t buf[10];

	(void)state;
	assert_int_equal(mikey_verification_tail(buf, 6, idi, idr, 0x01020304, 4), 6);
	assert_memory_equal(buf, want4, 6);
	assert_int_equal(mikey_verification_tail(buf, 10, idi, idr, 0x01020304, 8), 10);
	assert_memory_equal(buf, want8, 10);
	assert_int_equal(mikey_verification_tail(buf, 9, idi, idr, 1, 8), 0);
	assert_int_equal(mikey_verification_tail(buf, 5, idi, idr, 1, 4), 0);
	assert_int_equal(mikey_verification_tail(buf, 0, idi, idr, 1, 4), 0);
}

static void assert_mtk_builds(const struct mikey_mtk *msg, const char *name, const char *key_data)
{
	struct built built;

	assert_int_equal(
		mikey_mtk_build(built.data, sizeof(built.data), msg, &built.layout), MIKEY_OK);
	assert_builds(&built, name, key_data);
}

static void build_makes_the_mtk_messages_of_vectors_i(void **state)
{
	uint8_t salt[14];
	struct mikey_mtk msg = mtk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	// T2 has the key of I1 and I2.
	assert_mtk_builds(&msg, "I1.msg", "T2.keydata");
	assert_mtk_builds(&msg, "I2.msg", "T2.keydata");
	for (uint8_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)(0x10 + i);
	msg.salt = (struct mikey_bytes){salt, sizeof(salt)};
	msg.id.mtk_id = 2;
	msg.counter = 2;
	assert_mtk_builds(&msg, "I3.msg", "I3.keydata");
}

static void build_makes_the_v600_mtk_message_of_vector_i6(void **state)
{
	struct mikey_mtk msg = mtk_fields(MIKEY_PROFILE_V600);

	(void)state;
	assert_mtk_builds(&msg, "I6.msg", "T2.keydata");
}

static void build_makes_the_third_party_mtk_message_with_four_octets_of_mtk_id(void **state)
{
	struct mikey_mtk msg = mtk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	msg.csb_id = 0xaaaabbbb;
	memset(msg.id.kdi, 0xaa, sizeof(msg.id.kdi));
	msg.id.group = 0xa1a2;
	msg.id.number = 0xa3a4;
	msg.id.mtk_id_bytes = 4;
	msg.id.mtk_id = 0x011015af;
	msg.counter = 2;
	assert_mtk_builds(&msg, "T2.msg", "T2.keydata");
}

// Room one octet short is refused, exact room is taken and nothing is written behind it.
static void build_needs_exactly_the_octets_of_the_message(void **state)
{
	struct mikey_msk msk = msk_fields(MIKEY_PROFILE_TS33246);
	struct mikey_mtk mtk = mtk_fields(MIKEY_PROFILE_TS33246);
	struct mikey_verification ver = {.idr = text_bytes(BTID)};
	struct mikey_layout layout;

	(void)state;
	for (size_t cap = 0; cap <= 184; cap++) {
		uint8_t *buf = malloc(cap);

		assert_int_equal(mikey_msk_build(buf, cap, &msk, &layout),
			cap < 184 ? MIKEY_NO_ROOM : MIKEY_OK);
		assert_int_equal(mikey_mtk_build(buf, cap, &mtk, &layout),
			cap < 80 ? MIKEY_NO_ROOM : MIKEY_OK);
		assert_int_equal(mikey_verification_build(buf, cap, &ver, &layout),
			cap < 104 ? MIKEY_NO_ROOM : MIKEY_OK);
		free(buf);
	}
}

static void mtk_build_without_room_leaves_no_key_behind(void **state)
{
	struct mikey_mtk msg = mtk_fields(MIKEY_PROFILE_TS33246);
	struct mikey_layout layout;
	uint8_t buf[79];

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(mikey_mtk_build(buf, sizeof(buf), &msg, &layout), MIKEY_NO_ROOM);
	assert_null(memmem(buf, sizeof(buf), msg.key, MIKEY_MTK_BYTES));
}

static void assert_msk_refused(const struct mikey_msk *msg)
{
	uint8_t buf[BUF_BYTES];
	struct mikey_layout layout;
	struct mikey_template tpl;

	assert_int_equal(mikey_msk_build(buf, sizeof(buf), msg, &layout), MIKEY_BAD_FIELD);
	assert_int_equal(mikey_msk_bytes(msg), 0);
	if (msg->idr.len > 0)
		assert_int_equal(mikey_template_init(&tpl, msg), MIKEY_BAD_FIELD);
}

static void msk_build_refuses_fields_that_make_no_message(void **state)
{
	const struct mikey_msk good = msk_fields(MIKEY_PROFILE_TS33246);
	static uint8_t octets[300];
	struct mikey_msk msg;

	(void)state;
#define REFUSES(change) (msg = good, change, assert_msk_refused(&msg))
	REFUSES(msg.idr.len = 0);
	REFUSES(msg.idi.len = 0);
	REFUSES(msg.id.number = 0);
	REFUSES(msg.key = NULL);
	REFUSES(msg.key_type = MIKEY_KEY_TEK_SALT);
	REFUSES(msg.key_type = 16 + MIKEY_KEY_TEK);
	REFUSES(msg.id.has_mtk_id = true);
	REFUSES(msg.profile = 2);
	REFUSES(msg.cs_count = MIKEY_CS_MAX + 1);
	REFUSES(msg.rand.len = 15);
	REFUSES((msg.rand = (struct mikey_bytes){octets, 256}));
#undef REFUSES
	msg = msk_fields(MIKEY_PROFILE_V600);
	msg.csb_id = 0x00010000;
	assert_msk_refused(&msg);
}

static void msk_build_refuses_policies_that_cannot_stand(void **state)
{
	struct mikey_policy policy = {.policy = 1, .param_count = 1, .param = {{0, 1, {1}}}};
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);

	(void)state;
	msg.policy = &policy;
	assert_msk_refused(&msg); // the map is empty
	msg.cs_count = 1;
	assert_true(mikey_msk_bytes(&msg) > 0);
	policy.param[0].len = 0;
	assert_msk_refused(&msg);
	policy.param[0].len = 5;
	assert_msk_refused(&msg);
	policy.param[0].len = 4;
	assert_true(mikey_msk_bytes(&msg) > 0);
	policy.param_count = MIKEY_SP_PARAM_MAX + 1;
	assert_msk_refused(&msg);
	policy.param_count = 0;
	policy.prot_type = 1;
	assert_msk_refused(&msg);
}

static void mtk_build_refuses_fields_that_make_no_message(void **state)
{
	const struct mikey_mtk good = mtk_fields(MIKEY_PROFILE_TS33246);
	static const uint8_t salt[17];
	struct mikey_layout layout;
	struct mikey_mtk msg;
	uint8_t buf[BUF_BYTES];

	(void)state;
#define REFUSES(change)           \
	(msg = good, change,      \
		assert_int_equal( \
			mikey_mtk_build(buf, sizeof(buf), &msg, &layout), MIKEY_BAD_FIELD))
	REFUSES(msg.key = NULL);
	REFUSES(msg.id.has_mtk_id = false);
	REFUSES(msg.id.mtk_id = 0);
	REFUSES(msg.id.mtk_id = 0x10000);
	REFUSES(msg.id.mtk_id_bytes = 3);
	REFUSES(msg.id.number = 0);
	REFUSES(msg.profile = 2);
	REFUSES(msg.profile = MIKEY_PROFILE_V600); // the CSB ID is not the group
	REFUSES((msg.salt = (struct mikey_bytes){salt, 17}));
#undef REFUSES
}

static void verification_build_refuses_fields_that_make_no_message(void **state)
{
	struct mikey_verification msg = {.idr = text_bytes("")};
	struct mikey_layout layout;
	uint8_t buf[BUF_BYTES];

	(void)state;
	assert_int_equal(
		mikey_verification_build(buf, sizeof(buf), &msg, &layout), MIKEY_BAD_FIELD);
	msg.idr = text_bytes("x");
	msg.cs_count = MIKEY_CS_MAX + 1;
	assert_int_equal(
		mikey_verification_build(buf, sizeof(buf), &msg, &layout), MIKEY_BAD_FIELD);
}

static void build_refuses_a_message_longer_than_a_datagram(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);
	uint16_t rest = (uint16_t)(184 - msg.idr.len);
	uint8_t *idr = calloc(1, UINT16_MAX), *buf = malloc(70000);
	struct mikey_layout layout;

	(void)state;
	msg.idr = (struct mikey_bytes){idr, (uint16_t)(UINT16_MAX - rest)};
	assert_int_equal(mikey_msk_bytes(&msg), UINT16_MAX);
	assert_int_equal(mikey_msk_build(buf, 70000, &msg, &layout), MIKEY_OK);
	assert_int_equal(layout.len, UINT16_MAX);
	assert_int_equal(verdict(buf, layout.len), MIKEY_OK);
	msg.idr.len++;
	assert_int_equal(mikey_msk_bytes(&msg), 0);
	assert_int_equal(mikey_msk_build(buf, 70000, &msg, &layout), MIKEY_BAD_FIELD);
	free(idr);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_makes_the_msk_message_of_vector_f),
		cmocka_unit_test(build_makes_the_msk_message_with_map_and_policy_of_vector_k),
		cmocka_unit_test(build_makes_the_solicited_pull_of_vector_h),
		cmocka_unit_test(build_makes_the_v600_messages_of_vectors_f6_and_h6),
		cmocka_unit_test(build_makes_the_verifications_of_vectors_g_and_g6),
		cmocka_unit_test(verification_repeats_the_map_of_the_msk_message),
		cmocka_unit_test(verification_tail_is_identities_and_counter),
		cmocka_unit_test(build_makes_the_mtk_messages_of_vectors_i),
		cmocka_unit_test(build_makes_the_v600_mtk_message_of_vector_i6),
		cmocka_unit_test(
			build_makes_the_third_party_mtk_message_with_four_octets_of_mtk_id),
		cmocka_unit_test(build_needs_exactly_the_octets_of_the_message),
		cmocka_unit_test(mtk_build_without_room_leaves_no_key_behind),
		cmocka_unit_test(msk_build_refuses_fields_that_make_no_message),
		cmocka_unit_test(msk_build_refuses_policies_that_cannot_stand),
		cmocka_unit_test(mtk_build_refuses_fields_that_make_no_message),
		cmocka_unit_test(verification_build_refuses_fields_that_make_no_message),
		cmocka_unit_test(build_refuses_a_message_longer_than_a_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
