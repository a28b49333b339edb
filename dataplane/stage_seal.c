// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Encrypts and authenticates the messages of a burst.

#include "worker.h"

void stage_seal(struct worker *w)
{
	struct burst *b = &w->burst;

	crypto_seal_burst(w->crypto, &b->draft->label, b->counter, b->seal, b->n);
}
