// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "translate.h"

#include <string.h>

struct dp_addr translate_address(const struct store_hot *hot)
{
	struct dp_addr addr;

	_Static_assert(sizeof(addr.byte) == sizeof(hot->addr.byte), "addresses are the store's");
	memcpy(addr.byte, hot->addr.byte, sizeof(addr.byte));
	return addr;
}

// None at all, or 0.0.0.0.
static bool address_is_none(const struct dp_addr *addr)
{
	static const struct dp_addr v4 = {{[10] = 0xff, [11] = 0xff}};

	return dp_addr_is_none(addr) || memcmp(addr, &v4, sizeof(v4)) == 0;
}

static unsigned refuse_record(const struct store_eligibility *e, const struct store_hot *hot)
{
	if (hot == NULL || !(store_hot_flags(hot) & STORE_LIVE))
		return DP_REFUSED_LEFT;
	if (!store_eligibility_is_authorised(e, hot))
		return DP_REFUSED_NOT_AUTHORISED;
	if (!store_eligibility_is_member(e, hot))
		return DP_REFUSED_LEFT;
	if (!(store_hot_flags(hot) & STORE_HAS_MUK))
		return DP_REFUSED_NO_MUK;
	return 0;
}

unsigned translate_member(const struct store_reader *r, const struct store_eligibility *e,
	store_id id, int64_t fresh_at_s, struct member *member, uint8_t *idr)
{
	const struct store_muk_state *muk = NULL;
	const struct store_hot *hot = store_reader_hot(r, id, &muk);
	unsigned why = refuse_record(e, hot);

	if (why != 0)
		return why;
	if ((int64_t)hot->expires <= fresh_at_s)
		return DP_REFUSED_MUK_EXPIRED;
	member->address = translate_address(hot);
	if (address_is_none(&member->address))
		return DP_REFUSED_NO_ADDRESS;
	member->port = hot->port;
	member->psk = translate_psk(muk);
	member->idr_len = (uint16_t)store_reader_btid(r, id, hot, idr);
	return member->idr_len == 0 ? DP_REFUSED_NO_MUK : 0;
}

void translate_msk(const struct dp_msk *msk, const char *idi, struct mikey_msk *msg)
{
	*msg = (struct mikey_msk){
		.profile = msk->profile,
		.wants_verification = true,
		.csb_id = msk->csb_id,
		.id = {.group = msk->group, .number = msk->number},
		.rand = {msk->rand, sizeof(msk->rand)},
		.idi = {(const uint8_t *)idi, (uint16_t)strlen(idi)},
		.key = msk->key,
		.key_type = MIKEY_KEY_TEK,
		.seq_l = msk->seq_l,
		.seq_u = msk->seq_u,
	};
	memcpy(msg->id.kdi, msk->kdi, sizeof(msg->id.kdi));
}

void translate_label(const struct dp_msk *msk, struct crypto_label *label)
{
	label->csb_id = msk->csb_id;
	label->rand_len = sizeof(msk->rand);
	memcpy(label->rand, msk->rand, sizeof(msk->rand));
}

struct store_group_id translate_group(const struct dp_msk *msk)
{
	struct store_group_id id = {.group = msk->group};

	memcpy(id.kdi, msk->kdi, sizeof(id.kdi));
	return id;
}
