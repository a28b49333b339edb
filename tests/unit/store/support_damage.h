// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Stores that get damaged in tests.

#pragma once

#include "db.h"
#include "support.h"

#define MANY 700 // subscribers, each with the B-TID of its number; one more has raw names

// A store with something in each table; *state is the environment.
int damage_set_up(void **state);
int damage_tear_down(void **state);
#define WITH_DAMAGE(test) cmocka_unit_test_setup_teardown(test, damage_set_up, damage_tear_down)

// Writes data over the value of a block.
void damage_put(struct store_env *env, enum db_id db, uint32_t key, const void *data, size_t len);
// out: as large as a block.
void damage_get(struct store_env *env, enum db_id db, uint32_t key, void *out);
