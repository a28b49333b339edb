// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The change list of an import: changed subscribers, and new ones who get the places of removed
// ones. Both stand where readers look, so that they wait until all rows have been taken.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "view.h"

// --- Writing it -----------------------------------------------------------------------------

static int changed_add(struct store_import *imp, store_id id)
{
	if (imp->changed_count == imp->changed_room) {
		size_t room = imp->changed_room != 0 ? 2 * imp->changed_room : 256;
		store_id *grown = realloc(imp->changed, room * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		imp->changed = grown;
		imp->changed_room = room;
	}
	imp->changed[imp->changed_count++] = id;
	return 0;
}

static int list_add(struct store_import *imp, struct store_txn *txn, store_id id,
	const struct store_subscriber *sub)
{
	struct change_record record;
	uint32_t number = (uint32_t)imp->changed_count;
	size_t len = record_encode_change(id, sub, &record);
	int rc = sealed_put(txn, DB_CHANGE, blob_u32(&number), &record, len);

	explicit_bzero(&record, sizeof(record));
	return rc == 0 ? changed_add(imp, id) : rc;
}

int import_list_change(struct store_import *imp, struct store_txn *txn, store_id id,
	const struct store_subscriber *row, const struct store_subscriber *old)
{
	struct store_subscriber sub;
	int rc = 0;

	if (subscriber_is_same(old, row)) {
		imp->unchanged++;
		return 0;
	}
	if (strcmp(old->btid, row->btid) != 0)
		rc = keyset_add(&imp->moved, id + UINT64_C(1));
	if (rc != 0)
		return rc;
	sub = *row;
	sub.impi[0] = '\0';
	rc = list_add(imp, txn, id, &sub);
	explicit_bzero(&sub, sizeof(sub));
	return rc;
}

int import_list_new(
	struct store_import *imp, struct store_txn *txn, const struct store_subscriber *row)
{
	store_id id;
	int rc = imp->may_reuse_ids ? subscriber_free_id(txn, imp->free_from, &id) : -ENOENT;

	if (rc != 0) {
		imp->may_reuse_ids = false;
		return rc;
	}
	rc = list_add(imp, txn, id, row);
	if (rc == 0) {
		imp->free_from = id + 1;
		imp->reused++;
	}
	return rc;
}

// --- Working it off -------------------------------------------------------------------------

// Another subscriber has this B-TID as its previous one, by a verification that came between the
// row and its application: it goes.
static int prev_yield(struct store_txn *txn, store_id owner)
{
	uint32_t number = owner / STORE_BLOCK_SUBSCRIBERS;
	struct store_hot *hot;
	struct store_block block;
	int rc = subscriber_drop_prev(txn, owner);

	if (rc == 0)
		rc = hot_block_load(&txn->view, number, &block);
	if (rc == 0) {
		hot = &block.hot[owner % STORE_BLOCK_SUBSCRIBERS];
		hot->authorised &= ~((uint32_t)STORE_HAS_PREV << 24);
		rc = hot_block_put(txn, number, &block);
	}
	explicit_bzero(&block, sizeof(block));
	return rc;
}

static int btid_claim(struct store_txn *txn, store_id id, const char *btid)
{
	bool is_prev;
	store_id owner = view_find_btid_but(&txn->view, btid, id, &is_prev);

	return owner != STORE_ID_NONE && is_prev ? prev_yield(txn, owner) : 0;
}

static int change_apply(struct store_txn *txn, store_id id, struct store_subscriber *sub)
{
	const struct view *v = &txn->view;
	struct store_subscriber old;
	bool is_prev;
	int rc = view_subscriber(v, id, &old);

	if (rc == 0) {
		memcpy(sub->impi, old.impi, sizeof(sub->impi));
		rc = btid_claim(txn, id, sub->btid);
		// The old B-TID went to another subscriber in the same import.
		if (view_find_btid_but(v, old.btid, id, &is_prev) != STORE_ID_NONE)
			old.flags &= (uint8_t)~STORE_MUK_VERIFIED;
		if (rc == 0)
			rc = subscriber_change(txn, id, &old, sub);
	}
	explicit_bzero(&old, sizeof(old));
	return rc;
}

// When the import had failed, and this finishes it, he may have been added otherwise meanwhile.
static int newcomer_apply(struct store_txn *txn, store_id id, struct store_subscriber *sub)
{
	store_id there = view_find_impi(&txn->view, sub->impi, strlen(sub->impi));
	int rc;

	if (there != STORE_ID_NONE)
		return change_apply(txn, there, sub);
	rc = btid_claim(txn, id, sub->btid);
	return rc == 0 ? subscriber_add_in(txn, id, sub) : rc;
}

static int change_take(struct store_txn *txn, uint32_t number)
{
	struct store_subscriber sub;
	struct change_record record;
	store_id id;
	size_t len;
	int rc =
		sealed_get(&txn->view, DB_CHANGE, blob_u32(&number), &record, sizeof(record), &len);

	if (rc == 0)
		rc = record_decode_change((struct blob){&record, len}, &id, &sub);
	explicit_bzero(&record, sizeof(record));
	if (rc == 0) {
		rc = sub.impi[0] == '\0' ? change_apply(txn, id, &sub)
					 : newcomer_apply(txn, id, &sub);
		explicit_bzero(&sub, sizeof(sub));
	}
	if (rc == 0)
		rc = db_del_u32(&txn->view, DB_CHANGE, number);
	return rc;
}

static int apply_batch(struct store_env *env, unsigned most)
{
	struct state_record *state;
	struct store_txn *txn;
	bool is_done;
	int rc = store_txn_begin(env, &txn);

	if (rc != 0)
		return rc;
	state = txn_state(txn);
	for (unsigned i = 0; i < most && state->applied < state->changes && rc == 0; i++)
		rc = change_take(txn, state->applied++);
	if (rc != 0) {
		store_txn_abort(txn);
		return rc;
	}
	is_done = state->applied == state->changes;
	if (is_done)
		state->import = IMPORT_NONE;
	rc = store_txn_commit(txn);
	return rc == 0 ? !is_done : rc;
}

int import_apply(struct store_env *env, unsigned most)
{
	int rc;

	// In a full map, pages become free one small transaction after the other.
	do {
		rc = apply_batch(env, most);
		most /= 2;
	} while (rc == -ENOSPC && most > 0);
	return rc;
}
