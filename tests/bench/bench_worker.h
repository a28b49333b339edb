// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One worker of the daemon in a program of its own, with a store of subscribers that are made up:
// what the programs share that measure one side of its pipeline. Whatever fails ends the program.

#pragma once

#include "worker.h"
#include "writer.h"

#define BENCH_IDI "bmsc.example.org"
#define BENCH_PORT 2269

struct bench_worker {
	const char *program;
	uint32_t subscribers;
	const char *store; // directory that is kept, NULL: a fresh one that is removed
	char dir[64];
	struct store_env *env;
	struct dp_conf conf;
	struct dp_shared shared;
	struct dp_campaign *campaign;
};

// Ends the program when rc is an error.
void bench_check(const struct bench_worker *b, int rc, const char *what);
double bench_thread_s(void); // CPU time of this thread
uint64_t bench_mix(uint64_t x);
// Subscriber i, but for the services.
void bench_row(uint32_t i, struct store_subscriber *row);

// Opens the store, and fills it when it is empty.
void bench_store_open(struct bench_worker *b);
// Starts DPDK on CPU 0 and one worker with one port. The device has been made, or is one that DPDK
// makes by this name.
void bench_eal_start(const struct bench_worker *b);
void bench_worker_start(struct bench_worker *b, const char *device);
// Gives the worker a campaign for everybody, of which each member got `sent` messages.
void bench_campaign_open(struct bench_worker *b, uint8_t sent);
void bench_end(struct bench_worker *b);

// --subscribers N, --seconds S, --store DIR. False: something else.
bool bench_args_read(struct bench_worker *b, double *seconds, int argc, char **argv);
int bench_compare(const void *a, const void *b); // of doubles, for qsort()
