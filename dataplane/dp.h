// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The dataplane as control sees it: start, stop, commands down, events up, counters. Control
// touches no packet. Unless it says otherwise a function is called by one thread at a time.

#pragma once

#include <stddef.h>

#include "cmd.h"
#include "conf.h"
#include "event.h"
#include "stats.h"

struct dp;
struct store_env;
struct store_muk_state;

// The counter's clock and mark at start: worked out by control, see counter.h.
struct dp_counter_start {
	uint32_t first; // no value at or below it is sent: all `last` entries start here
	int64_t counter_offset_s; // CLOCK_BOOTTIME seconds + this = T of the counter's clock
	int64_t realtime_offset_s; // CLOCK_BOOTTIME seconds + this = Unix seconds, as at start
};

// Starts EAL, port and workers. why gets a sentence on error; everything is undone then. EAL can
// be started once in a process.
int dp_start(const struct dp_conf *conf, struct store_env *env,
	const struct dp_counter_start *counter, struct dp **out, char why[256]);
// Stops the workers after the frames they hold are sent (or 1 s has passed), closes the port.
void dp_stop(struct dp *dp);

// Hands a command to all workers. -EAGAIN: a ring is full, no worker got it, try again.
int dp_command(struct dp *dp, const struct dp_cmd *cmd);
// Takes up to n events.
size_t dp_events(struct dp *dp, struct dp_event *events, size_t n);

// Hands orders for single pushes to the workers that own their subscribers. Any thread, several at
// a time. Returns how many were taken, the first ones; fewer than n when a worker has too many.
size_t dp_singles(struct dp *dp, const struct dp_single *orders, size_t n);
// Has an MTK message sent. One thread at a time. -EAGAIN: too many wait.
int dp_mtk(struct dp *dp, const struct dp_mtk *order);
// Takes up to n notes of what became of them. One thread at a time.
size_t dp_mtk_notes(struct dp *dp, struct dp_mtk_note *out, size_t n);
// Number of the port that a message to an address leaves by, as things stand in the file; -1: no
// route leads there. Any thread.
int dp_route_port(const struct dp *dp, const struct dp_addr *to);
// How the last single push of a subscriber stands. Any thread.
void dp_push_note(const struct dp *dp, uint32_t id, struct dp_push_note *out);
// Takes up to n of the notes that were written of single pushes, those of a subscriber in order.
size_t dp_push_events(struct dp *dp, struct dp_push_event *out, size_t n);
// The last counter value of a subscriber: what was sent to it, or may have been. Any thread.
uint32_t dp_counter_last(const struct dp *dp, uint32_t id);
// Takes up to n verifications of single pushes that the store has to know of.
size_t dp_verifications(struct dp *dp, struct dp_verification *out, size_t n);

// NULL, or what came out wrong when it was computed a second time ("a sealed message"): no worker
// sends any more, and the process has to end. Any thread.
const char *dp_fault(const struct dp *dp);

// Values above the mark are not sent. Any thread.
void dp_mark_set(struct dp *dp, uint32_t mark);
// Highest value any worker has used. Any thread.
uint32_t dp_counter_highest(const struct dp *dp);
// T the counter's clock stands at. Any thread.
uint32_t dp_counter_now(const struct dp *dp);

// Sums over all workers (worker = -1) or one. Any thread.
void dp_stats_read(const struct dp *dp, int worker, struct dp_stats *out);
void dp_status_read(struct dp *dp, struct dp_status *out);
// Of one area of the configuration; of DP_AREAS_MAX: of members that lie in none.
void dp_area_stats_read(const struct dp *dp, unsigned area, struct dp_area_stats *out);
// Of one queue of a port, that of the worker with its number.
void dp_queue_stats_read(
	const struct dp *dp, unsigned port, unsigned queue, struct dp_port_stats *out);
// UEs per second that campaigns send to in an area, 0 = no limit. Any thread.
void dp_area_rate_set(struct dp *dp, unsigned area, uint32_t rate);
uint32_t dp_area_rate(const struct dp *dp, unsigned area);
// Solicited pulls per second, of all campaigns: 0 = no limit, DP_RATE_NOTHING: none may be sent.
#define DP_RATE_NOTHING UINT32_MAX
void dp_solicit_rate_set(struct dp *dp, uint32_t rate);
uint32_t dp_solicit_rate(const struct dp *dp);
// Number of the area each address lies in; the number of areas: in none. Any thread.
void dp_areas_find(const struct dp *dp, const struct dp_addr *addr, unsigned n, uint8_t *area);
// Turns the measuring of cycles per stage on or off. Any thread.
void dp_stages_measure(struct dp *dp, int is_on);

// Octets of an MSK message without a security policy for an IDi and a B-TID of these lengths; 0:
// it cannot be built. Any thread.
size_t dp_msk_message_bytes(unsigned profile, size_t idi_len, size_t btid_len);

// Prepares HMAC states of n MUKs of 32 octets standing stride octets apart (states likewise
// state_stride apart). Own context per caller: any thread, also before dp_start().
struct dp_muk_prep;
int dp_muk_prep_create(unsigned crypto, struct dp_muk_prep **out); // crypto: as in struct dp_conf
// -EIO: what was computed cannot be trusted (crypto_fault()), nor what was before.
int dp_muk_prep_burst(struct dp_muk_prep *prep, const uint8_t *muks, size_t stride,
	struct store_muk_state *states, size_t state_stride, size_t n);
void dp_muk_prep_destroy(struct dp_muk_prep *prep);

// --- DPDK's telemetry (telemetry.c) ------------------------------------------------------------
// Its socket, dpdk_telemetry.v2 in the run-time directory, answers commands with numbers by name.

struct dp_telemetry; // an answer that is being made
// Adds a command; /mskpush/NAME. After dp_start(), once each. -errno.
int dp_telemetry_command(const char *command, const char *help);
// Who answers them, in a thread of DPDK's; NULL: nobody any more. Returns when a call that ran has
// ended. Until then answers are empty.
void dp_telemetry_serve(
	void (*answer)(void *arg, const char *command, struct dp_telemetry *out), void *arg);
// A number of the answer; key becomes letters, digits, '_' and '/'.
void dp_telemetry_add(struct dp_telemetry *out, const char *key, double value);

// --- Capture: what the port really sent and received, as pcapng --------------------------------

struct dp_capture {
	int fd; // a pipe or a file; a thread of the dataplane writes and closes it
	uint64_t count; // frames to write, 0 = no limit
	struct dp_addr address; // only frames from or to it; none: all frames
};
// Starts copying frames until count were written or dp_capture_stop(). -EBUSY: one runs already.
int dp_capture_start(struct dp *dp, const struct dp_capture *capture);
void dp_capture_stop(struct dp *dp);
