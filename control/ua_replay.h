// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Which nonce counts were used: a table of fixed size, by number of the nonce, that only right
// responses write to. A nonce has a place of its own among the last so many issued; who comes to a
// taken place evicts what is there. From then on nonces up to the evicted one that have no entry
// may have been used before, and are stale. Any thread; time is an argument.

#pragma once

#include "ua_nonce.h"

struct ua_replay;

// entries is rounded up to a power of 2. -ENOMEM.
int ua_replay_create(size_t entries, uint32_t life_s, struct ua_replay **out);
void ua_replay_destroy(struct ua_replay *replay);
// Whether this very nonce was used before: then it is one of ours, and its MAC need not be made.
bool ua_replay_knows(struct ua_replay *replay, const struct ua_nonce *nonce);
// Takes a nonce of ours with a count, after the response was found right. False: it is stale, that
// is, its life is over, or the count was seen, or that cannot be told any more.
bool ua_replay_take(
	struct ua_replay *replay, const struct ua_nonce *nonce, uint32_t nc, uint32_t now_s);
// Whether it is time to give the phone another nonce: in the second half of this one's life.
bool ua_replay_is_aging(
	const struct ua_replay *replay, const struct ua_nonce *nonce, uint32_t now_s);
