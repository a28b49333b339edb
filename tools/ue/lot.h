// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Draws a share of candidates, one after the other: exact in number, random in place (Knuth,
// selection sampling).

#pragma once

#include "rng.h"

struct ue_lot {
	uint64_t wanted;
	uint64_t left;
};

static inline struct ue_lot ue_lot_of(double percent, uint64_t candidates)
{
	return (struct ue_lot){(uint64_t)((double)candidates * percent / 100.0 + 0.5), candidates};
}

static inline bool ue_lot_draw(struct ue_lot *lot, struct ue_rng *rng)
{
	bool is_drawn = lot->wanted > 0 && ue_rng_below(rng, lot->left) < lot->wanted;

	lot->left--;
	lot->wanted -= is_drawn;
	return is_drawn;
}
