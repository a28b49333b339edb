// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A dataplane between its start and its end, for who turns its workers: dp.c has an lcore for each,
// tests/simulation turns them by hand.

#pragma once

#include "dp.h"
#include "worker.h"

struct capture;
struct port_watch;

struct dp {
	struct dp_shared shared;
	struct dp_conf conf;
	int cpu[DP_WORKERS_MAX];
	struct port_watch *watch;
	bool has_pdump;
	struct capture *capture;
};

// Everything but EAL, which runs, and the threads: what the workers share, the workers, the ports.
// dp->conf is set, all else zero. After an error there is nothing to end.
int dp_begin(struct dp *dp, struct store_env *env, const struct dp_counter_start *counter,
	char why[256]);
// Nobody turns the workers any more.
void dp_end(struct dp *dp);
