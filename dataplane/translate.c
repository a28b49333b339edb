// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "translate.h"

#include <string.h>

// IPv4 address in network order, 0 when there is none; *is_other when it is of another family.
static uint32_t address_ipv4(const struct store_addr *addr, bool *is_other)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const struct store_addr none;
	uint32_t ipv4;

	*is_other = false;
	if (memcmp(addr, &none, sizeof(none)) == 0)
		return 0;
	*is_other = memcmp(addr->byte, mapped, sizeof(mapped)) != 0;
	memcpy(&ipv4, addr->byte + 12, sizeof(ipv4));
	return ipv4;
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

unsigned translate_member(struct store_reader *r, const struct store_eligibility *e, store_id id,
	int64_t fresh_at_s, struct member *member, uint8_t *idr)
{
	const struct store_hot *hot = store_reader_hot(r, id);
	unsigned why = refuse_record(e, hot);
	bool is_other;

	if (why != 0)
		return why;
	if ((int64_t)hot->expires <= fresh_at_s)
		return DP_REFUSED_MUK_EXPIRED;
	member->address = address_ipv4(&hot->addr, &is_other);
	if (is_other)
		return DP_REFUSED_ADDRESS_FAMILY;
	if (member->address == 0)
		return DP_REFUSED_NO_ADDRESS;
	member->port = hot->port;
	member->idr_len = (uint16_t)store_reader_btid(r, id, hot, idr);
	if (member->idr_len == 0)
		return DP_REFUSED_NO_MUK;
	// What was looked at so far is known to be whole only now.
	return store_reader_muk(r, id, (struct store_muk_state *)member->psk) != 0
		? DP_REFUSED_DAMAGED
		: 0;
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
