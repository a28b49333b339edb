// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Between the store's records and the fields of messages: translate.c and member.h are the only
// files that know both vocabularies.

#pragma once

#include "cmd.h"
#include "conf.h"
#include "crypto.h"
#include "mikey.h"
#include "reader.h"

// The key states of a subscriber's MUK, in the store's map or in room; NULL when there is none.
// Wipe the room after use.
const struct crypto_hmac_state *translate_muk(struct store_reader *r, store_id id,
	const struct store_record *record, struct crypto_hmac_state *room);

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

static inline uint32_t translate_psk_check(const struct crypto_hmac_state *psk)
{
	return store_muk_check((const struct store_muk_state *)psk);
}

// Addresses of the two rooms are, too.
static inline struct dp_addr translate_address(const struct store_hot *hot)
{
	struct dp_addr addr;

	_Static_assert(sizeof(addr.byte) == sizeof(hot->addr.byte), "addresses are the store's");
	memcpy(addr.byte, hot->addr.byte, sizeof(addr.byte));
	return addr;
}
