// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#pragma once

struct sim;

// Imports people [first, first + n) with their newest keys, as control's import does: in steps of
// the store writer, between which other jobs may run.
void import_people(struct sim *s, unsigned first, unsigned n);
