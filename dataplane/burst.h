// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What moves through the pipeline of a worker: campaigns as it runs them, the messages it is
// making, those that wait for a port, those that came in.

#pragma once

#include <rte_mbuf.h>

#include "cmd.h"
#include "crypto.h"
#include "mikey.h"
#include "reader.h"
#include "rounds.h"
#include "singles.h"
#include "stats.h"

#define BURST CRYPTO_BURST
#define OUT_MAX 64 // ARP, ND and echo frames that wait for a port
#define CHECK_INPUT_BYTES 1024 // octets the MAC of a verification covers, at most
// Powers of two would all lie in the same few lines of a cache.
#define CHECK_INPUT_STRIDE (CHECK_INPUT_BYTES + RTE_CACHE_LINE_SIZE)

// Members of a campaign that are swept for themselves: of one area, reached in one way.
struct sweep {
	struct rounds rounds;
	bool is_solicit;
	bool is_waiting; // begins when the sweep before it is through
};

// What messages are made from.
struct draft {
	struct mikey_template tpl; // of an MSK message: holds the MSK in the clear
	struct crypto_label label;
};

// A campaign as one worker runs it, or an MSK that single pushes are under way for.
struct run {
	struct dp_campaign *campaign; // NULL: single pushes
	struct draft msk; // tpl is empty where a campaign only solicits
	struct draft solicit; // of campaigns that may
	struct mikey_bytes idi; // as its messages carry it
	struct store_eligibility eligibility;
	struct sweep *sweep;
	unsigned sweeps;
	unsigned next_sweep; // whose turn it is
	uint64_t held_since_ns; // since when nobody may be solicited, 0 = somebody may
	enum dp_stall aside_for; // why members were put aside last
	enum dp_stall held_for; // what kept a sweep from sending in this turn
	store_id ahead; // next id for which something may be made ahead
	bool has_unstaged; // one before it has lost what was made
};

// The MSK of single pushes.
struct single_msk {
	struct run run; // first
	struct dp_msk dp; // secret; what run points to
	bool is_used;
};

// MSK messages of one campaign, or of singles, that are being made. Members are chosen (due), and
// chosen ones wait until a counter value and buffers can be had. Once framed they belong to an
// egress.
struct burst {
	struct run *run;
	struct sweep *sweep; // NULL: singles
	struct draft *draft; // what they are made from
	unsigned n;
	unsigned round; // they are sends number `round` of their members
	bool is_aside; // or the next one of each
	uint32_t counter; // build .. frame
	uint32_t id[BURST];
	struct single *single[BURST]; // of a run of singles
	struct dp_addr address[BURST]; // fetch .. frame
	uint16_t port[BURST]; // fetch .. frame, host order
	uint8_t hop[BURST]; // route .. frame
	uint16_t route[BURST]; // route .. frame
	uint16_t area[BURST]; // route .. frame
	uint8_t is_expired[BURST]; // fetch .. frame: under an expired MUK
	unsigned frames; // fetch .. frame: members whose frames are built already
	const struct staged_frame *frame[BURST]; // theirs; NULL, or not looked at: of the others
	uint16_t idr_len[BURST]; // fetch .. build
	char idr[BURST][STORE_NAI_MAX + 3]; // fetch .. build
	struct rte_mbuf *mbuf[BURST]; // build .. frame
	bool has_keys; // fetch .. seal: some MUKs are not used where they lie in the store
	struct crypto_hmac_state room[BURST]; // for those
	struct crypto_seal_msg seal[BURST]; // fetch .. seal
};

// A worker's way out through one port: the frames of one burst that wait until the port takes
// them, and answers. While it holds frames, nobody else is sent to through this port.
struct egress {
	struct run *run;
	struct sweep *sweep; // NULL: singles
	unsigned n;
	unsigned sent; // frames the port has taken
	uint64_t bytes; // of those it has not taken
	unsigned round; // as in the burst
	bool is_aside;
	bool is_wanted; // members were put aside for what it holds
	uint64_t hops; // bit i: a frame goes to next hop i
	uint64_t built_ns;
	uint64_t stuck_since_ns; // when the port first took nothing, 0 = it takes
	uint64_t probe_ns; // a port that takes nothing is tried again then
	uint32_t counter;
	uint32_t id[BURST];
	struct single *single[BURST]; // of a run of singles
	uint16_t route[BURST];
	uint16_t area[BURST];
	uint8_t is_expired[BURST];
	struct rte_mbuf *mbuf[BURST];
	struct rte_mbuf *out[OUT_MAX];
	unsigned out_n;
	struct dp_port_stats stats;
};

// What the checks need of a verification message.
struct intake_message {
	uint32_t csb_id;
	uint32_t counter;
	struct mikey_bytes idr; // in its buffer
	uint16_t mac_off;
};

// Verification messages on their way in.
struct intake {
	unsigned n;
	struct rte_mbuf *mbuf[BURST];
	struct intake_message message[BURST];
	store_id id[BURST];
	uint8_t is_prev[BURST];
	uint8_t drop[BURST]; // enum dp_drop, or DP_DROP_COUNT once accepted
	struct single *single[BURST]; // the single that a message may answer
	const struct crypto_hmac_state *psk[BURST]; // those they answered under
	struct crypto_hmac_state room[BURST]; // for keys that are not used where they lie
	bool has_keys; // in room
	uint8_t input[BURST][CHECK_INPUT_STRIDE];
};
