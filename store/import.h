// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The import, inside the room. It goes through these steps, each with transactions of its own:
//
//   adding    rows are checked; new ones are laid into blocks above the span, changed ones go to
//             the change list, and so do new ones for whom there is the place of a removed
//             subscriber. The state record says ADDING: what is above the span is not in use.
//   indexing  the slots of the new ones go into the indexes, pile by pile.
//   publish   one small transaction moves the span. Before it, all can be undone; after it, all is
//             in, and the state record says APPLYING.
//   applying  the change list is worked off, a batch a transaction.
//
// Opening a store that died in between undoes ADDING and finishes APPLYING.

#pragma once

#include "index.h"
#include "keyset.h"
#include "subscriber.h"

#define IMPORT_PILES 256 // by the upper octet of the tag

struct slot_pile {
	struct index_slot *slot;
	size_t count;
	size_t room;
};

enum import_step {
	STEP_ADD,
	STEP_INDEX,
	STEP_PUBLISH,
	STEP_APPLY,
	STEP_DONE,
};

// Position of a clean-up.
struct cleanup {
	unsigned table;
	uint32_t tag;
};

struct store_import {
	struct store_env *env;
	enum import_step step;
	bool is_failed;
	store_id base; // the span at the beginning
	store_id next; // id of the next new row
	uint32_t unchanged;
	uint32_t reused; // new ones in the change list
	bool may_reuse_ids;
	store_id free_from; // free ids below are spoken for

	struct keyset impis;
	struct keyset btids;
	struct keyset moved; // ids of changed subscribers that get another B-TID
	store_id *changed; // ids at stake, in the order of the change list
	size_t changed_count;
	size_t changed_room;

	// Images of the blocks that are being filled. The block that the span cuts is in use
	// already; its new rows wait in head for the publishing transaction.
	struct store_block hot;
	struct cold_block cold;
	struct store_block head;

	struct slot_pile impi_pile[IMPORT_PILES];
	struct slot_pile btid_pile[IMPORT_PILES];
	unsigned pile; // next one to index
	struct cleanup cleanup;
};

// The open import has a row with this IMPI, this B-TID. imp may be NULL.
bool import_holds_impi(const struct store_import *imp, const char *impi);
bool import_holds_btid(const struct store_import *imp, const char *btid);
// Writes the blocks that are not full.
int import_flush(struct store_import *imp, struct store_txn *txn);
void import_free(struct store_import *imp);

// A row of a subscriber who is there.
int import_list_change(struct store_import *imp, struct store_txn *txn, store_id id,
	const struct store_subscriber *row, const struct store_subscriber *old);
// A row of somebody new, for the place of a removed subscriber. -ENOENT: there is none for him.
int import_list_new(
	struct store_import *imp, struct store_txn *txn, const struct store_subscriber *row);
// Applies up to `most` entries of the change list. 1 while there are more.
int import_apply(struct store_env *env, unsigned most);
// One step of removing what is above the span. 1 while there is more.
int import_cleanup(struct store_env *env, struct cleanup *at);
// Undoes or finishes what was interrupted.
int import_recover(struct store_env *env);
