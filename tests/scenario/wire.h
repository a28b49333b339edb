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

struct site;

struct wire_frame {
	STAILQ_ENTRY(wire_frame) entry;
	size_t len;
	uint8_t data[UE_FRAME_MAX_BYTES];
};
STAILQ_HEAD(wire_frames, wire_frame);

struct wire {
	struct rte_ring *tx[WIRE_QUEUES];
	struct rte_ring *rx[WIRE_QUEUES];
	struct rte_mempool *pool; // of what the port receives
	struct ue_site *phones;
	struct ue_rng rng;
	struct wire_frames answers; // on their way to the port
	struct wire_frames held; // kept back until `release`
	uint64_t stuck_until_ns; // the port's peer takes nothing before this time
	bool is_gateway_down;
	bool is_holding; // answers are kept
	double flips; // percent of the frames that lose a bit
	bool is_flip_deep; // only in the message, and no UDP checksum tells
	uint64_t flipped;
	bool is_offline[PEOPLE_MAX];
	bool is_silent[PEOPLE_MAX];
};

// Makes the rings and the port on them. EAL runs.
void wire_init(struct wire *w, const struct ue_conf *phones);
void wire_fini(struct wire *w);
// Moves what there is to move at this moment; returns how many frames moved.
unsigned wire_carry(struct site *s);
// Whether nothing is under way.
bool wire_is_empty(const struct wire *w);
// Sends a frame to the port as if it came from the phones.
void wire_inject(struct wire *w, const uint8_t *frame, size_t len);
// The daemon ends: what the port has sent goes its way, what it has received is lost.
void wire_restart(struct site *s);
