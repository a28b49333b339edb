// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Records of MTKs and of how they are sent.

#include "record.h"

#include <errno.h>
#include <string.h>

size_t record_encode_mtks(const struct store_mtks *in, struct mtks_record *out)
{
	memset(out, 0, sizeof(*out));
	out->seat.version = MTKS_VERSION;
	out->seat.count = in->count;
	out->last_id = in->last_id;
	out->is_barred = in->is_barred;
	for (unsigned i = 0; i < in->count; i++) {
		const struct store_mtk *mtk = &in->mtk[i];

		out->entry[i] = (struct mtk_entry){
			.id = mtk->id,
			.flags = mtk->flags,
			.send_ms = mtk->send_ms,
			.from_ms = mtk->from_ms,
			.to_ms = mtk->to_ms,
		};
		out->secret[i].key = mtk->key;
		memcpy(out->secret[i].salt, mtk->salt, sizeof(mtk->salt));
	}
	return sizeof(*out);
}

static void mtk_decode(const struct mtks_record *rec, unsigned i, struct store_mtk *out)
{
	const struct mtk_entry *entry = &rec->entry[i];

	out->id = entry->id;
	out->flags = entry->flags;
	out->send_ms = entry->send_ms;
	out->from_ms = entry->from_ms;
	out->to_ms = entry->to_ms;
	out->key = rec->secret[i].key;
	memcpy(out->salt, rec->secret[i].salt, sizeof(out->salt));
}

int record_decode_mtks(struct blob in, const struct msk_key *key, struct store_mtks *out)
{
	struct mtks_record rec;
	struct group_key group;
	int rc = record_take(in, MTKS_VERSION, sizeof(rec), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc == 0 && rec.seat.count > STORE_MTKS_MAX)
		rc = -EIO;
	if (rc != 0)
		return rc;
	memcpy(group.byte, key->byte, sizeof(group.byte));
	out->group = group_id_of(&group);
	out->number = (uint16_t)(key->byte[5] << 8 | key->byte[6]);
	out->last_id = rec.last_id;
	out->is_barred = rec.is_barred != 0;
	out->count = rec.seat.count;
	for (unsigned i = 0; i < out->count; i++)
		mtk_decode(&rec, i, &out->mtk[i]);
	explicit_bzero(&rec, sizeof(rec));
	return 0;
}

size_t record_encode_bearer(const struct store_bearer *in, struct bearer_record *out)
{
	*out = (struct bearer_record){
		.seat.version = BEARER_VERSION,
		.seat.count = in->places,
		.flags = in->flags,
		.switch_percent = in->switch_percent,
		.number = in->number,
		.switch_to = in->switch_to,
		.lead_ms = in->lead_ms,
		.interval_ms = in->interval_ms,
		.repeat_ms = in->repeat_ms,
		.dummy_ms = in->dummy_ms,
		.started = in->started,
	};
	for (unsigned i = 0; i < in->places; i++)
		out->place[i] = (struct bearer_place){in->place[i].addr, in->place[i].port};
	return sizeof(*out);
}

int record_decode_bearer(struct blob in, const struct group_key *key, struct store_bearer *out)
{
	struct bearer_record rec;
	int rc = record_take(in, BEARER_VERSION, sizeof(rec), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc == 0 && rec.seat.count > STORE_BEARER_PLACES_MAX)
		rc = -EIO;
	if (rc != 0)
		return rc;
	*out = (struct store_bearer){
		.group = group_id_of(key),
		.flags = rec.flags,
		.places = rec.seat.count,
		.lead_ms = rec.lead_ms,
		.interval_ms = rec.interval_ms,
		.repeat_ms = rec.repeat_ms,
		.dummy_ms = rec.dummy_ms,
		.number = rec.number,
		.switch_to = rec.switch_to,
		.switch_percent = rec.switch_percent,
		.started = rec.started,
	};
	for (unsigned i = 0; i < out->places; i++)
		out->place[i] = (struct store_place){rec.place[i].addr, rec.place[i].port};
	return 0;
}
