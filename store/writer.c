// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Write transactions. Each carries the state record, which it writes back when it commits.

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

#include "env.h"

static int txn_create(struct store_env *env, struct store_txn *parent, struct store_txn **out)
{
	struct store_txn *txn = calloc(1, sizeof(*txn));
	int rc;

	*out = NULL;
	if (txn == NULL)
		return -ENOMEM;
	rc = db_error(mdb_txn_begin(
		env->mdb, parent != NULL ? parent->view.mdb : NULL, 0, &txn->view.mdb));
	if (rc != 0) {
		free(txn);
		return rc;
	}
	txn->view.env = env;
	txn->view.state = &txn->state;
	txn->parent = parent;
	*out = txn;
	return 0;
}

int store_txn_begin(struct store_env *env, struct store_txn **out)
{
	int rc;

	env_keep_room(env);
	rc = txn_create(env, NULL, out);
	if (rc != 0)
		return rc;
	rc = state_load(&(*out)->view, &(*out)->state);
	if (rc != 0) {
		store_txn_abort(*out);
		*out = NULL;
		return rc;
	}
	(*out)->hot_from = (*out)->state.hot_version;
	(*out)->index_from = (*out)->state.index_version;
	return 0;
}

int store_txn_nest(struct store_txn *parent, struct store_txn **out)
{
	int rc = txn_create(parent->view.env, parent, out);

	if (rc != 0)
		return rc;
	(*out)->state = parent->state;
	(*out)->hot = parent->hot;
	(*out)->btid = parent->btid;
	return 0;
}

static void moves_tell(struct store_txn *txn)
{
	struct store_env *env = txn->view.env;

	move_log_add(env->hot_moves, txn->hot_from, txn->state.hot_version, &txn->hot);
	move_log_add(env->btid_moves, txn->index_from, txn->state.index_version, &txn->btid);
}

static void moves_take_back(struct store_txn *txn)
{
	struct store_env *env = txn->view.env;

	if (txn->state.hot_version != txn->hot_from)
		move_log_take_back(env->hot_moves, txn->state.hot_version);
	if (txn->state.index_version != txn->index_from)
		move_log_take_back(env->btid_moves, txn->state.index_version);
}

int store_txn_commit(struct store_txn *txn)
{
	struct store_txn *parent = txn->parent;
	int rc = 0;

	if (parent == NULL && txn->is_state_dirty)
		rc = db_put_u32(&txn->view, DB_META, META_STATE, &txn->state, sizeof(txn->state));
	if (rc != 0) {
		store_txn_abort(txn);
		return rc;
	}
	if (parent == NULL)
		moves_tell(txn);
	rc = db_error(mdb_txn_commit(txn->view.mdb));
	if (rc != 0 && parent == NULL)
		moves_take_back(txn);
	// LMDB calls a write that the disk took in part an I/O error.
	if (rc == -EIO && txn->view.env->is_disk_full)
		rc = -ENOSPC;
	if (rc == 0 && parent != NULL && txn->is_state_dirty) {
		parent->state = txn->state;
		parent->hot = txn->hot;
		parent->btid = txn->btid;
		parent->is_state_dirty = true;
	}
	free(txn);
	return rc;
}

void store_txn_abort(struct store_txn *txn)
{
	if (txn == NULL)
		return;
	mdb_txn_abort(txn->view.mdb);
	free(txn);
}

int store_mark_put(struct store_txn *txn, uint32_t mark)
{
	return db_put_u32(&txn->view, DB_META, META_MARK, &mark, sizeof(mark));
}
