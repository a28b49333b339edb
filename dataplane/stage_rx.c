// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes a burst from a port and sorts it: ARP, ND and echo requests are answered, UDP to the MIKEY
// port goes on to the check stage, everything else is dropped by name. Nothing a peer sends is
// trusted before it is checked (packet.h).

#include <netinet/in.h>

#include <rte_ethdev.h>

#include "packet.h"
#include "worker.h"

#define FRAMES_AHEAD 8 // asked for while others are sorted

// Addresses for IPv6 stations: all of them (RFC 4291, 2.7.1).
static const struct dp_addr all_nodes = {{0xff, 0x02, [15] = 1}};

static bool addr_is_ours(const struct dp_shared *s, const struct dp_addr *addr)
{
	for (unsigned p = 0; p < s->ports; p++)
		for (unsigned i = 0; i < s->port[p].conf->addresses; i++)
			if (memcmp(addr, &s->port[p].conf->address[i].addr, sizeof(*addr)) == 0)
				return true;
	return false;
}

// Whether the last three octets are those of an address of the port: of a solicited-node group.
static bool tail_is_ours(const struct port *port, const uint8_t tail[3])
{
	for (unsigned i = 0; i < port->conf->addresses; i++)
		if (!dp_addr_is_v4(&port->conf->address[i].addr) &&
			memcmp(tail, port->conf->address[i].addr.byte + 13, 3) == 0)
			return true;
	return memcmp(tail, port->link_local.byte + 13, 3) == 0;
}

static bool group_is_ours(const struct port *port, const struct dp_addr *to)
{
	static const uint8_t solicited[13] = {0xff, 0x02, [11] = 0x01, 0xff};

	return memcmp(to, &all_nodes, sizeof(all_nodes)) == 0 ||
		(memcmp(to, solicited, sizeof(solicited)) == 0 &&
			tail_is_ours(port, to->byte + 13));
}

static enum dp_drop packet_is_for_us(
	const struct worker *w, const struct port *port, const struct packet *p)
{
	if (addr_is_ours(w->shared, &p->to))
		return PACKET_OK;
	if (p->is_v6 && p->protocol == IPPROTO_ICMPV6 &&
		(memcmp(&p->to, &port->link_local, sizeof(p->to)) == 0 ||
			group_is_ours(port, &p->to)))
		return PACKET_OK;
	return DP_DROP_IP_NOT_OURS;
}

static bool packet_is_fragment(const struct rte_mbuf *m, const struct packet *p)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, m->l2_len);

	if (p->is_v6)
		return p->protocol == IPPROTO_FRAGMENT;
	return (ip->fragment_offset & rte_cpu_to_be_16(~RTE_IPV4_HDR_DF_FLAG & 0xffff)) != 0;
}

static enum dp_drop receive_udp(
	struct worker *w, unsigned port, struct rte_mbuf *m, const struct packet *p)
{
	enum dp_drop why = packet_udp(m, p, w->shared->port[port].conf->udp_port);

	if (why == PACKET_OK)
		w->intake.mbuf[w->intake.n++] = m;
	return why;
}

static enum dp_drop receive_ip(
	struct worker *w, unsigned port, struct rte_mbuf *m, bool is_v6, const struct dp_now *now)
{
	struct packet p = {.is_local = w->shared->port[port].iface[0] != '\0'};
	enum dp_drop why = is_v6 ? packet_ipv6(m, &p) : packet_ipv4(m, &p);

	if (why == PACKET_OK)
		why = packet_is_for_us(w, &w->shared->port[port], &p);
	if (why != PACKET_OK)
		return why;
	if (packet_is_fragment(m, &p))
		return DP_DROP_IP_FRAGMENT;
	if (p.protocol == IPPROTO_UDP)
		return receive_udp(w, port, m, &p);
	if (p.protocol == (is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		if (is_v6)
			answer_icmp6(w, port, m, &p, now);
		else
			answer_icmp(w, port, m, &p);
		return PACKET_OK;
	}
	return DP_DROP_IP_PROTOCOL;
}

static bool mac_is_ours(const struct port *port, const struct rte_ether_addr *mac)
{
	static const uint8_t all[6] = {0x33, 0x33, [5] = 1}, solicited[3] = {0x33, 0x33, 0xff};

	if (rte_is_same_ether_addr(mac, &port->mac) || rte_is_broadcast_ether_addr(mac))
		return true;
	return port->has_v6 &&
		(memcmp(mac, all, sizeof(all)) == 0 ||
			(memcmp(mac, solicited, sizeof(solicited)) == 0 &&
				tail_is_ours(port, mac->addr_bytes + 3)));
}

// Takes the frame, or says why not.
static enum dp_drop frame_take(
	struct worker *w, unsigned number, struct rte_mbuf *m, const struct dp_now *now)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct port *port = &w->shared->port[number];
	enum dp_drop why;
	uint16_t type;

	// Chained buffers: longer than anything that is ours.
	if (m->nb_segs != 1)
		return DP_DROP_OVERSIZED;
	if (m->data_len < sizeof(*ether))
		return DP_DROP_RUNT;
	if (!mac_is_ours(port, &ether->dst_addr))
		return DP_DROP_NOT_OUR_MAC;
	// An answer to a group would multiply it.
	if (!rte_is_unicast_ether_addr(&ether->src_addr))
		return DP_DROP_SOURCE;
	why = packet_tags(port->conf, m, &type);
	if (why != PACKET_OK)
		return why;
	if (type == RTE_ETHER_TYPE_ARP && port->has_v4) {
		answer_arp(w, number, m, now);
		return PACKET_OK;
	}
	if (type == RTE_ETHER_TYPE_IPV4 && port->has_v4)
		return receive_ip(w, number, m, false, now);
	if (type == RTE_ETHER_TYPE_IPV6 && port->has_v6)
		return receive_ip(w, number, m, true, now);
	return DP_DROP_ETHERTYPE;
}

void worker_receive(struct worker *w, unsigned port, struct rte_mbuf *m, const struct dp_now *now)
{
	enum dp_drop why = frame_take(w, port, m, now);

	if (why != PACKET_OK)
		worker_drop(w, m, why);
}

// Headers and message are in the first three lines, unless there are options.
static void frame_prefetch(const struct rte_mbuf *m)
{
	const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

	rte_prefetch0(at);
	rte_prefetch0(at + RTE_CACHE_LINE_SIZE);
	rte_prefetch0(at + 2 * RTE_CACHE_LINE_SIZE);
}

// Frames come while those before them are sorted: all of them at once would wait for one another.
static uint64_t burst_receive(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n,
	const struct dp_now *now)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n && i < FRAMES_AHEAD; i++)
		frame_prefetch(mbufs[i]);
	for (unsigned i = 0; i < n; i++) {
		if (i + FRAMES_AHEAD < n)
			frame_prefetch(mbufs[i + FRAMES_AHEAD]);
		bytes += mbufs[i]->pkt_len;
		worker_receive(w, port, mbufs[i], now);
	}
	return bytes;
}

unsigned stage_rx(struct worker *w, unsigned port, const struct dp_now *now)
{
	struct dp_port_stats *stats = &w->egress[port].stats;
	struct rte_mbuf *mbufs[BURST];
	unsigned n = rte_eth_rx_burst(w->shared->port[port].id, w->queue, mbufs, BURST);
	uint64_t bytes;

	w->intake.n = 0;
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(mbufs[i]);
	capture_rx(w, port, mbufs, n);
	bytes = burst_receive(w, port, mbufs, n, now);
	w->stats.rx_frames += n;
	w->stats.rx_bytes += bytes;
	stats->rx_frames += n;
	stats->rx_bytes += bytes;
	return n;
}

void worker_drop(struct worker *w, struct rte_mbuf *mbuf, enum dp_drop why)
{
	w->stats.drop[why]++;
	rte_pktmbuf_free(mbuf);
}
