// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void index_block_init(struct index_block *block)
{
	memset(block, 0, sizeof(*block));
	block->version = INDEX_VERSION;
	memset(block->slot, 0xff, sizeof(block->slot));
}

void index_block_add(struct index_block *block, struct index_slot slot)
{
	unsigned bucket = index_bucket(slot.tag);

	for (unsigned pos = 0; pos < INDEX_SLOTS; pos++) {
		unsigned b = (bucket + pos / INDEX_BUCKET_SLOTS) % INDEX_BUCKETS;
		struct index_slot *at = &block->slot[b][pos % INDEX_BUCKET_SLOTS];

		if (at->id == STORE_ID_NONE) {
			*at = slot;
			block->count++;
			return;
		}
	}
}

size_t index_block_slots(const struct index_block *block, struct index_slot out[INDEX_SLOTS])
{
	const struct index_slot *slot = &block->slot[0][0];
	size_t n = 0;

	for (size_t i = 0; i < INDEX_SLOTS; i++)
		if (slot[i].id != STORE_ID_NONE)
			out[n++] = slot[i];
	return n;
}

const struct index_block *index_block_check(struct blob val)
{
	const struct index_block *block = val.data;

	if (val.len != sizeof(*block) || block->version != INDEX_VERSION)
		return NULL;
	return block;
}

// Radix sort, an octet at a time. An octet that is the same in all tags costs no pass over them.
void index_sort(struct index_slot *slots, struct index_slot *tmp, size_t n)
{
	struct index_slot *from = slots, *to = tmp, *swap;

	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t at[257] = {0};

		for (size_t i = 0; i < n; i++)
			at[(from[i].tag >> shift & 0xff) + 1]++;
		if (n == 0 || at[(from[0].tag >> shift & 0xff) + 1] == n)
			continue;
		for (unsigned i = 1; i < 257; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < n; i++)
			to[at[from[i].tag >> shift & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != slots)
		memcpy(slots, from, n * sizeof(*slots));
}

// Readers follow the index of B-TIDs alone.
static void block_moved(struct store_txn *txn, enum db_id db, uint32_t first)
{
	if (db == DB_BTID)
		moves_add(&txn->btid, first);
}

static void blocks_moved(struct store_txn *txn, enum db_id db)
{
	if (db == DB_BTID)
		moves_all(&txn->btid);
}

static int block_put(const struct view *v, enum db_id db, uint32_t first, struct index_block *b)
{
	return db_put_u32(v, db, first, b, sizeof(*b));
}

int index_create(const struct view *v, enum db_id db)
{
	struct index_block block;

	index_block_init(&block);
	return block_put(v, db, 0, &block);
}

int index_find(const struct view *v, enum db_id db, uint32_t tag, struct index_place *out)
{
	struct db_cursor c;
	int rc = db_cursor_open(v, db, &c);

	if (rc != 0)
		return rc;
	out->last = UINT32_MAX;
	rc = db_cursor_seek(&c, blob_u32(&tag));
	if (rc == 0 && blob_to_u32(c.key) > tag) {
		out->last = blob_to_u32(c.key) - 1;
		rc = db_cursor_prev(&c);
	} else if (rc == -ENOENT) {
		rc = db_cursor_last(&c);
	} else if (rc == 0) {
		// At the end of the table the cursor keeps the key and value of the last entry.
		rc = db_cursor_next(&c);
		if (rc == 0) {
			out->last = blob_to_u32(c.key) - 1;
			rc = db_cursor_prev(&c);
		} else if (rc == -ENOENT) {
			rc = 0;
		}
	}
	if (rc == 0) {
		out->block = index_block_check(c.val);
		out->first = blob_to_u32(c.key);
		rc = out->block != NULL && out->first <= tag ? 0 : -EIO;
	}
	db_cursor_close(&c);
	return rc == -ENOENT ? -EIO : rc;
}

static bool block_has(const struct index_block *block, struct index_slot slot)
{
	unsigned pos = 0;
	store_id id;

	while ((id = index_block_next(block, slot.tag, &pos)) != STORE_ID_NONE)
		if (id == slot.id)
			return true;
	return false;
}

// Where a block that begins at `at` ends: about `each` slots on, and never between slots of one
// tag.
static size_t block_end(const struct index_slot *slots, size_t n, size_t at, size_t each)
{
	size_t end = at + each;

	if (end >= n)
		return n;
	while (end > at && slots[end].tag == slots[end - 1].tag)
		end--;
	while (end == at || (end < n && slots[end].tag == slots[end - 1].tag))
		end++;
	return end;
}

// Writes sorted slots into as many blocks as they need. The first block keeps its key, the others
// begin with a tag of their own.
static int blocks_spread(const struct view *v, enum db_id db, uint32_t first,
	const struct index_slot *slots, size_t n)
{
	size_t blocks = (n + INDEX_FILL - 1) / INDEX_FILL;
	size_t each = (n + blocks - 1) / blocks;
	struct index_block block;

	for (size_t at = 0; at < n;) {
		size_t end = block_end(slots, n, at, each);
		int rc;

		if (end - at > INDEX_SLOTS)
			return -ENOSPC;
		index_block_init(&block);
		for (size_t i = at; i < end; i++)
			index_block_add(&block, slots[i]);
		rc = block_put(v, db, at == 0 ? first : slots[at].tag, &block);
		if (rc != 0)
			return rc;
		at = end;
	}
	return 0;
}

// Drops slots that stand twice in a sorted list. Returns how many are left.
static size_t slots_unique(struct index_slot *slots, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t same = kept;

		while (same > 0 && slots[same - 1].tag == slots[i].tag &&
			slots[same - 1].id != slots[i].id)
			same--;
		if (same == 0 || slots[same - 1].tag != slots[i].tag)
			slots[kept++] = slots[i];
	}
	return kept;
}

static int place_spread(const struct view *v, enum db_id db, const struct index_place *place,
	const struct index_slot *slots, size_t n)
{
	struct index_slot *all = malloc(2 * (INDEX_SLOTS + n) * sizeof(*all));
	size_t count;
	int rc;

	if (all == NULL)
		return -ENOMEM;
	count = index_block_slots(place->block, all);
	memcpy(all + count, slots, n * sizeof(*slots));
	count += n;
	index_sort(all, all + INDEX_SLOTS + n, count);
	rc = blocks_spread(v, db, place->first, all, slots_unique(all, count));
	free(all);
	return rc;
}

// Adds slots that all belong into the block at place.
static int place_insert(struct store_txn *txn, enum db_id db, const struct index_place *place,
	const struct index_slot *slots, size_t n)
{
	struct index_block block;

	if (place->block->count + n > INDEX_SLOTS) {
		blocks_moved(txn, db);
		return place_spread(&txn->view, db, place, slots, n);
	}
	block = *place->block;
	block_moved(txn, db, place->first);
	for (size_t i = 0; i < n; i++)
		if (!block_has(&block, slots[i]))
			index_block_add(&block, slots[i]);
	return block_put(&txn->view, db, place->first, &block);
}

int index_insert(struct store_txn *txn, enum db_id db, const struct index_slot *slots, size_t n)
{
	struct index_place place;
	int rc = 0;

	while (n > 0 && rc == 0) {
		size_t m = 0;

		rc = index_find(&txn->view, db, slots[0].tag, &place);
		if (rc != 0)
			break;
		while (m < n && slots[m].tag <= place.last)
			m++;
		rc = place_insert(txn, db, &place, slots, m);
		slots += m;
		n -= m;
	}
	txn_state(txn)->index_version++;
	return rc;
}

int index_remove(struct store_txn *txn, enum db_id db, struct index_slot slot)
{
	struct index_slot slots[INDEX_SLOTS];
	struct index_place place;
	struct index_block block;
	size_t n;
	int rc = index_find(&txn->view, db, slot.tag, &place);

	if (rc != 0)
		return rc;
	if (!block_has(place.block, slot))
		return 0;
	// Taking one out would break the chain of a full bucket: the block is laid out again.
	n = index_block_slots(place.block, slots);
	index_block_init(&block);
	for (size_t i = 0; i < n; i++)
		if (slots[i].tag != slot.tag || slots[i].id != slot.id)
			index_block_add(&block, slots[i]);
	txn_state(txn)->index_version++;
	block_moved(txn, db, place.first);
	return block_put(&txn->view, db, place.first, &block);
}

// Rewrites a block without the slots of span and above; an empty one goes, unless it is the first.
static int place_trim(struct store_txn *txn, enum db_id db, const struct index_place *place)
{
	struct index_slot slots[INDEX_SLOTS];
	struct index_block block;
	size_t n = index_block_slots(place->block, slots);

	index_block_init(&block);
	for (size_t i = 0; i < n; i++)
		if (slots[i].id < txn->state.span)
			index_block_add(&block, slots[i]);
	if (block.count == n)
		return 0;
	txn_state(txn)->index_version++;
	if (block.count == 0 && place->first != 0)
		blocks_moved(txn, db);
	else
		block_moved(txn, db, place->first);
	if (block.count == 0 && place->first != 0)
		return db_del_u32(&txn->view, db, place->first);
	return block_put(&txn->view, db, place->first, &block);
}

int index_trim(struct store_txn *txn, enum db_id db, uint32_t *tag, unsigned most)
{
	struct index_place place;

	for (unsigned i = 0; i < most; i++) {
		int rc = index_find(&txn->view, db, *tag, &place);

		if (rc == 0)
			rc = place_trim(txn, db, &place);
		if (rc != 0)
			return rc;
		if (place.last == UINT32_MAX)
			return 0;
		*tag = place.last + 1;
	}
	return 1;
}
