// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Single subscribers: put, change, remove, verified.

#include "subscriber.h"

#include <errno.h>
#include <string.h>

#include "import.h"
#include "index.h"
#include "view.h"

static int slot_insert(struct store_txn *txn, enum db_id db, const char *text, store_id id)
{
	struct index_slot slot = {env_tag(txn->view.env, text, strlen(text)), id};

	return index_insert(txn, db, &slot, 1);
}

static int slot_remove(struct store_txn *txn, enum db_id db, const char *text, store_id id)
{
	struct index_slot slot = {env_tag(txn->view.env, text, strlen(text)), id};

	return index_remove(txn, db, slot);
}

static int raw_delete(struct store_txn *txn, store_id id, enum raw_kind kind)
{
	uint64_t key = (uint64_t)id << 1 | kind;
	int rc = db_del(&txn->view, DB_RAW, (struct blob){&key, sizeof(key)});

	return rc == -ENOENT ? 0 : rc;
}

int subscriber_drop_prev(struct store_txn *txn, store_id id)
{
	struct store_prev prev;
	int rc = view_prev(&txn->view, id, &prev);

	if (rc == 0)
		rc = slot_remove(txn, DB_BTID, prev.btid, id);
	if (rc == 0)
		rc = db_del_u32(&txn->view, DB_PREV, id);
	explicit_bzero(&prev, sizeof(prev));
	return rc == -ENOENT ? 0 : rc;
}

static int prev_put(struct store_txn *txn, store_id id, const struct store_subscriber *old)
{
	struct store_prev prev = {
		.expires = old->expires,
		.muk = old->muk,
		.muk_state = old->muk_state,
	};
	struct prev_record record;
	size_t len;
	int rc;

	memcpy(prev.btid, old->btid, sizeof(prev.btid));
	len = record_encode_prev(&prev, &record);
	rc = sealed_put(txn, DB_PREV, blob_u32(&id), &record, len);
	explicit_bzero(&prev, sizeof(prev));
	explicit_bzero(&record, sizeof(record));
	return rc;
}

static bool prev_has_btid(const struct view *v, store_id id, const char *btid)
{
	struct store_prev prev;
	bool is_same = view_prev(v, id, &prev) == 0 && strcmp(prev.btid, btid) == 0;

	explicit_bzero(&prev, sizeof(prev));
	return is_same;
}

// A new B-TID. The old one becomes the previous one if a verification under it had arrived; else
// it goes, and the previous one stays what it was. *flags are VERIFIED and HAS_PREV.
static int btid_move(struct store_txn *txn, store_id id, const struct store_subscriber *old,
	const char *btid, uint8_t *flags)
{
	bool has_prev = *flags & STORE_HAS_PREV;
	int rc = 0;

	if (*flags & STORE_MUK_VERIFIED) {
		if (has_prev)
			rc = subscriber_drop_prev(txn, id);
		if (rc == 0)
			rc = prev_put(txn, id, old);
		*flags = STORE_HAS_PREV;
	} else {
		if (old->btid[0] != '\0')
			rc = slot_remove(txn, DB_BTID, old->btid, id);
		if (rc == 0 && has_prev && prev_has_btid(&txn->view, id, btid)) {
			rc = subscriber_drop_prev(txn, id);
			*flags = 0;
		}
	}
	if (rc == 0 && old->flags & STORE_BTID_RAW)
		rc = raw_delete(txn, id, RAW_BTID);
	if (rc == 0 && btid[0] != '\0')
		rc = slot_insert(txn, DB_BTID, btid, id);
	return rc;
}

static int blocks_write(struct store_txn *txn, store_id id, const struct layout *layout,
	const struct store_subscriber *sub)
{
	uint32_t hot_number = id / STORE_BLOCK_SUBSCRIBERS;
	uint32_t cold_number = id / COLD_BLOCK_SUBSCRIBERS;
	union {
		struct store_block hot;
		struct cold_block cold;
	} block;
	int rc = hot_block_load(&txn->view, hot_number, &block.hot);

	if (rc == 0) {
		layout_to_hot(layout, sub, &block.hot, id % STORE_BLOCK_SUBSCRIBERS);
		rc = hot_block_put(txn, hot_number, &block.hot);
	}
	if (rc == 0)
		rc = cold_block_load(&txn->view, cold_number, &block.cold);
	if (rc == 0) {
		layout_to_cold(layout, sub, &block.cold, id % COLD_BLOCK_SUBSCRIBERS);
		rc = cold_block_put(txn, cold_number, &block.cold);
	}
	explicit_bzero(&block, sizeof(block));
	if (rc == 0)
		rc = layout_put_raw(txn, id, layout, sub);
	return rc;
}

int subscriber_change(struct store_txn *txn, store_id id, const struct store_subscriber *old,
	const struct store_subscriber *sub)
{
	uint8_t flags = old->flags & (STORE_MUK_VERIFIED | STORE_HAS_PREV);
	struct layout layout;
	int rc = 0;

	if (subscriber_is_same(old, sub))
		return 0;
	if (strcmp(old->btid, sub->btid) != 0)
		rc = btid_move(txn, id, old, sub->btid, &flags);
	else if (memcmp(&old->muk, &sub->muk, sizeof(old->muk)) != 0)
		flags &= (uint8_t)~STORE_MUK_VERIFIED;
	if (rc == 0)
		rc = layout_make(txn, sub, &layout);
	if (rc != 0)
		return rc;
	layout.hot.authorised |= (uint32_t)flags << 24;
	return blocks_write(txn, id, &layout, sub);
}

static int subscriber_write(struct store_txn *txn, store_id id, const struct store_subscriber *sub)
{
	struct layout layout;
	int rc = layout_make(txn, sub, &layout);

	if (rc == 0)
		rc = blocks_write(txn, id, &layout, sub);
	if (rc == 0)
		rc = slot_insert(txn, DB_IMPI, sub->impi, id);
	if (rc == 0 && sub->btid[0] != '\0')
		rc = slot_insert(txn, DB_BTID, sub->btid, id);
	if (rc == 0)
		txn_state(txn)->live++;
	return rc;
}

static int subscriber_add(
	struct store_txn *txn, const struct store_subscriber *sub, bool may_reuse_id, store_id *id)
{
	int rc = env_has_room(txn->view.env, ENV_RESERVE_PAGES);

	if (rc == 0)
		rc = subscriber_take_id(txn, may_reuse_id, id);
	return rc == 0 ? subscriber_write(txn, *id, sub) : rc;
}

int subscriber_add_in(struct store_txn *txn, store_id id, const struct store_subscriber *sub)
{
	int rc = subscriber_take_free_id(txn, id);

	return rc == 0 ? subscriber_write(txn, id, sub) : rc;
}

int store_subscriber_put(struct store_txn *txn, const struct store_subscriber *sub,
	bool may_reuse_id, store_id *id, bool *is_new)
{
	const struct view *v = &txn->view;
	struct store_subscriber old;
	store_id owner;
	bool is_prev;
	int rc = subscriber_check(v, sub);

	*id = STORE_ID_NONE;
	*is_new = false;
	if (rc != 0)
		return rc;
	*id = view_find_impi(v, sub->impi, strlen(sub->impi));
	owner = view_find_btid(v, sub->btid, strlen(sub->btid), &is_prev);
	if (owner != STORE_ID_NONE && owner != *id)
		return -EEXIST;
	*is_new = *id == STORE_ID_NONE;
	if (owner == STORE_ID_NONE && import_holds_btid(v->env->import, sub->btid))
		return -EBUSY;
	if (*is_new)
		return txn->state.import == IMPORT_ADDING ||
				import_holds_impi(v->env->import, sub->impi)
			? -EBUSY
			: subscriber_add(txn, sub, may_reuse_id, id);
	rc = view_subscriber(v, *id, &old);
	if (rc == 0)
		rc = subscriber_change(txn, *id, &old, sub);
	explicit_bzero(&old, sizeof(old));
	return rc;
}

bool store_subscriber_is_there(
	struct store_txn *txn, const struct store_subscriber *sub, store_id *id)
{
	const struct view *v = &txn->view;
	struct store_subscriber old;
	bool is_same;

	*id = view_find_impi(v, sub->impi, strlen(sub->impi));
	if (*id == STORE_ID_NONE || view_subscriber(v, *id, &old) != 0)
		return false;
	is_same = subscriber_is_same(&old, sub);
	explicit_bzero(&old, sizeof(old));
	return is_same;
}

static int blocks_clear(struct store_txn *txn, store_id id)
{
	static const struct store_subscriber nobody;
	static const struct layout nothing;

	return blocks_write(txn, id, &nothing, &nobody);
}

int store_subscriber_remove(struct store_txn *txn, store_id id)
{
	struct store_subscriber old;
	uint8_t none = 0;
	int rc = view_subscriber(&txn->view, id, &old);

	if (rc == 0 && txn->state.import != IMPORT_NONE)
		rc = -EBUSY;
	if (rc == 0 && old.flags & STORE_HAS_PREV)
		rc = subscriber_drop_prev(txn, id);
	if (rc == 0 && old.btid[0] != '\0')
		rc = slot_remove(txn, DB_BTID, old.btid, id);
	if (rc == 0)
		rc = slot_remove(txn, DB_IMPI, old.impi, id);
	if (rc == 0 && old.flags & STORE_BTID_RAW)
		rc = raw_delete(txn, id, RAW_BTID);
	if (rc == 0 && old.flags & STORE_IMPI_RAW)
		rc = raw_delete(txn, id, RAW_IMPI);
	if (rc == 0)
		rc = blocks_clear(txn, id);
	if (rc == 0)
		rc = db_put_u32(&txn->view, DB_FREE, id, &none, sizeof(none));
	if (rc == 0)
		txn_state(txn)->live--;
	explicit_bzero(&old, sizeof(old));
	return rc;
}

// Marks one record of a block; 1 when it changed.
static int verified_mark(struct store_txn *txn, store_id id, struct store_hot *hot)
{
	uint8_t flags = store_hot_flags(hot);
	int rc = 0;

	if (!(flags & STORE_LIVE) || !(flags & STORE_HAS_MUK) ||
		(flags & (STORE_MUK_VERIFIED | STORE_HAS_PREV)) == STORE_MUK_VERIFIED)
		return 0;
	if (flags & STORE_HAS_PREV)
		rc = subscriber_drop_prev(txn, id);
	flags = (uint8_t)((flags | STORE_MUK_VERIFIED) & ~STORE_HAS_PREV);
	hot->authorised = store_hot_authorised(hot) | (uint32_t)flags << 24;
	return rc != 0 ? rc : 1;
}

// Marks the ids at the front of the list that stand in one block. *taken tells how many.
static int verified_block(struct store_txn *txn, const store_id *ids, size_t n, size_t *taken)
{
	uint32_t number = ids[0] / STORE_BLOCK_SUBSCRIBERS;
	struct store_block block;
	bool is_dirty = false;
	int rc = hot_block_load(&txn->view, number, &block);
	size_t i;

	for (i = 0; i < n && rc >= 0 && ids[i] / STORE_BLOCK_SUBSCRIBERS == number; i++) {
		if (ids[i] >= txn->state.span)
			continue;
		rc = verified_mark(txn, ids[i], &block.hot[ids[i] % STORE_BLOCK_SUBSCRIBERS]);
		is_dirty |= rc == 1;
	}
	if (rc >= 0)
		rc = is_dirty ? hot_block_put(txn, number, &block) : 0;
	explicit_bzero(&block, sizeof(block));
	*taken = i;
	return rc;
}

int store_subscriber_verified(struct store_txn *txn, const store_id *ids, size_t n)
{
	int rc = 0;

	while (n > 0 && rc == 0) {
		size_t taken = 0;

		rc = verified_block(txn, ids, n, &taken);
		ids += taken;
		n -= taken;
	}
	return rc;
}

static bool muk_is_same(const struct view *v, const struct store_verification *verification)
{
	struct store_muk_state muk;
	bool is_same = verification->id < v->state->span &&
		view_muk_state(v, verification->id, &muk) == 0 &&
		store_muk_check(&muk) == verification->muk_check;

	explicit_bzero(&muk, sizeof(muk));
	return is_same;
}

int store_subscriber_verified_under(
	struct store_txn *txn, const struct store_verification *list, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (muk_is_same(&txn->view, &list[i]))
			rc = store_subscriber_verified(txn, &list[i].id, 1);
	return rc;
}
