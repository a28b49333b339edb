// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The disk of the simulated machine: a directory that the daemon really writes to, watched
// (tests/powercut/recorder.h), and a model of what of it would be there after a crash
// (tests/powercut/disk.h). At an operation that was drawn before the machine dies: from then on the
// daemon is a ghost that nobody hears, until the simulation ends it and the next one begins with
// a picture of the disk at that moment.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"
#include "ue/rng.h"

#define STORAGE_PATH 160

struct storage_chunk;

struct storage {
	char base[64]; // everything; removed at the end
	char root[96]; // what is watched, a directory for each life
	unsigned lives;
	struct disk *disk;
	struct storage_chunk *chunks; // what was written, as long as the model needs it
	struct ue_rng rng;
	uint64_t operations;
	uint64_t dies_at; // the operation at which the machine dies, 0: it does not
	bool is_dead;
	bool is_full; // there is no more room
	double errors; // percent of the writes and syncs that end with EIO
	uint64_t faults; // calls that were made to fail
	uint64_t digest; // of all operations
	const char *broken; // why the model knows no more; NULL
};

void storage_begin(struct storage *st, uint64_t seed);
void storage_end(struct storage *st);
// The machine dies: now, or at the nth disk operation from now on.
void storage_kill(struct storage *st, uint64_t after);
// Nobody uses the disk. The next life begins with what is there now: after a power cut with one of
// the many pictures there may be, else with all that was written.
void storage_next(struct storage *st, bool is_power_cut);
// Between storage_next() and storage_watch() the files may be changed unseen.
void storage_watch(struct storage *st);
void storage_path(const struct storage *st, const char *name, char out[STORAGE_PATH]);
