// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The file of the last MUKs, as state.c uses it: its layout, and how it is mapped.

#pragma once

#include "state.h"

#define UE_STATE_MAGIC "mskue-1"
#define UE_STATE_SLOTS_MAX 100000000

struct ue_state_header {
	char magic[8];
	uint32_t slots;
	uint16_t impi_room;
	uint16_t btid_room;
};

struct ue_state_muk {
	uint32_t counter;
	uint8_t btid_len;
	uint8_t keys_in_uicc;
	uint8_t last_mac[8];
	int64_t expires;
	uint8_t muk[UE_KEY_BYTES];
	char btid[]; // btid_room
};

// Followed by the IMPI in impi_room octets and two of struct ue_state_muk.
struct ue_state_slot {
	uint8_t which; // 0: no MUK, else 1 or 2
	uint8_t impi_len; // 0: nobody's
	uint16_t port;
	struct ue_address address;
	// So that no RAND is drawn again that a MUK came from.
	uint32_t bootstraps;
};

struct ue_state {
	int fd;
	struct ue_state_header *map;
	size_t map_bytes;
	uint32_t *stored; // a phone's credential in its slot; UE_NONE
	struct ue_state_found found;
};

size_t ue_state_muk_bytes(const struct ue_state_header *h);
struct ue_state_slot *ue_state_slot_at(struct ue_state_header *map, uint32_t at);
char *ue_state_slot_impi(struct ue_state_slot *slot);
// The first or the second one.
struct ue_state_muk *ue_state_slot_muk(
	const struct ue_state_header *map, struct ue_state_slot *slot, unsigned which);
bool ue_state_slot_is_sound(const struct ue_state_header *map, struct ue_state_slot *slot);

// -EBUSY when another process has it, told apart from other failures: it is the user's.
int ue_state_file_open(struct ue_state *state, const char *dir, const char *name, int flags);
// Maps the file that is there; an empty one has no map. -EBADMSG.
int ue_state_file_map(struct ue_state *state);
int ue_state_file_make(struct ue_state *state, const struct ue_state_header *head);
// The new file takes the place of the old one.
int ue_state_file_replace(const char *dir);
void ue_state_map_drop(struct ue_state *state);
