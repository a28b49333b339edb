// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdlib.h>
#include <string.h>

static void template_message_equals_the_single_message(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);
	struct mikey_layout one, many;
	struct mikey_template tpl;
	uint8_t single[512];

	(void)state;
	assert_int_equal(mikey_template_init(&tpl, &msg), MIKEY_OK);
	for (uint16_t len = 1; len <= 253; len++) {
		uint8_t *idr = malloc(len), *filled;

		memset(idr, len, len);
		msg.counter = 0x80000000u - len;
		msg.idr = (struct mikey_bytes){idr, len};
		assert_int_equal(mikey_msk_build(single, sizeof(single), &msg, &one), MIKEY_OK);
		mikey_template_set_counter(&tpl, msg.counter);
		filled = malloc(mikey_template_bytes(&tpl, len));
		mikey_template_fill(&tpl, msg.idr, filled, &many);
		assert_int_equal(many.len, mikey_template_bytes(&tpl, len));
		assert_memory_equal(&one, &many, sizeof(one));
		assert_memory_equal(single, filled, one.len);
		free(filled);
		free(idr);
	}
}

static void counter_of_a_template_holds_for_all_messages_after_it(void **state)
{
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);
	struct mikey_layout layout;
	struct mikey_template tpl;
	struct mikey_view view;
	uint8_t buf[512];

	(void)state;
	assert_int_equal(mikey_template_init(&tpl, &msg), MIKEY_OK);
	mikey_template_set_counter(&tpl, 0xfedcba98);
	for (unsigned i = 0; i < 2; i++) {
		mikey_template_fill(&tpl, msg.idr, buf, &layout);
		assert_int_equal(mikey_parse(buf, layout.len, &view), MIKEY_OK);
		assert_int_equal(view.counter, 0xfedcba98);
	}
}

// The largest map, RAND and policy there are, with the longest FQDN.
static void template_holds_the_largest_message(void **state)
{
	struct mikey_policy policy = {.param_count = MIKEY_SP_PARAM_MAX};
	struct mikey_msk msg = msk_fields(MIKEY_PROFILE_TS33246);
	static uint8_t octets[300];
	struct mikey_template tpl;
	struct mikey_layout layout;
	struct mikey_view view;
	uint8_t buf[1536];

	(void)state;
	for (uint8_t i = 0; i < MIKEY_SP_PARAM_MAX; i++)
		policy.param[i] = (struct mikey_sp_param){.type = i, .len = 4};
	msg.cs_count = MIKEY_CS_MAX;
	msg.policy = &policy;
	msg.rand = (struct mikey_bytes){octets, UINT8_MAX};
	msg.idi = (struct mikey_bytes){octets, 253};
	assert_int_equal(mikey_template_init(&tpl, &msg), MIKEY_OK);
	mikey_template_fill(&tpl, msg.idr, buf, &layout);
	assert_int_equal(mikey_parse(buf, layout.len, &view), MIKEY_OK);
	assert_int_equal(mikey_view_kind(&view), MIKEY_KIND_MSK);
	assert_int_equal(view.policy.param_count, MIKEY_SP_PARAM_MAX);
	msg.idi.len = 300;
	assert_int_equal(mikey_template_init(&tpl, &msg), MIKEY_NO_ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_message_equals_the_single_message),
		cmocka_unit_test(counter_of_a_template_holds_for_all_messages_after_it),
		cmocka_unit_test(template_holds_the_largest_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
