// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The highest Key Number of each key group, in records behind the sectors of the mark file: it is
// known there when the store is lost, or when a group is removed and added again. Belongs to the
// writer.

#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "record.h"

struct number_record;

struct numbers {
	int fd;
	off_t end; // where the next record goes
	struct number_record *list; // the highest one of each group
	size_t count;
};

// Reads the records that begin at `from`. Damaged ones, which a power cut may leave at the end,
// count for nothing. -ENOMEM, -EIO.
int numbers_read(struct numbers *n, int fd, off_t from);
void numbers_free(struct numbers *n);
// 0 when the group never had one.
uint16_t numbers_last(const struct numbers *n, const struct store_group_id *group);
// Durable when it returns 0. A number that is not above the last one writes nothing.
int numbers_raise(struct numbers *n, const struct store_group_id *group, uint16_t number);
