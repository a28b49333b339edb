// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Memory for keys: left out of core dumps, locked as far as RLIMIT_MEMLOCK allows, wiped when it is
// given back. Pieces are whole pages. Any thread.

#pragma once

#include <stdbool.h>
#include <stddef.h>

// Zeroed; NULL when there is no memory. Not to be locked is no failure: store_memory_info() tells.
void *vault_alloc(size_t bytes);
// Whether it could be, or is as soon as it is touched.
bool vault_is_locked(void *p, size_t bytes);
void vault_free(void *p, size_t bytes); // p may be NULL
