// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the workers tell control: rare things only. What happens per packet is in counters and in
// the member states of a campaign.

#pragma once

#include <stdint.h>

struct dp_campaign;

enum dp_event_kind {
	DP_EVENT_CAMPAIGN_CLOSED, // campaign: this worker will not touch it again
	DP_EVENT_HOP_MAC, // hop: its MAC was learnt or changed
	DP_EVENT_HOP_LOST, // hop: it does not answer any more
	DP_EVENT_PORT, // port: its state changed
};

struct dp_event {
	enum dp_event_kind kind;
	uint8_t worker;
	uint8_t hop; // number, as in struct dp_status
	uint8_t port; // likewise
	uint8_t is_up; // of PORT
	uint8_t is_gone; // likewise
	struct dp_campaign *campaign;
};
