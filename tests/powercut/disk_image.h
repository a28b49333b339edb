// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The content of one file, and what a change that is not sure does to it.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "disk.h"

struct image {
	uint8_t *data;
	size_t size;
	size_t filled; // octets behind it are zero, up to size
	size_t room;
};

// A change of a file's content or size that is not sure yet.
struct change {
	enum trace_kind kind; // WRITE, SIZE, GROW
	uint64_t at;
	const uint8_t *data;
	size_t len;
	uint64_t number; // of all changes of the disk
	bool is_covered; // asked before a sync that is under way
	bool is_sure; // went through an O_DSYNC descriptor, what stands before it did not
};

void image_copy(struct image *to, const struct image *from); // to is empty
void image_write(struct image *image, size_t at, const uint8_t *data, size_t len);
void change_apply(struct image *image, const struct change *c);
// Each sector of it by chance. Lost data may leave its size behind.
void change_gamble(
	struct image *image, const struct change *c, enum disk_luck luck, uint64_t *seed);
// Whether something that is not sure is there.
bool disk_is_lucky(enum disk_luck luck, uint64_t *seed);
uint64_t disk_chance(uint64_t *seed);
