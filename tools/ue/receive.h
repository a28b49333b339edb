// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a phone does with a datagram on its MIKEY port: the UE rules of TS 33.246.

#pragma once

#include "holding.h"
#include "state.h"
#include "ue.h"

struct ue_receiver {
	struct ue_phones *phones;
	struct mikey_bytes fqdn; // what IDi has to be in ts33246
	unsigned ts_bytes; // of the timestamp in the MAC of verifications
	struct ue_state *state; // not owned; NULL: phones keep nothing
};

struct ue_datagram {
	const uint8_t *data;
	size_t len;
	struct ue_address destination;
	uint16_t port;
	int64_t wall_s; // Unix time of its arrival
};

// What became of it.
struct ue_receipt {
	uint32_t phone; // UE_NONE when no phone was meant
	enum mikey_status mikey; // the parser's verdict
	struct mikey_key_id id; // what the message is about, when it was well formed
	enum mikey_profile profile;
	struct ue_change change;
	bool is_solicit;
	bool is_counter_reused; // a finding: refused, but good under a counter used before
	bool has_v_on_solicit; // likewise, accepted
	bool is_msk_different; // likewise: other phones hold other octets of this MSK ID
	uint32_t credential; // that the message was accepted under
	uint32_t counter; // likewise
	size_t answer_len; // of the verification message, 0 for none
};

// Refuses without any change of state, apart from the phone's own count of refusals, or does
// all that the message asks for. Writes the verification message into answer.
enum ue_refusal ue_receive(struct ue_receiver *receiver, const struct ue_datagram *in,
	uint8_t *answer, size_t cap, struct ue_receipt *receipt);

// A verification message as ue_receive() answers with: what the phone echoes, sealed with the
// authentication key of the exchange. Returns its length, 0 when it does not fit cap.
size_t ue_verification(const struct ue_receiver *receiver, const struct mikey_verification *msg,
	struct mikey_bytes idi, const struct ue_hmac *auth, uint8_t *out, size_t cap);
