// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "port.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "frame.h"
#include "worker.h"

#define BUFFER_BYTES 640 // enough for a message with ordinary names, stays in cache
#define NIC_BUFFER_BYTES 2176 // what drivers of real devices expect
#define POOL_CACHE 128
#define ARGS_MAX (24 + DP_EAL_ARGS_MAX)
#define LCORES_TEXT 2048

// CPUs this process may run on, ascending; returns how many.
static int cpus_allowed(int cpus[CPU_SETSIZE])
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

static bool cpu_is_allowed(const int *allowed, int n, int cpu)
{
	for (int i = 0; i < n; i++)
		if (allowed[i] == cpu)
			return true;
	return false;
}

// "0@(0,1),1@0,2@1": the main lcore floats, each worker has a CPU of its own.
static int lcores_write(
	const struct dp_conf *conf, int cpus[], char text[LCORES_TEXT], char why[256])
{
	int allowed[CPU_SETSIZE], n = cpus_allowed(allowed), at;

	if (n == 0)
		return -errno;
	at = snprintf(text, LCORES_TEXT, "0@(");
	for (int i = 0; i < n && at < LCORES_TEXT - 8; i++)
		at += snprintf(text + at, LCORES_TEXT - at, "%s%d", i ? "," : "", allowed[i]);
	at += snprintf(text + at, LCORES_TEXT - at, ")");
	for (unsigned i = 0; i < conf->workers && at < LCORES_TEXT - 16; i++) {
		cpus[i] = conf->cpu[i] >= 0 ? conf->cpu[i] : allowed[i % (unsigned)n];
		if (!cpu_is_allowed(allowed, n, cpus[i])) {
			snprintf(why, 256, "CPU %d is not one this process may run on", cpus[i]);
			return -EINVAL;
		}
		at += snprintf(text + at, LCORES_TEXT - at, ",%u@%d", i + 1, cpus[i]);
	}
	return at < LCORES_TEXT - 16 ? 0 : -E2BIG;
}

struct args {
	int n;
	char *arg[ARGS_MAX];
	char text[8][LCORES_TEXT + 32];
	unsigned texts;
};

static void args_add(struct args *args, const char *arg)
{
	if (args->n < ARGS_MAX - 1)
		args->arg[args->n++] = (char *)(uintptr_t)arg;
}

static void args_format(struct args *args, const char *format, const char *value)
{
	char *text = args->text[args->texts++];

	snprintf(text, sizeof(args->text[0]), format, value);
	args_add(args, text);
}

static void args_fill(const struct dp_conf *conf, const char *lcores, struct args *args)
{
	char memory[16];
	bool is_pci = strncmp(conf->port, "net_", 4) != 0;

	snprintf(memory, sizeof(memory), "%u", conf->memory_mb);
	args_add(args, "mskpushd");
	args_format(args, "--lcores=%s", lcores);
	args_add(args, "--main-lcore=0");
	args_format(args, "--file-prefix=%s", conf->file_prefix);
	args_add(args, "-m");
	args_format(args, "%s", memory);
	if (!conf->is_huge) {
		args_add(args, "--no-huge");
		args_add(args, "--no-shconf");
	}
	if (!is_pci)
		args_add(args, "--no-pci");
	args_format(args, is_pci ? "--allow=%s" : "--vdev=%s", conf->port);
	args_add(args, "--log-level=warning");
	for (int i = 0; i < DP_EAL_ARGS_MAX && conf->eal_args[i] != NULL; i++)
		args_add(args, conf->eal_args[i]);
}

int port_eal_start(const struct dp_conf *conf, int cpus[DP_WORKERS_MAX], char why[256])
{
	static struct args args; // EAL keeps pointers into it
	char lcores[LCORES_TEXT];
	int ret = lcores_write(conf, cpus, lcores, why);

	if (ret != 0)
		return ret;
	args_fill(conf, lcores, &args);
	port_socket_clear(conf->port);
	if (rte_eal_init(args.n, args.arg) < 0) {
		snprintf(why, 256, "DPDK cannot start: %s (its own messages stand above)",
			rte_strerror(rte_errno));
		return -rte_errno;
	}
	if (rte_eth_dev_count_avail() != 1) {
		snprintf(why, 256, "port.device %s: DPDK offers %u ports, need one", conf->port,
			rte_eth_dev_count_avail());
		return -ENODEV;
	}
	return 0;
}

// Room for the longest message there can be under this FQDN, and for what we receive.
static uint16_t buffer_bytes(const struct dp_conf *conf)
{
	size_t longest = RTE_PKTMBUF_HEADROOM + FRAME_HEADERS_BYTES + 140 + strlen(conf->idi) +
		STORE_NAI_MAX;

	if (strncmp(conf->port, "net_", 4) != 0)
		return NIC_BUFFER_BYTES;
	return (uint16_t)(longest > BUFFER_BYTES ? RTE_ALIGN_CEIL(longest, 64) : BUFFER_BYTES);
}

int port_pool_create(const struct dp_conf *conf, unsigned queue, struct rte_mempool **out)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "frames-%u", queue);
	*out = rte_pktmbuf_pool_create(
		name, conf->mbufs, POOL_CACHE, 0, buffer_bytes(conf), SOCKET_ID_ANY);
	return *out == NULL ? -rte_errno : 0;
}

// Both checksums by the device or none: half an offload saves nothing.
static uint64_t offloads_wanted(const struct rte_eth_dev_info *info)
{
	uint64_t both = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	return (info->tx_offload_capa & both) == both ? both : 0;
}

static int queues_setup(
	struct dp_shared *shared, const struct rte_eth_dev_info *info, char why[256])
{
	const struct dp_conf *conf = shared->conf;
	uint16_t rx = (uint16_t)conf->rx_descriptors, tx = (uint16_t)conf->tx_descriptors;
	struct rte_eth_txconf txconf = info->default_txconf;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(shared->port_id, &rx, &tx);

	txconf.offloads = shared->is_checksum_offloaded ? offloads_wanted(info) : 0;
	for (uint16_t q = 0; q < shared->workers && ret == 0; q++) {
		ret = rte_eth_rx_queue_setup(
			shared->port_id, q, rx, SOCKET_ID_ANY, NULL, shared->worker[q]->pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(
				shared->port_id, q, tx, SOCKET_ID_ANY, &txconf);
	}
	if (ret != 0)
		snprintf(why, 256, "port.device: queues cannot be set up: %s", rte_strerror(-ret));
	return ret;
}

static int port_configure(
	struct dp_shared *shared, const struct rte_eth_dev_info *info, char why[256])
{
	struct rte_eth_conf ethconf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	uint16_t n = (uint16_t)shared->workers;
	int ret;

	shared->is_checksum_offloaded = offloads_wanted(info) != 0;
	if (n > info->max_rx_queues || n > info->max_tx_queues) {
		snprintf(why, 256, "port.device offers %u queues, %u workers need one each",
			RTE_MIN(info->max_rx_queues, info->max_tx_queues), n);
		return -EINVAL;
	}
	ethconf.txmode.offloads = offloads_wanted(info);
	if (n > 1 && (info->flow_type_rss_offloads & RTE_ETH_RSS_IP) != 0) {
		ethconf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		ethconf.rx_adv_conf.rss_conf.rss_hf =
			info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
	}
	ret = rte_eth_dev_configure(shared->port_id, n, n, &ethconf);
	if (ret != 0)
		snprintf(why, 256, "port.device cannot be configured: %s", rte_strerror(-ret));
	return ret;
}

static void mac_choose(struct dp_shared *shared)
{
	static const uint8_t none[6];

	rte_eth_macaddr_get(shared->port_id, &shared->mac);
	if (memcmp(shared->conf->mac, none, sizeof(none)) == 0)
		return;
	memcpy(shared->mac.addr_bytes, shared->conf->mac, sizeof(none));
	// A device that cannot filter on it receives everything; frames are checked anyway.
	if (rte_eth_dev_default_mac_addr_set(shared->port_id, &shared->mac) != 0)
		rte_eth_promiscuous_enable(shared->port_id);
}

int port_start(struct dp_shared *shared, char why[256])
{
	struct rte_eth_dev_info info;
	uint16_t id = (uint16_t)rte_eth_find_next(0);
	int ret = rte_eth_dev_info_get(id, &info);

	shared->port_id = id;
	if (ret == 0)
		ret = port_configure(shared, &info, why);
	if (ret == 0)
		ret = queues_setup(shared, &info, why);
	if (ret != 0)
		return ret;
	mac_choose(shared);
	ret = rte_eth_dev_start(id);
	if (ret != 0)
		snprintf(why, 256, "port.device does not start: %s", rte_strerror(-ret));
	return ret;
}

void port_stop(const struct dp_shared *shared)
{
	rte_eth_dev_stop(shared->port_id);
	rte_eth_dev_close(shared->port_id);
}

void port_status(const struct dp_shared *shared, struct dp_port_status *out)
{
	struct rte_eth_dev_info info;
	struct rte_eth_link link = {0};
	struct rte_ether_addr gateway;

	memset(out, 0, sizeof(*out));
	rte_eth_dev_get_name_by_port(shared->port_id, out->name);
	if (rte_eth_dev_info_get(shared->port_id, &info) == 0)
		snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);
	rte_eth_link_get_nowait(shared->port_id, &link);
	out->is_up = link.link_status == RTE_ETH_LINK_UP;
	memcpy(out->mac, shared->mac.addr_bytes, sizeof(out->mac));
	out->has_gateway_mac = neigh_mac(&shared->neigh, &gateway);
	memcpy(out->gateway_mac, gateway.addr_bytes, sizeof(out->gateway_mac));
	out->is_ip_checksum_offloaded = shared->is_checksum_offloaded;
	out->is_udp_checksum_offloaded = shared->is_checksum_offloaded;
	out->queues = (uint16_t)shared->workers;
}
