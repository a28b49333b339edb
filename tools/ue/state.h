// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What a phone keeps when it is switched off (CR001r3, CR027 of TS 33.246): the MUK under which a
// message was last accepted, with its counter, so that a later solicited pull can be
// authenticated; and the identity of the UICC, for all of it goes when there is another one.
//
// DIR/muks is mapped memory: what was accepted is there before the answer leaves, whatever becomes
// of the process. MRKs, MSKs and what has to do with them are written to DIR/keys by a phone that
// is switched off in an orderly way and keeps them (state_keys.c). Belongs to whoever has the turn.

#pragma once

#include "csv.h"
#include "phones.h"

struct ue_state;

struct ue_state_conf {
	const char *dir; // made when it is not there
	size_t btid_bytes; // of the longest B-TID that may be bootstrapped
};

struct ue_state_found {
	uint32_t recalled; // phones that have their last MUK back
	uint32_t changed; // phones that found another UICC: theirs was deleted
};

// After the phones are loaded: gives them back what they kept. -errno with a sentence in why;
// -EBUSY when another process has it, -EBADMSG when it is damaged.
int ue_state_open(struct ue_state **out, const struct ue_state_conf *conf, struct ue_phones *phones,
	char why[UE_WHY_BYTES]);
// A message under this credential was accepted.
void ue_state_use(struct ue_state *state, const struct ue_phones *phones, uint32_t credential);
struct ue_state_found ue_state_found(const struct ue_state *state);
// 0, or -errno when it could not be written to disk.
int ue_state_close(struct ue_state *state);

// Writes the keys that phones keep at power-down to DIR/keys; -errno leaves no file.
int ue_state_keys_save(const char *dir, const struct ue_phones *phones);
// Reads and deletes that file; *found says whether there was one. -EBADMSG when it is damaged: the
// phones have then got some of it or nothing.
int ue_state_keys_load(const char *dir, struct ue_phones *phones, bool *found);
// Deletes it unread: phones that keep nothing. 0 also when there is none.
int ue_state_keys_drop(const char *dir);
