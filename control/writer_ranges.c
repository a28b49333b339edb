// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "writer_ranges.h"

#include <string.h>

static uint32_t range_end(const struct writer_range *r)
{
	return r->first + r->n;
}

static void range_remove(struct writer_ranges *ranges, unsigned i)
{
	ranges->n--;
	memmove(&ranges->range[i], &ranges->range[i + 1],
		(ranges->n - i) * sizeof(ranges->range[0]));
}

// Makes one of i and i + 1.
static void ranges_join(struct writer_ranges *ranges, unsigned i)
{
	struct writer_range *low = &ranges->range[i], *high = low + 1;
	uint32_t end = range_end(low) > range_end(high) ? range_end(low) : range_end(high);

	low->n = end - low->first;
	range_remove(ranges, i + 1);
}

static void closest_join(struct writer_ranges *ranges)
{
	unsigned best = 0;
	uint32_t best_gap = UINT32_MAX;

	for (unsigned i = 0; i + 1 < ranges->n; i++) {
		uint32_t gap = ranges->range[i + 1].first - range_end(&ranges->range[i]);

		if (gap >= best_gap)
			continue;
		best_gap = gap;
		best = i;
	}
	ranges_join(ranges, best);
}

void writer_ranges_add(struct writer_ranges *ranges, uint32_t first, uint32_t n)
{
	unsigned at = 0;

	if (n == 0)
		return;
	if (n > UINT32_MAX - first)
		n = UINT32_MAX - first;
	if (ranges->n == WRITER_RANGES_MAX)
		closest_join(ranges);
	while (at < ranges->n && ranges->range[at].first < first)
		at++;
	memmove(&ranges->range[at + 1], &ranges->range[at],
		(ranges->n - at) * sizeof(ranges->range[0]));
	ranges->range[at] = (struct writer_range){first, n};
	ranges->n++;
	if (at > 0)
		at--;
	while (at + 1 < ranges->n) {
		if (ranges->range[at + 1].first <= range_end(&ranges->range[at]))
			ranges_join(ranges, at);
		else if (ranges->range[at].first > first)
			break;
		else
			at++;
	}
}
