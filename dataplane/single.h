// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Single pushes in a worker: orders in, MSKs they are for, and the few places where the stages
// treat them otherwise than members of a campaign. Their bursts go through the same pipeline; a run
// without a campaign is one of singles.

#pragma once

#include "worker.h"

// Rings and tables of a worker. -ENOMEM.
int single_init(struct worker *w);
void single_fini(struct worker *w);

static inline bool run_is_single(const struct run *run)
{
	return run->campaign == NULL;
}

// Takes orders, and gives up those whose last wait is over. Once a turn.
void single_orders(struct worker *w, const struct dp_now *now);
// The snapshot is another one: MSKs may have gone.
void single_follow(struct worker *w, const struct dp_now *now);

// Fills the worker's burst with singles that are due; false: none.
bool single_due(struct worker *w, const struct dp_now *now);
// One that was chosen is not sent to, for a reason (enum dp_refusal).
void single_refuse(struct worker *w, struct single *single, unsigned why, const struct dp_now *now);
// The port took the next n frames of an egress.
void single_sent(struct worker *w, struct egress *e, unsigned n, const struct dp_now *now);
// One that was chosen was not sent.
void single_return(struct worker *w, struct single *single);

// Whether verifications have to be seen by the worker that owns the subscriber.
static inline bool single_is_any(const struct worker *w)
{
	return atomic_load_explicit(&w->shared->singles, memory_order_relaxed) != 0;
}
// Makes an intake of verifications that other workers were sent; returns how many.
unsigned single_receive(struct worker *w);
// Hands message i of the intake to the worker that owns its sender.
void single_hand_over(struct worker *w, unsigned i);
// The single under this run that message i may answer; moves its drop reason on. NULL: none.
struct single *single_answered(struct worker *w, const struct run *run, unsigned i);
void single_verified(struct worker *w, struct single *single, unsigned i, const struct dp_now *now);
