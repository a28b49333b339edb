// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTK messages (TS 33.246 6.3.3). One worker sends all of them, one at a time: each takes a counter
// value of its own, from an allocator of the same kind as that of the MUKs, by MSK instead of by
// subscriber.

#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "cmd.h"
#include "counter.h"
#include "event.h"

#define MTK_SEATS 512 // MSKs whose last values are known at once: two of 256 groups

struct worker;
struct dp_now;

// Whose last value stands at its number in the allocator.
struct mtk_seat {
	bool is_used;
	uint8_t kdi[3];
	uint16_t group;
	uint16_t number; // Key Number
	uint64_t used_ns;
};

struct mtk_sender {
	struct rte_ring *orders; // of struct dp_mtk; control puts. NULL: another worker sends MTKs
	struct rte_ring *notes; // of struct dp_mtk_note; control takes
	bool has_order;
	struct dp_mtk order; // the one that waits
	struct rte_mbuf *mbuf; // its frame, until the port takes it
	unsigned port; // that the frame is for
	uint64_t built_ns;
	uint32_t value; // T in it
	struct counter values;
	struct counter_owner counter;
	struct mtk_seat seat[MTK_SEATS];
	uint32_t evicted; // the highest last value of MSKs that have no seat any more
};

int mtk_init(struct worker *w);
void mtk_fini(struct worker *w);
// Sends what was ordered; returns how many messages left. Not while the worker may not send.
unsigned mtk_turn(struct worker *w, const struct dp_now *now);
