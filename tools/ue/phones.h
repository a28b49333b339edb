// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// All phones of the emulator: who they are, their keys and what they were given. Plain memory
// without locks: whoever holds the turn (turn.h) owns it. Positions in the arrays are stable,
// addresses are not while phones are still being added.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "arena.h"
#include "index.h"
#include "mikey.h"
#include "ue_crypto.h"

#define UE_IDENTITY_MAX_BYTES 253 // of a B-TID or an IMPI, as in the subscriber CSV
#define UE_PER_GROUP 2 // MSKs a phone keeps per key group

// One bootstrapping: what a row of the CSV says. Secret.
struct ue_credential {
	const char *btid; // in the arena; NULL: a phone without MUK
	uint32_t phone;
	uint32_t counter; // last accepted T under this MUK; 0 under a new one
	uint8_t last_mac[8]; // head of the MAC that brought it
	int64_t expires; // Unix seconds
	uint8_t muk[UE_KEY_BYTES];
	uint8_t mrk[UE_KEY_BYTES];
	uint16_t services; // position in `names`
	uint16_t registered; // likewise
	uint8_t btid_len;
	bool is_used; // a message under this MUK was accepted
	bool has_mrk;
	bool keys_in_uicc;
};

struct ue_phone {
	const char *impi; // in the arena
	struct ue_address address;
	uint32_t current; // credential, UE_NONE for a phone without MUK
	uint32_t previous; // the one before, still good until it expires
	uint32_t holding; // first of its MSKs, the newest; UE_NONE
	uint32_t accepted;
	uint32_t refused;
	uint32_t solicited;
	uint16_t services; // of its next credential: position in `names`
	uint16_t registered; // likewise
	uint16_t bootstraps; // that it made
	uint16_t port;
	uint8_t impi_len;
	uint8_t last_refusal; // enum ue_refusal, UE_ACCEPTED for none
	bool keys_in_uicc; // of its next credential
	bool has_moved; // the address is not the CSV's any more
	bool is_learned; // the address came with the first message
};

// One MSK as phones got it; phones that got the same octets share it. Secret.
struct ue_msk {
	uint8_t kdi[MIKEY_KDI_BYTES];
	uint8_t profile; // enum mikey_profile
	uint16_t group;
	uint16_t number;
	uint32_t csb_id;
	uint32_t phones; // that hold it now
	const uint8_t *rand;
	uint8_t rand_len;
	uint8_t key[MIKEY_MSK_BYTES];
};

// One phone's hold on an MSK, with its validity.
struct ue_holding {
	uint32_t msk;
	uint32_t next; // the next older one of the phone, or of the free list
	uint16_t seq_l;
	uint16_t seq_u;
	uint16_t seq_s; // last MTK ID accepted; never moves backwards
};

struct ue_phones {
	struct ue_arena arena;
	struct ue_credential *credentials;
	struct ue_phone *phones;
	struct ue_msk *msks;
	struct ue_holding *holdings;
	const char **names; // lists of services as the CSV writes them; 0 is ""
	uint32_t credential_count;
	uint32_t credential_room;
	uint32_t phone_count;
	uint32_t phone_room;
	uint32_t msk_count;
	uint32_t msk_room;
	uint32_t holding_count;
	uint32_t holding_room;
	uint32_t holding_free;
	uint32_t name_count;
	uint32_t msk_latest; // what most look-ups want
	uint32_t with_msk; // phones that hold at least one
	struct ue_index by_btid;
	struct ue_index by_impi;
	struct ue_index by_address;
	struct ue_index by_msk;
	struct ue_index by_name;
};

int ue_phones_init(struct ue_phones *phones);
void ue_phones_fini(struct ue_phones *phones);

// What one row says. The texts need not end with NUL and are copied.
struct ue_row {
	const char *impi;
	const char *btid; // btid_len 0: no MUK
	const char *services;
	const char *registered;
	size_t impi_len;
	size_t btid_len;
	size_t services_len;
	size_t registered_len;
	int64_t expires;
	struct ue_address address;
	uint16_t port;
	bool has_mrk;
	bool keys_in_uicc;
	uint8_t muk[UE_KEY_BYTES];
	uint8_t mrk[UE_KEY_BYTES];
};

// Adds a row: a new phone, or the new current credential of a phone that is there. -EEXIST when
// the B-TID is known, -E2BIG when a number or length is out of range, -ENOMEM.
int ue_phones_add(struct ue_phones *phones, const struct ue_row *row);
// What a new bootstrapping gave a phone.
struct ue_fresh {
	const char *btid; // copied
	size_t btid_len;
	int64_t expires;
	const uint8_t *muk; // UE_KEY_BYTES
	const uint8_t *mrk; // UE_KEY_BYTES
};
// Adds a new current credential. The one under which a message was last accepted stays the
// previous one (spec 3.11: the old MUK goes when the new one has been used); where there is none,
// the one before does. -EEXIST, -E2BIG, -ENOMEM as above.
int ue_phones_renew(struct ue_phones *phones, uint32_t phone, const struct ue_fresh *fresh);
// A message under this credential was accepted: what came before it goes.
void ue_credential_use(struct ue_phones *phones, struct ue_credential *credential);
// Writes down which of its services a phone is registered for. -ENOMEM.
int ue_phone_register(struct ue_phones *phones, uint32_t phone, const char *services, size_t len);
// Makes room for about `rows` rows, so that a large file is read without moving anything.
int ue_phones_reserve(struct ue_phones *phones, size_t rows);

// Look-ups; UE_NONE when there is none.
uint32_t ue_credential_find(const struct ue_phones *phones, const void *btid, size_t len);
uint32_t ue_phone_find(const struct ue_phones *phones, const void *impi, size_t len);
uint32_t ue_phone_at(const struct ue_phones *phones, const struct ue_address *address);
// The phone keeps only its current and its previous credential.
bool ue_credential_is_kept(const struct ue_phones *phones, uint32_t credential);

// Gives a phone an address. -ENOMEM leaves it where it is.
int ue_phone_move(struct ue_phones *phones, uint32_t phone, const struct ue_address *address);
