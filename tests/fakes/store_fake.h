// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The store of tests: store/reader.h in memory, linked instead of the library `store`. It has the
// same reader tests. What is filled in becomes visible to readers that renew after a commit.
//
// Running out of memory ends the test.

#pragma once

#include "reader.h"

struct store_env *fake_store_create(void);
void fake_store_destroy(struct store_env *env); // after its readers
void fake_store_commit(struct store_env *env);
uint64_t fake_store_version(const struct store_env *env); // of the last commit

// Adds a subscriber or changes the one with this IMPI. Flags are taken as they are, STORE_LIVE is
// added; all B-TIDs and IMPIs are kept as text (STORE_BTID_RAW, STORE_IMPI_RAW).
store_id fake_store_subscriber(struct store_env *env, const struct store_subscriber *sub);
void fake_store_remove(struct store_env *env, store_id id);
// Gives a subscriber a previous B-TID and MUK, or takes it away with NULL.
void fake_store_prev(struct store_env *env, store_id id, const struct store_prev *prev);
// As store_subscriber_verified(): sets the flag and ends the life of the previous MUK.
void fake_store_verified(struct store_env *env, store_id id);

// The list has to be ascending.
store_set fake_store_set(struct store_env *env, const store_service_id *services, size_t n);
// These replace what has the same key. A service with id 0 is found by name, and gets its id.
void fake_store_service(struct store_env *env, struct store_service *service);
void fake_store_service_remove(struct store_env *env, store_service_id id);
void fake_store_group(struct store_env *env, const struct store_group *group);
void fake_store_msk(struct store_env *env, const struct store_msk *msk);
void fake_store_mtks(struct store_env *env, const struct store_mtks *mtks);
void fake_store_campaign(struct store_env *env, const struct store_campaign *campaign);
void fake_store_slice(
	struct store_env *env, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE]);
void fake_store_mark(struct store_env *env, uint32_t mark);
