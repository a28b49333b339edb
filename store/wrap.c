// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "wrap.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

#include "env.h"
#include "record.h"
#include "wrap_keys.h"

// Which octets of a record are secret.
struct span {
	bool is_sealed;
	uint16_t at;
	uint16_t len;
};

#define SECRET(type, member)                                                            \
	{                                                                               \
		true, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}
#define NO_SECRET                                 \
	{                                         \
		true, sizeof(struct wrap_seat), 0 \
	}

static const struct span spans[DB_COUNT] = {
	[DB_HOT] = SECRET(store_block, muk),
	[DB_COLD] = SECRET(cold_block, secret),
	[DB_PREV] = SECRET(prev_record, secret),
	[DB_RAW] = NO_SECRET,
	[DB_SUFFIX] = NO_SECRET,
	[DB_SET] = NO_SECRET,
	[DB_SERVICE] = NO_SECRET,
	[DB_GROUP] = NO_SECRET,
	[DB_MSK] = SECRET(msk_record, key),
	[DB_CHANGE] = SECRET(change_record, secret),
	[DB_MTK] = SECRET(mtks_record, secret),
	[DB_BEARER] = NO_SECRET,
};

bool wrap_is_sealed(enum db_id db)
{
	return spans[db].is_sealed;
}

// What is authenticated: the place, the head without nonce and tag, and all that is not secret.
struct aad {
	uint32_t table;
	uint32_t version;
	uint64_t key; // key octets, as they lie; no key is longer
	uint8_t text[WRAP_RECORD_MAX];
};

#define AAD_HEAD_BYTES offsetof(struct aad, text)
#define SEAT_HEAD_BYTES offsetof(struct wrap_seat, nonce)

static size_t aad_make(
	struct aad *aad, enum db_id db, struct blob key, const uint8_t *record, size_t len)
{
	const struct span *s = &spans[db];
	size_t end = s->at + s->len, n = SEAT_HEAD_BYTES;

	aad->table = db;
	aad->version = WRAP_VERSION;
	aad->key = 0;
	memcpy(&aad->key, key.data, key.len);
	memcpy(aad->text, record, SEAT_HEAD_BYTES);
	memcpy(aad->text + n, record + sizeof(struct wrap_seat), s->at - sizeof(struct wrap_seat));
	n += s->at - sizeof(struct wrap_seat);
	memcpy(aad->text + n, record + end, len - end);
	return AAD_HEAD_BYTES + n + len - end;
}

static bool is_whole(enum db_id db, struct blob key, size_t len)
{
	return len >= (size_t)spans[db].at + spans[db].len && len <= WRAP_RECORD_MAX &&
		key.len <= sizeof(uint64_t);
}

static uint32_t data_key_of(struct blob val)
{
	uint32_t data_key;

	memcpy(&data_key, (const uint8_t *)val.data + offsetof(struct wrap_seat, data_key),
		sizeof(data_key));
	return data_key;
}

static int key_of(const struct view *v, struct blob val, const struct wrap_key **out)
{
	const struct wrap *w = v->env->wrap;
	uint32_t data_key = data_key_of(val);

	*out = NULL;
	if (data_key == WRAP_CLEAR)
		return mdb_txn_id(v->mdb) < atomic_load(&w->clear_until) ? 0 : -ENOTSUP;
	*out = wrap_find(w, data_key);
	return *out != NULL ? 0 : -ENOTSUP;
}

int wrap_check(const struct view *v, struct blob val)
{
	const struct wrap_key *key;

	return val.len < sizeof(struct wrap_seat) ? -EIO : key_of(v, val, &key);
}

int wrap_open_secrets(
	const struct view *v, enum db_id db, struct blob key, struct blob val, void *out)
{
	const uint8_t *record = val.data;
	const struct wrap_key *data_key;
	struct aad aad;
	struct aead_text text = {
		.nonce = record + offsetof(struct wrap_seat, nonce), .aad = (const uint8_t *)&aad};
	int rc = is_whole(db, key, val.len) ? key_of(v, val, &data_key) : -EIO;

	if (rc != 0)
		return rc;
	if (data_key == NULL) {
		memcpy(out, record + spans[db].at, spans[db].len);
		return 0;
	}
	text.aad_len = aad_make(&aad, db, key, record, val.len);
	return aead_open(v->env->wrap->aead, &data_key->ready, &text, record + spans[db].at, out,
		       spans[db].len, record + offsetof(struct wrap_seat, tag))
		? 0
		: -EBADMSG;
}

int wrap_verify(const struct view *v, enum db_id db, struct blob key, struct blob val)
{
	uint8_t secrets[WRAP_RECORD_MAX];
	int rc = wrap_open_secrets(v, db, key, val, secrets);

	explicit_bzero(secrets, spans[db].len);
	return rc;
}

int wrap_open(const struct view *v, enum db_id db, struct blob key, struct blob val, void *out)
{
	const struct span *s = &spans[db];
	const uint8_t *record = val.data;
	uint8_t *to = out;
	int rc;

	if (!is_whole(db, key, val.len)) {
		memset(out, 0, val.len);
		return -EIO;
	}
	rc = wrap_open_secrets(v, db, key, val, to + s->at);
	if (rc != 0) {
		memset(out, 0, val.len);
		return rc;
	}
	memcpy(to, record, s->at);
	memcpy(to + s->at + s->len, record + s->at + s->len, val.len - s->at - s->len);
	return 0;
}

int wrap_open_part(const struct view *v, enum db_id db, struct blob key, struct blob val,
	const struct wrap_part *part)
{
	uint8_t secrets[WRAP_RECORD_MAX];
	int rc;

	if (is_whole(db, key, val.len) && data_key_of(val) == WRAP_CLEAR) {
		rc = wrap_check(v, val);
		if (rc == 0)
			memcpy(part->out, (const uint8_t *)val.data + spans[db].at + part->at,
				part->n);
		return rc;
	}
	rc = wrap_open_secrets(v, db, key, val, secrets);
	if (rc == 0)
		memcpy(part->out, secrets + part->at, part->n);
	explicit_bzero(secrets, spans[db].len);
	return rc;
}

int wrap_seal(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len)
{
	struct wrap *w = txn->view.env->wrap;
	uint8_t *secrets = (uint8_t *)record + spans[db].at;
	struct wrap_seat seat;
	struct aad aad;
	struct aead_text text = {.nonce = seat.nonce, .aad = (const uint8_t *)&aad};
	int rc = is_whole(db, key, len) ? wrap_current_store(txn) : -EINVAL;

	if (rc != 0)
		return rc;
	memcpy(&seat, record, sizeof(seat));
	memset(seat.nonce, 0, sizeof(seat.nonce) + sizeof(seat.tag));
	seat.data_key = w->current != NULL ? w->current->number : WRAP_CLEAR;
	if (w->current != NULL) {
		w->nonces++;
		memcpy(seat.nonce + 4, &w->nonces, sizeof(w->nonces));
		memcpy(record, &seat, sizeof(seat));
		text.aad_len = aad_make(&aad, db, key, record, len);
		aead_seal(w->aead, &w->current->ready, &text, secrets, secrets, spans[db].len,
			seat.tag);
	}
	memcpy(record, &seat, sizeof(seat));
	return 0;
}

int sealed_put(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len)
{
	int rc = wrap_seal(txn, db, key, record, len);

	return rc == 0 ? db_put(&txn->view, db, key, (struct blob){record, len}) : rc;
}

int sealed_append(struct store_txn *txn, enum db_id db, struct blob key, void *record, size_t len)
{
	int rc = wrap_seal(txn, db, key, record, len);

	return rc == 0 ? db_append(&txn->view, db, key, (struct blob){record, len}) : rc;
}

int sealed_get(
	const struct view *v, enum db_id db, struct blob key, void *out, size_t room, size_t *len)
{
	struct blob val;
	int rc = db_get(v, db, key, &val);

	*len = val.len;
	if (rc == 0 && val.len > room)
		rc = -EIO;
	return rc == 0 ? wrap_open(v, db, key, val, out) : rc;
}
