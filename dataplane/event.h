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

// How the last single push of a subscriber stands.
enum dp_push_state {
	DP_PUSH_NONE, // there was none since the daemon started
	DP_PUSH_SENT,
	DP_PUSH_VERIFIED,
	DP_PUSH_GIVEN_UP, // sent as often as allowed, never verified
	DP_PUSH_REFUSED, // not sent, or not sent again: refusal tells why
	DP_PUSH_ENDED, // the subscriber left
};
const char *dp_push_state_name(unsigned state); // "given-up"

struct dp_push_note {
	uint32_t at_s; // of the last message, or of what ended it; Unix seconds
	uint16_t group;
	uint16_t number; // Key Number
	uint8_t kdi[3];
	uint8_t state; // enum dp_push_state
	uint8_t sends; // messages so far
	uint8_t refusal; // enum dp_refusal
};

// What became of an MTK message.
enum dp_mtk_verdict {
#define DP_MTK(name, label, text) DP_MTK_##name,
#include "mtk_verdict.def"
#undef DP_MTK
	DP_MTK_VERDICTS
};
const char *dp_mtk_verdict_name(unsigned verdict); // "no-way"

struct dp_mtk_note {
	uint16_t group;
	uint16_t number; // Key Number of the MSK
	uint8_t kdi[3];
	uint8_t verdict; // enum dp_mtk_verdict
	uint16_t mtk_id;
	uint32_t counter; // T, of one that was sent
};

// A note that was written, for the history of its subscriber.
struct dp_push_event {
	uint32_t id;
	struct dp_push_note note;
};

// A verification that the store has to know of: the first one under a MUK. muk_check tells which
// MUK (store/types.h); the record may have changed since.
struct dp_verification {
	uint32_t id;
	uint32_t muk_check;
};
