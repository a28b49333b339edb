// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One who uses a store as the daemon does, and notes for the recorder what he may rely on.

#pragma once

#include "content.h"
#include "support.h"

struct drive {
	const char *dir;
	const char *key; // source of the wrapping key
	const char *keys[2];
	struct store_env *env;
	struct store_mark *mark;
	uint32_t mark_value;
	uint64_t seed;
	uint32_t next_btid;
	uint32_t next_person;
	uint32_t campaign; // the open one, 0: none
	struct store_service service;
};

void drive_note(const char *text);
void drive_note_state(struct drive *d); // what the store holds now, and may be relied on
// What begins may end with this wrapping key.
void drive_key_take(struct drive *d, const char *source);
uint32_t drive_chance(struct drive *d, uint32_t below);

void drive_store_up(struct drive *d);
void drive_mark_up(struct drive *d);
void drive_up(struct drive *d); // both
void drive_down(struct drive *d);

// A key group and a service, that the rest needs.
void drive_basics(struct drive *d);
// As the daemon's writer does it: the job, by chance one or another, in a transaction inside, the
// mark's copy beside it. By chance it is given up.
void drive_transaction(struct drive *d);
// Up to so many are removed.
void drive_people_leave(struct drive *d, unsigned most);
void drive_mark_move(struct drive *d);
