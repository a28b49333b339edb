// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the calls of the recorder share: recorder_names.c has those that change names, recorder.c
// those that change content, and syncs.

#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "recorder.h"

#define NAME_MAX_BYTES 4096

// Held over a record and the call that it tells of.
extern pthread_mutex_t recorder_lock;

// The name of an open file in what is watched; NULL: it is not watched.
const char *recorder_name(int fd, char path[NAME_MAX_BYTES]);
uint64_t recorder_inode(int fd);
// With the lock held.
void recorder_tell(enum trace_kind kind, uint64_t file, uint64_t at, const struct iovec *payload,
	int payloads);
void recorder_tell_name(enum trace_kind kind, uint64_t file, const char *name);
// Whether the call is to fail instead of being done: errno is set. name NULL: no.
bool recorder_fails(enum trace_kind kind, const char *name);
