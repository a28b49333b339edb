// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Pace: UEs per second over all workers, no burst longer than 10 ms (design: the radio network, not
// the port, is the ceiling). A virtual schedule: one UE each interval. A worker that lost its CPU
// for a moment makes up for it, so that the second is right: what was missed in the last
// PACE_DEBT_NS, 10 ms of it at once and then at one and a half times the rate. What is older is
// lost. Workers share a schedule. Two that ask at the same moment may both be allowed what is due;
// both spend it, so the rate holds. Time is an argument.

#pragma once

#include <stdint.h>

#include "cmd.h"

#define PACE_BURST_NS 10000000u
#define PACE_DEBT_NS 100000000u
#define PACE_NOTHING UINT32_MAX // a rate at which nothing may be sent

// A rate that may change, and its schedule.
struct pace {
	_Atomic uint32_t rate; // control: wo, workers: ro
	_Atomic uint32_t begun; // the rate the schedule goes by. workers: rw
	struct dp_schedule schedule;
};
// Begins the schedule anew where the rate has changed: the worker that sees it first.
void pace_follow(
	_Atomic uint32_t *begun, struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns);
// As the two below, at the rate in force.
unsigned pace_due(struct pace *pace, uint64_t now_ns, unsigned want);
void pace_take(struct pace *pace, uint64_t now_ns, unsigned n);

// Begins anew, after a change of the rate: what was saved up is lost.
void pace_begin(struct dp_schedule *schedule, uint64_t now_ns);
// How many of `want` UEs may be sent now. rate: UEs per second, 0 = no limit.
unsigned pace_allowed(
	const struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns, unsigned want);
// Notes that n were taken.
void pace_spend(struct dp_schedule *schedule, uint32_t rate, uint64_t now_ns, unsigned n);
