// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the record of a member says about a message to it. Asked for every message: inline.

#pragma once

#include "translate.h"

// What a member is to be sent.
enum member_message {
	MEMBER_MSK, // under a MUK that is fresh
	MEMBER_SOLICIT, // a solicited pull: the MUK may have expired
	MEMBER_SOLICIT_PREVIOUS, // likewise, under the MUK before
};

// What is asked of a member's record.
struct member_wish {
	enum member_message message;
	int64_t fresh_at_s; // a MUK that does not outlive it protects no MSK
	bool is_registered; // has to be registered with a service of the group
	const uint8_t *address; // 16 octets to send to instead of those of the record, NULL: none
	uint16_t port;
};

// What a message to one member needs. The caller says where some of it is to be put.
struct member {
	char *idr; // the caller's, STORE_NAI_MAX + 1 octets
	uint16_t idr_len;
	struct dp_addr *address; // the caller's: where it goes
	uint16_t port;
	struct crypto_hmac_state *room; // the caller's; wipe it after use
	const struct crypto_hmac_state *psk; // those of its MUK: in the store's map, or in room
	bool is_expired; // the MUK is not fresh
	bool is_in_uicc; // so that a message must not be long
};

#define MEMBER_NO_PREVIOUS 0x100

// Sets psk, IDr and is_expired to those of the MUK before the current one: 0, or
// MEMBER_NO_PREVIOUS. translate.c
unsigned translate_previous(
	struct store_reader *r, store_id id, int64_t fresh_at_s, struct member *member);

// None at all, or 0.0.0.0.
static inline bool member_address_is_none(const struct dp_addr *addr)
{
	static const struct dp_addr v4 = {{[10] = 0xff, [11] = 0xff}};

	return dp_addr_is_none(addr) || memcmp(addr, &v4, sizeof(v4)) == 0;
}

static inline unsigned member_refuse_record(
	const struct store_eligibility *e, const struct store_hot *hot, bool is_registered)
{
	if (hot == NULL || !(store_hot_flags(hot) & STORE_LIVE))
		return DP_REFUSED_LEFT;
	if (!store_eligibility_is_authorised(e, hot))
		return DP_REFUSED_NOT_AUTHORISED;
	if (is_registered && !store_eligibility_is_member(e, hot))
		return DP_REFUSED_LEFT;
	if (!(store_hot_flags(hot) & STORE_HAS_MUK))
		return DP_REFUSED_NO_MUK;
	return 0;
}

// Where to send to; returns 0, or why it cannot be sent there.
static inline unsigned member_place(
	const struct store_hot *hot, const struct member_wish *wish, struct member *member)
{
	*member->address = translate_address(hot);
	member->port = hot->port;
	if (wish->address != NULL) {
		memcpy(member->address->byte, wish->address, sizeof(member->address->byte));
		member->port = wish->port;
	}
	return member_address_is_none(member->address) ? DP_REFUSED_NO_ADDRESS : 0;
}

// The key states of its MUK, NULL when the record is not what the store has written.
static inline const struct crypto_hmac_state *member_muk(struct store_reader *r, store_id id,
	const struct store_record *record, struct crypto_hmac_state *room)
{
	if (record->muk != NULL)
		return translate_psk(record->muk);
	return store_reader_muk(r, id, (struct store_muk_state *)room) == 0 ? room : NULL;
}

// Looks at a member's record for a message: returns 0 and fills member, or the reason to refuse
// (enum dp_refusal), or MEMBER_NO_PREVIOUS. Expiry of a MUK is judged here and nowhere else: what
// may go under one that has expired is a solicited pull, and nothing else (TS 33.246, 6.3.2.2.4).
static inline unsigned translate_member(struct store_reader *r, const struct store_eligibility *e,
	store_id id, const struct store_record *record, const struct member_wish *wish,
	struct member *member)
{
	const struct store_hot *hot = record->hot;
	unsigned why = member_refuse_record(e, hot, wish->is_registered);

	if (why != 0)
		return why;
	member->is_in_uicc = (store_hot_flags(hot) & STORE_IN_UICC) != 0;
	member->is_expired = (int64_t)hot->expires <= wish->fresh_at_s;
	if (member->is_expired && wish->message == MEMBER_MSK)
		return DP_REFUSED_MUK_EXPIRED;
	why = member_place(hot, wish, member);
	if (why != 0)
		return why;
	if (wish->message == MEMBER_SOLICIT_PREVIOUS)
		return translate_previous(r, id, wish->fresh_at_s, member);
	member->idr_len = (uint16_t)store_reader_btid(r, id, hot, member->idr);
	if (member->idr_len == 0)
		return DP_REFUSED_NO_MUK;
	// What was looked at so far is known to be whole only now.
	member->psk = member_muk(r, id, record, member->room);
	return member->psk == NULL ? DP_REFUSED_DAMAGED : 0;
}
