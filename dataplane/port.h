// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The device: EAL, the port and its queues, its buffers. Control thread only.

#pragma once

#include <stdbool.h>

#include <rte_mempool.h>

#include "conf.h"
#include "stats.h"

struct dp_shared;

// Removes the socket that the device is to listen on if it is there and nobody listens any more.
void port_socket_clear(const char *device);
// Starts EAL with one lcore per worker. cpus gets the CPU of each worker.
int port_eal_start(const struct dp_conf *conf, int cpus[DP_WORKERS_MAX], char why[256]);
// Buffers of one queue.
int port_pool_create(const struct dp_conf *conf, unsigned queue, struct rte_mempool **out);
// Configures the one port there is and starts it: sets port_id, mac and checksums of shared. The
// workers' pools are its receive buffers.
int port_start(struct dp_shared *shared, char why[256]);
void port_stop(const struct dp_shared *shared);
void port_status(const struct dp_shared *shared, struct dp_port_status *out);
