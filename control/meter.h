// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What control counts and times of its own work, for the metrics. Any thread.

#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

// Upper ends of the buckets, seconds; one more bucket stands above the last.
#define METER_BOUNDS                                                                              \
	{                                                                                         \
		0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, \
			1, 2.5, 5, 10                                                             \
	}
#define METER_BUCKETS 17

struct meter_times {
	_Atomic uint64_t bucket[METER_BUCKETS]; // each on its own, not summed up
	_Atomic uint64_t sum_ns;
};
extern const double meter_bounds[METER_BUCKETS - 1];

uint64_t meter_now_ns(void); // CLOCK_MONOTONIC
// Notes a time that has passed since begin_ns.
void meter_time(struct meter_times *times, uint64_t begin_ns);

// MUKs by the day they expire, counted now and then (metric_expiry.c).
#define METER_DAYS 31
struct meter_expiry {
	pthread_mutex_t lock;
	uint64_t counted_ms; // Unix milliseconds, 0: not yet
	uint64_t expired;
	uint64_t day[METER_DAYS]; // within that many days from now, each on its own
	uint64_t later;
	uint64_t none; // subscribers without MUK
};

// One per daemon, in struct ctl; all zero at the start.
struct meters {
	struct meter_times commit; // group commits of the store's writer
	struct meter_times settle; // steps of the main loop
	struct meter_times admin; // calls of the admin API, from header to reply
	_Atomic uint64_t commits_failed;
	_Atomic uint64_t admin_answers[6]; // by the first digit of the status
	_Atomic uint64_t campaigns_started;
	_Atomic uint64_t campaigns_done;
	_Atomic uint64_t campaigns_aborted;
	_Atomic uint64_t reloads;
	struct meter_expiry expiry;
};
