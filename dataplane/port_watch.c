// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Follows what becomes of the ports. A port whose device went is taken away from the workers
// first: it is marked gone, and only when each of them has begun another turn is it touched. It
// comes back when its device does.

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_ethdev.h>

#include "worker.h"

#define LOOK_NS 20000000 // between two looks
#define RETRY_NS 500000000u // between two tries to bring a port back

struct port_watch {
	struct dp_shared *shared;
	pthread_t thread;
	_Atomic bool stop_requested;
};

static void event_send(struct dp_shared *s, unsigned number)
{
	enum port_state state = port_state(&s->port[number]);
	struct dp_event event = {
		.kind = DP_EVENT_PORT,
		.port = (uint8_t)number,
		.is_up = state == PORT_UP,
		.is_gone = state == PORT_GONE,
	};

	// One that does not fit is missed in the log only; status has it.
	rte_ring_enqueue_elem(s->events, &event, sizeof(event));
}

static void state_set(struct dp_shared *s, unsigned number, enum port_state state)
{
	struct port *port = &s->port[number];

	atomic_store_explicit(&port->state, state, memory_order_release);
	// Stations may have been exchanged while the link was down.
	for (unsigned h = 0; h < s->routes.hops; h++)
		if (s->routes.hop[h].port == number)
			neigh_doubt(&s->routes.hop[h].neigh);
	ways_changed(s);
	event_send(s, number);
}

// Its kernel interface as it is now; all zero: it stands on none, or that is gone.
static struct port_iface iface_of(const struct port *port)
{
	struct port_iface iface = {0};

	if (port->iface[0] != '\0')
		port_iface_look(port->iface, &iface);
	return iface;
}

static bool device_is_lost(const struct port *port, const struct port_iface *iface)
{
	// A new interface of the same name is another one.
	return atomic_load(&port->is_removed) || iface->index != port->iface_index;
}

static bool link_is_up(const struct port *port, const struct port_iface *iface)
{
	struct rte_eth_link link = {0};

	if (rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status != RTE_ETH_LINK_UP)
		return false;
	return port->iface[0] == '\0' || iface->is_running;
}

static void port_lose(struct dp_shared *s, unsigned number)
{
	state_set(s, number, PORT_GONE);
	shared_workers_drain(s);
	port_stop(&s->port[number]);
}

static void port_find(struct dp_shared *s, unsigned number)
{
	struct port *port = &s->port[number];
	struct port_iface iface = iface_of(port);

	if (port->iface[0] != '\0' && iface.index == 0) {
		snprintf(port->why, sizeof(port->why), "its interface is not there");
		return;
	}
	port->why[0] = '\0';
	if (port_start(s, port, port->why) == 0)
		state_set(s, number, link_is_up(port, &iface) ? PORT_UP : PORT_DOWN);
}

// What the port took before its link went down would leave when it is up again, after newer
// messages to the same phones that left by another port: it is thrown away. Only devices that
// queue by themselves have to be told.
static void port_flush(struct dp_shared *s, unsigned number)
{
	struct port *port = &s->port[number];

	if (s->ports == 1)
		return;
	if (port->iface[0] != '\0') {
		port_lose(s, number);
		port_find(s, number);
	} else if (port_is_pci(port->conf->device)) {
		state_set(s, number, PORT_GONE);
		shared_workers_pass(s);
		rte_eth_dev_stop(port->id);
		rte_eth_dev_start(port->id);
		state_set(s, number, PORT_DOWN);
	}
}

static void port_look(struct dp_shared *s, unsigned number, uint64_t now_ns)
{
	struct port *port = &s->port[number];
	enum port_state state = port_state(port), seen;
	struct port_iface iface;
	unsigned mtu;

	if (state == PORT_GONE) {
		if (now_ns < port->retry_ns)
			return;
		port->retry_ns = now_ns + RETRY_NS;
		port_find(s, number);
		return;
	}
	iface = iface_of(port);
	if (device_is_lost(port, &iface)) {
		port_lose(s, number);
		return;
	}
	mtu = port_iface_mtu(port, &iface);
	if (mtu != port->mtu)
		port->mtu = mtu;
	seen = link_is_up(port, &iface) ? PORT_UP : PORT_DOWN;
	if (seen == state)
		return;
	state_set(s, number, seen);
	if (seen == PORT_DOWN)
		port_flush(s, number);
}

void ports_look(struct dp_shared *shared, uint64_t now_ns)
{
	pthread_mutex_lock(&shared->ports_lock);
	for (unsigned p = 0; p < shared->ports; p++)
		port_look(shared, p, now_ns);
	pthread_mutex_unlock(&shared->ports_lock);
}

static void *watch_run(void *arg)
{
	struct port_watch *watch = arg;
	const struct timespec nap = {.tv_nsec = LOOK_NS};

	while (!atomic_load(&watch->stop_requested)) {
		struct dp_now now;

		worker_now(watch->shared, &now);
		ports_look(watch->shared, now.ns);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

int port_watch_start(struct dp_shared *shared, struct port_watch **out)
{
	struct port_watch *watch = calloc(1, sizeof(*watch));
	int ret = watch == NULL ? -ENOMEM : 0;

	if (ret == 0) {
		watch->shared = shared;
		ret = -pthread_create(&watch->thread, NULL, watch_run, watch);
	}
	if (ret != 0)
		free(watch);
	else
		*out = watch;
	return ret;
}

void port_watch_stop(struct port_watch *watch)
{
	if (watch == NULL)
		return;
	atomic_store(&watch->stop_requested, true);
	pthread_join(watch->thread, NULL);
	free(watch);
}
