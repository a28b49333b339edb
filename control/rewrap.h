// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The thread that seals records anew, step by step between the jobs of the store writer: after a
// deep rotation, and in a store that was not wrapped before.

#pragma once

#include <stdint.h>

struct ctl;
struct rewrap;

// Starts the thread; it looks by itself whether something is left to do.
int rewrap_create(struct ctl *ctl, struct rewrap **out);
// Ends it between two steps. Before the writer ends.
void rewrap_destroy(struct rewrap *rewrap);
// There is something to do.
void rewrap_kick(struct rewrap *rewrap);

struct rewrap_view {
	uint32_t sealed; // since the last kick or start
	uint32_t damaged;
};
void rewrap_view(struct rewrap *rewrap, struct rewrap_view *out);
