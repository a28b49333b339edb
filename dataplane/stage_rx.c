// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Takes a burst from the port and sorts it: ARP and echo requests are answered, UDP to the MIKEY
// port goes on to the check stage, everything else is dropped by name. Nothing a peer sends is
// trusted before it is checked: lengths first, then checksums.

#include <rte_arp.h>
#include <rte_ethdev.h>

#include "frame.h"
#include "worker.h"

static bool ip_checksum_holds(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	return rte_raw_cksum(ip, rte_ipv4_hdr_len(ip)) == 0xffff;
}

// Cuts the frame to the packet (Ethernet may pad it) and checks the header (RFC 791 3.1).
static enum dp_drop ip_check(const struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	unsigned have = m->data_len - RTE_ETHER_HDR_LEN, total;

	if (have < sizeof(*ip))
		return DP_DROP_RUNT;
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || rte_ipv4_hdr_len(ip) < sizeof(*ip) || total > have ||
		total < rte_ipv4_hdr_len(ip))
		return DP_DROP_IP_HEADER;
	if (!ip_checksum_holds(m, ip))
		return DP_DROP_IP_CHECKSUM;
	if (memcmp(&ip->dst_addr, w->shared->conf->ipv4, 4) != 0)
		return DP_DROP_IP_NOT_OURS;
	if (ip->fragment_offset & rte_cpu_to_be_16(~RTE_IPV4_HDR_DF_FLAG & 0xffff))
		return DP_DROP_IP_FRAGMENT;
	m->data_len = (uint16_t)(RTE_ETHER_HDR_LEN + total);
	m->pkt_len = m->data_len;
	m->l2_len = RTE_ETHER_HDR_LEN;
	m->l3_len = rte_ipv4_hdr_len(ip);
	return DP_DROP_COUNT;
}

static bool udp_checksum_holds(
	const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, const struct rte_udp_hdr *udp)
{
	// Zero says that the sender made none (RFC 768).
	if (udp->dgram_cksum == 0)
		return true;
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	return rte_ipv4_udptcp_cksum_verify(ip, udp) == 0;
}

// Leaves the mbuf at the MIKEY message.
static enum dp_drop udp_check(const struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)((uint8_t *)ip + m->l3_len);
	unsigned have = m->data_len - m->l2_len - m->l3_len, length;

	if (have < sizeof(*udp))
		return DP_DROP_UDP_LENGTH;
	length = rte_be_to_cpu_16(udp->dgram_len);
	if (length < sizeof(*udp) || length != have)
		return DP_DROP_UDP_LENGTH;
	if (udp->dst_port != rte_cpu_to_be_16(w->shared->conf->udp_port))
		return DP_DROP_UDP_PORT;
	if (!udp_checksum_holds(m, ip, udp))
		return DP_DROP_UDP_CHECKSUM;
	rte_pktmbuf_adj(m, (uint16_t)(m->l2_len + m->l3_len + sizeof(*udp)));
	return DP_DROP_COUNT;
}

static void receive_ip(struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip;
	enum dp_drop why = ip_check(w, m);

	if (why != DP_DROP_COUNT) {
		worker_drop(w, m, why);
		return;
	}
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
	if (ip->next_proto_id == IPPROTO_ICMP) {
		answer_echo(w, m);
		return;
	}
	why = ip->next_proto_id == IPPROTO_UDP ? udp_check(w, m) : DP_DROP_IP_PROTOCOL;
	if (why != DP_DROP_COUNT)
		worker_drop(w, m, why);
	else
		w->intake.mbuf[w->intake.n++] = m;
}

static bool mac_is_ours(const struct worker *w, const struct rte_ether_addr *mac)
{
	return rte_is_same_ether_addr(mac, &w->shared->mac) || rte_is_broadcast_ether_addr(mac);
}

static void receive(struct worker *w, struct rte_mbuf *m, const struct dp_now *now)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	// Chained buffers: longer than anything that is ours.
	if (m->data_len < sizeof(*ether) || m->nb_segs != 1)
		worker_drop(w, m, m->nb_segs != 1 ? DP_DROP_OVERSIZED : DP_DROP_RUNT);
	else if (!mac_is_ours(w, &ether->dst_addr))
		worker_drop(w, m, DP_DROP_NOT_OUR_MAC);
	else if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP))
		answer_arp(w, m, now);
	else if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		receive_ip(w, m);
	else
		worker_drop(w, m, DP_DROP_ETHERTYPE);
}

unsigned stage_rx(struct worker *w, const struct dp_now *now)
{
	struct rte_mbuf *mbufs[BURST];
	unsigned n = rte_eth_rx_burst(w->shared->port_id, w->queue, mbufs, BURST);

	w->intake.n = 0;
	if (n == 0)
		return 0;
	capture_rx(w, mbufs, n);
	w->stats.rx_frames += n;
	for (unsigned i = 0; i < n; i++) {
		w->stats.rx_bytes += mbufs[i]->pkt_len;
		receive(w, mbufs[i], now);
	}
	return n;
}

void worker_drop(struct worker *w, struct rte_mbuf *mbuf, enum dp_drop why)
{
	w->stats.drop[why]++;
	rte_pktmbuf_free(mbuf);
}
