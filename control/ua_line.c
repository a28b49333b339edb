// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_line.h"

#include <stdbool.h>

#define NS_PER_S UINT64_C(1000000000)
#define MEASURED 64 // requests that tell what one costs
#define COST_FIRST_NS 250e3 // while nothing is known
#define COST_SHARE 0.3 // of a new measurement
// Who comes back is challenged first, so he makes two requests; and half of the time is for those
// who were not here before.
#define COSTS_PER_PLACE 4

void ua_line_measure(struct ua_line *line, unsigned answered, uint64_t busy_ns)
{
	double cost;

	// A turn without answers was for something else.
	if (answered == 0)
		return;
	line->answered += answered;
	line->busy_ns += busy_ns;
	if (line->answered < MEASURED)
		return;
	cost = (double)line->busy_ns / line->answered;
	line->cost_ns += (cost - line->cost_ns) * (line->cost_ns > 0 ? COST_SHARE : 1);
	line->answered = 0;
	line->busy_ns = 0;
}

unsigned ua_line_join(struct ua_line *line, uint64_t now_ns)
{
	double cost = line->cost_ns > 0 ? line->cost_ns : COST_FIRST_NS;
	uint64_t place = line->end_ns, first = now_ns + NS_PER_S;
	bool is_over = place < first || place >= first + UA_LINE_MOST_S * NS_PER_S;

	// When it is as long as may be, a second one begins beside it.
	if (is_over)
		place = first;
	line->end_ns = place + (uint64_t)(cost * COSTS_PER_PLACE);
	return (unsigned)((place - now_ns) / NS_PER_S);
}
