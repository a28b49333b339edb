// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Another wrapping key, and records sealed anew under another data key.

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "reader_env.h"
#include "record.h"
#include "vault.h"
#include "wrap.h"
#include "wrap_keys.h"

#define STEP_RECORDS 192 // sealed anew in one transaction: two milliseconds, and a megabyte
#define STEP_LOOKS 3000 // at records

struct store_rotation {
	uint8_t kind;
	struct wrapping_scrypt scrypt;
	struct aead_key wrapping;
};

static int rotation_read(
	struct store_env *env, const char *source, struct store_rotation *r, char *why)
{
	uint8_t key[AEAD_KEY_BYTES];
	enum wrapping_kind kind;
	char path[PATH_BYTES];
	int rc = wrapping_source(source, &kind, path, why);

	if (rc != 0)
		return rc;
	r->kind = (uint8_t)kind;
	if (kind == WRAPPING_PASSPHRASE && wrapping_scrypt_draw(&r->scrypt) != 0)
		return why_not(why, -EIO, "There is no salt to be had.");
	rc = wrapping_key_read(source, &r->scrypt, key, why);
	if (rc == 0)
		aead_key_init(env->wrap->aead, key, &r->wrapping);
	explicit_bzero(key, sizeof(key));
	return rc;
}

int store_rotation_prepare(
	struct store_env *env, const char *source, struct store_rotation **out, char why[256])
{
	struct store_rotation *r;
	int rc;

	*out = NULL;
	if (env->wrap->current == NULL)
		return why_not(why, -EINVAL,
			"The store is not wrapped: set store.wrapping_key and start again.");
	r = vault_alloc(sizeof(*r));
	if (r == NULL)
		return why_not(why, -ENOMEM, "There is no memory.");
	rc = rotation_read(env, source, r, why);
	if (rc == 0)
		*out = r;
	else
		vault_free(r, sizeof(*r));
	return rc;
}

// All data keys that are stored, under the new wrapping key. One that was drawn for a rotation that
// failed has the number of a later one, which is found before it.
static int keys_wrap(struct store_txn *txn, const struct aead_key *wrapping)
{
	struct wrap *w = txn->view.env->wrap;
	struct key_record record;
	struct blob val;
	int rc = 0;

	for (struct wrap_chunk *chunk = w->chunks; chunk != NULL && rc == 0; chunk = chunk->next) {
		for (unsigned i = 0; i < chunk->used && rc == 0; i++) {
			const struct wrap_key *key = &chunk->key[i];

			if (wrap_find(w, key->number) != key ||
				db_get_u32(&txn->view, DB_KEY, key->number, &val) != 0)
				continue;
			rc = wrap_key_seal(w, wrapping, key, &record);
			if (rc == 0)
				rc = db_put_u32(
					&txn->view, DB_KEY, key->number, &record, sizeof(record));
		}
	}
	return rc;
}

static int rotation_write(struct store_txn *txn, const struct store_rotation *r, bool is_deep,
	struct wrap_change *change)
{
	struct wrap *w = txn->view.env->wrap;
	uint32_t number = w->current->number + 1;
	int rc = keys_wrap(txn, &r->wrapping);

	change->record =
		(struct wrap_record){.version = WRAP_VERSION, .kind = r->kind, .scrypt = r->scrypt};
	change->record.below = is_deep ? number : w->record.below;
	change->current = w->current;
	if (rc == 0)
		rc = is_deep ? wrap_current_draw(w, &r->wrapping, number, change)
			     : wrap_key_seal(w, &r->wrapping, w->current, &change->current_record);
	if (rc == 0)
		rc = wrap_records_seal(w, &r->wrapping, change);
	return rc == 0 ? db_put_u32(&txn->view, DB_META, META_WRAP, &change->record,
				 sizeof(change->record))
		       : rc;
}

int store_rotation_commit(struct store_env *env, struct store_rotation *rotation, bool is_deep)
{
	struct wrap_change change = {0};
	struct store_txn *txn;
	int rc = store_txn_begin(env, &txn);

	if (rc == 0) {
		rc = rotation_write(txn, rotation, is_deep, &change);
		if (rc == 0)
			rc = store_txn_commit(txn);
		else
			store_txn_abort(txn);
	}
	if (rc == 0)
		wrap_change_take(env->wrap, &change);
	vault_free(rotation, sizeof(*rotation));
	return rc;
}

int store_wrapping_info(const struct store_reader *r, struct store_wrapping *out)
{
	const struct view *v = &r->view;
	struct wrap_record record;
	uint64_t keys = 0;
	struct blob val;
	int rc = db_get_u32(v, DB_META, META_WRAP, &val);

	*out = (struct store_wrapping){.kind = "none"};
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	if (val.len != sizeof(record))
		return -EIO;
	memcpy(&record, val.data, sizeof(record));
	rc = db_entries(v, DB_KEY, &keys);
	out->kind = record.kind == WRAPPING_PASSPHRASE ? "passphrase" : "key";
	out->data_keys = (uint32_t)keys;
	out->below = record.below;
	return rc;
}

// --- Sealing anew ----------------------------------------------------------------------------

// The next record of the table behind *at, as it lies; -ENOENT at its end.
static int record_next(const struct view *v, struct store_rewrap *at, struct blob *val)
{
	struct blob after = {at->key, at->key_len};
	struct db_cursor c;
	int rc = db_cursor_open(v, at->table, &c);

	if (rc != 0)
		return rc;
	rc = at->key_len == 0 ? db_cursor_first(&c) : db_cursor_seek(&c, after);
	if (rc == 0 && at->key_len != 0 && c.key.len == after.len &&
		memcmp(c.key.data, after.data, after.len) == 0)
		rc = db_cursor_next(&c);
	if (rc == 0 && c.key.len > sizeof(at->key))
		rc = -EIO;
	if (rc == 0) {
		memcpy(at->key, c.key.data, c.key.len);
		at->key_len = (uint8_t)c.key.len;
		*val = c.val;
	}
	db_cursor_close(&c);
	return rc;
}

static bool is_old(const struct wrap *w, struct blob val)
{
	struct wrap_seat seat;

	if (val.len < sizeof(seat))
		return false;
	memcpy(&seat, val.data, sizeof(seat));
	return seat.data_key < w->record.below;
}

static int record_reseal(struct store_txn *txn, struct store_rewrap *at, struct blob val)
{
	struct blob key = {at->key, at->key_len};
	uint8_t record[WRAP_RECORD_MAX];
	int rc = val.len <= sizeof(record) ? wrap_open(&txn->view, at->table, key, val, record)
					   : -EIO;

	if (rc != 0) {
		at->damaged++;
		return 0;
	}
	rc = sealed_put(txn, at->table, key, record, val.len);
	explicit_bzero(record, sizeof(record));
	at->sealed += rc == 0;
	if (at->table == DB_HOT) {
		txn_state(txn)->hot_version++;
		moves_add(&txn->hot, blob_to_u32(key));
	}
	return rc;
}

static void table_next(struct store_rewrap *at)
{
	do
		at->table++;
	while (at->table < DB_COUNT && !wrap_is_sealed(at->table));
	at->key_len = 0;
}

// Seals some records. 0 when none are left.
static int records_reseal(struct store_txn *txn, struct store_rewrap *at)
{
	struct wrap *w = txn->view.env->wrap;
	struct blob val;
	int rc = 0;

	if (!wrap_is_sealed(at->table))
		table_next(at);
	for (unsigned looked = 0, sealed = at->sealed;
		looked < STEP_LOOKS && at->sealed - sealed < STEP_RECORDS; looked++) {
		if (at->table == DB_COUNT)
			return 0;
		rc = record_next(&txn->view, at, &val);
		if (rc == -ENOENT)
			table_next(at);
		else if (rc == 0 && is_old(w, val))
			rc = record_reseal(txn, at, val);
		if (rc != 0 && rc != -ENOENT)
			return rc;
	}
	return 1;
}

static int keys_forget(struct store_txn *txn, uint32_t below)
{
	struct db_cursor c;
	int rc = db_cursor_open(&txn->view, DB_KEY, &c);

	if (rc != 0)
		return rc;
	while ((rc = db_cursor_first(&c)) == 0 && blob_to_u32(c.key) < below)
		if ((rc = db_cursor_del(&c)) != 0)
			break;
	db_cursor_close(&c);
	return rc == -ENOENT ? 0 : rc;
}

static int rewrap_end(struct store_txn *txn)
{
	struct wrap *w = txn->view.env->wrap;
	int rc = keys_forget(txn, w->record.below);

	return rc == 0 ? db_put_u32(&txn->view, DB_META, META_WRAP, &w->done, sizeof(w->done)) : rc;
}

int store_rewrap_step(struct store_env *env, struct store_rewrap *at)
{
	struct store_rewrap next = *at;
	struct store_txn *txn;
	uint64_t version;
	int rc, more;

	if (env->wrap->current == NULL || env->wrap->record.below == 0)
		return 0;
	rc = store_txn_begin(env, &txn);
	if (rc != 0)
		return rc;
	more = records_reseal(txn, &next);
	if (more == 0)
		rc = rewrap_end(txn);
	version = mdb_txn_id(txn->view.mdb);
	if (rc != 0 || more < 0) {
		store_txn_abort(txn);
		return rc != 0 ? rc : more;
	}
	rc = store_txn_commit(txn);
	if (rc != 0)
		return rc;
	*at = next;
	if (more == 0) {
		env->wrap->record = env->wrap->done;
		atomic_store(&env->wrap->clear_until, version);
	}
	return more;
}
