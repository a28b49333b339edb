// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Importing in tests.

#pragma once

#include "support.h"

// A store of its own for each test; *state is the environment.
int test_import_set_up(void **state);
int test_import_tear_down(void **state);
#define WITH_ENV(test) \
	cmocka_unit_test_setup_teardown(test, test_import_set_up, test_import_tear_down)

struct store_import *test_import_begin(struct store_env *env);
// Adds rows and expects every one to be taken.
void test_import_rows(struct store_import *imp, const struct store_subscriber *rows, size_t n);
// One row; returns its verdict.
enum store_row test_import_row(struct store_import *imp, uint32_t i, uint32_t b);
// Rows from .. to-1 with B-TIDs `shift` above, all taken.
void test_import_many(struct store_import *imp, uint32_t from, uint32_t to, uint32_t shift);
// Publishes to the end.
struct store_import_result test_import_finish(struct store_import *imp);
void test_import_abort(struct store_import *imp);
// Subscribers from .. to-1, all new, each with the B-TID of its number.
struct store_import_result test_import_range(struct store_env *env, uint32_t from, uint32_t to);

// Nothing lies above the span, in no table, and the change list is empty.
void test_clean(struct store_env *env);
// Subscribers from .. to-1 are there, whole, under both keys, with B-TIDs `shift` above.
void test_range(struct store_env *env, uint32_t from, uint32_t to, uint32_t shift);
// None of them is.
void test_no_range(struct store_env *env, uint32_t from, uint32_t to);
