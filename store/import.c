// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Taking rows. import.h tells how an import goes on from here.

#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

#define LOOKAHEAD 16 // rows whose hashes are made ahead, so that memory can be fetched
#define ROWS_PER_PAGE 4 // rows take less than that in any table

struct row_hash {
	uint64_t impi;
	uint64_t btid;
};

static uint64_t text_hash(const struct store_import *imp, const char *text)
{
	return hash_bytes(&imp->env->hash_key, text, strnlen(text, STORE_NAI_MAX));
}

bool import_holds_impi(const struct store_import *imp, const char *impi)
{
	return imp != NULL && keyset_has(&imp->impis, text_hash(imp, impi));
}

bool import_holds_btid(const struct store_import *imp, const char *btid)
{
	return imp != NULL && btid[0] != '\0' && keyset_has(&imp->btids, text_hash(imp, btid));
}

void import_free(struct store_import *imp)
{
	if (imp == NULL)
		return;
	for (unsigned i = 0; i < IMPORT_PILES; i++) {
		free(imp->impi_pile[i].slot);
		free(imp->btid_pile[i].slot);
	}
	keyset_fini(&imp->impis);
	keyset_fini(&imp->btids);
	keyset_fini(&imp->moved);
	free(imp->changed);
	if (imp->env->import == imp)
		imp->env->import = NULL;
	explicit_bzero(imp, sizeof(*imp));
	free(imp);
}

static int import_mark(struct store_import *imp)
{
	struct store_txn *txn;
	int rc = store_txn_begin(imp->env, &txn);

	if (rc != 0)
		return rc;
	rc = span_pass_damage(txn);
	if (rc != 0) {
		store_txn_abort(txn);
		return rc;
	}
	imp->base = txn->state.span;
	imp->next = imp->base;
	txn_state(txn)->import = IMPORT_ADDING;
	return store_txn_commit(txn);
}

int store_import_begin(struct store_env *env, uint32_t expected, struct store_import **out)
{
	struct store_import *imp;
	int rc;

	*out = NULL;
	if (env->import != NULL)
		return -EBUSY;
	rc = import_recover(env);
	if (rc != 0)
		return rc;
	imp = calloc(1, sizeof(*imp));
	if (imp == NULL)
		return -ENOMEM;
	imp->env = env;
	rc = keyset_init(&imp->impis, expected);
	if (rc == 0)
		rc = keyset_init(&imp->btids, expected);
	if (rc == 0)
		rc = keyset_init(&imp->moved, 0);
	if (rc == 0)
		rc = import_mark(imp);
	if (rc != 0) {
		import_free(imp);
		return rc;
	}
	env->import = imp;
	*out = imp;
	return 0;
}

void store_import_reuse_ids(struct store_import *imp)
{
	imp->may_reuse_ids = true;
}

static int pile_add(struct slot_pile *piles, uint64_t hash, store_id id)
{
	struct index_slot slot = {(uint32_t)(hash >> 32), id};
	struct slot_pile *pile = &piles[slot.tag >> 24];

	if (pile->count == pile->room) {
		size_t room = pile->room != 0 ? 2 * pile->room : 64;
		struct index_slot *grown = realloc(pile->slot, room * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		pile->slot = grown;
		pile->room = room;
	}
	pile->slot[pile->count++] = slot;
	return 0;
}

static bool is_head(const struct store_import *imp, store_id id)
{
	return imp->base % STORE_BLOCK_SUBSCRIBERS != 0 &&
		id / STORE_BLOCK_SUBSCRIBERS == imp->base / STORE_BLOCK_SUBSCRIBERS;
}

// Writes the hot image, whose last row is id, and begins the next.
static int hot_flush(struct store_import *imp, struct store_txn *txn, store_id id)
{
	int rc = 0;

	if (is_head(imp, id))
		imp->head = imp->hot;
	else
		rc = hot_block_append(txn, id / STORE_BLOCK_SUBSCRIBERS, &imp->hot);
	memset(&imp->hot, 0, sizeof(imp->hot));
	return rc;
}

// As above. The first cold block may hold records in use, which may have changed meanwhile.
static int cold_flush(struct store_import *imp, struct store_txn *txn, store_id id)
{
	uint32_t number = id / COLD_BLOCK_SUBSCRIBERS;
	unsigned in_use = imp->base % COLD_BLOCK_SUBSCRIBERS;
	int rc;

	if (number != imp->base / COLD_BLOCK_SUBSCRIBERS || in_use == 0)
		rc = cold_block_append(txn, number, &imp->cold);
	else
		rc = cold_block_merge(txn, number, &imp->cold, in_use);
	memset(&imp->cold, 0, sizeof(imp->cold));
	return rc;
}

int import_flush(struct store_import *imp, struct store_txn *txn)
{
	int rc = 0;

	if (imp->next == imp->base)
		return 0;
	if (imp->next % STORE_BLOCK_SUBSCRIBERS != 0)
		rc = hot_flush(imp, txn, imp->next - 1);
	if (rc == 0 && imp->next % COLD_BLOCK_SUBSCRIBERS != 0)
		rc = cold_flush(imp, txn, imp->next - 1);
	return rc;
}

static int row_append(struct store_import *imp, struct store_txn *txn,
	const struct store_subscriber *row, const struct row_hash *hash)
{
	store_id id = imp->next;
	unsigned hot = id % STORE_BLOCK_SUBSCRIBERS, cold = id % COLD_BLOCK_SUBSCRIBERS;
	struct layout layout;
	int rc = id != STORE_ID_NONE ? layout_make(txn, row, &layout) : -ENOSPC;

	if (rc != 0)
		return rc;
	layout_to_hot(&layout, row, &imp->hot, hot);
	layout_to_cold(&layout, row, &imp->cold, cold);
	imp->next++;
	rc = layout_put_raw(txn, id, &layout, row);
	if (rc == 0 && hot == STORE_BLOCK_SUBSCRIBERS - 1)
		rc = hot_flush(imp, txn, id);
	if (rc == 0 && cold == COLD_BLOCK_SUBSCRIBERS - 1)
		rc = cold_flush(imp, txn, id);
	if (rc == 0)
		rc = pile_add(imp->impi_pile, hash->impi, id);
	if (rc == 0 && row->btid[0] != '\0')
		rc = pile_add(imp->btid_pile, hash->btid, id);
	return rc;
}

static int row_add(struct store_import *imp, struct store_txn *txn,
	const struct store_subscriber *row, const struct row_hash *hash)
{
	int rc = import_list_new(imp, txn, row);

	return rc == -ENOENT ? row_append(imp, txn, row, hash) : rc;
}

// Whether a row may take a B-TID that a subscriber has: only when a row before takes it away from
// that subscriber, and it does not live on there as the previous one.
static bool btid_is_free(
	const struct store_import *imp, const struct view *v, store_id owner, bool is_prev)
{
	const struct store_hot *hot;

	return !is_prev && keyset_has(&imp->moved, owner + UINT64_C(1)) &&
		view_hot(v, owner, &hot) == 0 && !(store_hot_flags(hot) & STORE_MUK_VERIFIED);
}

static bool btid_is_kept(const struct view *v, store_id id, const char *btid)
{
	char text[STORE_NAI_MAX + 1];
	const struct store_hot *hot;

	if (view_hot(v, id, &hot) != 0)
		return false;
	view_btid(v, id, hot, text);
	return strcmp(text, btid) == 0;
}

// *id is that of the subscriber in the store whose row this is, STORE_ID_NONE for a new one.
static enum store_row row_check(const struct store_import *imp, const struct view *v,
	const struct store_subscriber *row, const struct row_hash *hash, store_id *id)
{
	store_id owner;
	bool is_prev;

	*id = STORE_ID_NONE;
	if (subscriber_check(v, row) != 0)
		return STORE_ROW_MALFORMED;
	if (keyset_has(&imp->impis, hash->impi))
		return STORE_ROW_IMPI_TWICE;
	if (row->btid[0] != '\0' && keyset_has(&imp->btids, hash->btid))
		return STORE_ROW_BTID_TWICE;
	if (v->state->span == 0)
		return STORE_ROW_TAKEN;
	*id = view_find_impi(v, row->impi, strlen(row->impi));
	if (btid_is_kept(v, *id, row->btid))
		return STORE_ROW_TAKEN;
	owner = view_find_btid(v, row->btid, strlen(row->btid), &is_prev);
	if (owner == STORE_ID_NONE || owner == *id || btid_is_free(imp, v, owner, is_prev))
		return STORE_ROW_TAKEN;
	return STORE_ROW_BTID_OF_ANOTHER;
}

static int names_note(
	struct store_import *imp, const struct store_subscriber *row, const struct row_hash *hash)
{
	int rc = keyset_add(&imp->impis, hash->impi);

	if (rc == 0 && row->btid[0] != '\0')
		rc = keyset_add(&imp->btids, hash->btid);
	return rc;
}

static int row_take(struct store_import *imp, struct store_txn *txn,
	const struct store_subscriber *row, const struct row_hash *hash, enum store_row *verdict)
{
	struct store_subscriber old;
	store_id id;
	int rc;

	*verdict = row_check(imp, &txn->view, row, hash, &id);
	if (*verdict == STORE_ROW_TAKEN && id != STORE_ID_NONE &&
		view_subscriber(&txn->view, id, &old) != 0)
		*verdict = STORE_ROW_DAMAGED;
	if (*verdict != STORE_ROW_TAKEN)
		return 0;
	rc = names_note(imp, row, hash);
	if (rc == 0)
		rc = id == STORE_ID_NONE ? row_add(imp, txn, row, hash)
					 : import_list_change(imp, txn, id, row, &old);
	if (id != STORE_ID_NONE)
		explicit_bzero(&old, sizeof(old));
	return rc;
}

static void rows_hash(const struct store_import *imp, const struct store_subscriber *rows, size_t n,
	struct row_hash *hash)
{
	for (size_t i = 0; i < n; i++) {
		hash[i].impi = text_hash(imp, rows[i].impi);
		hash[i].btid = text_hash(imp, rows[i].btid);
		keyset_prefetch(&imp->impis, hash[i].impi);
		keyset_prefetch(&imp->btids, hash[i].btid);
	}
}

static int rows_take(struct store_import *imp, struct store_txn *txn,
	const struct store_subscriber *rows, size_t n, enum store_row *verdict)
{
	struct row_hash hash[LOOKAHEAD];
	int rc = 0;

	for (size_t at = 0; at < n && rc == 0; at += LOOKAHEAD) {
		size_t m = n - at < LOOKAHEAD ? n - at : LOOKAHEAD;

		rows_hash(imp, rows + at, m, hash);
		for (size_t i = 0; i < m && rc == 0; i++)
			rc = row_take(imp, txn, &rows[at + i], &hash[i], &verdict[at + i]);
	}
	return rc;
}

int store_import_add(struct store_import *imp, const struct store_subscriber *rows, size_t n,
	enum store_row *verdict)
{
	struct store_txn *txn;
	int rc;

	if (n > STORE_IMPORT_CHUNK || imp->step != STEP_ADD || imp->is_failed)
		return -EINVAL;
	rc = env_has_room(imp->env, ENV_RESERVE_PAGES + n / ROWS_PER_PAGE);
	if (rc == 0)
		rc = store_txn_begin(imp->env, &txn);
	if (rc == 0) {
		rc = rows_take(imp, txn, rows, n, verdict);
		if (rc == 0)
			rc = store_txn_commit(txn);
		else
			store_txn_abort(txn);
	}
	imp->is_failed = rc != 0;
	return rc;
}

int store_import_set(
	struct store_import *imp, const store_service_id *services, size_t n, store_set *out)
{
	struct store_txn *txn;
	int rc = store_txn_begin(imp->env, &txn);

	if (rc != 0)
		return rc;
	rc = store_set_intern(txn, services, n, out);
	// Most sets are known, and cost no commit.
	if (rc == 0 && txn->is_state_dirty)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return rc;
}

void store_import_counts(const struct store_import *imp, struct store_import_result *out)
{
	*out = (struct store_import_result){
		.added = imp->next - imp->base + imp->reused,
		.changed = (uint32_t)imp->changed_count - imp->reused,
		.unchanged = imp->unchanged,
		.reused = imp->reused,
		.first_new = imp->base,
	};
}

bool store_import_is_visible(const struct store_import *imp)
{
	return imp->step > STEP_PUBLISH;
}

const store_id *store_import_changed(const struct store_import *imp, size_t *n)
{
	*n = imp->changed_count;
	return imp->changed;
}
