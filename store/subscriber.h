// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Laying a subscriber out in blocks and side tables. subscriber.c and import.c share it.

#pragma once

#include "dict.h"

// What a caller may set; the other flags are the store's own.
#define SUBSCRIBER_FLAGS (STORE_HAS_MUK | STORE_HAS_MRK | STORE_IN_UICC)

// -EINVAL when the record is not well formed.
int subscriber_check(const struct view *v, const struct store_subscriber *sub);
// Same content, whatever the store itself has noted of it.
bool subscriber_is_same(const struct store_subscriber *a, const struct store_subscriber *b);

// A subscriber in the form of the blocks. Wipe it after use.
struct layout {
	struct store_hot hot;
	uint64_t impi;
	uint16_t impi_suffix;
	bool is_btid_raw; // these have to be put into the side table
	bool is_impi_raw;
};
// Interns suffixes. The flags of the hot record are those of sub, LIVE and RAW.
int layout_make(struct store_txn *txn, const struct store_subscriber *sub, struct layout *out);
void layout_to_hot(const struct layout *l, const struct store_subscriber *sub,
	struct store_block *block, unsigned at);
void layout_to_cold(const struct layout *l, const struct store_subscriber *sub,
	struct cold_block *block, unsigned at);
// Writes the texts that have no binary form.
int layout_put_raw(struct store_txn *txn, store_id id, const struct layout *l,
	const struct store_subscriber *sub);

// Seals and writes.
int hot_block_put(struct store_txn *txn, uint32_t number, struct store_block *block);
int cold_block_put(struct store_txn *txn, uint32_t number, struct cold_block *block);
// The same for a number above all others in the table.
int hot_block_append(struct store_txn *txn, uint32_t number, struct store_block *block);
int cold_block_append(struct store_txn *txn, uint32_t number, struct cold_block *block);
// Writes the records from `from` on into a block that is there, whose records below stay.
int hot_block_merge(
	struct store_txn *txn, uint32_t number, const struct store_block *add, unsigned from);
int cold_block_merge(
	struct store_txn *txn, uint32_t number, const struct cold_block *add, unsigned from);
// A copy of a block to change; an empty one when there is none yet.
int hot_block_load(const struct view *v, uint32_t number, struct store_block *out);
int cold_block_load(const struct view *v, uint32_t number, struct cold_block *out);
// When the blocks that the next new id lies in cannot be read: the ids up to the next block are
// passed over for good, so that new subscribers have one they can be written to.
int span_pass_damage(struct store_txn *txn);

// The lowest id from `from` on that a removed subscriber had, nobody has got, and can be written
// to. -ENOENT: none.
int subscriber_free_id(struct store_txn *txn, store_id from, store_id *id);
// Takes it out of the free ones. -EIO: it cannot be had any more.
int subscriber_take_free_id(struct store_txn *txn, store_id id);
// Takes the lowest free id, or the next one above all.
int subscriber_take_id(struct store_txn *txn, bool may_reuse_id, store_id *id);
// Adds a subscriber in a free place, and in no other one: workers were told of this one, and begin
// its counter above all that is in use. -EIO: it cannot be had any more.
int subscriber_add_in(struct store_txn *txn, store_id id, const struct store_subscriber *sub);
// Changes a subscriber that is there, previous B-TID and index included. old is what
// view_subscriber() gave.
int subscriber_change(struct store_txn *txn, store_id id, const struct store_subscriber *old,
	const struct store_subscriber *sub);
// Forgets the previous B-TID and MUK. The hot record is the caller's matter.
int subscriber_drop_prev(struct store_txn *txn, store_id id);
