// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The wire between the port and the phones: takes frames from the port's transmit rings, shows
// them to the monitor, hands them to the emulated phones, and spreads what these answer over the
// receive rings by a hash of the source address. Loss, duplicates and delay are the emulator's;
// here is what a script does to single people or to all.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "people.h"
#include "ue/rng.h"
#include "ue/ue.h"

#define WIRE_QUEUES 8
#define WIRE_PORTS 2
#define WIRE_GATEWAYS 4

struct site;

struct wire_frame {
	STAILQ_ENTRY(wire_frame) entry;
	size_t len;
	uint8_t data[UE_FRAME_MAX_BYTES];
};
STAILQ_HEAD(wire_frames, wire_frame);

// A gateway on the link of a port; all of them lead to all phones.
struct wire_gateway {
	unsigned port;
	struct ue_address address;
	struct ue_address address6;
	uint8_t mac[6];
	bool is_down;
};

struct wire {
	struct rte_ring *tx[WIRE_PORTS][WIRE_QUEUES];
	struct rte_ring *rx[WIRE_PORTS][WIRE_QUEUES];
	unsigned ports;
	struct wire_gateway gateway[WIRE_GATEWAYS];
	unsigned gateways;
	struct rte_mempool *pool; // of what the port receives
	struct ue_site *phones;
	struct ue_rng rng;
	struct wire_frames answers; // on their way to the port
	struct wire_frames held; // kept back until `release`
	uint64_t stuck_until_ns[WIRE_PORTS]; // the port's peer takes nothing before this time
	bool is_holding; // answers are kept
	double flips; // percent of the frames that lose a bit
	bool is_flip_deep; // only in the message, and no UDP checksum tells
	uint64_t flipped;
	bool is_offline[PEOPLE_MAX];
	bool is_silent[PEOPLE_MAX];
	bool is_unreachable[PEOPLE_MAX];
};

// Makes the rings and the ports on them. EAL runs.
void wire_init(struct wire *w, const struct ue_conf *phones, unsigned ports);
// An address of ours that phones know, of one IP version.
struct ue_address wire_port_address(const struct site *s, bool is_v6);
void wire_fini(struct wire *w);
// Moves what there is to move at this moment; returns how many frames moved.
unsigned wire_carry(struct site *s);
// Whether nothing is under way.
bool wire_is_empty(const struct wire *w);
// Sends a frame to the port as if it came from the phones.
void wire_inject(struct wire *w, const uint8_t *frame, size_t len);
// The daemon ends: what the port has sent goes its way, what it has received is lost.
void wire_restart(struct site *s);
