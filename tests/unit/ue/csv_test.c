// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdlib.h>

#include "support.h"

#define KS_INT "9addd04f20bac9bfc5a0f950b1a19fa6926f440b6e293c50a88fc2ebe08e493b"

static int load(const char *text, char why[UE_WHY_BYTES])
{
	struct ue_phones phones;
	int rc;

	assert_int_equal(ue_phones_init(&phones), 0);
	why[0] = '\0';
	rc = ue_csv_load(&phones, text, strlen(text), why);
	ue_phones_fini(&phones);
	return rc;
}

static void expect_why(const char *text, const char *wanted)
{
	char why[UE_WHY_BYTES];

	assert_int_equal(load(text, why), -EINVAL);
	assert_string_equal(why, wanted);
}

static void columns_come_in_any_order_and_more_are_passed_over(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf"
		"port,note,btid,expires,muk,impi\r\n"
		"\r\n"
		"00002300,\"a, b\"," BTID ",2027-01-15T08:00:00Z," MUK "," IMPI "\r\n";
	struct ue_phones phones;
	char why[UE_WHY_BYTES];

	(void)state;
	assert_int_equal(ue_phones_init(&phones), 0);
	assert_int_equal(ue_csv_load(&phones, text, sizeof(text) - 1, why), 0);
	assert_int_equal(phones.phones[0].port, 2300);
	assert_int_equal(phones.credentials[0].expires, 1800000000);
	assert_memory_equal(phones.credentials[0].muk, hex(MUK).data, 32);
	assert_false(phones.credentials[0].has_mrk);
	ue_phones_fini(&phones);
}

static void errors_name_line_column_and_cause(void **state)
{
	(void)state;
	expect_why("", "line 0: there is no header line");
	expect_why("btid\n", "line 1, column impi: missing from the header line");
	expect_why("impi,impi\n", "line 1, column impi: named twice");
	expect_why("impi\n\na,b\n", "line 3: more cells than the header has columns");
	expect_why("impi,port\na\n", "line 2: fewer cells than the header has columns");
	expect_why("impi,port\n\"a,1\n", "line 2: a quoted cell does not end where it should");
	expect_why("impi,port\na,0\n", "line 2, column port: not within 1..65535");
	expect_why("impi,port\na,65536\n", "line 2, column port: not within 1..65535");
	expect_why("impi,port\na,1x\n", "line 2, column port: no number");
	expect_why("impi,port\na,0000001x\n", "line 2, column port: no number");
	expect_why("impi,port\na,4294967297\n", "line 2, column port: not within 1..65535");
	expect_why("impi,address\na,10.0.0\n", "line 2, column address: no IP address");
	expect_why("impi,keys_in\na,sim\n", "line 2, column keys_in: neither me nor uicc");
	expect_why("impi,muk\na,00\n", "line 2, column muk: not 64 hexadecimal digits");
	expect_why("impi,btid\na,b\n",
		"line 2, column btid: B-TID, MUK and expiry come together or not at all");
	expect_why("impi,btid,muk,expires\na,b," MUK ",soon\n",
		"line 2, column expires: neither RFC 3339 in UTC nor Unix seconds");
	expect_why(
		"impi\n\"\"\n", "line 2, column impi: empty, or over 253 octets (IMPI or B-TID)");
	expect_why("impi,btid,muk,expires\na,b," MUK ",1\nc,b," MUK ",1\n",
		"line 3, column btid: an earlier line has the same B-TID");
}

static void quotes_in_cells_are_doubled(void **state)
{
	static const char text[] = "\"impi\",\"\"\"note\"\"\",port\n"
				   "\"a\"\"b,\"\"\",\"\"\"\",\"1\"\n"
				   "\"\"\"\"\"\",x,2\n";
	struct ue_phones phones;
	char why[UE_WHY_BYTES];

	(void)state;
	assert_int_equal(ue_phones_init(&phones), 0);
	assert_int_equal(ue_csv_load(&phones, text, sizeof(text) - 1, why), 0);
	assert_int_equal(phones.phone_count, 2);
	assert_int_equal(ue_phone_find(&phones, "a\"b,\"", 5), 0);
	assert_int_equal(ue_phone_find(&phones, "\"\"", 2), 1);
	assert_int_equal(phones.phones[1].port, 2);
	ue_phones_fini(&phones);
	expect_why("impi,\"no\"\"te\n", "line 1: a quoted cell does not end where it should");
	expect_why("impi\n\"a\"\"\n", "line 2: a quoted cell does not end where it should");
	expect_why("impi\n\"a\"\"\"b\n", "line 2: a quoted cell does not end where it should");
}

static void bad_digits_are_seen_anywhere_in_a_key(void **state)
{
	char text[256], why[UE_WHY_BYTES];

	(void)state;
	for (size_t at = 0; at < 64; at++) {
		int n = snprintf(text, sizeof(text), "impi,btid,expires,muk\na,b,1,%s\n", MUK);

		assert_int_equal(load(text, why), 0);
		text[(size_t)n - 65 + at] = 'g';
		assert_int_equal(load(text, why), -EINVAL);
	}
}

static void keys_in_me_come_from_ks_naf(void **state)
{
	static const char *const texts[] = {
		"impi,btid,expires,ks_naf\na,b,1," MUK "\n",
		"impi,btid,expires,ks_ext_naf\na,b,1," MUK "\n",
		"impi,btid,expires,ks_naf,muk,mrk\na,b,1," MUK "," MUK "," MRK "\n",
	};
	char why[UE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ue_phones phones;

		assert_int_equal(ue_phones_init(&phones), 0);
		assert_int_equal(ue_csv_load(&phones, texts[i], strlen(texts[i]), why), 0);
		assert_memory_equal(phones.credentials[0].muk, hex(MUK).data, 32);
		assert_memory_equal(phones.credentials[0].mrk, hex(MRK).data, 32);
		assert_true(phones.credentials[0].has_mrk);
		ue_phones_fini(&phones);
	}
}

static void keys_in_uicc_come_from_two_keys(void **state)
{
	static const char text[] = "impi,btid,expires,keys_in,ks_ext_naf,ks_int_naf\n"
				   "a,b,1,UICC," MUK "," KS_INT "\n";
	struct ue_phones phones;
	char why[UE_WHY_BYTES];

	(void)state;
	assert_int_equal(ue_phones_init(&phones), 0);
	assert_int_equal(ue_csv_load(&phones, text, strlen(text), why), 0);
	assert_memory_equal(phones.credentials[0].muk, hex(KS_INT).data, 32);
	assert_memory_equal(phones.credentials[0].mrk, hex(MUK).data, 32);
	ue_phones_fini(&phones);
}

static void keys_that_do_not_agree_are_refused(void **state)
{
	(void)state;
	expect_why("impi,btid,expires,ks_naf,muk\na,b,1," MUK "," KS_INT "\n",
		"line 2, column muk: differs from what the Ks columns give");
	expect_why("impi,btid,expires,ks_naf,mrk\na,b,1," MUK "," KS_INT "\n",
		"line 2, column mrk: differs from what the Ks columns give");
	expect_why("impi,btid,expires,keys_in,ks_ext_naf\na,b,1,uicc," MUK "\n",
		"line 2, column ks_int_naf: needs ks_ext_naf and ks_int_naf");
	expect_why("impi,btid,expires,ks_int_naf\na,b,1," MUK "\n",
		"line 2, column ks_int_naf: is for keys in the UICC");
	expect_why("impi,btid,expires,ks_naf,ks_ext_naf\na,b,1," MUK "," MUK "\n",
		"line 2, column ks_naf: given together with keys of a GBA_U run");
}

// date -u -d ... +%s
static void times_are_read_as_the_calendar_has_them(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{"0", 0},
		{"1800000000", 1800000000},
		{"1970-01-01T00:00:00Z", 0},
		{"2000-02-29T23:59:59Z", 951868799},
		{"2026-12-01T00:00:00Z", 1796083200},
		{"2026-12-01t00:00:00.999z", 1796083200},
		{"2026-12-01T02:00:00+02:00", 1796083200},
		{"2026-11-30T18:30:00-05:30", 1796083200},
		{"2100-03-01T00:00:00Z", 4107542400},
	};
	static const char *const bad[] = {"", "-1", "1e9", "2026-12-01", "2026-12-01T00:00:00",
		"2026-13-01T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T00:00:00.Z",
		"2026-12-01T00:00:00+0200", "2026-12-01 00:00:00Z", "1234567890123"};
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ue_time_parse(cases[i].text, strlen(cases[i].text), &seconds));
		assert_int_equal(seconds, cases[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ue_time_parse(bad[i], strlen(bad[i]), &seconds));
}

static char *written(const struct ue_phones *phones)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	assert_int_equal(ue_csv_write(phones, file), 0);
	fclose(file);
	return text;
}

static void what_is_read_is_written_again(void **state)
{
	static const char text[] = HEADER
		"a@ims,old@bsf," MUK ",,1800000000,10.0.0.1,2269,me,news,news\n"
		"b@ims,b@bsf," KS_INT "," MRK ",1800000001,2001:db8::1,2300,uicc,news sport,news\n"
		"a@ims,new@bsf," KS_INT "," MRK ",1800000002,10.0.0.1,2269,me,,\n"
		"\"c,\"\"@ims\",\"c\"\"@bsf\"," MUK ",,1800000003,,2269,me,\"a,b\",\"\"\"\"\n";
	struct ue_phones phones;
	char why[UE_WHY_BYTES], *again;

	(void)state;
	assert_int_equal(ue_phones_init(&phones), 0);
	assert_int_equal(ue_csv_load(&phones, text, sizeof(text) - 1, why), 0);
	again = written(&phones);
	assert_string_equal(again, text);
	free(again);
	ue_phones_fini(&phones);
}

static void moved_phones_are_written_without_address(void **state)
{
	struct ue_site *site = *state;
	struct ue_now now = now_at(0);
	static const char line[] = "{\"do\":\"set\",\"id\":\"" IMPI "\",\"address\":\"10.1.1.1\"}";
	bool stop = false;
	char *text;

	json_decref(ue_command(site, line, strlen(line), &now, &stop));
	text = written(&site->phones);
	assert_non_null(strstr(text, "," EXPIRES ",,2269,"));
	free(text);
}

static void phones_without_muk_are_read_but_have_no_row(void **state)
{
	struct ue_site *site = site_of("nobody@ims,,,,,10.0.0.9,,,news,\n");
	char *text = written(&site->phones);

	(void)state;
	assert_int_equal(site->phones.phone_count, 1);
	assert_int_equal(phone_of(site, "nobody@ims")->current, UE_NONE);
	assert_string_equal(text, HEADER);
	free(text);
	ue_site_destroy(site);
}

static void later_row_of_an_impi_is_the_current_one(void **state)
{
	struct ue_site *site = site_of("a@ims,old@bsf," MUK ",,1,10.0.0.1,,,,\n"
				       "a@ims,new@bsf," MUK ",,2,10.0.0.2,,,,\n");
	const struct ue_phone *phone = phone_of(site, "a@ims");
	struct ue_address wanted = ue_address_v4((const uint8_t[]){10, 0, 0, 2});

	(void)state;
	assert_int_equal(site->phones.credentials[phone->current].expires, 2);
	assert_int_equal(site->phones.credentials[phone->previous].expires, 1);
	assert_true(ue_address_equal(&phone->address, &wanted));
	ue_site_destroy(site);
}

// As the daemon reads the column: empty stands for all, "-" for none.
static void no_registration_is_a_dash(void **state)
{
	struct ue_site *site = site_of("a@ims,a@bsf," MUK ",,1,10.0.0.1,,,news x,\n"
				       "b@ims,b@bsf," MUK ",,1,10.0.0.2,,,news,-\n"
				       "c@ims,c@bsf," MUK ",,1,10.0.0.3,,,news x,x\n");
	const struct ue_phones *phones = &site->phones;
	char *text = written(phones);

	(void)state;
	assert_string_equal(phones->names[phone_of(site, "a@ims")->registered], "news x");
	assert_string_equal(phones->names[phone_of(site, "b@ims")->registered], "");
	assert_string_equal(phones->names[credential_of(site, "c@bsf")->registered], "x");
	assert_non_null(strstr(text, ",me,news x,news x\n"));
	assert_non_null(strstr(text, ",me,news,-\n"));
	assert_non_null(strstr(text, ",me,news x,x\n"));
	free(text);
	ue_site_destroy(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_come_in_any_order_and_more_are_passed_over),
		cmocka_unit_test(errors_name_line_column_and_cause),
		cmocka_unit_test(quotes_in_cells_are_doubled),
		cmocka_unit_test(bad_digits_are_seen_anywhere_in_a_key),
		cmocka_unit_test(keys_in_me_come_from_ks_naf),
		cmocka_unit_test(keys_in_uicc_come_from_two_keys),
		cmocka_unit_test(keys_that_do_not_agree_are_refused),
		cmocka_unit_test(times_are_read_as_the_calendar_has_them),
		cmocka_unit_test(what_is_read_is_written_again),
		WITH_PHONE(moved_phones_are_written_without_address),
		cmocka_unit_test(phones_without_muk_are_read_but_have_no_row),
		cmocka_unit_test(later_row_of_an_impi_is_the_current_one),
		cmocka_unit_test(no_registration_is_a_dash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
