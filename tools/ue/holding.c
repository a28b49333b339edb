// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "holding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool msk_is(const struct ue_msk *msk, const struct ue_delivery *delivery)
{
	return msk->group == delivery->group && msk->number == delivery->number &&
		msk->profile == delivery->profile &&
		memcmp(msk->kdi, delivery->kdi, sizeof(msk->kdi)) == 0;
}

static bool msk_has_label(const struct ue_msk *msk, const struct ue_delivery *delivery)
{
	return msk->csb_id == delivery->csb_id && msk->rand_len == delivery->rand.len &&
		memcmp(msk->rand, delivery->rand.data, msk->rand_len) == 0;
}

static bool msk_equals(const struct ue_msk *msk, const struct ue_delivery *delivery)
{
	return msk_is(msk, delivery) && memcmp(msk->key, delivery->key, sizeof(msk->key)) == 0 &&
		msk_has_label(msk, delivery);
}

static int msk_add(
	struct ue_phones *phones, const struct ue_delivery *delivery, uint32_t hash, uint32_t *out)
{
	struct ue_msk *msk;
	uint8_t *rand = ue_arena_copy(&phones->arena, delivery->rand.data, delivery->rand.len);

	if (rand == NULL)
		return -ENOMEM;
	if (phones->msk_count == phones->msk_room) {
		uint32_t room = phones->msk_room != 0 ? 2 * phones->msk_room : 16;
		struct ue_msk *grown = reallocarray(phones->msks, room, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		phones->msks = grown;
		phones->msk_room = room;
	}
	if (ue_index_add(&phones->by_msk, hash, phones->msk_count) != 0)
		return -ENOMEM;
	*out = phones->msk_count++;
	msk = &phones->msks[*out];
	*msk = (struct ue_msk){
		.profile = delivery->profile,
		.group = delivery->group,
		.number = delivery->number,
		.csb_id = delivery->csb_id,
		.rand = rand,
		.rand_len = (uint8_t)delivery->rand.len,
	};
	memcpy(msk->kdi, delivery->kdi, sizeof(msk->kdi));
	memcpy(msk->key, delivery->key, sizeof(msk->key));
	return 0;
}

// The shared entry of the delivered MSK, made when it is new.
static int msk_intern(struct ue_phones *phones, const struct ue_delivery *delivery, uint32_t *out)
{
	uint32_t hash, at = phones->msk_latest;
	size_t cursor;

	if (at == UE_NONE || !msk_equals(&phones->msks[at], delivery)) {
		hash = ue_hash(delivery->key, MIKEY_MSK_BYTES);
		cursor = hash;
		while ((at = ue_index_next(&phones->by_msk, hash, &cursor)) != UE_NONE) {
			if (msk_equals(&phones->msks[at], delivery))
				break;
		}
		if (at == UE_NONE && msk_add(phones, delivery, hash, &at) != 0)
			return -ENOMEM;
		phones->msk_latest = at;
	}
	*out = at;
	return 0;
}

static int holding_take(struct ue_phones *phones, uint32_t *out)
{
	*out = phones->holding_free;
	if (*out != UE_NONE) {
		phones->holding_free = phones->holdings[*out].next;
		return 0;
	}
	if (phones->holding_count == phones->holding_room) {
		uint32_t room =
			phones->holding_room != 0 ? 2 * phones->holding_room : phones->phone_count;
		struct ue_holding *grown = reallocarray(phones->holdings, room, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		phones->holdings = grown;
		phones->holding_room = room;
	}
	*out = phones->holding_count++;
	return 0;
}

static void msk_join(struct ue_phones *phones, struct ue_holding *holding, uint32_t msk)
{
	holding->msk = msk;
	phones->msks[msk].phones++;
	phones->msks[msk].ways[holding->way]++;
}

static void msk_leave(struct ue_phones *phones, const struct ue_holding *holding)
{
	phones->msks[holding->msk].phones--;
	phones->msks[holding->msk].ways[holding->way]--;
}

// Unlinks the holding that *link names and gives it to the free list.
static void holding_drop(struct ue_phones *phones, uint32_t *link)
{
	uint32_t at = *link;
	struct ue_holding *holding = &phones->holdings[at];

	msk_leave(phones, holding);
	*link = holding->next;
	holding->next = phones->holding_free;
	phones->holding_free = at;
}

// The link to the phone's holding of this MSK ID; what it names is UE_NONE when there is none.
static uint32_t *holding_find(
	struct ue_phones *phones, uint32_t phone, const struct ue_delivery *delivery)
{
	uint32_t *link = &phones->phones[phone].holding;

	while (*link != UE_NONE && !msk_is(&phones->msks[phones->holdings[*link].msk], delivery))
		link = &phones->holdings[*link].next;
	return link;
}

// Spec 3.11: of one group a phone keeps two; when a third arrives the older one goes.
static bool holding_trim(
	struct ue_phones *phones, uint32_t phone, const struct ue_delivery *delivery)
{
	uint32_t *link = &phones->phones[phone].holding;
	unsigned kept = 0;

	while (*link != UE_NONE) {
		const struct ue_msk *msk = &phones->msks[phones->holdings[*link].msk];

		if (msk->group == delivery->group && msk->profile == delivery->profile &&
			memcmp(msk->kdi, delivery->kdi, sizeof(msk->kdi)) == 0 &&
			++kept > UE_PER_GROUP) {
			holding_drop(phones, link);
			return true;
		}
		link = &phones->holdings[*link].next;
	}
	return false;
}

// Other key octets start anew; the same MSK keeps the MTK IDs it has seen.
static void holding_refresh(
	struct ue_phones *phones, uint32_t at, uint32_t msk, const struct ue_delivery *delivery)
{
	struct ue_holding *holding = &phones->holdings[at];
	bool is_other = memcmp(phones->msks[holding->msk].key, delivery->key, MIKEY_MSK_BYTES) != 0;

	if (holding->msk != msk) {
		msk_leave(phones, holding);
		msk_join(phones, holding, msk);
	}
	holding->seq_l = delivery->seq_l;
	holding->seq_u = delivery->seq_u;
	if (is_other)
		holding->counter = 0;
	if (is_other || holding->seq_s < delivery->seq_l)
		holding->seq_s = delivery->seq_l;
}

static void change_describe(
	struct ue_change *change, const struct ue_msk *held, const struct ue_delivery *delivery)
{
	if (memcmp(held->key, delivery->key, sizeof(held->key)) != 0)
		change->is_replaced = true;
	else if (!msk_has_label(held, delivery))
		change->is_relabelled = true;
	else
		change->is_refreshed = true;
}

void ue_holding_end(struct ue_phones *phones, uint32_t phone, uint32_t *link)
{
	holding_drop(phones, link);
	if (phones->phones[phone].holding == UE_NONE)
		phones->with_msk--;
}

int ue_holding_deliver(struct ue_phones *phones, uint32_t phone, const struct ue_delivery *delivery,
	struct ue_change *change)
{
	uint32_t *link = holding_find(phones, phone, delivery);
	uint32_t msk, at;

	*change = (struct ue_change){0};
	if (delivery->seq_l > delivery->seq_u) {
		change->is_revoked = true;
		if (*link != UE_NONE)
			ue_holding_end(phones, phone, link);
		return 0;
	}
	if (msk_intern(phones, delivery, &msk) != 0)
		return -ENOMEM;
	if (*link != UE_NONE) {
		change_describe(change, &phones->msks[phones->holdings[*link].msk], delivery);
		holding_refresh(phones, *link, msk, delivery);
		return 0;
	}
	if (holding_take(phones, &at) != 0)
		return -ENOMEM;
	if (phones->phones[phone].holding == UE_NONE)
		phones->with_msk++;
	phones->holdings[at] = (struct ue_holding){
		.next = phones->phones[phone].holding,
		.seq_l = delivery->seq_l,
		.seq_u = delivery->seq_u,
		.seq_s = delivery->seq_l,
	};
	msk_join(phones, &phones->holdings[at], msk);
	phones->phones[phone].holding = at;
	change->is_stored = true;
	change->has_dropped = holding_trim(phones, phone, delivery);
	return 0;
}

bool ue_holding_has(const struct ue_phones *phones, uint32_t phone, const struct ue_subject *key)
{
	for (uint32_t at = phones->phones[phone].holding; at != UE_NONE;
		at = phones->holdings[at].next) {
		const struct ue_msk *msk = &phones->msks[phones->holdings[at].msk];

		if (msk->group == key->group && msk->profile == key->profile &&
			(key->profile == MIKEY_PROFILE_V600 ||
				memcmp(msk->kdi, key->kdi, sizeof(msk->kdi)) == 0) &&
			(key->number == 0 || msk->number == key->number))
			return true;
	}
	return false;
}

void ue_holding_mark(struct ue_phones *phones, uint32_t phone, enum ue_way way)
{
	struct ue_holding *holding = &phones->holdings[phones->phones[phone].holding];

	msk_leave(phones, holding);
	holding->way = (uint8_t)way;
	msk_join(phones, holding, holding->msk);
}

unsigned ue_holding_forget(struct ue_phones *phones, uint32_t phone)
{
	uint32_t *link = &phones->phones[phone].holding;
	unsigned count = 0;

	if (*link != UE_NONE)
		phones->with_msk--;
	for (; *link != UE_NONE; count++)
		holding_drop(phones, link);
	return count;
}
