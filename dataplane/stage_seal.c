// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Encrypts and authenticates the messages of a burst.

#include "staged.h"

// Messages whose keys are ready, and the others; none of those that are ready themselves.
static void seal_staged(struct worker *w)
{
	struct burst *b = &w->burst;
	const struct crypto_label *label = &b->draft->label;
	const struct crypto_staged_keys *keys[BURST];
	struct crypto_seal_msg ready[BURST], cold[BURST];
	unsigned readies = 0, colds = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (burst_frame(b, i) != NULL)
			continue;
		keys[readies] =
			member_gets_previous(w, i) ? NULL : run_staged_keys(b->run, b->id[i]);
		if (keys[readies] != NULL)
			ready[readies++] = b->seal[i];
		else
			cold[colds++] = b->seal[i];
	}
	crypto_seal_staged_burst(w->crypto, label->csb_id, b->counter, keys, ready, readies);
	crypto_seal_burst(w->crypto, label, b->counter, cold, colds);
	w->stats.staged_used += readies + b->frames;
}

bool stage_seal(struct worker *w)
{
	struct burst *b = &w->burst;

	if (burst_is_staged(b))
		seal_staged(w);
	else
		crypto_seal_burst(w->crypto, &b->draft->label, b->counter, b->seal, b->n);
	if (worker_trusts_crypto(w))
		return true;
	rte_pktmbuf_free_bulk(b->mbuf, b->n);
	burst_return(w);
	return false;
}
