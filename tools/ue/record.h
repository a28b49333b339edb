// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What phones ever saw of a BM-SC, in a mapped file that outlives this process, however it ends,
// and goes on at the next start: each message with its counter, each MSK and MTK with what it is.
// A test reads it and judges the BM-SC by it. Belongs to whoever has the turn.

#pragma once

#include "frame.h"

enum ue_record_kind {
	UE_RECORD_PUSH = 'P', // on the wire, before it is lost or refused
	UE_RECORD_SOLICIT = 'S', // likewise
	UE_RECORD_ANSWER = 'V', // a verification, but for those that the wire loses or delays
	UE_RECORD_MSK = 'M', // new to a phone
	UE_RECORD_MTK = 'T', // on the wire, under an MSK that phones hold
};

#define UE_RECORD_HEAD 8

// As it lies in the file, one after the other behind a header of 64 octets: "mskrec-1", u64 count.
struct ue_record_entry {
	int64_t wall; // Unix microseconds
	uint8_t key[UE_RECORD_HEAD]; // P S V: of the B-TID. M: KDI, group, Key Number. T: MSK
	uint8_t content[UE_RECORD_HEAD]; // P S: first of the MAC. M: of the MSK. T: check value
	uint8_t mac[UE_RECORD_HEAD]; // T: first of the MAC
	uint32_t counter; // 0 in M
	uint32_t csb_id;
	uint16_t number; // Key Number, in T the MTK ID
	uint8_t kind;
	uint8_t spare[5];
};
_Static_assert(sizeof(struct ue_record_entry) == 48, "the layout is part of the file");

struct ue_record;

// Makes the file, or goes on with it. -EBADMSG: it is another one; -EBUSY: somebody else has it.
int ue_record_open(struct ue_record **out, const char *path);
void ue_record_close(struct ue_record *record);
// The time of what follows.
void ue_record_at(struct ue_record *record, const struct ue_now *now);
// Adds an entry. One that finds the file full is lost.
void ue_record_put(struct ue_record *record, const struct ue_record_entry *entry);
// A frame that has come in, if it is a message to one phone.
void ue_record_frame(struct ue_record *record, const struct ue_station *station,
	const uint8_t *data, size_t len);
// What stands for a name or a key: the first octets of its SHA-256.
void ue_record_head(uint8_t head[UE_RECORD_HEAD], const void *data, size_t len);
