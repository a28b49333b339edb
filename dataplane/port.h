// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The devices: EAL, ports and their queues, buffers, and what becomes of a port while the daemon
// runs. Control thread and the watch thread only, unless a function says otherwise.
//
// up:   frames move.
// down: the device is there, its link is not. Workers receive and do not send.
// gone: the device is not there, or is being taken down. Workers do not touch it.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_ether.h>
#include <rte_mempool.h>

#include "conf.h"
#include "stats.h"

struct dp_shared;
struct dp_event;

enum port_state {
	PORT_GONE,
	PORT_DOWN,
	PORT_UP,
};

struct port {
	const struct dp_port_conf *conf;
	uint16_t id; // DPDK's; changes with each life
	char device[64]; // DPDK's name of it
	char iface[32]; // kernel interface it stands on, empty: none
	unsigned iface_index;
	struct rte_ether_addr mac; // const: a device that comes back has the same, or it is set
	struct dp_addr link_local; // made from the MAC, none without an IPv6 address
	bool has_v4; // an address of the family
	bool has_v6;
	uint16_t l2_len; // of frames of ours
	_Atomic unsigned mtu; // in force: what file and interface allow. Watch: wo, workers: ro
	uint64_t tx_offloads; // in force, of this life
	uint64_t rx_offloads;
	bool is_rss;
	bool is_watched; // its removal would be noticed
	uint32_t lives; // how often it was started
	// Receive buffers of a later life, by worker; NULL: the worker's own.
	struct rte_mempool *pool[DP_WORKERS_MAX];
	uint64_t retry_ns; // when a device that is gone is looked for again
	char why[256]; // why that failed last time
	_Atomic bool is_removed; // its driver or bus says so. EAL's interrupt thread: wo
	_Atomic enum port_state state; // watch: wo, workers: ro
};

// eal.c: starts EAL with one lcore per worker; PCI devices of conf are probed. cpus gets the CPU
// of each worker.
int port_eal_start(const struct dp_conf *conf, int cpus[DP_WORKERS_MAX], char why[256]);
// Whether a device is named by its PCI address.
bool port_is_pci(const char *device);

// port_device.c. Finds the device, by its bus when it has no port yet; sets port->device and
// port->id.
int port_device_probe(struct port *port, char why[256]);
// From here on is_removed tells that the device was taken away.
void port_device_watch(struct port *port);
// Stops it and gives it back, watched or not.
void port_device_release(struct port *port);

// port_socket.c: removes the socket that the device is to listen on if it is there and nobody
// listens any more.
void port_socket_clear(const char *device);

// port_iface.c: kernel interfaces.
// Name of the one a device stands on; false: on none.
bool port_iface_name(const char *device, char *name, size_t size);
struct port_iface {
	unsigned index; // 0: it is not there
	bool is_running;
	unsigned mtu;
};
void port_iface_look(const char *name, struct port_iface *out);
// The longest IP packet of a port on that interface.
unsigned port_iface_mtu(const struct port *port, const struct port_iface *iface);

// port.c
// Buffers of one worker, for all its queues.
int port_pool_create(const struct dp_conf *conf, unsigned worker, struct rte_mempool **out);
// Probes, configures and starts all ports. The workers' pools are their receive buffers.
int ports_start(struct dp_shared *shared, char why[256]);
int port_start(struct dp_shared *shared, struct port *port, char why[256]);
void port_stop(struct port *port);
void ports_stop(struct dp_shared *shared);
void port_status(const struct dp_shared *shared, unsigned port, struct dp_port_status *out);
static inline enum port_state port_state(const struct port *port)
{
	return atomic_load_explicit(&port->state, memory_order_acquire);
}

// port_watch.c: a thread that follows links, takes ports down whose device went, and up again.
struct port_watch;
int port_watch_start(struct dp_shared *shared, struct port_watch **out);
void port_watch_stop(struct port_watch *watch);
// One look at all ports, for those who have no thread. now_ns: CLOCK_BOOTTIME.
void ports_look(struct dp_shared *shared, uint64_t now_ns);
