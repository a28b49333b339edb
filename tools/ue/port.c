// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The device is probed by hand after DPDK has started, not by --vdev: so a peer that is not there
// yet can be waited for, and one that comes back is found again, without losing the phones.
//
// DPDK asks the peer of a net_virtio_user and waits for its answers for ever. A timer ends these
// waits: its signal makes them fail.

#include "port.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

// Room for the descriptors of one queue each way and for what is being worked on, yet small
// enough to stay in cache.
#define POOL_MBUFS_PER_QUEUE 2048
#define POOL_CACHE 128
#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 512
// A message with ordinary names fits; longer ones come in several buffers.
#define BUFFER_BYTES 640
#define CPUS_TEXT 512
#define PATIENCE_S 3 // with a peer that answers at once or not at all
#define PATIENCE_AGAIN_US 100000 // the next question is not answered either

static volatile sig_atomic_t is_impatient;

static void patience_lose(int signal_number)
{
	(void)signal_number;
	is_impatient = 1;
}

static void patience_begin(void)
{
	// No SA_RESTART: the wait has to fail.
	struct sigaction action = {.sa_handler = patience_lose};
	struct itimerval timer = {{0, PATIENCE_AGAIN_US}, {PATIENCE_S, 0}};

	is_impatient = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void patience_end(void)
{
	struct itimerval timer = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

// "0@(0,1)": the one lcore may run on every CPU that the process may, or on the wanted one.
static int lcores_write(uint64_t wanted, char text[CPUS_TEXT])
{
	cpu_set_t set;
	int at;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	if (wanted != UE_CPU_ANY) {
		snprintf(text, CPUS_TEXT, "0@%u", (unsigned)wanted);
		return wanted < CPU_SETSIZE && CPU_ISSET((int)wanted, &set) ? 0 : -EINVAL;
	}
	at = snprintf(text, CPUS_TEXT, "0@(");
	for (int cpu = 0; cpu < CPU_SETSIZE && at < CPUS_TEXT - 8; cpu++) {
		if (CPU_ISSET(cpu, &set))
			at += snprintf(text + at, CPUS_TEXT - (size_t)at, "%d,", cpu);
	}
	snprintf(text + at - 1, CPUS_TEXT - (size_t)at + 1, ")");
	return 0;
}

static int eal_start(const struct ue_options *options, char *why)
{
	// DPDK keeps pointers into these.
	static char lcores[CPUS_TEXT], memory[16], prefix[128];
	char *argv[] = {(char *)"mskpush-ue", (char *)"--lcores", lcores, (char *)"--no-huge",
		(char *)"--no-shconf", (char *)"--no-pci", (char *)"-m", memory,
		(char *)"--file-prefix", prefix, (char *)"--log-level", (char *)"critical", NULL};

	if (lcores_write(options->cpu, lcores) != 0) {
		snprintf(why, PORT_WHY_BYTES, "CPU %u is not one this process may run on",
			(unsigned)options->cpu);
		return -EINVAL;
	}
	snprintf(memory, sizeof(memory), "%u", (unsigned)options->memory_mb);
	snprintf(prefix, sizeof(prefix), "%s", options->file_prefix);
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0) {
		snprintf(why, PORT_WHY_BYTES, "DPDK cannot start: %s", rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

// Pairs of queues the device is made with: its argument says so, else there is one.
static uint16_t queues_read(const char *device)
{
	const char *text = strstr(device, ",queues=");
	long n = text != NULL ? strtol(text + 8, NULL, 10) : 1;

	return n < 1 || n > PORT_QUEUES_MAX ? 0 : (uint16_t)n;
}

// Splits "net_virtio_user0,path=/v.sock,queues=1" and finds the socket in it.
static int device_read(struct port *port, const char *device, char *why)
{
	const char *comma = strchrnul(device, ','), *path, *end;
	size_t len = (size_t)(comma - device);

	port->args = *comma != '\0' ? comma + 1 : "";
	path = strstr(device, ",path=");
	end = path != NULL ? strchrnul(path + 6, ',') : NULL;
	if (len >= sizeof(port->name) ||
		(path != NULL && (size_t)(end - path) - 6 >= sizeof(port->path))) {
		snprintf(why, PORT_WHY_BYTES, "--port: the device or its path is too long");
		return -ENAMETOOLONG;
	}
	port->queues = queues_read(device);
	if (port->queues == 0) {
		snprintf(why, PORT_WHY_BYTES, "--port: queues= is 1 to %d", PORT_QUEUES_MAX);
		return -EINVAL;
	}
	memcpy(port->name, device, len);
	if (path != NULL)
		memcpy(port->path, path + 6, (size_t)(end - path) - 6);
	return 0;
}

int port_init(struct port *port, const struct ue_options *options, char why[PORT_WHY_BYTES])
{
	int rc;

	*port = (struct port){.buffer_bytes = BUFFER_BYTES - RTE_PKTMBUF_HEADROOM};
	rc = device_read(port, options->port, why);
	if (rc == 0)
		rc = eal_start(options, why);
	if (rc != 0)
		return rc;
	port->pool = rte_pktmbuf_pool_create("phones", POOL_MBUFS_PER_QUEUE * port->queues - 1u,
		POOL_CACHE, 0, BUFFER_BYTES, (int)rte_socket_id());
	if (port->pool == NULL) {
		snprintf(why, PORT_WHY_BYTES, "no buffers: %s (more --memory?)",
			rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

void port_fini(struct port *port)
{
	port_detach(port);
	rte_eal_cleanup();
}

bool port_can_attach(const struct port *port)
{
	struct stat status;

	return port->path[0] == '\0' || stat(port->path, &status) == 0;
}

static int queues_setup(const struct port *port)
{
	uint16_t rx = RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(port->id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	for (uint16_t q = 0; q < port->queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(port->id, q, rx, socket, NULL, port->pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port->id, q, tx, socket, NULL);
	}
	return rc;
}

static int port_start(struct port *port)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info = {0};
	int rc = rte_eth_dev_get_port_by_name(port->name, &port->id);

	if (rc == 0)
		rc = rte_eth_dev_info_get(port->id, &info);
	// A frame of a full MTU takes several buffers; virtio refuses small ones otherwise.
	conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (rc == 0)
		rc = rte_eth_dev_configure(port->id, port->queues, port->queues, &conf);
	if (rc == 0)
		rc = queues_setup(port);
	if (rc == 0)
		rc = rte_eth_dev_start(port->id);
	if (rc == 0)
		rte_eth_promiscuous_enable(port->id);
	return rc;
}

int port_attach(struct port *port, char why[PORT_WHY_BYTES])
{
	int rc;

	patience_begin();
	rc = rte_eal_hotplug_add("vdev", port->name, port->args);
	port->is_attached = rc == 0;
	if (rc == 0)
		rc = port_start(port);
	patience_end();
	if (rc == 0)
		return 0;
	if (is_impatient) {
		rc = -ETIMEDOUT;
		snprintf(why, PORT_WHY_BYTES, "the other end of %s does not answer", port->path);
	} else {
		snprintf(why, PORT_WHY_BYTES, "%s %s: %s", port->name,
			port->is_attached ? "does not start" : "cannot be attached",
			rte_strerror(-rc));
	}
	port_detach(port);
	return rc;
}

void port_detach(struct port *port)
{
	if (!port->is_attached)
		return;
	patience_begin();
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	rte_eal_hotplug_remove("vdev", port->name);
	patience_end();
	port->is_attached = false;
}

// Only virtio_user tells by its link that the peer is gone and does not find it again by itself.
bool port_is_alive(const struct port *port)
{
	struct rte_eth_link link;

	if (strncmp(port->name, "net_virtio_user", 15) != 0)
		return true;
	return rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}
