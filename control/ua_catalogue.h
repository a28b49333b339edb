// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Key groups as requests need them: who may have their MSKs, and which MSKs are given out now. Read
// from the store when asked for and kept while the snapshot is the same. One belongs to one thread.

#pragma once

#include "reader.h"

struct ua_group {
	struct store_group_id id;
	uint8_t profile; // enum store_profile
	uint16_t current; // Key Number, 0: there is none
	uint16_t next; // Key Number of the next MSK if it is released, else 0
	// Those of the two that were revoked, and are given out no more; 0: none.
	uint16_t revoked[2];
	// MTKs are sent, so that phones miss updates, and no campaign asks phones to come.
	bool is_spaced;
	struct store_eligibility eligibility;
	// Services of the group that demand it, by their bit in the masks of the eligibility.
	uint64_t reauthenticates;
	uint64_t bootstraps;
};

// The strictest policy of the services by which a subscriber may have the group's MSKs
// (enum store_service_policy).
unsigned ua_group_policy(const struct ua_group *group, const struct store_hot *hot);

struct ua_catalogue;

// -ENOMEM.
int ua_catalogue_create(struct ua_catalogue **out);
void ua_catalogue_destroy(struct ua_catalogue *c);
// The key group, NULL: there is none (or it cannot be read). Lives until the next call.
const struct ua_group *ua_catalogue_group(
	struct ua_catalogue *c, const struct store_reader *r, const struct store_group_id *id);
// The first key group of the profile v600 with this number.
const struct ua_group *ua_catalogue_old_group(
	struct ua_catalogue *c, const struct store_reader *r, uint16_t number);
