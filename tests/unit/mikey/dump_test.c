// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "support.h"

#include <stdlib.h>
#include <string.h>

struct text {
	char data[8192];
	size_t len;
	unsigned lines;
};

static void collect(void *arg, const char *line)
{
	struct text *text = arg;
	size_t len = strlen(line);

	assert_null(strchr(line, '\n'));
	assert_true(text->len + len + 2 < sizeof(text->data));
	memcpy(text->data + text->len, line, len);
	text->len += len;
	text->data[text->len++] = '\n';
	text->lines++;
}

static struct text dumped(const uint8_t *data, size_t len)
{
	struct text text = {0};
	uint8_t *copy = copy_exact(data, len);

	mikey_dump(copy, len, collect, &text);
	free(copy);
	return text;
}

static void assert_shows(const struct text *text, const char *what)
{
	if (strstr(text->data, what) == NULL)
		fail_msg("no \"%s\" in:\n%s", what, text->data);
}

static void dump_shows_every_payload_of_vector_f(void **state)
{
	struct text text = dumped(vector("F.msg").data, vector("F.msg").len);

	(void)state;
	assert_int_equal(text.lines, 8);
	assert_shows(&text, "    0  HDR");
	assert_shows(&text, "CSB ID 12345678");
	assert_shows(&text, "   10  EXT");
	assert_shows(&text, "domain 00f110 (001-01), MSK ID 00010001");
	assert_shows(&text, "   25  T     counter 1");
	assert_shows(&text, "   31  RAND  000102030405060708090a0b0c0d0e0f");
	assert_shows(&text, "   49  ID    IDi, nai, 14 octets \"" FQDN "\"");
	assert_shows(&text, "   67  ID    IDr, nai, 62 octets \"" BTID "\"");
	assert_shows(&text, "  133  KEMAC aes-cm-128, 26 octets eb6452f6");
	assert_shows(&text, "hmac-sha-1-160 d40816bd6399397faf6c522add548cf0320214b6");
	assert_shows(&text, "  184  end   msk message");
}

static void dump_shows_map_policy_and_verification(void **state)
{
	struct text text = dumped(vector("K.msg").data, vector("K.msg").len);

	(void)state;
	assert_shows(&text, "   10  CS    policy 1, SSRC 00000000, ROC 0");
	assert_shows(&text, "policy 1, srtp, 24 octets, encr-alg (0) 01");
	assert_shows(&text, "auth-tag-bytes (11) 0a");
	text = dumped(vector("G.msg").data, vector("G.msg").len);
	assert_shows(&text, "ID    IDr");
	assert_shows(&text, "V     hmac-sha-1-160 f929a277");
	assert_shows(&text, "end   verification message");
}

static void dump_shows_what_came_before_an_error(void **state)
{
	struct text text = dumped(vector("F.msg").data, 183);

	(void)state;
	assert_shows(&text, "RAND");
	assert_shows(&text, "IDr");
	assert_shows(&text, "  183  end   kemac-mac-truncated: the message ends inside the MAC");
	text = dumped(vector("F.msg").data, 0);
	assert_int_equal(text.lines, 1);
	assert_shows(&text, "hdr-truncated");
}

static void dump_cuts_long_fields_and_escapes_nothing(void **state)
{
	uint8_t data[14 + 300] = {1, 0, 6, 0, 0, 0, 0, 9, 0, 1, 0, 0, 1, 44, 'x', '\n'};
	struct text text = dumped(data, sizeof(data));

	(void)state;
	assert_shows(&text, "780a0000");
	assert_shows(&text, "... (300 octets)");
}

static void dump_shows_plain_key_data_when_nothing_is_encrypted(void **state)
{
	static const uint8_t data[] = {1, 0, 1, 0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 11, 0, 0x22, 0, 1,
		0x6b, 2, 0, 1, 2, 0, 9, 0};
	struct text text = dumped(data, sizeof(data));

	(void)state;
	assert_shows(&text, "key   tek 6b, validity interval 0001 to 0009");
	assert_shows(&text, "other message");
}

static void dump_takes_every_vector(void **state)
{
	(void)state;
	for (size_t i = 0; i < message_count; i++) {
		struct mikey_bytes message = vector(message_names[i]);
		struct text text = dumped(message.data, message.len);

		assert_shows(&text, " message\n");
		assert_null(strstr(text.data, "unknown"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_shows_every_payload_of_vector_f),
		cmocka_unit_test(dump_shows_map_policy_and_verification),
		cmocka_unit_test(dump_shows_what_came_before_an_error),
		cmocka_unit_test(dump_cuts_long_fields_and_escapes_nothing),
		cmocka_unit_test(dump_shows_plain_key_data_when_nothing_is_encrypted),
		cmocka_unit_test(dump_takes_every_vector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
