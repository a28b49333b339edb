// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Text and other octets that live as long as the phones do, at addresses that never move.

#pragma once

#include <stddef.h>
#include <stdint.h>

struct ue_arena_chunk;

struct ue_arena {
	struct ue_arena_chunk *chunks; // newest first; the newest one is being filled
};

// A copy of data[0..len) in the arena, NULL when memory is out.
void *ue_arena_copy(struct ue_arena *arena, const void *data, size_t len);
void ue_arena_fini(struct ue_arena *arena);
