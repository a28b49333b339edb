// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wire.h"

#include <errno.h>
#include <stdlib.h>

// How long a reordered frame is held back: long enough for a burst to overtake it, short
// against any repeat time.
#define REORDER_MIN_US 100
#define REORDER_MAX_US 2000

struct ue_wire_item {
	int64_t due;
	uint64_t sequence;
	uint8_t *data;
	uint32_t len;
	uint8_t direction;
};

void ue_wire_init(struct ue_wire *wire, const struct ue_impairment *impairment, uint64_t seed)
{
	*wire = (struct ue_wire){.impairment = *impairment};
	ue_rng_init(&wire->rng, seed);
}

void ue_wire_fini(struct ue_wire *wire)
{
	for (size_t i = 0; i < wire->count; i++)
		free(wire->heap[i].data);
	free(wire->heap);
	*wire = (struct ue_wire){0};
}

static int64_t delay_draw(struct ue_wire *wire)
{
	const struct ue_impairment *impairment = &wire->impairment;
	int64_t delay = impairment->delay_us;

	if (impairment->jitter_us > 0)
		delay +=
			(int64_t)ue_rng_below(&wire->rng, 2 * (uint64_t)impairment->jitter_us + 1) -
			impairment->jitter_us;
	return delay > 0 ? delay : 0;
}

struct ue_fate ue_wire_draw(struct ue_wire *wire)
{
	const struct ue_impairment *impairment = &wire->impairment;
	struct ue_fate fate = {.copies = 1};

	if (ue_rng_percent(&wire->rng, impairment->loss)) {
		fate.copies = 0;
		return fate;
	}
	if (ue_rng_percent(&wire->rng, impairment->duplicate))
		fate.copies = 2;
	for (unsigned i = 0; i < fate.copies; i++)
		fate.delay_us[i] = delay_draw(wire);
	if (ue_rng_percent(&wire->rng, impairment->reorder)) {
		fate.is_reordered = true;
		fate.delay_us[0] += REORDER_MIN_US +
			(int64_t)ue_rng_below(&wire->rng, REORDER_MAX_US - REORDER_MIN_US);
	}
	return fate;
}

static bool item_is_before(const struct ue_wire_item *a, const struct ue_wire_item *b)
{
	return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
}

static int heap_grow(struct ue_wire *wire)
{
	size_t room = wire->room != 0 ? 2 * wire->room : 256;
	struct ue_wire_item *grown;

	if (wire->count < wire->room)
		return 0;
	grown = reallocarray(wire->heap, room, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	wire->heap = grown;
	wire->room = room;
	return 0;
}

int ue_wire_put(struct ue_wire *wire, enum ue_direction direction, int64_t due, const uint8_t *data,
	size_t len)
{
	struct ue_wire_item item = {due, wire->sequence, malloc(len), (uint32_t)len, direction};
	size_t at = wire->count;

	if (item.data == NULL || heap_grow(wire) != 0) {
		free(item.data);
		return -ENOMEM;
	}
	memcpy(item.data, data, len);
	wire->sequence++;
	wire->count++;
	for (; at > 0 && item_is_before(&item, &wire->heap[(at - 1) / 2]); at = (at - 1) / 2)
		wire->heap[at] = wire->heap[(at - 1) / 2];
	wire->heap[at] = item;
	return 0;
}

// Takes the first item out and lets the last one sink from its place.
static struct ue_wire_item heap_pop(struct ue_wire *wire)
{
	struct ue_wire_item first = wire->heap[0], last = wire->heap[--wire->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= wire->count)
			break;
		if (child + 1 < wire->count &&
			item_is_before(&wire->heap[child + 1], &wire->heap[child]))
			child++;
		if (!item_is_before(&wire->heap[child], &last))
			break;
		wire->heap[at] = wire->heap[child];
		at = child;
	}
	wire->heap[at] = last;
	return first;
}

bool ue_wire_take(struct ue_wire *wire, int64_t now, enum ue_direction *direction, uint8_t **data,
	size_t *len)
{
	struct ue_wire_item item;

	if (ue_wire_due(wire) > now)
		return false;
	item = heap_pop(wire);
	*direction = item.direction;
	*data = item.data;
	*len = item.len;
	return true;
}

int64_t ue_wire_due(const struct ue_wire *wire)
{
	return wire->count > 0 ? wire->heap[0].due : INT64_MAX;
}
