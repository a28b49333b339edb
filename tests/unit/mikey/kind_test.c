// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <string.h>

static struct mikey_view parsed(const char *name)
{
	struct mikey_bytes message = vector(name);
	struct mikey_view view;

	assert_int_equal(mikey_parse(message.data, message.len, &view), MIKEY_OK);
	return view;
}

static void kind_of_every_vector(void **state)
{
	static const struct {
		const char *vector;
		const char *kind;
	} cases[] = {
		{"F.msg", "msk"},
		{"K.msg", "msk"},
		{"F6.msg", "msk"},
		{"T3.msg", "msk"},
		{"H.msg", "solicit"},
		{"H6.msg", "solicit"},
		{"G.msg", "verification"},
		{"G6.msg", "verification"},
		{"I1.msg", "mtk"},
		{"I2.msg", "mtk"},
		{"I3.msg", "mtk"},
		{"I6.msg", "mtk"},
		{"T2.msg", "mtk"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mikey_view view = parsed(cases[i].vector);

		assert_string_equal(mikey_kind_name(mikey_view_kind(&view)), cases[i].kind);
	}
}

static void assert_other(const struct mikey_view *view)
{
	assert_int_equal(mikey_view_kind(view), MIKEY_KIND_OTHER);
}

#define BECOMES_OTHER(change) (view = good, change, assert_other(&view))

static void a_message_without_one_of_its_payloads_is_none_of_ours(void **state)
{
	static const char *const names[] = {
		"F.msg", "H.msg", "I1.msg", "F6.msg", "H6.msg", "I6.msg"};
	struct mikey_view view;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mikey_view good = parsed(names[i]);

		BECOMES_OTHER(view.has_msk_id = false);
		BECOMES_OTHER(view.has_kdi = false);
		BECOMES_OTHER(view.has_t = false);
		BECOMES_OTHER(view.has_kemac = false);
		BECOMES_OTHER(view.ts_type = MIKEY_TS_NTP);
		BECOMES_OTHER(view.encr_alg = MIKEY_ENCR_NULL);
		BECOMES_OTHER(view.encr_alg = MIKEY_ENCR_AES_KW_128);
		BECOMES_OTHER(view.mac_alg = MIKEY_MAC_NULL);
		BECOMES_OTHER(view.has_err = true);
		BECOMES_OTHER(view.has_rand = !view.has_rand);
		BECOMES_OTHER(view.identity_count++);
		BECOMES_OTHER(view.data_type = MIKEY_TYPE_PSK_VERIFICATION);
		BECOMES_OTHER(view.data_type = MIKEY_TYPE_ERROR);
	}
}

static void key_number_0_and_an_empty_kemac_go_together(void **state)
{
	struct mikey_view good = parsed("F.msg"), view;

	(void)state;
	BECOMES_OTHER(view.id.number = 0);
	BECOMES_OTHER(view.encr.len = 0);
	good = parsed("H.msg");
	BECOMES_OTHER(view.id.number = 1);
	BECOMES_OTHER(view.encr.len = 1);
	good = parsed("I1.msg");
	BECOMES_OTHER(view.id.number = 0);
	BECOMES_OTHER(view.encr.len = 0);
}

static void mtk_message_with_a_policy_is_none_of_ours(void **state)
{
	struct mikey_view good = parsed("I1.msg"), view;

	(void)state;
	BECOMES_OTHER(view.policy_count = 1);
}

static void v600_message_needs_a_csb_id_that_is_a_group(void **state)
{
	struct mikey_view good = parsed("F6.msg"), view;

	(void)state;
	BECOMES_OTHER(view.csb_id |= 0x10000);
}

static void v600_domain_comes_from_an_idi_of_three_octets_only(void **state)
{
	struct mikey_bytes message = vector("I6.msg");
	struct mikey_view view;
	uint8_t longer[256];

	(void)state;
	memcpy(longer, message.data, message.len);
	// IDi stands at octet 28: grow it by one octet.
	memmove(longer + 33, longer + 32, message.len - 32u);
	longer[27 + 4]++;
	assert_int_equal(mikey_parse(longer, message.len + 1u, &view), MIKEY_OK);
	assert_false(view.has_kdi);
	assert_other(&view);
}

static void verification_has_exactly_its_payloads(void **state)
{
	struct mikey_view good = parsed("G.msg"), view;

	(void)state;
	BECOMES_OTHER(view.has_t = false);
	BECOMES_OTHER(view.ts_type = MIKEY_TS_NTP_UTC);
	BECOMES_OTHER(view.identity_count = 0);
	BECOMES_OTHER(view.identity_count = 2);
	BECOMES_OTHER(view.has_v = false);
	BECOMES_OTHER(view.mac_alg = MIKEY_MAC_NULL);
	BECOMES_OTHER(view.has_rand = true);
	BECOMES_OTHER(view.policy_count = 1);
	BECOMES_OTHER(view.has_err = true);
	BECOMES_OTHER(view.data_type = MIKEY_TYPE_PSK);
	BECOMES_OTHER(view.data_type = MIKEY_TYPE_ERROR);
}

static void verification_with_an_extension_is_tolerated(void **state)
{
	static const uint8_t ext[] = {5, 3, 0, 11, 0, 3, 0x00, 0xf1, 0x10, 1, 4, 0, 1, 0, 1};
	struct mikey_bytes message = vector("G.msg");
	struct mikey_view view;
	uint8_t longer[256];

	(void)state;
	memcpy(longer, message.data, 10);
	longer[2] = MIKEY_PAYLOAD_EXT;
	memcpy(longer + 10, ext, sizeof(ext));
	memcpy(longer + 10 + sizeof(ext), message.data + 10, message.len - 10u);
	assert_int_equal(mikey_parse(longer, message.len + sizeof(ext), &view), MIKEY_OK);
	assert_int_equal(mikey_view_kind(&view), MIKEY_KIND_VERIFICATION);
	assert_true(view.has_key_id);
}

static void error_message_is_known_by_its_payload(void **state)
{
	static const uint8_t data[] = {1, 6, 5, 0, 0, 0, 0, 9, 0, 1, 12, 2, 0, 0, 0, 7, 0, 1, 0, 0};
	struct mikey_view view;

	(void)state;
	assert_int_equal(mikey_parse(data, sizeof(data), &view), MIKEY_OK);
	assert_int_equal(mikey_view_kind(&view), MIKEY_KIND_ERROR);
	assert_int_equal(view.error_no, 1);
	view.has_err = false;
	assert_other(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kind_of_every_vector),
		cmocka_unit_test(a_message_without_one_of_its_payloads_is_none_of_ours),
		cmocka_unit_test(key_number_0_and_an_empty_kemac_go_together),
		cmocka_unit_test(mtk_message_with_a_policy_is_none_of_ours),
		cmocka_unit_test(v600_message_needs_a_csb_id_that_is_a_group),
		cmocka_unit_test(v600_domain_comes_from_an_idi_of_three_octets_only),
		cmocka_unit_test(verification_has_exactly_its_payloads),
		cmocka_unit_test(verification_with_an_extension_is_tolerated),
		cmocka_unit_test(error_message_is_known_by_its_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
