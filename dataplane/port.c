// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ports and their queues. What a device offers is asked for; what it lacks is done in software.

#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "worker.h"

#define BUFFER_BYTES 640 // enough for a message with ordinary names, stays in cache
#define DEVICE_BUFFER_BYTES (2048 + RTE_PKTMBUF_HEADROOM) // what other drivers expect
#define MESSAGE_BYTES 140 // of a message without its names, at most
#define POOL_CACHE 128
#define MTU_USUAL 1500

// Devices that take small buffers.
static const char *const small[] = {
	"net_memif", "net_null", "net_pcap", "net_ring", "net_vhost", "net_virtio_user"};

static bool device_takes_small(const char *device)
{
	for (size_t i = 0; i < RTE_DIM(small); i++)
		if (strncmp(device, small[i], strlen(small[i])) == 0)
			return true;
	return false;
}

// Room for the longest message there can be under this FQDN, and for what we receive.
static uint16_t buffer_bytes(const struct dp_conf *conf)
{
	size_t bytes = RTE_PKTMBUF_HEADROOM + MESSAGE_BYTES + strlen(conf->idi) + STORE_NAI_MAX;

	bytes = RTE_MAX(RTE_ALIGN_CEIL(bytes, 64), (size_t)BUFFER_BYTES);
	for (unsigned p = 0; p < conf->ports; p++)
		if (!device_takes_small(conf->port[p].device))
			bytes = RTE_MAX(bytes, (size_t)DEVICE_BUFFER_BYTES);
	return (uint16_t)bytes;
}

int port_pool_create(const struct dp_conf *conf, unsigned worker, struct rte_mempool **out)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	unsigned mbufs = conf->ports - 1;

	for (unsigned p = 0; p < conf->ports; p++)
		mbufs += conf->port[p].mbufs;
	snprintf(name, sizeof(name), "frames-%u", worker);
	*out = rte_pktmbuf_pool_create(
		name, mbufs, POOL_CACHE, 0, buffer_bytes(conf), SOCKET_ID_ANY);
	return *out == NULL ? -rte_errno : 0;
}

// --- The device -----------------------------------------------------------------------------

// Checksums of UDP over IPv4 by the device, or neither: half an offload saves nothing.
static uint64_t tx_offloads_wanted(const struct rte_eth_dev_info *info)
{
	uint64_t both = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	uint64_t wanted = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;

	return wanted | ((info->tx_offload_capa & both) == both ? both : 0);
}

static uint64_t rx_offloads_wanted(
	const struct rte_eth_dev_info *info, const struct dp_port_conf *conf)
{
	uint64_t wanted = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

	// Long frames are none of ours; a device that may get some, in buffers that are smaller
	// than they are, wants to be able to split them.
	if (conf->mtu > MTU_USUAL || device_takes_small(conf->device))
		wanted |= RTE_ETH_RX_OFFLOAD_SCATTER;
	return info->rx_offload_capa & wanted;
}

static int port_configure(struct dp_shared *shared, struct port *port,
	const struct rte_eth_dev_info *info, char why[256])
{
	struct rte_eth_conf ethconf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	uint16_t n = (uint16_t)shared->workers;
	int ret;

	if (n > info->max_rx_queues || n > info->max_tx_queues) {
		snprintf(why, 256, "port \"%.40s\" offers %u queues, %u workers need one each",
			port->conf->name, RTE_MIN(info->max_rx_queues, info->max_tx_queues), n);
		return -EINVAL;
	}
	port->tx_offloads = ethconf.txmode.offloads = tx_offloads_wanted(info);
	port->rx_offloads = ethconf.rxmode.offloads = rx_offloads_wanted(info, port->conf);
	ethconf.intr_conf.rmv = (*info->dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	port->is_rss = n > 1 && (info->flow_type_rss_offloads & RTE_ETH_RSS_IP) != 0;
	if (port->is_rss) {
		ethconf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		ethconf.rx_adv_conf.rss_conf.rss_hf =
			info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
	}
	ret = rte_eth_dev_configure(port->id, n, n, &ethconf);
	if (ret != 0)
		snprintf(why, 256, "port \"%.40s\" cannot be configured: %s", port->conf->name,
			rte_strerror(-ret));
	return ret;
}

// net_af_xdp keeps the buffers that were in its rings when it was closed: a later life needs
// others.
static struct rte_mempool *pool_of(struct dp_shared *shared, struct port *port, uint16_t q)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (port->lives == 0 || strncmp(port->conf->device, "net_af_xdp", 10) != 0)
		return shared->worker[q]->pool;
	// The name of the port would not fit.
	snprintf(name, sizeof(name), "again-%u-%u-%u", (unsigned)(port - shared->port), port->lives,
		q);
	port->pool[q] = rte_pktmbuf_pool_create(
		name, port->conf->mbufs, POOL_CACHE, 0, buffer_bytes(shared->conf), SOCKET_ID_ANY);
	return port->pool[q];
}

static void pools_free(struct port *port)
{
	for (unsigned q = 0; q < DP_WORKERS_MAX; q++) {
		rte_mempool_free(port->pool[q]);
		port->pool[q] = NULL;
	}
}

static int queues_setup(struct dp_shared *shared, struct port *port,
	const struct rte_eth_dev_info *info, char why[256])
{
	uint16_t rx = (uint16_t)port->conf->rx_descriptors;
	uint16_t tx = (uint16_t)port->conf->tx_descriptors;
	struct rte_eth_txconf txconf = info->default_txconf;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	txconf.offloads = port->tx_offloads & info->tx_queue_offload_capa;
	for (uint16_t q = 0; q < shared->workers && ret == 0; q++) {
		struct rte_mempool *pool = pool_of(shared, port, q);

		ret = pool == NULL
			? -ENOMEM
			: rte_eth_rx_queue_setup(port->id, q, rx, SOCKET_ID_ANY, NULL, pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(port->id, q, tx, SOCKET_ID_ANY, &txconf);
	}
	if (ret != 0)
		snprintf(why, 256, "port \"%.40s\": queues cannot be set up: %s", port->conf->name,
			rte_strerror(-ret));
	return ret;
}

// Only a real NIC has to be told; a kernel interface keeps what its administrator gave it.
static int mtu_set(struct port *port, char why[256])
{
	int ret;

	if (!port_is_pci(port->conf->device) || port->conf->mtu == MTU_USUAL)
		return 0;
	ret = rte_eth_dev_set_mtu(port->id, (uint16_t)port->conf->mtu);
	if (ret != 0)
		snprintf(why, 256, "port \"%.40s\" does not take an MTU of %u: %s",
			port->conf->name, port->conf->mtu, rte_strerror(-ret));
	return ret;
}

// fe80::/64 and the interface identifier made from the MAC address (RFC 4291, appendix A).
static struct dp_addr link_local_of(const struct rte_ether_addr *mac)
{
	const uint8_t *m = mac->addr_bytes;

	return (struct dp_addr){
		{0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

static void mac_choose(struct port *port)
{
	static const uint8_t none[6];

	rte_eth_macaddr_get(port->id, &port->mac);
	if (memcmp(port->conf->mac, none, sizeof(none)) != 0) {
		memcpy(port->mac.addr_bytes, port->conf->mac, sizeof(none));
		// A device that cannot filter on it receives everything; frames are checked anyway.
		if (rte_eth_dev_default_mac_addr_set(port->id, &port->mac) != 0)
			rte_eth_promiscuous_enable(port->id);
	}
	// Solicitations come to groups.
	if (port->has_v6) {
		port->link_local = link_local_of(&port->mac);
		rte_eth_allmulticast_enable(port->id);
	}
}

static void port_describe(struct port *port)
{
	const struct dp_port_conf *conf = port->conf;
	struct port_iface iface = {0};

	port->has_v4 = port->has_v6 = false;
	for (unsigned i = 0; i < conf->addresses; i++) {
		bool is_v4 = dp_addr_is_v4(&conf->address[i].addr);

		port->has_v4 |= is_v4;
		port->has_v6 |= !is_v4;
	}
	port->l2_len = (uint16_t)(RTE_ETHER_HDR_LEN + conf->vlans * sizeof(struct rte_vlan_hdr));
	if (port_iface_name(conf->device, port->iface, sizeof(port->iface)))
		port_iface_look(port->iface, &iface);
	port->iface_index = iface.index;
	port->mtu = port_iface_mtu(port, &iface);
}

void port_stop(struct port *port)
{
	port_device_release(port);
	pools_free(port);
}

static int device_start(struct dp_shared *shared, struct port *port, char why[256])
{
	struct rte_eth_dev_info info;
	int ret;

	port_describe(port);
	ret = rte_eth_dev_info_get(port->id, &info);
	if (ret == 0)
		ret = port_configure(shared, port, &info, why);
	if (ret == 0)
		ret = mtu_set(port, why);
	if (ret == 0)
		ret = queues_setup(shared, port, &info, why);
	if (ret != 0)
		return ret;
	mac_choose(port);
	port_device_watch(port);
	ret = rte_eth_dev_start(port->id);
	if (ret != 0)
		snprintf(why, 256, "port \"%.40s\" does not start: %s", port->conf->name,
			rte_strerror(-ret));
	return ret;
}

int port_start(struct dp_shared *shared, struct port *port, char why[256])
{
	int ret = port_device_probe(port, why);

	if (ret != 0)
		return ret;
	ret = device_start(shared, port, why);
	if (ret != 0)
		port_stop(port);
	else
		port->lives++;
	return ret;
}

int ports_start(struct dp_shared *shared, char why[256])
{
	int ret = 0;

	for (unsigned p = 0; p < shared->ports && ret == 0; p++) {
		ret = port_start(shared, &shared->port[p], why);
		if (ret == 0)
			atomic_store(&shared->port[p].state, PORT_DOWN);
	}
	if (ret == 0)
		ports_look(shared, 0);
	return ret;
}

void ports_stop(struct dp_shared *shared)
{
	for (unsigned p = 0; p < shared->ports; p++) {
		struct port *port = &shared->port[p];

		if (port_state(port) != PORT_GONE)
			port_stop(port);
		atomic_store(&port->state, PORT_GONE);
	}
}

// --- Status ---------------------------------------------------------------------------------

static enum dp_path path_of(uint64_t offloads, uint64_t need)
{
	return (offloads & need) == need ? DP_PATH_DEVICE : DP_PATH_SOFTWARE;
}

static void paths_fill(const struct port *port, struct dp_port_status *out)
{
	uint64_t udp = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	out->tx_ip_checksum = path_of(port->tx_offloads, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | udp);
	out->tx_udp_checksum = out->tx_ip_checksum;
	out->tx_udp6_checksum = path_of(port->tx_offloads, udp);
	out->rx_checksum = path_of(port->rx_offloads, RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
	out->is_fast_free = (port->tx_offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0;
	out->is_rss = port->is_rss;
}

static void link_fill(const struct port *port, struct dp_port_status *out)
{
	struct rte_eth_dev_info info;
	struct rte_eth_link link = {0};

	if (out->is_gone)
		return;
	if (rte_eth_dev_info_get(port->id, &info) == 0)
		snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);
	rte_eth_link_get_nowait(port->id, &link);
	if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		out->speed_mbps = link.link_speed;
}

// All counters are 64 bits wide, so a struct of them can be added up as an array.
static void stats_add(struct dp_port_stats *sum, const struct dp_port_stats *add)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)add;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void port_queue_stats(
	const struct dp_shared *shared, unsigned number, unsigned queue, struct dp_port_stats *out)
{
	memset(out, 0, sizeof(*out));
	stats_add(out, &shared->worker[queue]->egress[number].stats);
}

void port_status(const struct dp_shared *shared, unsigned number, struct dp_port_status *out)
{
	const struct port *port = &shared->port[number];

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", port->conf->name);
	snprintf(out->device, sizeof(out->device), "%s", port->device);
	out->is_gone = port_state(port) == PORT_GONE;
	out->is_up = port_state(port) == PORT_UP;
	out->lives = port->lives;
	if (out->is_gone)
		snprintf(out->why, sizeof(out->why), "%s", port->why);
	memcpy(out->mac, port->mac.addr_bytes, sizeof(out->mac));
	out->mtu = (uint16_t)port->mtu;
	out->queues = (uint16_t)shared->workers;
	paths_fill(port, out);
	link_fill(port, out);
	for (unsigned i = 0; i < shared->workers; i++) {
		const struct worker *w = shared->worker[i];

		stats_add(&out->stats, &w->egress[number].stats);
		for (unsigned h = 0; h < shared->routes.hops; h++)
			out->is_stuck |= shared->routes.hop[h].port == number &&
				__atomic_load_n(&w->hop_stall[h], __ATOMIC_RELAXED) ==
					DP_STALL_PORT;
	}
}
