// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the tests of the store share.

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "writer.h"

#define TEST_MAP_BYTES (UINT64_C(64) << 20)

// A fresh directory for a store, removed when the test program ends.
const char *test_dir(void);
// The wrapping key of the stores of tests: these run twice, with $STORE_TEST_WRAPPED and without.
const char *test_wrapping_key(void);
// Opens a store and expects it to succeed.
struct store_env *test_open(const char *dir);
struct store_txn *test_begin(struct store_env *env);
void test_commit(struct store_txn *txn);

// Subscriber number i, with B-TID number b: all fields differ from those of the others.
void test_subscriber(uint32_t i, uint32_t b, struct store_subscriber *out);
void test_btid(uint32_t b, char out[STORE_NAI_MAX + 1]);
void test_impi(uint32_t i, char out[STORE_NAI_MAX + 1]);

// Puts it in a transaction of its own and returns the id.
store_id test_put(struct store_env *env, const struct store_subscriber *sub);
int test_try_put(struct store_env *env, const struct store_subscriber *sub, store_id *id);
void test_verify(struct store_env *env, store_id id);

// Compares content and the three flags a caller sets.
void test_same(const struct store_subscriber *a, const struct store_subscriber *b);

struct store_group test_group(uint16_t number, enum store_profile profile);
struct store_msk test_msk(const struct store_group *group, uint16_t number, uint32_t csb_id);

// MTKs 1 .. n of an MSK; all their fields differ.
struct store_mtks test_mtks(const struct store_msk *msk, uint16_t n);

struct store_reader *test_reader(struct store_env *env);
