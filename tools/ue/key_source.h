// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The seat of Zn: HTTP/1.1 and JSON on a UNIX socket, where a BM-SC asks what a B-TID stands for.
// One thread at a time; it has no thread of its own.

#pragma once

#include "bsf.h"

struct key_source;

// Listens at path, mode 0600. The answers are the BSF's. -errno.
int key_source_open(struct key_source **out, const char *path, struct ue_bsf *bsf);
void key_source_close(struct key_source *source);
// Becomes readable when there is something to do.
int key_source_fd(const struct key_source *source);
// Does it; wall_s is the present time. True when there may be more at once.
bool key_source_run(struct key_source *source, int64_t wall_s);
