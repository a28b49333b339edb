// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The schedule of MTKs: which there are, when each is sent and when it is in use. No clock, no
// store, no random numbers: all are arguments. Times are Unix milliseconds.
//
// MTKs follow each other without a gap, one interval each. One is sent first a lead ahead of its
// use, and repeated until its use is over. All that are on the air are sent together, in ascending
// order: a phone takes no MTK ID below one that it has taken.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#define MTK_AHEAD 4 // intervals that the schedule runs ahead of what is on the air

// Why no MTK is added.
enum mtk_wait {
#define MTK_WAIT(name, label, text) MTK_WAIT_##name,
#include "mtk_wait.def"
#undef MTK_WAIT
	MTK_WAITS
};
const char *mtk_wait_name(unsigned wait); // "mtk-ids-used-up"
const char *mtk_wait_text(unsigned wait);

// What there is under one MSK.
struct mtk_supply {
	uint16_t number; // Key Number; 0: there is no such MSK
	uint16_t seq_l;
	uint16_t seq_u;
	struct store_mtks mtks; // keys are not needed
};

// MTK IDs that the MSK has left.
uint32_t mtk_ids_left(const struct mtk_supply *supply);
// NONE, or why no MTK can go under it.
enum mtk_wait mtk_supply_check(const struct mtk_supply *supply);

// Leaves out MTKs that are over. Returns how many.
unsigned mtk_plan_tidy(struct store_mtks *mtks, uint64_t now_ms);
// Whether a clock that was set back has put the schedule out of reach: none would be sent for
// longer than there ever is between two MTKs, or what mtk_plan_extend() adds would not go behind
// it.
bool mtk_plan_is_out_of_reach(
	const struct store_bearer *bearer, const struct store_mtks *mtks, uint64_t now_ms);
// Leaves out those that are not on the air yet. Returns how many.
unsigned mtk_plan_withdraw(struct store_mtks *mtks, uint64_t now_ms);
// When the last use ends, dummies aside; 0: there is none.
uint64_t mtk_plan_end(const struct store_mtks *mtks);
// Whether the schedule, which ends then, has to be carried on now.
bool mtk_plan_is_short(const struct store_bearer *bearer, uint64_t end_ms, uint64_t now_ms);
// Adds MTKs behind end_ms (from a lead ahead of now on when that is over, or out of reach) without
// their keys; at most as many as there are MTK IDs for. Returns how many.
unsigned mtk_plan_extend(const struct store_bearer *bearer, struct mtk_supply *supply,
	uint64_t end_ms, uint64_t now_ms);
// Adds a dummy that is sent from now on. False: there is no MTK ID for it.
bool mtk_plan_add_dummy(
	const struct store_bearer *bearer, struct mtk_supply *supply, uint64_t now_ms);

static inline bool mtk_is_on_air(const struct store_mtk *mtk, uint64_t now_ms)
{
	return mtk->send_ms <= now_ms && now_ms < mtk->to_ms;
}

// Most messages that go to one place in an interval: each needs a counter value of its own, and
// there is one a second.
uint64_t mtk_plan_messages(const struct store_bearer *bearer);
