// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which id a new subscriber gets.

#include <errno.h>
#include <string.h>

#include "subscriber.h"
#include "view.h"

// Nobody has it, and somebody can be written there: both of its blocks are whole.
static bool id_is_free(const struct store_txn *txn, store_id id)
{
	const struct view *v = &txn->view;
	const struct store_hot *hot;
	union {
		struct store_block hot;
		struct cold_block cold;
	} block;
	bool is_free = id < txn->state.span && view_hot(v, id, &hot) == -ENOENT &&
		hot_block_load(v, id / STORE_BLOCK_SUBSCRIBERS, &block.hot) == 0 &&
		cold_block_load(v, id / COLD_BLOCK_SUBSCRIBERS, &block.cold) == 0;

	explicit_bzero(&block, sizeof(block));
	return is_free;
}

// What the table says is free and is not, is passed over for good: the table is not sealed.
int subscriber_free_id(struct store_txn *txn, store_id from, store_id *id)
{
	struct db_cursor c;
	int rc = db_cursor_open(&txn->view, DB_FREE, &c);

	if (rc != 0)
		return rc;
	while ((rc = db_cursor_seek(&c, blob_u32(&from))) == 0) {
		*id = blob_to_u32(c.key);
		if (id_is_free(txn, *id))
			break;
		rc = db_cursor_del(&c);
		if (rc != 0)
			break;
	}
	db_cursor_close(&c);
	return rc;
}

int subscriber_take_free_id(struct store_txn *txn, store_id id)
{
	return id_is_free(txn, id) ? db_del_u32(&txn->view, DB_FREE, id) : -EIO;
}

// Those that are free belong to an import while it is applied.
int subscriber_take_id(struct store_txn *txn, bool may_reuse_id, store_id *id)
{
	struct state_record *state = txn_state(txn);
	int rc = -ENOENT;

	if (may_reuse_id && state->import == IMPORT_NONE)
		rc = subscriber_free_id(txn, 0, id);
	if (rc == 0)
		return db_del_u32(&txn->view, DB_FREE, *id);
	if (rc != -ENOENT)
		return rc;
	rc = span_pass_damage(txn);
	if (rc != 0)
		return rc;
	if (state->span == STORE_ID_NONE)
		return -ENOSPC;
	*id = state->span++;
	return 0;
}
