// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A slot of DIR/muks has room for two MUKs and says which of them counts: a new one is written
// beside the old one, then the byte that says so is changed. So a process that is killed leaves the
// old one or the new one, and a counter that has never gone back. At the start the file is made
// anew from the old one and takes its place when it is whole.

#include "state_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

// --- Phones and slots -----------------------------------------------------------------------

static uint16_t room_for(size_t bytes)
{
	return (uint16_t)((bytes + 7) / 8 * 8);
}

// What the slots have to have room for.
static struct ue_state_header header_for(
	const struct ue_phones *phones, size_t btid_bytes, const struct ue_state_header *old)
{
	struct ue_state_header h = {.magic = UE_STATE_MAGIC, .slots = phones->phone_count};
	size_t impi_bytes = 0;

	for (uint32_t i = 0; i < phones->phone_count; i++)
		if (phones->phones[i].impi_len > impi_bytes)
			impi_bytes = phones->phones[i].impi_len;
	for (uint32_t i = 0; i < phones->credential_count; i++)
		if (phones->credentials[i].btid_len > btid_bytes)
			btid_bytes = phones->credentials[i].btid_len;
	h.impi_room = room_for(impi_bytes);
	h.btid_room = room_for(btid_bytes);
	// B-TIDs that are bootstrapped have no less room than last time.
	if (old != NULL && old->impi_room > h.impi_room)
		h.impi_room = old->impi_room;
	if (old != NULL && old->btid_room > h.btid_room)
		h.btid_room = old->btid_room;
	return h;
}

static void slot_copy(struct ue_state_header *to, struct ue_state_slot *out,
	struct ue_state_header *from, struct ue_state_slot *slot)
{
	*out = *slot;
	memcpy(ue_state_slot_impi(out), ue_state_slot_impi(slot), slot->impi_len);
	if (slot->which != 0)
		memcpy(ue_state_slot_muk(to, out, slot->which),
			ue_state_slot_muk(from, slot, slot->which), ue_state_muk_bytes(from));
}

static void slot_name(struct ue_state_slot *slot, const struct ue_phone *owner)
{
	slot->impi_len = owner->impi_len;
	slot->address = owner->address;
	slot->port = owner->port;
	memcpy(ue_state_slot_impi(slot), owner->impi, owner->impi_len);
}

// Gives a phone its MUK back. What is of no use is left behind: a B-TID that is another phone's
// now, or stands for another MUK.
static int slot_recall(struct ue_state *state, struct ue_state_header *old,
	struct ue_state_slot *slot, struct ue_phones *phones, uint32_t phone)
{
	const struct ue_state_muk *muk;
	struct ue_recalled recalled;
	int rc;

	phones->phones[phone].bootstraps = (uint16_t)slot->bootstraps;
	ue_state_slot_at(state->map, phone)->bootstraps = slot->bootstraps;
	if (slot->which == 0)
		return 0;
	muk = ue_state_slot_muk(old, slot, slot->which);
	recalled = (struct ue_recalled){
		.fresh = {.btid = muk->btid,
			.btid_len = muk->btid_len,
			.expires = muk->expires,
			.muk = muk->muk},
		.counter = muk->counter,
		.last_mac = muk->last_mac,
		.keys_in_uicc = muk->keys_in_uicc != 0,
	};
	rc = ue_phones_recall(phones, phone, &recalled, &state->stored[phone]);
	if (rc == 0) {
		slot_copy(state->map, ue_state_slot_at(state->map, phone), old, slot);
		state->found.recalled++;
	}
	return rc == -EEXIST ? 0 : rc;
}

// Whose slots the old ones are: UE_NONE for those of phones that are not switched on, GONE for
// those that another UICC has been put in the place of.
#define GONE (UE_NONE - 1)

static int owners_find(struct ue_state *state, struct ue_state_header *old,
	const struct ue_phones *phones, uint32_t *owners)
{
	bool *has_slot = calloc((size_t)phones->phone_count + 1, sizeof(*has_slot));

	if (has_slot == NULL)
		return -ENOMEM;
	// Phones are known by their UICC first, by their place only then.
	for (uint32_t i = 0; i < old->slots; i++) {
		struct ue_state_slot *slot = ue_state_slot_at(old, i);

		owners[i] = ue_phone_find(phones, ue_state_slot_impi(slot), slot->impi_len);
		if (owners[i] != UE_NONE)
			has_slot[owners[i]] = true;
	}
	for (uint32_t i = 0; i < old->slots; i++) {
		struct ue_state_slot *slot = ue_state_slot_at(old, i);
		uint32_t phone = UE_NONE;

		if (owners[i] == UE_NONE && !ue_address_is_none(&slot->address))
			phone = ue_phone_at(phones, &slot->address);
		if (phone == UE_NONE || phones->phones[phone].port != slot->port || has_slot[phone])
			continue;
		owners[i] = GONE;
		state->found.changed++;
	}
	free(has_slot);
	return 0;
}

static int slots_take(struct ue_state *state, struct ue_state_header *old, struct ue_phones *phones,
	const uint32_t *owners)
{
	uint32_t absent = phones->phone_count;
	int rc = 0;

	for (uint32_t i = 0; i < old->slots && rc == 0; i++) {
		struct ue_state_slot *slot = ue_state_slot_at(old, i);

		if (owners[i] == UE_NONE)
			slot_copy(state->map, ue_state_slot_at(state->map, absent++), old, slot);
		else if (owners[i] != GONE)
			rc = slot_recall(state, old, slot, phones, owners[i]);
	}
	return rc;
}

static bool slots_are_sound(struct ue_state_header *old)
{
	for (uint32_t i = 0; i < old->slots; i++)
		if (!ue_state_slot_is_sound(old, ue_state_slot_at(old, i)))
			return false;
	return true;
}

// Makes the new file and puts into it what is still of use of the old one.
static int state_make(struct ue_state *state, struct ue_state *old,
	const struct ue_state_conf *conf, struct ue_phones *phones)
{
	struct ue_state_header head = header_for(phones, conf->btid_bytes, old->map);
	uint32_t slots = old->map != NULL ? old->map->slots : 0;
	uint32_t *owners = malloc(((size_t)slots + 1) * sizeof(*owners));
	int rc = owners == NULL ? -ENOMEM : 0;

	if (rc == 0 && slots > 0)
		rc = slots_are_sound(old->map) ? owners_find(state, old->map, phones, owners)
					       : -EBADMSG;
	for (uint32_t i = 0; rc == 0 && i < slots; i++)
		head.slots += owners[i] == UE_NONE;
	if (rc == 0)
		rc = head.slots > UE_STATE_SLOTS_MAX ? -EFBIG : ue_state_file_make(state, &head);
	if (rc == 0 && slots > 0)
		rc = slots_take(state, old->map, phones, owners);
	free(owners);
	for (uint32_t i = 0; rc == 0 && i < phones->phone_count; i++)
		slot_name(ue_state_slot_at(state->map, i), &phones->phones[i]);
	return rc;
}

static int stored_make(struct ue_state *state, uint32_t count)
{
	// One more, so that there may be no phone at all.
	state->stored = malloc(((size_t)count + 1) * sizeof(*state->stored));
	if (state->stored == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		state->stored[i] = UE_NONE;
	return 0;
}

static int state_open(
	struct ue_state *state, const struct ue_state_conf *conf, struct ue_phones *phones)
{
	struct ue_state old = {.fd = -1};
	int rc = mkdir(conf->dir, 0700) != 0 && errno != EEXIST ? -errno : 0;

	if (rc == 0)
		rc = stored_make(state, phones->phone_count);
	if (rc == 0)
		rc = ue_state_file_open(&old, conf->dir, "muks", 0);
	if (rc == 0)
		rc = ue_state_file_map(&old);
	if (rc == 0)
		rc = ue_state_file_open(state, conf->dir, "muks.new", O_TRUNC);
	if (rc == 0)
		rc = state_make(state, &old, conf, phones);
	if (rc == 0 && msync(state->map, state->map_bytes, MS_SYNC) != 0)
		rc = -errno;
	if (rc == 0)
		rc = ue_state_file_replace(conf->dir);
	ue_state_map_drop(&old);
	return rc;
}

static void state_free(struct ue_state *state)
{
	ue_state_map_drop(state);
	free(state->stored);
	free(state);
}

int ue_state_open(struct ue_state **out, const struct ue_state_conf *conf, struct ue_phones *phones,
	char why[UE_WHY_BYTES])
{
	struct ue_state *state = calloc(1, sizeof(*state));
	int rc = -ENOMEM;

	if (state != NULL) {
		state->fd = -1;
		rc = state_open(state, conf, phones);
	}
	if (rc == 0) {
		*out = state;
		return 0;
	}
	if (state != NULL)
		state_free(state);
	snprintf(why, UE_WHY_BYTES, "%s/muks: %s", conf->dir,
		rc == -EBUSY		 ? "another mskpush-ue uses it"
			: rc == -EBADMSG ? "is damaged, or of another version"
					 : strerror(-rc));
	return rc;
}

// --- Use ------------------------------------------------------------------------------------

static void muk_put(struct ue_state_muk *muk, const struct ue_credential *credential)
{
	muk->btid_len = credential->btid_len;
	muk->keys_in_uicc = credential->keys_in_uicc;
	muk->expires = credential->expires;
	muk->counter = credential->counter;
	memcpy(muk->last_mac, credential->last_mac, sizeof(muk->last_mac));
	memcpy(muk->muk, credential->muk, sizeof(muk->muk));
	memcpy(muk->btid, credential->btid, credential->btid_len);
}

void ue_state_use(struct ue_state *state, const struct ue_phones *phones, uint32_t at)
{
	const struct ue_credential *credential = &phones->credentials[at];
	struct ue_state_slot *slot = ue_state_slot_at(state->map, credential->phone);
	struct ue_state_muk *muk;

	if (state->stored[credential->phone] == at) {
		muk = ue_state_slot_muk(state->map, slot, slot->which);
		memcpy(muk->last_mac, credential->last_mac, sizeof(muk->last_mac));
		__atomic_store_n(&muk->counter, credential->counter, __ATOMIC_RELEASE);
		return;
	}
	muk = ue_state_slot_muk(state->map, slot, slot->which == 1 ? 2 : 1);
	muk_put(muk, credential);
	slot->bootstraps = phones->phones[credential->phone].bootstraps;
	__atomic_store_n(&slot->which, slot->which == 1 ? 2 : 1, __ATOMIC_RELEASE);
	state->stored[credential->phone] = at;
}

struct ue_state_found ue_state_found(const struct ue_state *state)
{
	return state->found;
}

int ue_state_close(struct ue_state *state)
{
	int rc = 0;

	if (state == NULL)
		return 0;
	if (msync(state->map, state->map_bytes, MS_SYNC) != 0)
		rc = -errno;
	state_free(state);
	return rc;
}
