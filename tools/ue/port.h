// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// One DPDK port on a virtual device that may come and go with the process at its other end.

#pragma once

#include <rte_mbuf.h>

#include "options.h"

#define PORT_BURST 64
#define PORT_QUEUES_MAX 16
#define PORT_WHY_BYTES 256

struct port {
	char name[64]; // of the device: net_virtio_user0
	const char *args; // what stands behind it, with no leading comma
	char path[128]; // of the socket it needs, "" for none
	bool is_attached;
	uint16_t id;
	uint16_t queues; // pairs, as many as the other end has
	struct rte_mempool *pool;
	uint32_t buffer_bytes; // of an mbuf, for one frame
};

// Starts DPDK and makes the pool; once per process. -errno with a sentence in why.
int port_init(struct port *port, const struct ue_options *options, char why[PORT_WHY_BYTES]);
void port_fini(struct port *port);

// True when the other end is there, as far as the file system shows.
bool port_can_attach(const struct port *port);
// Probes and starts the device. -errno when the other end does not play; then try again later.
// -ETIMEDOUT: it is there and does not answer. Takes some seconds at most, and so port_detach().
int port_attach(struct port *port, char why[PORT_WHY_BYTES]);
void port_detach(struct port *port);
// False when the other end is gone and port_detach() is due.
bool port_is_alive(const struct port *port);
