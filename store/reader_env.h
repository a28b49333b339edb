// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A reader, inside the room.

#pragma once

#include "muk_cache.h"
#include "tables.h"

struct store_reader {
	struct view view; // view.state points at state below
	struct state_record state;
	uint64_t version;
	bool is_loaded; // the tables below belong to this snapshot
	bool was_idle; // what a table points at may have been written since
	struct block_table hot;
	struct index_table btid;
	struct suffix_table suffix;
	struct muk_cache *muks; // NULL until the first wrapped one is asked for
};

// Ends those that wait for the next store_reader_create().
void readers_free(struct store_env *env);
