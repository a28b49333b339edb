// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A disk as a trace leaves it: of each file what is surely on it, and what was asked since and may
// be there, in whole, in part, or not at all. A cut takes one of the many pictures that this
// allows.
//
// What may happen at a cut: of the writes since the last sync of a file each sector of 512 octets
// is there or not, whatever the others do; the file has any of the sizes it had meanwhile; names
// made, changed or removed in a directory since its last sync are there up to some moment. A write
// through an O_DSYNC descriptor is there when it returned. Nothing else is assumed: to sync a file
// does not sync its name.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

#define DISK_SECTOR 512

struct disk;

// What a picture keeps of that which is not sure.
enum disk_luck {
	DISK_NOTHING,
	DISK_ALL,
	DISK_LAST, // only the last write: it overtook the others
	DISK_ALL_BUT_FIRST,
	DISK_HALF, // each sector by chance, and so on
	DISK_FEW,
	DISK_MOST,
	DISK_LUCKS,
};

// base: a directory that holds what was on the disk before the trace, NULL: it was empty.
struct disk *disk_create(const char *base);
void disk_destroy(struct disk *disk);

// Takes the next record. Payloads are not copied: the trace has to live as long as the disk.
// Returns NULL, or why the trace says nothing about the disk from here on.
const char *disk_take(struct disk *disk, const struct trace_record *r, const uint8_t *payload);

// A sync of a file failed: the kernel takes for written what it could not write, so that no later
// sync writes it. Each change that was not sure is lost or not, by chance.
void disk_lose(struct disk *disk, const char *name, uint64_t seed);

// Number that changes when the set of possible pictures did.
uint64_t disk_version(const struct disk *disk);
// Whether anything is unsure: else all pictures are the same.
bool disk_is_unsure(const struct disk *disk);

// Writes one picture into an empty directory. seed: for the lucks with chance. 0 or -errno.
int disk_picture(struct disk *disk, enum disk_luck luck, uint64_t seed, const char *dir);
