// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "record.h"

#include <errno.h>
#include <string.h>

struct group_key group_key_of(const struct store_group_id *id)
{
	struct group_key key;

	memcpy(key.byte, id->kdi, STORE_KDI_BYTES);
	key.byte[3] = (uint8_t)(id->group >> 8);
	key.byte[4] = (uint8_t)id->group;
	return key;
}

struct store_group_id group_id_of(const struct group_key *key)
{
	struct store_group_id id = {.group = (uint16_t)(key->byte[3] << 8 | key->byte[4])};

	memcpy(id.kdi, key->byte, STORE_KDI_BYTES);
	return id;
}

struct msk_key msk_key_of(const struct store_group_id *group, uint16_t number)
{
	struct group_key group_key = group_key_of(group);
	struct msk_key key;

	memcpy(key.byte, group_key.byte, sizeof(group_key.byte));
	key.byte[5] = (uint8_t)(number >> 8);
	key.byte[6] = (uint8_t)number;
	return key;
}

int record_take(struct blob in, uint8_t version, size_t least, void *out, size_t size)
{
	if (in.len == 0)
		return -EIO;
	if (*(const uint8_t *)in.data != version)
		return -EPROTO;
	if (in.len < least || in.len > size)
		return -EIO;
	memcpy(out, in.data, in.len);
	return 0;
}

size_t record_encode_prev(const struct store_prev *in, struct prev_record *out)
{
	size_t len = strlen(in->btid);

	memset(out, 0, sizeof(*out));
	out->seat.version = PREV_VERSION;
	out->expires = in->expires;
	out->secret.muk = in->muk;
	out->secret.muk_state = in->muk_state;
	out->btid_len = (uint8_t)len;
	memcpy(out->btid, in->btid, len);
	return offsetof(struct prev_record, btid) + len;
}

int record_decode_prev(struct blob in, struct store_prev *out)
{
	struct prev_record rec;
	int rc = record_take(
		in, PREV_VERSION, offsetof(struct prev_record, btid), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc;
	if (rec.btid_len > STORE_NAI_MAX ||
		in.len != offsetof(struct prev_record, btid) + rec.btid_len) {
		explicit_bzero(&rec, sizeof(rec));
		return -EIO;
	}
	out->expires = rec.expires;
	out->muk = rec.secret.muk;
	out->muk_state = rec.secret.muk_state;
	memcpy(out->btid, rec.btid, rec.btid_len);
	explicit_bzero(&rec, sizeof(rec));
	return 0;
}

size_t record_encode_change(
	store_id id, const struct store_subscriber *in, struct change_record *out)
{
	size_t btid_len = strlen(in->btid), impi_len = strlen(in->impi);

	memset(out, 0, sizeof(*out));
	out->seat.version = CHANGE_VERSION;
	out->id = id;
	out->expires = in->expires;
	out->authorised = in->authorised;
	out->registered = in->registered;
	out->port = in->port;
	out->flags = in->flags;
	out->addr = in->addr;
	out->secret.muk = in->muk;
	out->secret.muk_state = in->muk_state;
	out->secret.mrk = in->mrk;
	out->btid_len = (uint8_t)btid_len;
	out->impi_len = (uint8_t)impi_len;
	memcpy(out->text, in->btid, btid_len);
	memcpy(out->text + btid_len, in->impi, impi_len);
	return offsetof(struct change_record, text) + btid_len + impi_len;
}

int record_decode_change(struct blob in, store_id *id, struct store_subscriber *out)
{
	struct change_record rec;
	int rc = record_take(
		in, CHANGE_VERSION, offsetof(struct change_record, text), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc;
	if (rec.btid_len > STORE_NAI_MAX || rec.impi_len > STORE_NAI_MAX ||
		in.len != offsetof(struct change_record, text) + rec.btid_len + rec.impi_len) {
		explicit_bzero(&rec, sizeof(rec));
		return -EIO;
	}
	*id = rec.id;
	out->expires = rec.expires;
	out->authorised = rec.authorised;
	out->registered = rec.registered;
	out->port = rec.port;
	out->flags = rec.flags;
	out->addr = rec.addr;
	out->muk = rec.secret.muk;
	out->muk_state = rec.secret.muk_state;
	out->mrk = rec.secret.mrk;
	memcpy(out->btid, rec.text, rec.btid_len);
	memcpy(out->impi, rec.text + rec.btid_len, rec.impi_len);
	explicit_bzero(&rec, sizeof(rec));
	return 0;
}

size_t record_encode_service(const struct store_service *in, struct service_record *out)
{
	size_t len = strlen(in->name);

	memset(out, 0, sizeof(*out));
	out->seat.version = SERVICE_VERSION;
	out->group_count = in->group_count;
	out->name_len = (uint8_t)len;
	out->policy = in->policy;
	for (unsigned i = 0; i < in->group_count; i++)
		out->group[i] = group_key_of(&in->group[i]);
	memcpy(out->name, in->name, len);
	return offsetof(struct service_record, name) + len;
}

int record_decode_service(struct blob in, store_service_id id, struct store_service *out)
{
	struct service_record rec;
	int rc = record_take(
		in, SERVICE_VERSION, offsetof(struct service_record, name), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc != 0)
		return rc;
	if (rec.name_len > STORE_NAME_MAX || rec.policy > STORE_POLICY_BOOTSTRAP ||
		rec.group_count > STORE_SERVICE_GROUPS_MAX ||
		in.len != offsetof(struct service_record, name) + rec.name_len)
		return -EIO;
	out->id = id;
	out->group_count = rec.group_count;
	out->policy = rec.policy;
	for (unsigned i = 0; i < rec.group_count; i++)
		out->group[i] = group_id_of(&rec.group[i]);
	memcpy(out->name, rec.name, rec.name_len);
	return 0;
}

size_t record_encode_group(const struct store_group *in, struct group_record *out)
{
	*out = (struct group_record){
		.seat.version = GROUP_VERSION,
		.profile = in->profile,
		.last_key_number = in->last_key_number,
		.created = in->created,
	};
	return sizeof(*out);
}

int record_decode_group(struct blob in, const struct group_key *key, struct store_group *out)
{
	struct group_record rec;
	int rc = record_take(in, GROUP_VERSION, sizeof(rec), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc == 0 && rec.profile > STORE_PROFILE_V600)
		rc = -EIO;
	if (rc != 0)
		return rc;
	out->id = group_id_of(key);
	out->profile = (uint8_t)rec.profile;
	out->last_key_number = rec.last_key_number;
	out->created = rec.created;
	return 0;
}

size_t record_encode_msk(const struct store_msk *in, struct msk_record *out)
{
	*out = (struct msk_record){
		.seat.version = MSK_VERSION,
		.state = in->state,
		.is_released = in->is_released,
		.seq_l = in->seq_l,
		.seq_u = in->seq_u,
		.csb_id = in->csb_id,
		.created = in->created,
		.activated = in->activated,
		.key = in->key,
	};
	memcpy(out->rand, in->rand, sizeof(out->rand));
	return sizeof(*out);
}

int record_decode_msk(struct blob in, const struct msk_key *key, struct store_msk *out)
{
	struct msk_record rec;
	struct group_key group;
	int rc = record_take(in, MSK_VERSION, sizeof(rec), &rec, sizeof(rec));

	memset(out, 0, sizeof(*out));
	if (rc == 0 && rec.state > STORE_MSK_RETIRED) {
		explicit_bzero(&rec, sizeof(rec));
		rc = -EIO;
	}
	if (rc != 0)
		return rc;
	memcpy(group.byte, key->byte, sizeof(group.byte));
	out->group = group_id_of(&group);
	out->number = (uint16_t)(key->byte[5] << 8 | key->byte[6]);
	out->state = rec.state;
	out->is_released = rec.is_released != 0;
	out->seq_l = rec.seq_l;
	out->seq_u = rec.seq_u;
	out->csb_id = rec.csb_id;
	out->created = rec.created;
	out->activated = rec.activated;
	memcpy(out->rand, rec.rand, sizeof(out->rand));
	out->key = rec.key;
	explicit_bzero(&rec, sizeof(rec));
	return 0;
}

size_t record_encode_campaign(const struct store_campaign *in, struct campaign_record *out)
{
	*out = (struct campaign_record){
		.version = CAMPAIGN_VERSION,
		.kind = in->kind,
		.state = in->state,
		.sends = in->sends,
		.round = in->round,
		.group = group_key_of(&in->group),
		.msk_number = in->msk_number,
		.rate = in->rate,
		.created_ms = in->created_ms,
		.started_ms = in->started_ms,
		.ended_ms = in->ended_ms,
		.span = in->span,
		.members = in->members,
		.verified = in->verified,
		.given_up = in->given_up,
		.refused = in->refused,
		.only = in->only,
		.pushes = in->pushes,
		.solicits_sent = in->solicits_sent,
		.start_ms = in->start_ms,
		.stop_after = in->stop_after,
		.flags = in->flags,
		.stop_percent = in->stop_percent,
		.solicits = in->solicits,
		.solicit_csb_id = in->solicit_csb_id,
	};
	memcpy(out->wait_s, in->wait_s, sizeof(out->wait_s));
	memcpy(out->solicit_rand, in->solicit_rand, sizeof(out->solicit_rand));
	memcpy(out->solicit_wait_s, in->solicit_wait_s, sizeof(out->solicit_wait_s));
	return sizeof(*out);
}

// Waits stand in arrays by the number of a message.
static bool campaign_is_sound(const struct campaign_record *rec)
{
	return rec->kind <= STORE_CAMPAIGN_AUTO && rec->state <= STORE_CAMPAIGN_SCHEDULED &&
		rec->sends <= STORE_SENDS_MAX && rec->solicits <= STORE_SENDS_MAX;
}

int record_decode_campaign(struct blob in, uint32_t id, struct store_campaign *out)
{
	struct campaign_record rec = {0};
	bool is_v1 = in.len > 0 && *(const uint8_t *)in.data == 1;
	size_t size = is_v1 ? CAMPAIGN_V1_BYTES : sizeof(rec);
	int rc = record_take(in, is_v1 ? 1 : CAMPAIGN_VERSION, size, &rec, size);

	memset(out, 0, sizeof(*out));
	if (rc == 0 && !campaign_is_sound(&rec))
		rc = -EIO;
	if (rc != 0)
		return rc;
	*out = (struct store_campaign){
		.id = id,
		.kind = rec.kind,
		.state = rec.state,
		.sends = rec.sends,
		.round = rec.round,
		.group = group_id_of(&rec.group),
		.msk_number = rec.msk_number,
		.rate = rec.rate,
		.created_ms = rec.created_ms,
		.started_ms = rec.started_ms,
		.ended_ms = rec.ended_ms,
		.span = rec.span,
		.members = rec.members,
		.verified = rec.verified,
		.given_up = rec.given_up,
		.refused = rec.refused,
		.only = rec.only,
		.pushes = rec.pushes,
		.solicits_sent = rec.solicits_sent,
		.start_ms = rec.start_ms,
		.stop_after = rec.stop_after,
		.flags = rec.flags,
		.stop_percent = rec.stop_percent,
		.solicits = rec.solicits,
		.solicit_csb_id = rec.solicit_csb_id,
	};
	memcpy(out->solicit_rand, rec.solicit_rand, sizeof(out->solicit_rand));
	memcpy(out->solicit_wait_s, rec.solicit_wait_s, sizeof(out->solicit_wait_s));
	memcpy(out->wait_s, rec.wait_s, sizeof(out->wait_s));
	return 0;
}

size_t record_encode_text(const void *text, size_t len, struct text_record *out)
{
	memset(&out->seat, 0, sizeof(out->seat));
	out->seat.version = TEXT_VERSION;
	memcpy(out->text, text, len);
	return offsetof(struct text_record, text) + len;
}

int record_decode_text(struct blob in, struct blob *text)
{
	const struct text_record *rec = in.data;

	*text = (struct blob){0};
	if (in.len == 0)
		return -EIO;
	if (*(const uint8_t *)in.data != TEXT_VERSION)
		return -EPROTO;
	if (in.len < offsetof(struct text_record, text) || in.len > sizeof(*rec))
		return -EIO;
	*text = (struct blob){rec->text, in.len - offsetof(struct text_record, text)};
	return 0;
}
