// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "import_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct import_order all_or_nothing, skipping = {.is_skipping = true}, dry = {.is_dry = true};
struct import_outcome outcome;
struct import_report report;

int text_import(const char *text, const struct import_order *order)
{
	size_t len = strlen(text), piece = len > 100000 ? 65536 : 7;
	struct import *imp;
	int fed = 0, finished;

	assert_int_equal(import_begin(&fake.ctl, order, &imp), 0);
	for (size_t at = 0; at < len && fed == 0; at += piece)
		fed = import_feed(imp, text + at, len - at < piece ? len - at : piece);
	finished = import_finish(imp, &outcome);
	if (fed != 0)
		assert_int_equal(finished, fed);
	report = *import_report(imp);
	import_destroy(imp);
	return finished;
}

uint32_t subscribers(void)
{
	struct store_reader *r;
	uint32_t n;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	n = store_reader_subscriber_count(r);
	store_reader_destroy(r);
	return n;
}

void expect_counts(uint32_t added, uint32_t changed, uint32_t unchanged, uint64_t skipped)
{
	assert_int_equal(outcome.added, added);
	assert_int_equal(outcome.changed, changed);
	assert_int_equal(outcome.unchanged, unchanged);
	assert_int_equal(outcome.skipped, skipped);
	assert_int_equal(outcome.rows, added + changed + unchanged + skipped);
}

store_id subscriber_get(const char *impi, struct store_subscriber *sub)
{
	struct store_reader *r;
	store_id id;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	id = store_reader_find_impi(r, impi);
	if (id != STORE_ID_NONE)
		assert_int_equal(store_reader_subscriber(r, id, sub), 0);
	store_reader_destroy(r);
	return id;
}

void expect_services(store_set set, unsigned n)
{
	store_service_id ids[STORE_SET_MAX];
	struct store_reader *r;

	assert_int_equal(store_reader_create(fake.ctl.env, &r), 0);
	assert_int_equal(store_reader_set(r, set, ids), n);
	store_reader_destroy(r);
}

void expect_bad(unsigned i, uint64_t line, const char *column, const char *why)
{
	assert_true(i < report.kept);
	assert_int_equal(report.error[i].line, line);
	assert_string_equal(report.error[i].column, column);
	if (strstr(report.error[i].why, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", report.error[i].why, why);
}
