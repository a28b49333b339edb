// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_read.h"

#include "csv_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER32 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
// HMAC-SHA-256(00 01 .. 1f, 01 "mbms-mrk" 0008), by Python's hmac.
#define MRK_OF_HEX32 "96404969f502440305f7da54c58d513452e111d8fdac531eaf4403ac780db495"
#define NAME "001010000000001@ims.example"
#define BTID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example"

// One row with one cell of interest: column is the header's second, cell its value.
static void cell_read(const char *column, const char *cell, struct outcome *o)
{
	char text[8192];

	snprintf(text, sizeof(text), "impi,%s\n" NAME ",%s\n", column, cell);
	text_read(text, o);
}

static void expect_bad_cell(const char *column, const char *cell)
{
	struct outcome o;

	cell_read(column, cell, &o);
	if (o.rows != 0)
		fail_msg("%s takes \"%s\"", column, cell);
	assert_int_equal(o.errors, 1);
	assert_int_equal(o.error[0].line, 2);
	assert_string_equal(o.error[0].column, column);
}

static void expect_key(const struct store_secret32 *key, const char *hex)
{
	char text[65];

	for (unsigned i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", key->byte[i]);
	assert_string_equal(text, hex);
}

static void full_row_fills_every_field(void **state)
{
	static const uint8_t addr[16] = {[10] = 0xff, 0xff, 10, 1, 2, 3};
	struct outcome o;

	(void)state;
	text_read("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n" NAME
		  "," BTID "," HEX32 "," OTHER32
		  ",2026-12-01T00:00:00Z,10.1.2.3,4000,uicc,urn:a urn:b,urn:a\n",
		&o);
	assert_int_equal(o.errors, 0);
	assert_int_equal(o.rows, 1);
	assert_string_equal(o.sub[0].impi, NAME);
	assert_string_equal(o.sub[0].btid, BTID);
	expect_key(&o.sub[0].muk, HEX32);
	expect_key(&o.sub[0].mrk, OTHER32);
	assert_int_equal(o.sub[0].expires, 1796083200);
	assert_memory_equal(o.sub[0].addr.byte, addr, 16);
	assert_int_equal(o.sub[0].port, 4000);
	assert_int_equal(o.sub[0].flags, STORE_IN_UICC | STORE_HAS_MUK | STORE_HAS_MRK);
	assert_string_equal(o.services[0], "urn:a urn:b");
	assert_string_equal(o.registered[0], "urn:a");
	assert_int_equal(o.line[0], 2);
}

static void empty_cells_have_their_defaults(void **state)
{
	static const uint8_t none[16];
	struct outcome o;

	(void)state;
	text_read("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered\n" NAME
		  ",,,,,,,,,\n",
		&o);
	assert_int_equal(o.rows, 1);
	assert_string_equal(o.sub[0].btid, "");
	assert_int_equal(o.sub[0].flags, 0);
	assert_int_equal(o.sub[0].expires, 0);
	assert_int_equal(o.sub[0].port, 2269);
	assert_memory_equal(o.sub[0].addr.byte, none, 16);
	assert_string_equal(o.services[0], "");
}

static void names_are_checked(void **state)
{
	char text[600];
	struct outcome o;

	(void)state;
	expect_error("impi,port\n,1\n", 2, "impi", "1 to 253");
	expect_error("impi,port\na b,1\n", 2, "impi", "1 to 253");
	expect_error("impi,port\na\x7f,1\n", 2, "impi", "control");
	expect_error("impi,port\n\xc0\x80,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\n\xed\xa0\x80,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\n\xf4\x90\x80\x80,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\n\xe0\x9f\xbf,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\n\xf0\x8f\xbf\xbf,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\n\xc2\x85,1\n", 2, "impi", "UTF-8");
	expect_error("impi,port\na\xe2\x82,1\n", 2, "impi", "UTF-8");
	text_read("impi,port\nj\xc3\xb6rg@\xe2\x82\xac\xf0\x9f\x98\x80,1\n", &o);
	assert_int_equal(o.rows, 1);
	for (int len = 253; len <= 254; len++) {
		snprintf(text, sizeof(text), "impi\n%0*d\n", len, 0);
		text_read(text, &o);
		assert_int_equal(o.rows, len == 253 ? 1 : 0);
	}
}

static void btid_needs_one_at_sign(void **state)
{
	(void)state;
	expect_bad_cell("btid", "no-at");
	expect_bad_cell("btid", "two@at@signs");
	expect_bad_cell("btid", "a @b");
}

static void keys_need_64_hex_digits(void **state)
{
	(void)state;
	expect_bad_cell("muk", "00");
	expect_bad_cell("muk", HEX32 "0");
	expect_bad_cell("mrk", "g" OTHER32);
	expect_bad_cell("muk", "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	expect_bad_cell("muk", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1 ");
	expect_bad_cell("ks_naf", "zz");
	expect_bad_cell("ks_ext_naf", "zz");
}

static void ports_are_1_to_65535(void **state)
{
	static const char *const bad[] = {
		"0", "65536", "-1", "+1", "1.5", "0x10", " 1", "99999999999"};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad_cell("port", bad[i]);
	cell_read("port", "65535", &o);
	assert_int_equal(o.sub[0].port, 65535);
	cell_read("port", "1", &o);
	assert_int_equal(o.sub[0].port, 1);
}

static void addresses_are_those_of_one_host(void **state)
{
	static const char *const bad[] = {"10.0.0", "10.0.0.256", "10.0.0.1/8", "example.com",
		"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1%eth0",
		"::ffff:224.0.0.1", "1:2:3:4:5:6:7:8:9",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const uint8_t v4[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad_cell("address", bad[i]);
	cell_read("address", "2001:db8::1", &o);
	assert_memory_equal(o.sub[0].addr.byte, v6, 16);
	cell_read("address", "192.0.2.1", &o);
	assert_memory_equal(o.sub[0].addr.byte, v4, 16);
	cell_read("address", "::ffff:192.0.2.1", &o);
	assert_memory_equal(o.sub[0].addr.byte, v4, 16);
}

static void keys_in_is_me_or_uicc(void **state)
{
	struct outcome o;

	(void)state;
	expect_bad_cell("keys_in", "sim");
	cell_read("keys_in", "me", &o);
	assert_int_equal(o.sub[0].flags, 0);
	cell_read("keys_in", "UICC", &o);
	assert_int_equal(o.sub[0].flags, STORE_IN_UICC);
}

static void times_in_every_form_are_read(void **state)
{
	static const struct {
		const char *text;
		uint32_t unix_s;
	} good[] = {
		{"2026-12-01T00:00:00Z", 1796083200},
		{"2026-12-01t00:00:00z", 1796083200},
		{"2026-12-01T01:30:00+01:30", 1796083200},
		{"2026-11-30T23:59:00-00:01", 1796083200},
		{"2026-12-01T00:00:00.999999999Z", 1796083200},
		{"2000-02-29T23:59:59Z", 951868799},
		{"2024-02-29T12:00:00Z", 1709208000},
		{"2100-03-01T00:00:00Z", 4107542400},
		{"2106-02-07T06:28:15Z", 4294967295},
		{"1970-01-01T00:00:00Z", 0},
		{"1796083200", 1796083200},
		{"0", 0},
		{"4294967295", 4294967295},
	};
	uint32_t unix_s;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct csv_text cell = {good[i].text, strlen(good[i].text)};

		assert_int_equal(csv_cell_time(cell, &unix_s), 0);
		assert_int_equal(unix_s, good[i].unix_s);
	}
}

static void times_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"2026-12-01", "2026-12-01T00:00:00",
		"2026-12-01 00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-12-00T00:00:00Z", "2026-12-32T00:00:00Z", "2025-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T00:60:00Z",
		"2026-12-01T00:00:61Z", "2026-12-01T00:00:00.Z", "2026-12-01T00:00:00+0130",
		"2026-12-01T00:00:00+24:00", "2026-12-01T00:00:00ZZ", "2106-02-07T06:28:16Z",
		"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "4294967296", "1796083200000",
		"-1", "12a", "1e9", "2026\r12\r01T00:00:00Z"};
	uint32_t unix_s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct csv_text cell = {bad[i], strlen(bad[i])};

		if (csv_cell_time(cell, &unix_s) == 0)
			fail_msg("takes %s as %u", bad[i], unix_s);
	}
	expect_error("impi,btid,muk,expires\na,x@y," HEX32 ",soon\n", 2, "expires", "Unix seconds");
}

static void btid_muk_and_expires_go_together(void **state)
{
	(void)state;
	expect_error("impi,btid,muk,expires\na,," HEX32 ",1\n", 2, "btid", "missing");
	expect_error("impi,btid,muk,expires\na,x@y,,1\n", 2, "muk", "missing");
	expect_error("impi,btid,muk,expires\na,x@y," HEX32 ",\n", 2, "expires", "missing");
	expect_error("impi,btid\na,x@y\n", 2, "muk", "missing");
	expect_error("impi,mrk\na," HEX32 "\n", 2, "mrk", "without btid");
	expect_error("impi,expires\na,1\n", 2, "btid", "missing");
}

static void ks_naf_leads_to_muk_and_mrk(void **state)
{
	static const char *const columns[] = {"ks_naf", "ks_ext_naf"};
	char text[512];
	struct outcome o;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "impi,btid,expires,%s\na,x@y,1," HEX32 "\n",
			columns[i]);
		text_read(text, &o);
		assert_int_equal(o.rows, 1);
		assert_int_equal(o.sub[0].flags, STORE_HAS_MUK | STORE_HAS_MRK);
		expect_key(&o.sub[0].muk, HEX32);
		expect_key(&o.sub[0].mrk, MRK_OF_HEX32);
	}
}

static void uicc_keys_are_ks_int_and_ks_ext(void **state)
{
	struct outcome o;

	(void)state;
	text_read("impi,btid,expires,keys_in,ks_ext_naf,ks_int_naf\na,x@y,1,uicc," HEX32 "," OTHER32
		  "\n",
		&o);
	assert_int_equal(o.rows, 1);
	expect_key(&o.sub[0].muk, OTHER32);
	expect_key(&o.sub[0].mrk, HEX32);
	assert_int_equal(o.sub[0].flags, STORE_IN_UICC | STORE_HAS_MUK | STORE_HAS_MRK);
}

static void both_forms_of_keys_have_to_agree(void **state)
{
	struct outcome o;

	(void)state;
	text_read("impi,btid,expires,muk,mrk,ks_naf\na,x@y,1," HEX32 "," MRK_OF_HEX32 "," HEX32
		  "\n",
		&o);
	assert_int_equal(o.rows, 1);
	text_read("impi,btid,expires,muk,mrk,ks_naf\na,x@y,1,,," HEX32 "\n", &o);
	assert_int_equal(o.rows, 1);
	expect_error("impi,btid,expires,muk,ks_naf\na,x@y,1," OTHER32 "," HEX32 "\n", 2, "muk",
		"is not the key");
	expect_error("impi,btid,expires,mrk,ks_naf\na,x@y,1," HEX32 "," HEX32 "\n", 2, "mrk",
		"is not the key");
}

static void keys_of_the_wrong_place_are_refused(void **state)
{
	(void)state;
	expect_error("impi,keys_in,ks_naf\na,uicc," HEX32 "\n", 2, "ks_naf", "keys_in says uicc");
	expect_error("impi,ks_int_naf\na," HEX32 "\n", 2, "ks_int_naf", "does not say uicc");
	expect_error("impi,ks_naf,ks_ext_naf\na," HEX32 "," HEX32 "\n", 2, "ks_naf", "both");
	expect_error("impi,keys_in,ks_ext_naf\na,uicc," HEX32 "\n", 2, "ks_int_naf", "missing");
	expect_error("impi,keys_in,ks_int_naf\na,uicc," HEX32 "\n", 2, "ks_ext_naf", "missing");
	expect_error("impi,keys_in,ks_ext_naf,ks_int_naf\na,uicc," HEX32 ",1\n", 2, "ks_int_naf",
		"64 hex");
}

static void messages_never_quote_a_cell(void **state)
{
	char text[512];
	struct outcome o;

	(void)state;
	for (unsigned i = 1; i < CSV_COLUMN_COUNT; i++) {
		const char *column = csv_column_name(i);

		if (i == CSV_SERVICES || i == CSV_REGISTERED)
			continue;
		snprintf(text, sizeof(text), "impi,%s\n" NAME ",0123456789abcdefSECRET\n", column);
		text_read(text, &o);
		assert_int_equal(o.errors, 1);
		assert_null(strstr(o.error[0].why, "SECRET"));
		assert_null(strstr(o.error[0].why, "0123"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_row_fills_every_field),
		cmocka_unit_test(empty_cells_have_their_defaults),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(btid_needs_one_at_sign),
		cmocka_unit_test(keys_need_64_hex_digits),
		cmocka_unit_test(ports_are_1_to_65535),
		cmocka_unit_test(addresses_are_those_of_one_host),
		cmocka_unit_test(keys_in_is_me_or_uicc),
		cmocka_unit_test(times_in_every_form_are_read),
		cmocka_unit_test(times_that_are_none_are_refused),
		cmocka_unit_test(btid_muk_and_expires_go_together),
		cmocka_unit_test(ks_naf_leads_to_muk_and_mrk),
		cmocka_unit_test(uicc_keys_are_ks_int_and_ks_ext),
		cmocka_unit_test(both_forms_of_keys_have_to_agree),
		cmocka_unit_test(keys_of_the_wrong_place_are_refused),
		cmocka_unit_test(messages_never_quote_a_cell),
	};

	return cmocka_run_group_tests(tests, csv_read_begin, csv_read_end);
}
