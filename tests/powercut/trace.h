// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The trace of a run: what the program asked of the disk, and what it promised, in order. The
// recorder writes it, the checker reads it, and Python stories add notes of their own. One record
// after the other, each followed by `payload` octets, unaligned; byte order of the machine.

#pragma once

#include <stdint.h>

enum trace_kind {
	TRACE_NAME, // a file was opened; payload: its name
	TRACE_CREATE, // and made by that
	TRACE_MKDIR,
	TRACE_UNLINK, // payload: the name
	TRACE_RENAME, // payload: old name, NUL, new name
	TRACE_WRITE, // payload: what was written at `at`. Stands before the write is done
	TRACE_WRITTEN, // the write before, through an O_DSYNC descriptor, is on the disk
	TRACE_SIZE, // ftruncate to `at`
	TRACE_GROW, // fallocate up to `at`
	TRACE_SYNC_BEGIN, // fsync, fdatasync; payload: the name
	TRACE_SYNC_END,
	TRACE_MAPPED, // mapped for writing: the trace cannot know what changed. payload: the name
	TRACE_NOTE, // payload: a promise, see promise.h
	TRACE_KINDS,
};

struct trace_record {
	uint32_t kind;
	uint32_t thread;
	uint64_t file; // inode
	uint64_t at;
	uint64_t time_ns; // CLOCK_REALTIME
	uint64_t payload;
};
