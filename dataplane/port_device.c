// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A port's device on its bus: how it is had, how it is given back, and how one learns that somebody
// has taken it away.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pci.h>

#include "port.h"

// DPDK's name of a device: a PCI address is written in full.
static void device_name(const char *device, char name[64])
{
	struct rte_pci_addr addr;

	snprintf(name, 64, "%.*s", (int)strcspn(device, ","), device);
	if (rte_pci_addr_parse(name, &addr) == 0)
		rte_pci_device_name(&addr, name, 64);
}

int port_device_probe(struct port *port, char why[256])
{
	const char *device = port->conf->device;
	int ret;

	device_name(device, port->device);
	if (rte_eth_dev_get_port_by_name(port->device, &port->id) == 0)
		return 0;
	port_socket_clear(device);
	ret = rte_dev_probe(device);
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(port->device, &port->id);
	if (ret != 0)
		snprintf(why, 256, "port.device: port \"%.40s\" cannot be had on %.120s: %s",
			port->conf->name, device, rte_strerror(-ret));
	return ret;
}

// --- Whether it is still there --------------------------------------------------------------

// Both run on EAL's interrupt thread.
static int driver_says_removed(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct port *port = arg;

	(void)id;
	(void)type;
	(void)ret;
	atomic_store(&port->is_removed, true);
	return 0;
}

static void bus_says(const char *device, enum rte_dev_event_type type, void *arg)
{
	struct port *port = arg;

	(void)device;
	if (type == RTE_DEV_EVENT_REMOVE)
		atomic_store(&port->is_removed, true);
}

void port_device_watch(struct port *port)
{
	atomic_store(&port->is_removed, false);
	port->is_watched = true;
	rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RMV, driver_says_removed, port);
	if (!port_is_pci(port->conf->device))
		return;
	rte_dev_event_callback_register(port->device, bus_says, port);
	// vfio-pci asks us by itself. Under other drivers the kernel's news tell, and what still
	// touches the registers of a device that is gone must not kill us.
	rte_dev_event_monitor_start();
	rte_dev_hotplug_handle_enable();
}

static void device_unwatch(struct port *port)
{
	if (!port->is_watched)
		return;
	port->is_watched = false;
	rte_eth_dev_callback_unregister(
		port->id, RTE_ETH_EVENT_INTR_RMV, driver_says_removed, port);
	if (!port_is_pci(port->conf->device))
		return;
	while (rte_dev_event_callback_unregister(port->device, bus_says, port) == -EAGAIN)
		; // it runs just now
	rte_dev_event_monitor_stop();
	rte_dev_hotplug_handle_disable();
}

void port_device_release(struct port *port)
{
	struct rte_eth_dev_info info = {0};

	rte_eth_dev_info_get(port->id, &info);
	device_unwatch(port);
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	// A ring's device belongs to who made it.
	if (info.device != NULL && strncmp(port->device, "net_ring", 8) != 0)
		rte_dev_remove(info.device);
}
