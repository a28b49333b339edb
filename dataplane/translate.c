// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include "member.h"

unsigned translate_previous(
	struct store_reader *r, store_id id, int64_t fresh_at_s, struct member *member)
{
	struct store_prev prev;
	unsigned why = MEMBER_NO_PREVIOUS;

	if (store_reader_prev(r, id, &prev) == 0) {
		*member->room = *translate_psk(&prev.muk_state);
		member->psk = member->room;
		member->idr_len = (uint16_t)strlen(prev.btid);
		memcpy(member->idr, prev.btid, member->idr_len);
		member->is_expired = (int64_t)prev.expires <= fresh_at_s;
		why = 0;
	}
	explicit_bzero(&prev, sizeof(prev));
	return why;
}

const struct crypto_hmac_state *translate_muk(struct store_reader *r, store_id id,
	const struct store_record *record, struct crypto_hmac_state *room)
{
	uint8_t need = STORE_LIVE | STORE_HAS_MUK;

	if (record->hot == NULL || (store_hot_flags(record->hot) & need) != need)
		return NULL;
	// A record that is damaged is refused by name when its time comes.
	return member_muk(r, id, record, room);
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

void translate_solicit(const struct dp_campaign *c, const char *idi, struct mikey_msk *msg,
	struct crypto_label *label)
{
	const struct dp_msk *msk = &c->msk;

	*msg = (struct mikey_msk){
		.profile = msk->profile,
		.csb_id = c->solicit_csb_id,
		.id = {.group = msk->group, .number = MIKEY_KEY_NUMBER_CURRENT},
		.rand = {c->solicit_rand, sizeof(c->solicit_rand)},
		.idi = {(const uint8_t *)idi, (uint16_t)strlen(idi)},
	};
	memcpy(msg->id.kdi, msk->kdi, sizeof(msg->id.kdi));
	label->csb_id = c->solicit_csb_id;
	label->rand_len = sizeof(c->solicit_rand);
	memcpy(label->rand, c->solicit_rand, sizeof(c->solicit_rand));
}

void translate_label(const struct dp_msk *msk, struct crypto_label *label)
{
	label->csb_id = msk->csb_id;
	label->rand_len = sizeof(msk->rand);
	memcpy(label->rand, msk->rand, sizeof(msk->rand));
}

void translate_mtk(const struct dp_msk *msk, const struct store_mtk *mtk, uint32_t counter,
	struct mikey_mtk *msg)
{
	*msg = (struct mikey_mtk){
		.profile = msk->profile,
		.csb_id = msk->csb_id,
		.id = {.group = msk->group,
			.number = msk->number,
			.has_mtk_id = true,
			.mtk_id_bytes = MIKEY_MTK_ID_BYTES,
			.mtk_id = mtk->id},
		.counter = counter,
		.key = mtk->key.byte,
	};
	memcpy(msg->id.kdi, msk->kdi, sizeof(msg->id.kdi));
	if ((mtk->flags & STORE_MTK_SALTED) != 0)
		msg->salt = (struct mikey_bytes){mtk->salt, sizeof(mtk->salt)};
}

struct store_group_id translate_group(const struct dp_msk *msk)
{
	struct store_group_id id = {.group = msk->group};

	memcpy(id.kdi, msk->kdi, sizeof(id.kdi));
	return id;
}

void translate_stored_msk(
	const struct store_group *group, const struct store_msk *stored, struct dp_msk *msk)
{
	*msk = (struct dp_msk){
		.profile = group->profile,
		.group = stored->group.group,
		.number = stored->number,
		.csb_id = stored->csb_id,
		.seq_l = stored->seq_l,
		.seq_u = stored->seq_u,
	};
	memcpy(msk->kdi, stored->group.kdi, sizeof(msk->kdi));
	memcpy(msk->rand, stored->rand, sizeof(msk->rand));
	memcpy(msk->key, stored->key.byte, sizeof(msk->key));
}
