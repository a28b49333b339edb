// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// From rows that were taken to subscribers that are seen, and back.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"

#define INDEX_BATCH 32768 // slots a transaction adds to each index, about
#define APPLY_BATCH 1000 // entries of the change list a transaction works off

static int pile_insert(struct store_txn *txn, enum db_id db, struct slot_pile *pile)
{
	struct index_slot *tmp = malloc((pile->count + 1) * sizeof(*tmp));
	int rc;

	if (tmp == NULL)
		return -ENOMEM;
	index_sort(pile->slot, tmp, pile->count);
	rc = index_insert(txn, db, pile->slot, pile->count);
	free(tmp);
	free(pile->slot);
	*pile = (struct slot_pile){0};
	return rc;
}

static int step_index(struct store_import *imp, struct store_txn *txn)
{
	size_t n = 0;
	int rc = imp->pile == 0 ? import_flush(imp, txn) : 0;

	while (rc == 0 && imp->pile < IMPORT_PILES && n < INDEX_BATCH) {
		n += imp->impi_pile[imp->pile].count;
		rc = pile_insert(txn, DB_IMPI, &imp->impi_pile[imp->pile]);
		if (rc == 0)
			rc = pile_insert(txn, DB_BTID, &imp->btid_pile[imp->pile]);
		imp->pile++;
	}
	if (rc == 0 && imp->pile == IMPORT_PILES)
		imp->step = STEP_PUBLISH;
	return rc;
}

static int head_merge(struct store_import *imp, struct store_txn *txn)
{
	uint32_t number = imp->base / STORE_BLOCK_SUBSCRIBERS;
	unsigned in_use = imp->base % STORE_BLOCK_SUBSCRIBERS;

	if (imp->head.count == 0)
		return 0;
	return hot_block_merge(txn, number, &imp->head, in_use);
}

static int step_publish(struct store_import *imp, struct store_txn *txn)
{
	struct state_record *state = txn_state(txn);
	int rc = head_merge(imp, txn);

	state->span = imp->next;
	state->live += imp->next - imp->base;
	state->hot_version++;
	moves_all(&txn->hot);
	state->changes = (uint32_t)imp->changed_count;
	state->applied = 0;
	state->import = state->changes != 0 ? IMPORT_APPLYING : IMPORT_NONE;
	imp->step = state->changes != 0 ? STEP_APPLY : STEP_DONE;
	return rc;
}

static int step_in_txn(
	struct store_import *imp, int (*step)(struct store_import *imp, struct store_txn *txn))
{
	enum import_step before = imp->step;
	struct store_txn *txn;
	int rc = store_txn_begin(imp->env, &txn);

	if (rc == 0) {
		rc = step(imp, txn);
		if (rc == 0)
			rc = store_txn_commit(txn);
		else
			store_txn_abort(txn);
	}
	if (rc != 0) {
		imp->step = before;
		imp->is_failed = true;
	}
	return rc;
}

int store_import_publish(struct store_import *imp)
{
	int rc = 0;

	if (imp->is_failed)
		return -EINVAL;
	switch (imp->step) {
	case STEP_ADD:
		imp->step = STEP_INDEX;
		break;
	case STEP_INDEX:
		rc = step_in_txn(imp, step_index);
		break;
	case STEP_PUBLISH:
		rc = step_in_txn(imp, step_publish);
		break;
	case STEP_APPLY:
		rc = import_apply(imp->env, APPLY_BATCH);
		if (rc == 0)
			imp->step = STEP_DONE;
		break;
	case STEP_DONE:
		break;
	}
	if (rc < 0)
		return rc;
	return imp->step == STEP_DONE ? 0 : 1;
}

void store_import_end(struct store_import *imp, struct store_import_result *result)
{
	if (result != NULL)
		store_import_counts(imp, result);
	if (imp->step == STEP_DONE) {
		import_free(imp);
		return;
	}
	while (store_import_abort(imp) == 1)
		;
}

int store_import_abort(struct store_import *imp)
{
	int rc = 0;

	imp->is_failed = true;
	// Once published, an import is finished and not undone; the next opening sees to that.
	if (imp->step <= STEP_PUBLISH)
		rc = import_cleanup(imp->env, &imp->cleanup);
	if (rc != 1)
		import_free(imp);
	return rc;
}
