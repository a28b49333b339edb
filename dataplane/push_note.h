// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The last single push of each subscriber, for `mskpush ue show`: two words an id, written by the
// worker that owns it, read by control. Kept in memory only.

#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "dp.h"

struct push_notes {
	_Atomic uint64_t (*word)[2]; // zero pages cost nothing
	uint32_t ids;
};

int push_notes_init(struct push_notes *notes, uint32_t ids); // -ENOMEM
void push_notes_fini(struct push_notes *notes);
void push_note_write(struct push_notes *notes, uint32_t id, const struct dp_push_note *note);
// Control may see the two words of two notes that follow each other at once; it is told the newer
// one when it asks again.
void push_note_read(const struct push_notes *notes, uint32_t id, struct dp_push_note *out);
