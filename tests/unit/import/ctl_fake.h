// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the import needs of ctl.h and dp.h, on a store in a directory of its own and without a
// daemon around it. The writer's jobs run in the thread that brings them, one at a time.

#pragma once

#include <stdbool.h>

#include "ctl.h"

#define CTL_FAKE_BTID_MAX 100 // octets of a B-TID that fits the UICC

struct ctl_fake {
	struct ctl ctl;
	char dir[64];
	uint32_t max_subscribers;
	bool may_reuse_ids; // no campaign is open
	unsigned jobs; // exclusive ones
	unsigned failing_job; // this one fails with -ENOSPC, 0 = none
	store_id changed_from; // union of what ctl_store_changed() was told
	store_id changed_to;
	uint32_t holding_campaign; // holds every subscriber, 0 = none
};
extern struct ctl_fake fake;

// cmocka's set-up and tear-down of a test: a fresh store with the services urn:a and urn:b
// (group 001-01/0001, ts33246) and urn:c (001-01/0002, v600).
int ctl_fake_begin(void **state);
int ctl_fake_end(void **state);
