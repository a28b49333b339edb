// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Private to this library: the layout of each payload, written (payload.c) and read (walk.h).
// Nothing else in the tree knows where a field lies.

#pragma once

#include "cursor.h"

// The octet map of each payload is in RFC 3830 6 and RFC 4563.

struct hdr_fields {
	uint8_t data_type;
	bool wants_verification;
	uint32_t csb_id;
	uint8_t cs_count; // 0: empty map
	const struct mikey_cs *cs;
};

void mikey_write_hdr(struct writer *wr, uint8_t next, const struct hdr_fields *hdr);
void mikey_write_key_id(
	struct writer *wr, uint8_t next, enum mikey_profile profile, const struct mikey_key_id *id);
void mikey_write_t(struct writer *wr, uint8_t next, uint32_t counter);
void mikey_write_rand(struct writer *wr, uint8_t next, struct mikey_bytes rand);
void mikey_write_id_head(struct writer *wr, uint8_t next, uint16_t len);
void mikey_write_id(struct writer *wr, uint8_t next, struct mikey_bytes id);
void mikey_write_sp(struct writer *wr, uint8_t next, const struct mikey_policy *policy);
// KEMAC around key data: its head, then what the caller writes, then the MAC of zeros.
void mikey_write_kemac_head(struct writer *wr, uint16_t encr_len);
struct mikey_span mikey_write_kemac_mac(struct writer *wr);
struct mikey_span mikey_write_v(struct writer *wr);

// One payload as it lies in the message. Which fields mean something depends on the type.
struct payload {
	uint8_t type; // MIKEY_PAYLOAD_*
	uint8_t next;
	uint8_t code; // EXT, TS, ID, protocol type; encryption algorithm; error number
	uint8_t policy; // SP
	uint8_t mac_alg; // KEMAC, V
	struct mikey_span span; // the whole payload
	struct mikey_bytes data; // what follows the head, without the MAC
	struct mikey_span mac; // KEMAC, V
};

// Reads the parameters of an SP payload.
enum mikey_status mikey_policy_read(const struct payload *payload, struct mikey_policy *policy);
// Reads the Key IDs of an EXT payload of type 3 into the view.
enum mikey_status mikey_key_id_read(struct mikey_bytes ext, struct mikey_view *view);
