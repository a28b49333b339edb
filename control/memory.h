// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Memory of the process, kept out of swap.

#pragma once

#include <stdint.h>

struct memory_facts {
	uint64_t resident_bytes;
	uint64_t locked_bytes; // of what is resident and no file
	uint64_t limit_bytes; // UINT64_MAX: none
};

// Where no limit forbids it, locks all that the process has and will have, page by page as it is
// used. Else only memory of keys is locked (store/vault.h), as far as the limit goes. Before any
// key is read and any thread begun.
void memory_lock(void);
// Any thread.
void memory_facts(struct memory_facts *out);
