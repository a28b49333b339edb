// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How the reader tests fill a store. There are two of these, on LMDB and on the fake, so that the
// fake cannot lie. Changes are seen by readers that renew after fixture_commit().

#pragma once

#include "reader.h"

struct store_env *fixture_open(void);
void fixture_close(struct store_env *env);
void fixture_commit(struct store_env *env);

store_id fixture_put(struct store_env *env, const struct store_subscriber *sub);
void fixture_verified(struct store_env *env, store_id id);
void fixture_remove(struct store_env *env, store_id id);
store_set fixture_set(struct store_env *env, const store_service_id *services, size_t n);
store_service_id fixture_service(struct store_env *env, const struct store_service *service);
void fixture_service_remove(struct store_env *env, store_service_id id);
void fixture_group(struct store_env *env, const struct store_group *group);
void fixture_msk(struct store_env *env, const struct store_msk *msk);
// The id is given by the store.
uint32_t fixture_campaign(struct store_env *env, const struct store_campaign *campaign);
void fixture_slice(
	struct store_env *env, uint32_t campaign, uint32_t slice, const uint8_t state[STORE_SLICE]);
void fixture_mark(struct store_env *env, uint32_t mark);
