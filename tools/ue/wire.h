// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the wire does to frames: loss, duplication, reordering and delay, drawn from a seed; and
// the frames that are under way because of it.

#pragma once

#include "rng.h"
#include "ue.h"

struct ue_wire_item;

struct ue_wire {
	struct ue_impairment impairment;
	struct ue_rng rng;
	struct ue_wire_item *heap; // earliest first; same time in the order of arrival
	size_t count;
	size_t room;
	uint64_t sequence;
};

// What happens to one frame: how many of it arrive (0, 1 or 2) and how much later each.
struct ue_fate {
	unsigned copies;
	bool is_reordered;
	int64_t delay_us[2];
};

void ue_wire_init(struct ue_wire *wire, const struct ue_impairment *impairment, uint64_t seed);
void ue_wire_fini(struct ue_wire *wire);
struct ue_fate ue_wire_draw(struct ue_wire *wire);

// Puts a copy of a frame on its way. -ENOMEM.
int ue_wire_put(struct ue_wire *wire, enum ue_direction direction, int64_t due, const uint8_t *data,
	size_t len);
// Takes the first frame that is due by now; the caller frees *data. False when there is none.
bool ue_wire_take(struct ue_wire *wire, int64_t now, enum ue_direction *direction, uint8_t **data,
	size_t *len);
// When the first frame is due; INT64_MAX for none.
int64_t ue_wire_due(const struct ue_wire *wire);
