// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The rest of a worker that has nothing to do: it ends by itself, or when somebody has work for it.
//
// The worker begins a nap, looks whether there is work after all, and sleeps. Who has work hands it
// over first and ends the nap then: one of the two sees the other.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct nap {
	_Atomic uint32_t is_begun; // worker: sets; anybody: clears
};

// The worker's.
void nap_begin(struct nap *nap);
void nap_sleep(struct nap *nap, uint32_t ns); // not at all when it has ended meanwhile
// Anybody's; one system call when the worker sleeps, else none.
void nap_end(struct nap *nap);
