// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Between the store's records and the fields of messages: translate.c is the only file that
// knows both vocabularies.

#pragma once

#include "cmd.h"
#include "crypto.h"
#include "mikey.h"
#include "reader.h"

// What a message to one member needs.
struct member {
	struct crypto_hmac_state *psk; // gets those of its MUK; set by the caller
	uint32_t address; // IPv4, network order
	uint16_t port;
	uint16_t idr_len;
};

// Looks at a member's record for an MSK message: returns 0 and fills member and idr (room for
// STORE_NAI_MAX octets) and what psk points at, or the reason to refuse (enum dp_refusal). A MUK
// that does not outlive fresh_at_s is not fresh and protects no MSK: expiry is judged here and
// nowhere else.
unsigned translate_member(struct store_reader *r, const struct store_eligibility *e, store_id id,
	int64_t fresh_at_s, struct member *member, uint8_t *idr);

// Fields of a campaign's messages, all but counter and IDr. idi must live as long as msg.
void translate_msk(const struct dp_msk *msk, const char *idi, struct mikey_msk *msg);
void translate_label(const struct dp_msk *msk, struct crypto_label *label);
struct store_group_id translate_group(const struct dp_msk *msk);

// The key states of the two rooms are the same octets.
static inline const struct crypto_hmac_state *translate_psk(const struct store_muk_state *muk)
{
	_Static_assert(sizeof(struct crypto_hmac_state) == sizeof(struct store_muk_state) &&
			offsetof(struct crypto_hmac_state, outer) ==
				offsetof(struct store_muk_state, outer),
		"key states of store and crypto agree");
	return (const struct crypto_hmac_state *)muk;
}
