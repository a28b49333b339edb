// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Stands between a program and libc: the calls by which it changes the disk, under their own names
// (recorder.c). Who listens is told of each of them, in order, and may let it fail.

#pragma once

#include <sys/uio.h>

#include "trace.h"

// The name of an absolute path in what is watched, "." for all of it; NULL: it is not watched.
const char *listener_name(const char *path);
// A record, payload in n parts. One at a time; a write is told of before it is done.
void listener_take(const struct trace_record *r, const struct iovec *payload, int n);
// What a call ends with instead of being done: an errno, 0 = it is done. Of kinds WRITE, GROW,
// CREATE (and opening what is there) and SYNC_BEGIN.
int listener_fault(enum trace_kind kind, const char *name);
// Waits until a file is on the disk, by this system call (SYS_fsync, SYS_fdatasync): 0, or -1 with
// errno. fd < 0: what was written through an O_DSYNC descriptor is there already.
int listener_sync(int fd, long call);
