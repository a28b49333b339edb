// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "csv_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void columns_come_in_any_order(void **state)
{
	struct outcome o;

	(void)state;
	text_read("port,expires,impi,muk,btid\n7,1,a," HEX32 ",x@y\n", &o);
	assert_int_equal(o.rows, 1);
	assert_string_equal(o.sub[0].impi, "a");
	assert_string_equal(o.sub[0].btid, "x@y");
	assert_int_equal(o.sub[0].port, 7);
	assert_int_equal(o.sub[0].expires, 1);
}

static const char mixed_file[] =
	"\xef\xbb\xbf\r\n\n\"impi\",btid,muk,expires,services\r\n"
	"one,,,,\n"
	"\r\n\n"
	"\"t\"\"w,o\",\"q\"\"@r\"," HEX32 ",2026-12-01T00:00:00Z,\"a b\"\r\n"
	"bad,,,,,\n"
	"three,\"\",,,c";

static void mixed_file_check(const struct outcome *o)
{
	assert_int_equal(o->rows, 3);
	assert_string_equal(o->sub[0].impi, "one");
	assert_int_equal(o->line[0], 4);
	assert_string_equal(o->sub[1].impi, "t\"w,o");
	assert_string_equal(o->sub[1].btid, "q\"@r");
	assert_string_equal(o->services[1], "a b");
	assert_int_equal(o->line[1], 7);
	assert_string_equal(o->sub[2].impi, "three");
	assert_string_equal(o->services[2], "c");
	assert_int_equal(o->line[2], 9);
	assert_int_equal(o->errors, 1);
	assert_int_equal(o->error[0].line, 8);
}

static void pieces_of_any_size_read_the_same(void **state)
{
	struct outcome o;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(mixed_file); piece++) {
		file_read(mixed_file, sizeof(mixed_file) - 1, piece, &o);
		mixed_file_check(&o);
	}
}

static void a_cut_at_any_octet_reads_the_same(void **state)
{
	struct outcome o;
	struct csv *csv;

	(void)state;
	for (size_t cut = 0; cut < sizeof(mixed_file); cut++) {
		memset(&o, 0, sizeof(o));
		csv = csv_begin();
		csv_feed(csv, mixed_file, cut);
		rows_take(csv, &o);
		csv_feed(csv, mixed_file + cut, sizeof(mixed_file) - 1 - cut);
		rows_take(csv, &o);
		csv_finish(csv);
		rows_take(csv, &o);
		csv_destroy(csv);
		mixed_file_check(&o);
	}
}

static void header_errors_name_the_column(void **state)
{
	struct outcome o;

	(void)state;
	expect_error("impi,muc\n", 1, "muc", "no such column");
	expect_error("\nimpi,btid,impi\n", 2, "impi", "twice");
	expect_error("btid,muk\n", 1, "impi", "missing");
	expect_error("impi,\n", 1, "", "no name");
	expect_error("", 1, "", "ends before a header");
	expect_error("\n\r\n", 3, "", "ends before a header");
	expect_error("impi,\"bt\n", 1, "", "not closed");
	expect_error("impi;btid\n", 1, "impi;btid", "no such column");
	expect_error("impi,a\tb\x01\xff\n", 1, "a?b??", "no such column");
	text_read("muk\n1\n2\n", &o);
	assert_true(o.is_broken);
	assert_int_equal(o.errors, 1);
}

static void header_of_too_many_columns_is_refused(void **state)
{
	(void)state;
	expect_error("impi,btid,muk,mrk,expires,address,port,keys_in,services,registered,ks_naf,"
		     "ks_ext_naf,ks_int_naf,impi,impi,impi,foo\n",
		1, "impi", "twice");
}

static void lines_with_wrong_cell_counts_are_refused(void **state)
{
	(void)state;
	expect_error("impi,port\na\n", 2, "", "1 cells, the header has 2");
	expect_error("impi,port\na,1,\n", 2, "", "3 cells, the header has 2");
}

static void bad_quotes_spoil_one_line(void **state)
{
	struct outcome o;

	(void)state;
	expect_error("impi\n\"a\n", 2, "", "not closed");
	expect_error("impi\n\"a\"b\n", 2, "", "follows a closing quote");
	expect_error("impi\na\"b\n", 2, "", "inside a cell");
	text_read("impi\n\"a\nb\n", &o);
	assert_int_equal(o.rows, 1);
	assert_string_equal(o.sub[0].impi, "b");
}

static void nul_octets_are_refused(void **state)
{
	static const char row[] = "impi\na\0b\nc\n";
	static const char header[] = "im\0pi\n";
	struct outcome o;

	(void)state;
	file_read(row, sizeof(row) - 1, 100, &o);
	assert_int_equal(o.rows, 1);
	assert_int_equal(o.error[0].line, 2);
	assert_non_null(strstr(o.error[0].why, "NUL"));
	file_read(header, sizeof(header) - 1, 100, &o);
	assert_true(o.is_broken);
}

// Lines of exactly the limit and one more, whole and cut, with either line end.
static void lines_over_the_limit_are_refused(void **state)
{
	static const char *const ends[] = {"\n", "\r\n"};
	char text[3 * CSV_LINE_MAX];
	struct outcome o;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (int len = CSV_LINE_MAX - 1; len <= CSV_LINE_MAX + 1; len++) {
			int n = snprintf(text, sizeof(text), "impi,services\na,%0*d%sb,\n", len - 2,
				0, ends[i]);

			for (size_t piece = 1; piece <= 8192; piece = piece * 8 + 1) {
				file_read(text, (size_t)n, piece, &o);
				assert_int_equal(o.rows, len > CSV_LINE_MAX ? 1 : 2);
				assert_int_equal(o.errors, len > CSV_LINE_MAX ? 1 : 0);
			}
		}
	}
	assert_int_equal(o.error[0].line, 2);
	assert_non_null(strstr(o.error[0].why, "longer than 4096"));
	assert_string_equal(o.sub[0].impi, "b");
}

// Seconds by Python's calendar.timegm.
// A file whose columns have slipped must not put a key into a message.
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_come_in_any_order),
		cmocka_unit_test(pieces_of_any_size_read_the_same),
		cmocka_unit_test(a_cut_at_any_octet_reads_the_same),
		cmocka_unit_test(header_errors_name_the_column),
		cmocka_unit_test(header_of_too_many_columns_is_refused),
		cmocka_unit_test(lines_with_wrong_cell_counts_are_refused),
		cmocka_unit_test(bad_quotes_spoil_one_line),
		cmocka_unit_test(nul_octets_are_refused),
		cmocka_unit_test(lines_over_the_limit_are_refused),
	};

	return cmocka_run_group_tests(tests, csv_read_begin, csv_read_end);
}
