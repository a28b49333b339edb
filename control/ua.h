// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ua, the phones' side: HTTP with Digest, registrations and MSK requests (docs/ua-profile.md). As
// the daemon, the admin side and the store's writer see it.

#pragma once

#include "conf.h"
#include "ctl.h"
#include "ua_items.h"
#include "ua_result.h"

struct ua;

// Starts to serve phones; *out is NULL when the configuration names no address to listen on. why
// gets a sentence on error.
int ua_start(struct ctl *ctl, struct ua **out, char why[256]);
// Answers what has begun, then serves nobody any more. Before the dataplane and the writer stop.
void ua_quiesce(struct ua *ua);
// Frees it, when nobody uses it any more.
void ua_stop(struct ua *ua);

// Reads certificate and key anew where phones are served over TLS: connections that come get
// them, those that are there go on. On error all stays as it was. Main thread; ua may be NULL.
int ua_reload(struct ua *ua, const struct conf *conf, char why[256]);
// How often each thread has turned: several times a second. Returns how many threads there are.
unsigned ua_turns_read(const struct ua *ua, uint64_t turns[CONF_WORKERS_MAX]);
// Seat i: served (not refused with 503) in less than 2^i times 64 microseconds, and not in less
// than half of that; the last one takes all that follow.
#define UA_LATENCIES 20
#define UA_LATENCY_UNIT_NS 64000u

struct ua_stats {
	uint64_t result[UA_PROCEDURES + 1][UA_RESULTS]; // requests, by procedure and outcome
	uint64_t item[UA_PROCEDURES][UA_ITEM_CODES]; // items answered, by procedure and code
	uint64_t connections; // open now
	uint64_t connections_accepted;
	uint64_t connections_slow; // ended because a request took too long to arrive
	uint64_t connections_shed; // ended while idle, to make room for others
	uint64_t http_errors; // what libmicrohttpd refused by itself: malformed, header too long
	uint64_t waiting; // requests that wait for the key source or the store now
	uint64_t pushes_ordered; // single pushes ordered
	uint64_t ha1_made; // times a Digest key was not ready
	uint64_t bodies_read; // times a body was not one that came before
	uint64_t busy_ns; // that the threads worked
	uint64_t latency[UA_LATENCIES]; // requests by the time they took, see UA_LATENCIES
};
// Any thread, also with ua = NULL.
void ua_stats_read(const struct ua *ua, struct ua_stats *out);
unsigned ua_threads(const struct ua *ua); // 0: phones are not served

// The last request of a subscriber that was authenticated, since the daemon started.
struct ua_note {
	uint32_t at_s; // Unix seconds, 0: none
	uint8_t procedure; // enum ua_procedure
	uint8_t result; // enum ua_result
};
void ua_note_read(const struct ua *ua, store_id id, struct ua_note *out); // likewise
void ua_note_forget(struct ua *ua, store_id id); // it was removed. Likewise

// Its key source, for statistics; NULL: none.
struct key_source;
struct key_source *ua_key_source(const struct ua *ua);
// Addresses it listens on, "127.0.0.1:8080", separated by spaces.
const char *ua_addresses(const struct ua *ua);

// In the writer's thread: these records change with the commit of this number. ua may be NULL.
void ua_ids_changed(struct ua *ua, store_id first, uint32_t n, uint64_t version);
