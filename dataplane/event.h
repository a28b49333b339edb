// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the workers tell control: rare things only. What happens per packet is in counters and in
// the member states of a campaign.

#pragma once

#include <stdint.h>

struct dp_campaign;

enum dp_event_kind {
	DP_EVENT_CAMPAIGN_CLOSED, // campaign: this worker will not touch it again
	DP_EVENT_GATEWAY_MAC, // the next hop's MAC was learnt or changed
};

struct dp_event {
	enum dp_event_kind kind;
	uint8_t worker;
	struct dp_campaign *campaign;
};
