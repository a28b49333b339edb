// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Data keys: read at the opening, drawn at each start, wrapped anew when the wrapping key changes.

#include "wrap_keys.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "files.h"
#include "vault.h"
#include "wrap.h"

// --- Keys in memory --------------------------------------------------------------------------

int wrap_create(struct wrap **out)
{
	struct wrap *w = calloc(1, sizeof(*w));

	*out = w;
	if (w == NULL)
		return -ENOMEM;
	atomic_store(&w->clear_until, UINT64_MAX);
	return aead_create(&w->aead);
}

void wrap_destroy(struct wrap *w)
{
	if (w == NULL)
		return;
	for (struct wrap_chunk *chunk = w->chunks, *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		vault_free(chunk, sizeof(*chunk));
	}
	aead_destroy(w->aead);
	free(w);
}

const struct wrap_key *wrap_find(const struct wrap *w, uint32_t number)
{
	const struct wrap_key *key =
		atomic_load_explicit(&w->bucket[number % WRAP_BUCKETS], memory_order_acquire);

	while (key != NULL && key->number != number)
		key = key->next;
	return key;
}

static struct wrap_key *key_add(struct wrap *w, uint32_t number, const uint8_t key[AEAD_KEY_BYTES])
{
	struct wrap_key *_Atomic *bucket = &w->bucket[number % WRAP_BUCKETS];
	struct wrap_chunk *chunk = w->chunks;
	struct wrap_key *k;

	if (chunk == NULL || chunk->used == WRAP_CHUNK_KEYS) {
		chunk = vault_alloc(sizeof(*chunk));
		if (chunk == NULL)
			return NULL;
		chunk->next = w->chunks;
		w->chunks = chunk;
	}
	k = &chunk->key[chunk->used++];
	k->number = number;
	memcpy(k->key, key, sizeof(k->key));
	aead_key_init(w->aead, key, &k->ready);
	k->next = atomic_load_explicit(bucket, memory_order_relaxed);
	atomic_store_explicit(bucket, k, memory_order_release);
	return k;
}

// --- Under the wrapping key ------------------------------------------------------------------

static int nonce_draw(uint8_t nonce[AEAD_NONCE_BYTES])
{
	return getrandom(nonce, AEAD_NONCE_BYTES, 0) == AEAD_NONCE_BYTES ? 0 : -EIO;
}

struct key_aad {
	uint32_t table;
	uint32_t number;
	uint8_t head[offsetof(struct key_record, nonce)];
};

static struct key_aad key_aad(uint32_t number, const struct key_record *r)
{
	struct key_aad aad = {.table = DB_KEY, .number = number};

	memcpy(aad.head, r, sizeof(aad.head));
	return aad;
}

int wrap_key_seal(const struct wrap *w, const struct aead_key *wrapping, const struct wrap_key *key,
	struct key_record *out)
{
	struct key_aad aad;
	struct aead_text text = {out->nonce, (const uint8_t *)&aad, sizeof(aad)};
	int rc;

	*out = (struct key_record){.version = WRAP_VERSION, .created = (uint32_t)time(NULL)};
	rc = nonce_draw(out->nonce);
	aad = key_aad(key->number, out);
	if (rc == 0)
		aead_seal(w->aead, wrapping, &text, key->key, out->key, AEAD_KEY_BYTES, out->tag);
	return rc;
}

static int key_unwrap(
	struct wrap *w, const struct aead_key *wrapping, uint32_t number, struct blob val)
{
	uint8_t key[AEAD_KEY_BYTES];
	struct key_record r;
	struct key_aad aad;
	struct aead_text text = {r.nonce, (const uint8_t *)&aad, sizeof(aad)};
	int rc = 0;

	if (val.len != sizeof(r))
		return -EIO;
	memcpy(&r, val.data, sizeof(r));
	aad = key_aad(number, &r);
	if (r.version != WRAP_VERSION)
		rc = -EPROTO;
	else if (!aead_open(w->aead, wrapping, &text, r.key, key, sizeof(key), r.tag))
		rc = -EBADMSG;
	else if (key_add(w, number, key) == NULL)
		rc = -ENOMEM;
	explicit_bzero(key, sizeof(key));
	return rc;
}

// The record carries no secret; its tag tells whether it is whole and the wrapping key is the right
// one.
static struct aead_text record_text(const struct wrap_record *r)
{
	return (struct aead_text){
		r->nonce, (const uint8_t *)r, offsetof(struct wrap_record, nonce)};
}

static int record_seal(const struct wrap *w, const struct aead_key *wrapping, struct wrap_record *r)
{
	int rc = nonce_draw(r->nonce);
	struct aead_text text = record_text(r);

	if (rc == 0)
		aead_seal(w->aead, wrapping, &text, "", NULL, 0, r->tag);
	return rc;
}

static bool record_is_ours(
	const struct wrap *w, const struct aead_key *wrapping, const struct wrap_record *r)
{
	struct aead_text text = record_text(r);
	uint8_t nothing[1] = {0};

	return aead_open(w->aead, wrapping, &text, nothing, nothing, 0, r->tag);
}

int wrap_records_seal(
	const struct wrap *w, const struct aead_key *wrapping, struct wrap_change *change)
{
	int rc = record_seal(w, wrapping, &change->record);

	change->done = change->record;
	change->done.below = 0;
	return rc == 0 ? record_seal(w, wrapping, &change->done) : rc;
}

int wrap_current_draw(struct wrap *w, const struct aead_key *wrapping, uint32_t number,
	struct wrap_change *change)
{
	uint8_t key[AEAD_KEY_BYTES];
	int rc = getrandom(key, sizeof(key), 0) == sizeof(key) ? 0 : -EIO;

	if (rc == 0) {
		change->current = key_add(w, number, key);
		rc = change->current != NULL ? 0 : -ENOMEM;
	}
	if (rc == 0)
		rc = wrap_key_seal(w, wrapping, change->current, &change->current_record);
	explicit_bzero(key, sizeof(key));
	return rc;
}

void wrap_change_take(struct wrap *w, const struct wrap_change *change)
{
	w->record = change->record;
	w->done = change->done;
	w->current = change->current;
	w->current_record = change->current_record;
}

int wrap_current_store(struct store_txn *txn)
{
	const struct wrap *w = txn->view.env->wrap;
	int rc;

	if (w->current == NULL || txn->state.last_data_key >= w->current->number)
		return 0;
	rc = db_put_u32(&txn->view, DB_KEY, w->current->number, &w->current_record,
		sizeof(w->current_record));
	if (rc == 0)
		txn_state(txn)->last_data_key = w->current->number;
	return rc;
}

// --- Opening a store -------------------------------------------------------------------------

static int record_load(const struct view *v, struct wrap_record *out)
{
	struct blob val;
	int rc = db_get_u32(v, DB_META, META_WRAP, &val);

	if (rc != 0)
		return rc;
	if (val.len != sizeof(*out))
		return -EIO;
	memcpy(out, val.data, sizeof(*out));
	return out->version == WRAP_VERSION ? 0 : -EPROTO;
}

static int keys_load(const struct view *v, const struct aead_key *wrapping)
{
	struct db_cursor c;
	int rc = db_cursor_open(v, DB_KEY, &c);

	if (rc != 0)
		return rc;
	for (rc = db_cursor_first(&c); rc == 0; rc = db_cursor_next(&c)) {
		rc = key_unwrap(v->env->wrap, wrapping, blob_to_u32(c.key), c.val);
		if (rc != 0)
			break;
	}
	db_cursor_close(&c);
	return rc == -ENOENT ? 0 : rc;
}

// Whether any table has a record that would have been sealed.
static int has_records(const struct view *v, bool *has)
{
	uint64_t n = 0;
	int rc = 0;

	*has = false;
	for (enum db_id db = 0; db < DB_COUNT && rc == 0; db++) {
		if (wrap_is_sealed(db))
			rc = db_entries(v, db, &n);
		*has |= wrap_is_sealed(db) && n > 0;
	}
	return rc;
}

static const char *kind_name(unsigned kind)
{
	return kind == WRAPPING_PASSPHRASE ? "passphrase" : "key";
}

static int wrapping_read(struct wrap *w, const char *source, const struct wrapping_scrypt *scrypt,
	struct aead_key *out, char *why)
{
	uint8_t key[AEAD_KEY_BYTES];
	int rc = wrapping_key_read(source, scrypt, key, why);

	if (rc == 0)
		aead_key_init(w->aead, key, out);
	explicit_bzero(key, sizeof(key));
	return rc;
}

static int record_put(struct store_env *env, const struct wrap_record *record)
{
	struct store_txn *txn;
	int rc = store_txn_begin(env, &txn);

	if (rc != 0)
		return rc;
	rc = db_put_u32(&txn->view, DB_META, META_WRAP, record, sizeof(*record));
	if (rc == 0)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return rc;
}

// A store that was not wrapped so far. What lies in it in the clear is sealed while it is used.
static int start_first(const struct view *v, const char *source, struct wrap_record *record,
	struct aead_key *wrapping, char *why)
{
	bool has;
	int rc = has_records(v, &has);

	if (rc == 0 && record->kind == WRAPPING_PASSPHRASE)
		rc = wrapping_scrypt_draw(&record->scrypt);
	if (rc != 0)
		return why_not(why, rc, "The store cannot be wrapped: %s.", strerror(-rc));
	record->below = has ? v->state->last_data_key + 1 : 0;
	return wrapping_read(v->env->wrap, source, &record->scrypt, wrapping, why);
}

static int start_again(const struct view *v, const char *source, enum wrapping_kind kind,
	const struct wrap_record *record, struct aead_key *wrapping, char *why)
{
	int rc;

	if (kind != record->kind)
		return why_not(why, -EKEYREJECTED, "The store is wrapped under a %s, and not a %s.",
			kind_name(record->kind), kind_name(kind));
	rc = wrapping_read(v->env->wrap, source, &record->scrypt, wrapping, why);
	if (rc != 0)
		return rc;
	if (!record_is_ours(v->env->wrap, wrapping, record))
		return why_not(why, -EKEYREJECTED,
			"The wrapping key %.120s is not the one that the store is wrapped under.",
			source);
	rc = keys_load(v, wrapping);
	if (rc != 0)
		return why_not(why, rc, "The data keys of the store cannot be unwrapped: %s.",
			strerror(-rc));
	return 0;
}

static int start_in(const struct view *v, const char *source, bool *is_first, char *why)
{
	struct wrap *w = v->env->wrap;
	struct wrap_change change = {.record.version = WRAP_VERSION};
	enum wrapping_kind kind;
	char path[PATH_BYTES];
	struct aead_key wrapping;
	int rc = wrapping_source(source, &kind, path, why), found;

	if (rc != 0)
		return rc;
	found = record_load(v, &change.record);
	*is_first = found == -ENOENT;
	// Else who takes that record away could put others in the clear beside what is sealed.
	if (*is_first && v->state->last_data_key != 0)
		return why_not(why, -EKEYREJECTED,
			"The store has data keys, but not what tells their wrapping key.");
	if (found == -ENOENT && (kind == WRAPPING_NONE || v->env->is_read_only))
		return 0;
	if (found != 0 && found != -ENOENT)
		return why_not(
			why, found, "What wraps the store is damaged: %s.", strerror(-found));
	if (kind == WRAPPING_NONE)
		return why_not(why, -EKEYREJECTED,
			"The store is wrapped under a %s: store.wrapping_key has to name it.",
			kind_name(change.record.kind));
	if (*is_first)
		change.record.kind = (uint8_t)kind;
	rc = *is_first ? start_first(v, source, &change.record, &wrapping, why)
		       : start_again(v, source, kind, &change.record, &wrapping, why);
	if (rc == 0 &&
		(wrap_records_seal(w, &wrapping, &change) != 0 ||
			wrap_current_draw(w, &wrapping, v->state->last_data_key + 1, &change) != 0))
		rc = why_not(why, -EIO, "No data key can be drawn.");
	if (rc == 0)
		wrap_change_take(w, &change);
	explicit_bzero(&wrapping, sizeof(wrapping));
	return rc;
}

int wrap_start(struct store_env *env, const char *source, char *why)
{
	struct state_record state;
	struct view v = {.env = env, .state = &state};
	bool is_first = false;
	int rc = db_error(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &v.mdb));

	if (rc == 0) {
		rc = state_load(&v, &state);
		if (rc == 0)
			rc = start_in(&v, source, &is_first, why);
		else
			why_not(why, rc, "The store cannot be read: %s.", strerror(-rc));
		mdb_txn_abort(v.mdb);
	}
	if (rc != 0 || env->wrap->current == NULL)
		return rc;
	if (env->wrap->record.below == 0)
		atomic_store(&env->wrap->clear_until, 0);
	if (!is_first)
		return 0;
	rc = record_put(env, &env->wrap->record);
	return rc == 0 ? 0 : why_not(why, rc, "The store cannot be wrapped: %s.", strerror(-rc));
}
