// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which phone holds which MSK.

#pragma once

#include "keyml.h"
#include "phones.h"

// An MSK as a message brought it.
struct ue_delivery {
	uint8_t kdi[MIKEY_KDI_BYTES];
	uint8_t profile;
	uint16_t group;
	uint16_t number;
	uint32_t csb_id;
	struct mikey_bytes rand;
	const uint8_t *key; // MIKEY_MSK_BYTES, secret
	uint16_t seq_l;
	uint16_t seq_u; // below seq_l: the phone has to delete this MSK
};

// What a delivery did.
struct ue_change {
	bool is_stored; // new to the phone
	bool is_refreshed; // it was there; only its validity changed
	bool is_replaced; // the same MSK ID came with other key octets
	bool is_relabelled; // the same MSK came with another CSB ID or RAND
	bool is_revoked;
	bool has_dropped; // an older MSK of the group made room
};

// Gives an MSK to a phone. -ENOMEM leaves the phone as it was.
int ue_holding_deliver(struct ue_phones *phones, uint32_t phone, const struct ue_delivery *delivery,
	struct ue_change *change);
// True when the phone holds the MSK of this name, in v600 any one of the group.
bool ue_holding_has(const struct ue_phones *phones, uint32_t phone, const struct ue_subject *key);
// Notes what brought the MSK that was stored last. Until then it was a push.
void ue_holding_mark(struct ue_phones *phones, uint32_t phone, enum ue_way way);
// Takes the MSK from a phone that *link, its own or of one of its holdings, names.
void ue_holding_end(struct ue_phones *phones, uint32_t phone, uint32_t *link);
// Takes all MSKs from a phone; returns how many there were.
unsigned ue_holding_forget(struct ue_phones *phones, uint32_t phone);
