// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Every way a message can be wrong, each with its own verdict.

#include "support.h"

#include <string.h>

// A message of octets written by hand: HDR of a pre-shared key message, then payloads.
struct message {
	uint8_t data[4096];
	size_t len;
};

static struct message hdr(uint8_t data_type, uint8_t next)
{
	struct message m = {
		.data = {1, data_type, next, 0, 0, 0, 0, 9, 0, MIKEY_MAP_EMPTY}, .len = 10};

	return m;
}

static void append(struct message *m, const void *data, size_t len)
{
	assert_true(m->len + len <= sizeof(m->data));
	memcpy(m->data + m->len, data, len);
	m->len += len;
}

struct refusal {
	enum mikey_status want;
	uint8_t first; // type of the first payload
	size_t len;
	const char *payloads;
};

// sizeof("..") counts the terminator; an octet of zero may stand anywhere in the string.
#define OCTETS(string) sizeof(string) - 1, string
#define MAC20 "mmmmmmmmmmmmmmmmmmmm"

static void assert_refusals(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct message m = hdr(MIKEY_TYPE_PSK, cases[i].first);
		enum mikey_status got;

		append(&m, cases[i].payloads, cases[i].len);
		got = verdict(m.data, m.len);
		if (got != cases[i].want)
			fail_msg("case %zu: %s, not %s", i, mikey_status_name(got),
				mikey_status_name(cases[i].want));
	}
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void parse_refuses_each_fault_of_the_header(void **state)
{
	static const struct {
		uint8_t at, value;
		enum mikey_status want;
	} faults[] = {
		{0, 0, MIKEY_VERSION},
		{0, 2, MIKEY_VERSION},
		{1, 2, MIKEY_DATA_TYPE},
		{1, 5, MIKEY_DATA_TYPE},
		{1, 7, MIKEY_DATA_TYPE},
		{1, 255, MIKEY_DATA_TYPE},
		{3, 0x01, MIKEY_PRF},
		{3, 0xff, MIKEY_PRF},
		{9, 2, MIKEY_MAP_TYPE},
		{9, 255, MIKEY_MAP_TYPE},
		{9, 0, MIKEY_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct message m = hdr(MIKEY_TYPE_PSK, MIKEY_PAYLOAD_LAST);

		m.data[faults[i].at] = faults[i].value;
		assert_int_equal(verdict(m.data, m.len), faults[i].want);
	}
	for (size_t len = 0; len < 10; len++)
		assert_int_equal(verdict(hdr(0, 0).data, len), MIKEY_HDR_TRUNCATED);
}

static void parse_refuses_a_map_that_is_cut(void **state)
{
	struct message m = hdr(MIKEY_TYPE_PSK, MIKEY_PAYLOAD_LAST);

	(void)state;
	m.data[8] = 255;
	m.data[9] = MIKEY_MAP_SRTP;
	m.len = 10 + 255 * MIKEY_MAP_SRTP_BYTES;
	assert_int_equal(verdict(m.data, m.len), MIKEY_OK);
	assert_int_equal(verdict(m.data, m.len - 1), MIKEY_MAP_TRUNCATED);
	assert_int_equal(verdict(m.data, m.len + 1), MIKEY_TRAILING);
}

// RFC 4563: the empty map has no map info whatever #CS says.
static void parse_takes_sessions_without_entries_in_the_empty_map(void **state)
{
	struct message m = hdr(MIKEY_TYPE_PSK, MIKEY_PAYLOAD_LAST);
	struct mikey_view view;

	(void)state;
	m.data[8] = 3;
	assert_int_equal(mikey_parse(m.data, m.len, &view), MIKEY_OK);
	assert_int_equal(view.cs_count, 3);
	assert_int_equal(view.cs_map.len, 0);
}

static void parse_refuses_each_payload_it_does_not_know(void **state)
{
	(void)state;
	for (unsigned type = 1; type < 256; type++) {
		struct message m = hdr(MIKEY_TYPE_PSK, (uint8_t)type);
		enum mikey_status got = verdict(m.data, m.len);
		bool is_foreign = (type >= 2 && type <= 4) || type == 7 || type == 8;

		if (is_foreign)
			assert_int_equal(got, MIKEY_PAYLOAD_FOREIGN);
		else if (type == 20)
			assert_int_equal(got, MIKEY_PAYLOAD_MISPLACED);
		else if ((type >= 13 && type < 20) || type > 21)
			assert_int_equal(got, MIKEY_PAYLOAD_UNKNOWN);
		else
			assert_non_null(strstr(mikey_status_name(got), "-truncated"));
	}
}

static void parse_refuses_each_fault_of_extensions(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_EXT_TRUNCATED, 21, OCTETS("")},
		{MIKEY_EXT_TRUNCATED, 21, OCTETS("\0\x03\0")},
		{MIKEY_EXT_LENGTH, 21, OCTETS("\0\x03\0\x07\x01\x04gGnN")},
		{MIKEY_EXT_LENGTH, 21, OCTETS("\0\x63\0\x01")},
		{MIKEY_TRAILING, 21, OCTETS("\0\x63\0\x01xx")},
		{MIKEY_EXT_DUPLICATE, 21, OCTETS("\x15\x03\0\x04\x01\x02nn\0\x03\0\x04\x01\x02nn")},
		{MIKEY_KEY_ID_EMPTY, 21, OCTETS("\0\x03\0\0")},
		{MIKEY_KEY_ID_TRUNCATED, 21, OCTETS("\0\x03\0\x01\x01")},
		{MIKEY_KEY_ID_TRUNCATED, 21, OCTETS("\0\x03\0\x05\x01\x02nn\x02")},
		{MIKEY_KEY_ID_LENGTH, 21, OCTETS("\0\x03\0\x04\x01\x03nn")},
		{MIKEY_KEY_ID_LENGTH, 21, OCTETS("\0\x03\0\x04\x01\xffnn")},
		{MIKEY_KEY_ID_LENGTH, 21, OCTETS("\0\x03\0\x03\x09\x02x")},
		{MIKEY_DOMAIN_LENGTH, 21, OCTETS("\0\x03\0\x04\0\x02xx")},
		{MIKEY_DOMAIN_LENGTH, 21, OCTETS("\0\x03\0\x06\0\x04xxxx")},
		{MIKEY_DOMAIN_LENGTH, 21, OCTETS("\0\x03\0\x02\0\0")},
		{MIKEY_MSK_ID_LENGTH, 21, OCTETS("\0\x03\0\x05\x01\x03nnn")},
		{MIKEY_MSK_ID_LENGTH, 21, OCTETS("\0\x03\0\x03\x01\x01n")},
		{MIKEY_MSK_ID_LENGTH, 21, OCTETS("\0\x03\0\x07\x01\x05nnnnn")},
		{MIKEY_MSK_ID_LENGTH, 21, OCTETS("\0\x03\0\x02\x01\0")},
		{MIKEY_MTK_ID_LENGTH, 21, OCTETS("\0\x03\0\x05\x02\x03nnn")},
		{MIKEY_MTK_ID_LENGTH, 21, OCTETS("\0\x03\0\x03\x02\x01n")},
		{MIKEY_KEY_ID_DUPLICATE, 21, OCTETS("\0\x03\0\x0a\0\x03xxx\0\x03xxx")},
		{MIKEY_KEY_ID_DUPLICATE, 21, OCTETS("\0\x03\0\x08\x01\x02nn\x01\x02nn")},
		{MIKEY_KEY_ID_DUPLICATE, 21, OCTETS("\0\x03\0\x08\x02\x02nn\x02\x02nn")},
		{MIKEY_KEY_ID_MIXED, 21, OCTETS("\0\x03\0\x09\0\x03xxx\x01\x02nn")},
		{MIKEY_KEY_ID_MIXED, 21, OCTETS("\0\x03\0\x09\x01\x02nn\0\x03xxx")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_skips_unknown_extensions_and_key_ids(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_OK, 21, OCTETS("\0\x63\0\0")},
		{MIKEY_OK, 21, OCTETS("\x15\0\0\x01v\x15\x01\0\x02vv\0\x03\0\x04\x01\x02nn")},
		{MIKEY_OK, 21, OCTETS("\0\x03\0\x0c\x03\x01x\x01\x02nn\xff\0\xf1\x01x")},
		{MIKEY_OK, 21, OCTETS("\0\x03\0\x03\xf1\x01x")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_each_fault_of_timestamps(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_T_TRUNCATED, 5, OCTETS("")},
		{MIKEY_T_TRUNCATED, 5, OCTETS("\0")},
		{MIKEY_T_TRUNCATED, 5, OCTETS("\0\x02ttt")},
		{MIKEY_T_TRUNCATED, 5, OCTETS("\0\0ttttttt")},
		{MIKEY_T_TRUNCATED, 5, OCTETS("\0\x01ttttttt")},
		{MIKEY_OK, 5, OCTETS("\0\x01tttttttt")},
		{MIKEY_TRAILING, 5, OCTETS("\0\x02ttttt")},
		{MIKEY_T_TYPE, 5, OCTETS("\0\x03tttt")},
		{MIKEY_T_TYPE, 5, OCTETS("\0\xfftttttttt")},
		{MIKEY_T_DUPLICATE, 5, OCTETS("\x05\x02tttt\0\x02tttt")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_each_fault_of_rand(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_RAND_TRUNCATED, 11, OCTETS("")},
		{MIKEY_RAND_TRUNCATED, 11, OCTETS("\0")},
		{MIKEY_RAND_EMPTY, 11, OCTETS("\0\0")},
		{MIKEY_RAND_LENGTH, 11, OCTETS("\0\x04rrr")},
		{MIKEY_OK, 11, OCTETS("\0\x03rrr")},
		{MIKEY_TRAILING, 11, OCTETS("\0\x02rrr")},
		{MIKEY_RAND_DUPLICATE, 11, OCTETS("\x0b\x01r\0\x01r")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_each_fault_of_identities(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_ID_TRUNCATED, 6, OCTETS("")},
		{MIKEY_ID_TRUNCATED, 6, OCTETS("\0\0\0")},
		{MIKEY_ID_TYPE, 6, OCTETS("\0\x03\0\x01x")},
		{MIKEY_ID_TYPE, 6, OCTETS("\0\xff\0\x01x")},
		{MIKEY_OK, 6, OCTETS("\0\x01\0\x01x")},
		{MIKEY_OK, 6, OCTETS("\0\x02\0\x01x")},
		{MIKEY_ID_EMPTY, 6, OCTETS("\0\0\0\0")},
		{MIKEY_ID_LENGTH, 6, OCTETS("\0\0\0\x03xx")},
		{MIKEY_ID_LENGTH, 6, OCTETS("\0\0\xff\xffxx")},
		{MIKEY_TRAILING, 6, OCTETS("\0\0\0\x01xx")},
		{MIKEY_OK, 6, OCTETS("\x06\0\0\x01x\0\0\0\x01x")},
		{MIKEY_ID_EXCESS, 6, OCTETS("\x06\0\0\x01x\x06\0\0\x01x\0\0\0\x01x")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_each_fault_of_kemac(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_KEMAC_TRUNCATED, 1, OCTETS("")},
		{MIKEY_KEMAC_TRUNCATED, 1, OCTETS("\0\x01\0")},
		{MIKEY_KEMAC_NOT_LAST, 1, OCTETS("\x05\x01\0\0\x01" MAC20 "\0\x02tttt")},
		{MIKEY_KEMAC_NOT_LAST, 1, OCTETS("\x01\x01\0\0\x01" MAC20 "\0\x01\0\0\x01" MAC20)},
		{MIKEY_KEMAC_ENCR_ALG, 1, OCTETS("\0\x03\0\0\x01" MAC20)},
		{MIKEY_KEMAC_ENCR_ALG, 1, OCTETS("\0\x06\0\0\x01" MAC20)},
		{MIKEY_KEMAC_ENCR_LENGTH, 1, OCTETS("\0\x01\0\x03xx")},
		{MIKEY_KEMAC_ENCR_LENGTH, 1, OCTETS("\0\x01\0\x02xx")},
		{MIKEY_KEMAC_ENCR_LENGTH, 1, OCTETS("\0\x01\xff\xffxx\x01" MAC20)},
		{MIKEY_KEMAC_MAC_ALG, 1, OCTETS("\0\x01\0\0\x02" MAC20)},
		{MIKEY_KEMAC_MAC_ALG, 1, OCTETS("\0\x01\0\x01xx\x01" MAC20)},
		{MIKEY_KEMAC_MAC_TRUNCATED, 1, OCTETS("\0\x01\0\0\x01mmmmmmmmmmmmmmmmmmm")},
		{MIKEY_OK, 1, OCTETS("\0\x01\0\0\x01" MAC20)},
		{MIKEY_OK, 1, OCTETS("\0\0\0\0\0")},
		{MIKEY_TRAILING, 1, OCTETS("\0\0\0\0\0" MAC20)},
		{MIKEY_TRAILING, 1, OCTETS("\0\x01\0\0\x01" MAC20 "x")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_each_fault_of_v_and_err(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_V_TRUNCATED, 9, OCTETS("")},
		{MIKEY_V_TRUNCATED, 9, OCTETS("\0")},
		{MIKEY_V_NOT_LAST, 9, OCTETS("\x09\x01" MAC20 "\0\x01" MAC20)},
		{MIKEY_V_AUTH_ALG, 9, OCTETS("\0\x02" MAC20)},
		{MIKEY_V_MAC_TRUNCATED, 9, OCTETS("\0\x01mmmmmmmmmmmmmmmmmmm")},
		{MIKEY_OK, 9, OCTETS("\0\x01" MAC20)},
		{MIKEY_OK, 9, OCTETS("\0\0")},
		{MIKEY_TRAILING, 9, OCTETS("\0\x01" MAC20 "m")},
		{MIKEY_ERR_TRUNCATED, 12, OCTETS("")},
		{MIKEY_ERR_TRUNCATED, 12, OCTETS("\0\0\0")},
		{MIKEY_OK, 12, OCTETS("\0\x0c\0\0")},
		{MIKEY_ERR_NUMBER, 12, OCTETS("\0\x0d\0\0")},
		{MIKEY_ERR_DUPLICATE, 12, OCTETS("\x0c\0\0\0\0\0\0\0")},
		{MIKEY_TRAILING, 12, OCTETS("\0\0\0\0\0")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

// As assert_refusals(), with an SRTP-ID map of no entries.
static enum mikey_status policy_verdict(const char *payloads, size_t len)
{
	struct message m = hdr(MIKEY_TYPE_PSK, MIKEY_PAYLOAD_SP);

	m.data[9] = MIKEY_MAP_SRTP;
	append(&m, payloads, len);
	return verdict(m.data, m.len);
}

static void parse_refuses_each_fault_of_policies(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_SP_TRUNCATED, 10, OCTETS("")},
		{MIKEY_SP_TRUNCATED, 10, OCTETS("\0\0\0\0")},
		{MIKEY_SP_PROT_TYPE, 10, OCTETS("\0\0\x01\0\0")},
		{MIKEY_SP_LENGTH, 10, OCTETS("\0\0\0\0\x04\0\x01x")},
		{MIKEY_SP_PARAM_TRUNCATED, 10, OCTETS("\0\0\0\0\x01x")},
		{MIKEY_SP_PARAM_LENGTH, 10, OCTETS("\0\0\0\0\x03\0\x02x")},
		{MIKEY_SP_PARAM_LENGTH, 10, OCTETS("\0\0\0\0\x02\0\x01x")},
		{MIKEY_SP_PARAM_EMPTY, 10, OCTETS("\0\0\0\0\x02\0\0")},
		{MIKEY_SP_PARAM_DUPLICATE, 10, OCTETS("\0\0\0\0\x06\x05\x01x\x05\x01x")},
		{MIKEY_SP_DUPLICATE, 10, OCTETS("\x0a\x07\0\0\0\0\x07\0\0\0")},
		{MIKEY_SP_DUPLICATE, 10, OCTETS("\x0a\x07\0\0\0\x0a\x47\0\0\0\0\x47\0\0\0")},
		{MIKEY_OK, 10, OCTETS("\x0a\x07\0\0\0\x0a\x47\0\0\0\0\x87\0\0\0")},
		{MIKEY_OK, 10, OCTETS("\0\0\0\0\x0b\0\x01x\x0d\x06yyyyyy")},
		{MIKEY_TRAILING, 10, OCTETS("\0\0\0\0\x03\0\x01xx")},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(policy_verdict(cases[i].payloads, cases[i].len), cases[i].want);
}

static void parse_refuses_a_policy_with_more_parameters_than_it_keeps(void **state)
{
	char payload[5 + 3 * (MIKEY_SP_PARAM_MAX + 1)] = {0};

	(void)state;
	for (int n = MIKEY_SP_PARAM_MAX; n <= MIKEY_SP_PARAM_MAX + 1; n++) {
		payload[4] = (char)(3 * n);
		for (int i = 0; i < n; i++) {
			payload[5 + 3 * i] = (char)i;
			payload[5 + 3 * i + 1] = 1;
		}
		assert_int_equal(policy_verdict(payload, 5 + 3 * (size_t)n),
			n == MIKEY_SP_PARAM_MAX ? MIKEY_OK : MIKEY_SP_PARAM_EXCESS);
	}
}

static void parse_keeps_the_first_policy_and_four_octets_of_a_value(void **state)
{
	static const char payloads[] = "\x0a\x07\0\0\x08\x0d\x06yyyyyy\0\x08\0\0\x03\0\x01x";
	struct message m = hdr(MIKEY_TYPE_PSK, MIKEY_PAYLOAD_SP);
	struct mikey_view view;

	(void)state;
	m.data[9] = MIKEY_MAP_SRTP;
	append(&m, payloads, sizeof(payloads) - 1);
	assert_int_equal(mikey_parse(m.data, m.len, &view), MIKEY_OK);
	assert_int_equal(view.policy_count, 2);
	assert_int_equal(view.policy.policy, 7);
	assert_int_equal(view.policy.param_count, 1);
	assert_int_equal(view.policy.param[0].len, 6);
	assert_memory_equal(view.policy.param[0].value, "yyyy", 4);
}

static void parse_refuses_a_policy_next_to_the_empty_map(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_SP_EMPTY_MAP, 10, OCTETS("\0\0\0\0\x03\0\x01x")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_takes_payloads_in_any_order_that_says_the_same(void **state)
{
	static const struct refusal cases[] = {
		{MIKEY_OK, 11, OCTETS("\x05\x01r\x15\x02tttt\x06\x03\0\x04\x01\x02nn\0\0\0\x01x")},
	};

	(void)state;
	assert_refusals(cases, COUNT(cases));
}

static void parse_refuses_what_is_longer_than_a_datagram(void **state)
{
	static uint8_t data[UINT16_MAX + 1] = {1, 0, 21, 0, 0, 0, 0, 0, 0, 1, 0, 99, 255, 241};
	struct mikey_view view;

	(void)state;
	assert_int_equal(mikey_parse(data, UINT16_MAX, &view), MIKEY_OK);
	assert_int_equal(view.len, UINT16_MAX);
	assert_int_equal(mikey_parse(data, UINT16_MAX + 1, &view), MIKEY_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_refuses_each_fault_of_the_header),
		cmocka_unit_test(parse_refuses_a_map_that_is_cut),
		cmocka_unit_test(parse_takes_sessions_without_entries_in_the_empty_map),
		cmocka_unit_test(parse_refuses_each_payload_it_does_not_know),
		cmocka_unit_test(parse_refuses_each_fault_of_extensions),
		cmocka_unit_test(parse_skips_unknown_extensions_and_key_ids),
		cmocka_unit_test(parse_refuses_each_fault_of_timestamps),
		cmocka_unit_test(parse_refuses_each_fault_of_rand),
		cmocka_unit_test(parse_refuses_each_fault_of_identities),
		cmocka_unit_test(parse_refuses_each_fault_of_kemac),
		cmocka_unit_test(parse_refuses_each_fault_of_v_and_err),
		cmocka_unit_test(parse_refuses_each_fault_of_policies),
		cmocka_unit_test(parse_refuses_a_policy_with_more_parameters_than_it_keeps),
		cmocka_unit_test(parse_keeps_the_first_policy_and_four_octets_of_a_value),
		cmocka_unit_test(parse_refuses_a_policy_next_to_the_empty_map),
		cmocka_unit_test(parse_takes_payloads_in_any_order_that_says_the_same),
		cmocka_unit_test(parse_refuses_what_is_longer_than_a_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
