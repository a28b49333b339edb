// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Notes in a trace, and what they promise of the store that is found after a cut.
//
//   state DIGEST     the store holds exactly this (content.h). Until the next `begin`
//   begin            something begins that ends with the next `state`: till then, the store holds
//                    what it did before or what it will after, whole
//   mark N           counters above N may be needed after a restart: it begins above N
//   line TEXT        content.h has this line. `line` and `drop` are for daemons, whose whole
//   drop PREFIX      content nobody knows: lines that begin so are promised no more
//   verified ID N    N members of campaign ID had verified, long enough ago to be in the store
//   key SOURCE       the store is wrapped under this key, or will be when what has begun is done
//   opened           from here on there is a store; before, it may be missing

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct promises;

struct promises *promises_create(void);
void promises_destroy(struct promises *p);

// The next note of the trace.
void promises_take(struct promises *p, const char *note, size_t len);
// The state that an operation which has begun will end with: what the next `state` note says,
// NULL when the trace ends before.
void promises_expect(struct promises *p, const char *next_state);

// Whether what was found in dir after a cut keeps the promises. Opens, and so repairs, the store.
// Prints what is broken.
bool promises_hold(const struct promises *p, const char *dir);
