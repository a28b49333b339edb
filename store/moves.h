// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which blocks a commit wrote anew, so that a reader that follows looks at these and not at all of
// them. Kept in memory, for the last commits; who has missed more loads its tables again.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MOVES_MAX 256

// The blocks of one table that a transaction has written. Above MOVES_MAX: too many to tell.
struct moves {
	uint32_t n;
	uint32_t number[MOVES_MAX];
};

void moves_add(struct moves *m, uint32_t number);
static inline void moves_all(struct moves *m)
{
	m->n = MOVES_MAX + 1;
}

struct move_log;

// -ENOMEM.
int move_log_create(struct move_log **out);
void move_log_destroy(struct move_log *log);
// What the table's version `to` has that `from` had not; before the commit, so that who sees its
// version finds it. NULL logs nothing.
void move_log_add(struct move_log *log, uint64_t from, uint64_t to, const struct moves *moves);
// The commit to `to` has failed.
void move_log_take_back(struct move_log *log, uint64_t to);
// Calls take() for each block that was written between two versions, some of them twice. False
// when they are not known, or take() said no.
bool move_log_each(struct move_log *log, uint64_t from, uint64_t to,
	bool (*take)(void *arg, uint32_t number), void *arg);
