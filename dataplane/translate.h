// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Between the store's records and the fields of messages: translate.c is the only file that
// knows both vocabularies.

#pragma once

#include "cmd.h"
#include "conf.h"
#include "crypto.h"
#include "mikey.h"
#include "reader.h"

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

// What a message to one member needs.
struct member {
	const struct crypto_hmac_state *psk; // those of its MUK: in the store's map, or in room
	struct crypto_hmac_state *room; // set by the caller
	bool is_expired; // the MUK is not fresh
	bool is_in_uicc; // so that a message must not be long
	struct dp_addr *address; // where it goes; set by the caller
	uint16_t port;
	uint16_t idr_len;
	uint8_t *idr; // the caller's, STORE_NAI_MAX + 1 octets
};

// Looks at a member's record for a message: returns 0 and fills member, or the reason to refuse
// (enum dp_refusal), or MEMBER_NO_PREVIOUS. Expiry of a MUK is judged here and
// nowhere else: what may go under one that has expired is a solicited pull, and nothing else
// (TS 33.246, 6.3.2.2.4).
#define MEMBER_NO_PREVIOUS 0x100
unsigned translate_member(struct store_reader *r, const struct store_eligibility *e, store_id id,
	const struct store_record *record, const struct member_wish *wish, struct member *member);

// The key states of a subscriber's MUK, in the store's map or in room; NULL when there is none.
// Wipe the room after use.
const struct crypto_hmac_state *translate_muk(struct store_reader *r, store_id id,
	const struct store_record *record, struct crypto_hmac_state *room);

// Address of a member, none when there is none.
struct dp_addr translate_address(const struct store_hot *hot);

// Fields of a campaign's messages, all but counter and IDr. idi must live as long as msg.
void translate_msk(const struct dp_msk *msk, const char *idi, struct mikey_msk *msg);
// The same of its solicited pulls.
void translate_solicit(const struct dp_campaign *c, const char *idi, struct mikey_msk *msg,
	struct crypto_label *label);
void translate_label(const struct dp_msk *msk, struct crypto_label *label);
// Fields of an MTK message. msk and mtk must live as long as msg.
void translate_mtk(const struct dp_msk *msk, const struct store_mtk *mtk, uint32_t counter,
	struct mikey_mtk *msg);
struct store_group_id translate_group(const struct dp_msk *msk);
// An MSK as the store has it.
void translate_stored_msk(
	const struct store_group *group, const struct store_msk *stored, struct dp_msk *msk);

// The key states of the two rooms are the same octets.
static inline const struct crypto_hmac_state *translate_psk(const struct store_muk_state *muk)
{
	_Static_assert(sizeof(struct crypto_hmac_state) == sizeof(struct store_muk_state) &&
			offsetof(struct crypto_hmac_state, outer) ==
				offsetof(struct store_muk_state, outer),
		"key states of store and crypto agree");
	return (const struct crypto_hmac_state *)muk;
}
