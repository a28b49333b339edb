// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The turn: whoever holds it owns the site. The port loop holds it all the time and gives it away
// between two bursts when the control socket asks; as long as nobody asks that costs one load.

#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct turn {
	pthread_mutex_t lock; // held by whoever has the turn
	pthread_cond_t given_back;
	atomic_bool is_wanted;
};

static inline void turn_init(struct turn *turn)
{
	pthread_mutex_init(&turn->lock, NULL);
	pthread_cond_init(&turn->given_back, NULL);
	atomic_init(&turn->is_wanted, false);
}

// Port loop: lets the control thread in when it waits, and waits until it is done.
static inline void turn_offer(struct turn *turn)
{
	while (atomic_load_explicit(&turn->is_wanted, memory_order_relaxed))
		pthread_cond_wait(&turn->given_back, &turn->lock);
}

// Control thread: waits for the turn.
static inline void turn_take(struct turn *turn)
{
	atomic_store(&turn->is_wanted, true);
	pthread_mutex_lock(&turn->lock);
}

static inline void turn_give(struct turn *turn)
{
	atomic_store(&turn->is_wanted, false);
	pthread_cond_signal(&turn->given_back);
	pthread_mutex_unlock(&turn->lock);
}
