// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "ua_line.h"

#define NS_PER_S UINT64_C(1000000000)
#define MEASURED 64 // requests that tell what one costs
#define COST_FIRST_NS 250e3 // while nothing is known
#define COST_SHARE 0.3 // of a new measurement
// Who comes back is challenged first, so he makes two requests; and half of the time is for those
// who were not here before.
#define COSTS_PER_PLACE 4
#define BEGIN_LEAST_NS NS_PER_S
#define BEGIN_MOST_NS (10 * NS_PER_S)
#define CALM_NS (2 * NS_PER_S) // without anybody turned away, and it is over

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

// Where the line begins: who comes back while it is still too much is only turned away again.
static uint64_t line_begin(struct ua_line *line, uint64_t now_ns)
{
	uint64_t lasted;

	if (now_ns >= line->last_ns + CALM_NS) {
		line->since_ns = now_ns;
		line->end_ns = 0;
	}
	line->last_ns = now_ns;
	lasted = now_ns - line->since_ns;
	if (lasted < BEGIN_LEAST_NS)
		lasted = BEGIN_LEAST_NS;
	return now_ns + (lasted < BEGIN_MOST_NS ? lasted : BEGIN_MOST_NS);
}

unsigned ua_line_join(struct ua_line *line, uint64_t now_ns)
{
	double cost = line->cost_ns > 0 ? line->cost_ns : COST_FIRST_NS;
	uint64_t begin = line_begin(line, now_ns), place = line->end_ns;

	// When it is as long as may be, a second one begins beside it.
	if (place < begin || place >= now_ns + (UA_LINE_MOST_S + 1) * NS_PER_S)
		place = begin;
	line->end_ns = place + (uint64_t)(cost * COSTS_PER_PLACE);
	return (unsigned)((place - now_ns) / NS_PER_S);
}
