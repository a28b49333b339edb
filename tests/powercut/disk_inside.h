// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The inside of a disk: disk.c makes it of a trace, disk_picture.c pictures of it.

#pragma once

#include "disk_image.h"
#include "disk_names.h"

#define PATH_BYTES 4352

struct file {
	uint64_t inode; // 0: no longer the file of any inode
	bool is_dir;
	struct image sure;
	struct change *change;
	size_t changes;
	size_t changes_room;
	struct file *next;
};

struct disk {
	struct file *files;
	struct names now; // as the program sees them
	struct names sure;
	struct renaming renaming[NAMES_MAX];
	size_t renamings;
	uint64_t changes;
	uint64_t version;
};
