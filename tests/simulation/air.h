// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The network between the port and the phones. Loss, duplicates and reordering are the
// emulator's; areas that are cut off, phones that are away, answer late or lie, a gateway that is
// gone, and a ring that is full are done here.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#define AIR_DEVICE "net_ring_sim"
#define AIR_QUEUES 4

struct sim;
struct air_frame;
struct ue_site;

struct air {
	struct rte_ring *tx[AIR_QUEUES];
	struct rte_ring *rx[AIR_QUEUES];
	struct rte_mempool *pool; // of what the port receives
	struct ue_site *phones;
	struct air_frame *late; // answers on their way, earliest first
	uint8_t cut_off; // bit i: area i
	bool is_gateway_down;
	uint64_t full_until_ns; // the ring is full: nobody takes frames
	uint64_t frames; // that left the port
};

// Once in a process, after EAL is up.
void air_found(struct air *a);
// The phones of a campaign, and an undisturbed network.
void air_init(struct sim *s);
void air_fini(struct air *a);
// A port for a life of the daemon, from here to air_port_forget(). -errno.
int air_port_make(struct air *a);
void air_port_forget(struct air *a);
// What stands in the rings is lost.
void air_empty(struct air *a);
// Moves what there is to move; returns how many frames moved.
unsigned air_carry(struct sim *s);
// Another MAC than before answers for the gateway from now on.
void air_gateway_exchange(struct air *a);
