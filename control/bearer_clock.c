// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the clocks say, for bearer.c alone. A file of its own, so that tests bring their own clocks.

#include "bearer_inside.h"
#include "campaign.h"

#define APART_MS 10 // a thread that was interrupted in between reads again

struct bearer_now bearer_clocks(void)
{
	struct bearer_now now;

	do
		now = (struct bearer_now){ctl_clock_ms(), campaign_now_ms()};
	while (ctl_clock_ms() - now.boot_ms > APART_MS);
	return now;
}
