// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A store that is filled through its fixture and one reader of it, for each test anew.

#pragma once

#include "fixture.h"
#include "support.h"

struct site {
	struct store_env *env;
	struct store_reader *r;
};

int site_set_up(void **state);
int site_tear_down(void **state);
// Commits, and lets the reader see it.
void site_see(struct site *s);
// Subscriber i with B-TID b (see test_subscriber()), committed.
store_id site_put(struct site *s, uint32_t i, uint32_t b);
// As the reader sees it after a look at what is new.
store_id site_find_btid(struct site *s, uint32_t b);
uint8_t site_flags(struct site *s, store_id id);

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_set_up, site_tear_down)
