// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Files of the store's directory, and sentences about what went wrong with them.

#pragma once

#include <stddef.h>

#define WHY_BYTES 256
#define PATH_BYTES 4096

// Writes a sentence and returns rc.
__attribute__((format(printf, 3, 4))) int why_not(char *why, int rc, const char *fmt, ...);

// "dir/name". -ENAMETOOLONG.
int file_path(const char *dir, const char *name, char out[PATH_BYTES]);
// Opens for reading and writing, mode 0600; why gets a sentence. flags: what open() takes besides.
int file_open(const char *dir, const char *name, int flags, int *fd, char *why);
// The mapping that an address lies in. -ENOENT: in none; also without /proc.
int file_mapping(const void *at, void **map, size_t *bytes);
int file_remove(const char *dir, const char *name); // one that is not there is removed already
// Takes the directory's lock, which lives as long as *fd. -EBUSY: a process has it, why names it.
int dir_lock(const char *dir, int *fd, char *why);
// A name in a directory is durable when the directory was synced: to sync the file is not enough.
int dir_sync(const char *dir);
int dir_sync_parent(const char *path);
// Gives a file that was synced its name, in the place of what had it. Durable when it returns 0.
int file_install(const char *dir, const char *from, const char *to);
