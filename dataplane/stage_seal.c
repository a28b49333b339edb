// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Encrypts and authenticates the messages of a burst.

#include "worker.h"

bool stage_seal(struct worker *w)
{
	struct burst *b = &w->burst;

	crypto_seal_burst(w->crypto, &b->draft->label, b->counter, b->seal, b->n);
	if (b->sweep != NULL && b->sweep->is_solicit)
		explicit_bzero(b->prev, sizeof(b->prev));
	if (worker_trusts_crypto(w))
		return true;
	rte_pktmbuf_free_bulk(b->mbuf, b->n);
	burst_return(w);
	return false;
}
