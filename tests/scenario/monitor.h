// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Stands on the wire between port and phones and holds every frame mskpush sends against the
// counter rule (docs/architecture.md), knowing nothing of either side's state:
// of each MUK, named by its B-TID, the values rise over the whole scenario, whatever campaign,
// group or start of the daemon they come from; none is above the mark in force or 2^31 - 1; V is
// set in MSK messages and in no solicited pull; a repeat is another message. And what carries an
// MSK goes under no MUK that has expired.

#pragma once

#include <search.h>
#include <stddef.h>
#include <stdint.h>

#include "people.h"

#define MONITOR_BUCKETS 10 // of 1 ms: the longest burst a pace allows

struct monitor {
	struct hsearch_data keys; // B-TID -> struct monitor_key
	struct monitor_key *list; // newest first
	uint64_t messages;
	uint64_t solicits; // those of them that are solicited pulls
	uint64_t to[PEOPLE_MAX]; // messages by person
	uint64_t bucket_ms[MONITOR_BUCKETS];
	unsigned bucket[MONITOR_BUCKETS];
	unsigned busiest; // most messages within MONITOR_BUCKETS ms
	uint32_t highest; // value seen
	char violation[256]; // the first one; empty: none
};

void monitor_init(struct monitor *m, unsigned people);
void monitor_fini(struct monitor *m);
// What holds at the moment.
struct monitor_now {
	uint32_t mark; // highest value allowed
	uint64_t ns;
	int64_t true_s; // Unix seconds
};
// Looks at a frame that left the port.
void monitor_see(struct monitor *m, const struct people *p, const uint8_t *frame, size_t len,
	const struct monitor_now *now);
