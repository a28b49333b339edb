// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Counters of the workers. Each worker writes its own; control reads them at any time. They
// only grow until the daemon ends.

#pragma once

#include <stdint.h>

#include "conf.h"

enum dp_drop {
#define DP_DROP(name, label, text) DP_DROP_##name,
#include "drop.def"
#undef DP_DROP
	DP_DROP_COUNT
};
const char *dp_drop_name(enum dp_drop drop);
const char *dp_drop_text(enum dp_drop drop);

// The stages of the pipeline, in order, for cycles per stage.
enum dp_stage {
	DP_STAGE_DUE,
	DP_STAGE_FETCH,
	DP_STAGE_BUILD,
	DP_STAGE_SEAL,
	DP_STAGE_FRAME,
	DP_STAGE_TX,
	DP_STAGE_RX,
	DP_STAGE_CHECK,
	DP_STAGE_COUNT
};
const char *dp_stage_name(enum dp_stage stage);

#define DP_MIKEY_STATUS_MAX 96
// Name of a MIKEY verdict; "unknown" when there is none with this number.
const char *dp_mikey_status_name(unsigned status);

struct dp_stats {
	uint64_t pushes; // MSK messages the port took
	uint64_t verified; // verification messages that made a member verified
	uint64_t singles; // orders for single pushes
	uint64_t singles_merged; // orders for what was under way already
	uint64_t singles_sent; // messages of single pushes the port took; part of pushes
	uint64_t singles_verified;
	uint64_t singles_given_up;
	uint64_t singles_refused;
	uint64_t singles_ended; // ended because the subscriber left
	uint64_t singles_full; // orders there was no room for
	uint64_t handed_over; // verifications handed to the worker that owns the subscriber
	uint64_t tx_frames; // all frames the port took
	uint64_t tx_bytes;
	uint64_t rx_frames;
	uint64_t rx_bytes;
	uint64_t tx_full; // times the port took less than it was given
	uint64_t counter_waits; // members left for the next round: values too far ahead
	uint64_t no_mbuf; // bursts that waited for buffers
	uint64_t arp_answers; // requests we answered
	uint64_t arp_requests; // requests we sent for the gateway
	uint64_t arp_replies; // replies we received
	uint64_t echo_answers;
	uint64_t events_lost; // events control did not fetch in time
	uint64_t capture_missed; // frames a running capture could not take
	uint64_t drop[DP_DROP_COUNT];
	uint64_t mikey[DP_MIKEY_STATUS_MAX]; // MIKEY_MALFORMED by enum mikey_status
	uint64_t stage_cycles[DP_STAGE_COUNT]; // only while stages are measured
	uint64_t stage_items[DP_STAGE_COUNT];
	uint64_t turns;
	uint64_t sleeps;
};

struct dp_port_status {
	char name[64];
	char driver[32];
	uint8_t is_up;
	uint8_t mac[6];
	uint8_t has_gateway_mac;
	uint8_t gateway_mac[6];
	uint8_t is_ip_checksum_offloaded;
	uint8_t is_udp_checksum_offloaded;
	uint16_t queues;
};

struct dp_status {
	struct dp_port_status port;
	unsigned workers;
	int cpu[DP_WORKERS_MAX];
	char crypto[64]; // "ipsec-mb 1.3.0 avx512"
	uint64_t tsc_hz;
	uint32_t counter_now; // T the clock stands at
	uint32_t counter_highest; // highest T in use
	uint32_t counter_mark; // nothing above it is sent
	uint64_t counter_bytes; // address space of the counter table
};
