// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What happened to each phone since the daemon started: its requests over HTTP, what each item of
// them was answered, and its single pushes. A ring of fixed size in memory, so that the newest
// events of all phones are there; pages that were never written cost nothing. What campaigns did is
// in the store. No keys are in it. Any thread may call.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "types.h"

enum history_kind {
	HISTORY_REQUEST, // what: enum ua_procedure, result: enum ua_result, address
	HISTORY_ITEM, // of the request before it. what: enum ua_procedure, result: enum
		      // ua_item_code; a service, or a group and an MSK
	HISTORY_PUSH, // what: enum dp_push_state, result: enum dp_refusal, group, MSK, sends
	HISTORY_REMOVED, // the subscriber was removed: what comes after is another one's
};

struct history_event {
	uint64_t at_ms; // Unix milliseconds
	store_id id;
	uint8_t kind; // enum history_kind
	uint8_t what;
	uint8_t result;
	uint8_t sends;
	struct store_group_id group;
	uint16_t number; // Key Number
	store_service_id service;
	struct store_addr address; // where a request came from
};

struct history;

// Room for that many octets of events; 0: none are kept, and *out is NULL, which all functions
// take. -ENOMEM.
int history_create(size_t bytes, struct history **out);
void history_destroy(struct history *h);
// Adds events that belong together, of one moment: at_ms is set here.
void history_add(struct history *h, struct history_event *events, size_t n);

// The newest events of a subscriber, at most max of them, the oldest first; those of who had its id
// before are left out. *removed_ms: when that one was removed, 0: nothing is known of one. Reads
// the whole ring when it has to: a tenth of a second for 256 MB.
size_t history_read(struct history *h, store_id id, struct history_event *out, size_t max,
	uint64_t *removed_ms);
// When the oldest event happened that is still there; 0: none has been lost so far.
uint64_t history_since_ms(struct history *h);

struct ctl;
// In the main loop: takes what the workers have to tell of single pushes.
void history_follow(struct ctl *ctl);
