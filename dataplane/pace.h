// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Pace of a campaign: UEs per second over all workers, no burst longer than 10 ms (design: the
// radio network, not the port, is the ceiling). A virtual schedule: one UE each interval, and what
// was not used within 10 ms is lost. The schedule is one word that the workers share: when the
// next UE is due, in 1/64 ns. Two workers that ask at the same moment may both be allowed what is
// due; both spend it, so the rate holds. Time is an argument.

#pragma once

#include <stdint.h>

#define PACE_BURST_NS 10000000u
#define PACE_NOTHING UINT32_MAX // a rate at which nothing may be sent

// A rate that may change, and its schedule.
struct pace {
	_Atomic uint32_t rate; // control: wo, workers: ro
	_Atomic uint32_t begun; // the rate the schedule goes by. workers: rw
	_Atomic uint64_t schedule; // workers: rw
};
// Begins the schedule anew where the rate has changed: the worker that sees it first.
void pace_follow(
	_Atomic uint32_t *begun, _Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns);
// As the two below, at the rate in force.
unsigned pace_due(struct pace *pace, uint64_t now_ns, unsigned want);
void pace_take(struct pace *pace, uint64_t now_ns, unsigned n);

// Begins anew, after a change of the rate: what was saved up is lost.
void pace_begin(_Atomic uint64_t *schedule, uint64_t now_ns);
// How many of `want` UEs may be sent now. rate: UEs per second, 0 = no limit.
unsigned pace_allowed(
	const _Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns, unsigned want);
// Notes that n were taken.
void pace_spend(_Atomic uint64_t *schedule, uint32_t rate, uint64_t now_ns, unsigned n);
