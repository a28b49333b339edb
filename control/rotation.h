// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How far the distribution of an MSK has come.

#pragma once

#include "ctl.h"

struct rotation_share {
	uint32_t members; // of the key group, now
	uint32_t have; // of them, those that verified this MSK
};

// Counts members whose verification of this MSK stands in a campaign that is open or kept, or that
// was the last thing they were pushed since the daemon's start, under the MUK they have. Walks over
// all subscribers.
int rotation_share_count(struct ctl *ctl, const struct store_group_id *group, uint16_t number,
	struct rotation_share *out);
// Whether so many of 100 have it.
static inline bool rotation_is_enough(const struct rotation_share *share, unsigned percent)
{
	return (uint64_t)share->have * 100 >= (uint64_t)share->members * percent;
}
