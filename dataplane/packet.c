// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "packet.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "sum.h"

#define VID_MASK 0x0fff // of a tag: priority and drop bits stand above
#define TYPE_QINQ_OLD 0x9100 // outer tags of old switches

static bool type_is_tag(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ || type == TYPE_QINQ_OLD;
}

// Takes the tags of a frame into list, at most one more than a port may have. A device may have
// taken the outer one off. -1: the frame ends in them.
static int tags_read(struct rte_mbuf *m, uint16_t list[DP_VLANS_MAX + 1], uint16_t *type)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(ether + 1);
	unsigned at = sizeof(*ether);
	int n = 0;

	*type = rte_be_to_cpu_16(ether->ether_type);
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		list[n++] = m->vlan_tci & VID_MASK;
	while (type_is_tag(*type) && n <= DP_VLANS_MAX) {
		if (at + sizeof(*tag) > m->data_len)
			return -1;
		list[n++] = rte_be_to_cpu_16(tag->vlan_tci) & VID_MASK;
		*type = rte_be_to_cpu_16(tag->eth_proto);
		at += sizeof(*tag);
		tag++;
	}
	m->l2_len = at;
	return n;
}

enum dp_drop packet_tags(const struct dp_port_conf *conf, struct rte_mbuf *m, uint16_t *type)
{
	uint16_t list[DP_VLANS_MAX + 1];
	int n = tags_read(m, list, type);

	if (n < 0)
		return DP_DROP_RUNT;
	// VLAN 0 only gives a priority (IEEE 802.1Q, 9.6).
	if (n == 1 && conf->vlans == 0 && list[0] == 0)
		return PACKET_OK;
	if ((unsigned)n != conf->vlans)
		return DP_DROP_VLAN;
	for (unsigned i = 0; i < DP_VLANS_MAX && i < conf->vlans; i++)
		if (list[i] != conf->vlan[i])
			return DP_DROP_VLAN;
	return PACKET_OK;
}

static struct dp_addr addr_of_v4(rte_be32_t v4)
{
	struct dp_addr addr = {{[10] = 0xff, [11] = 0xff}};

	memcpy(addr.byte + 12, &v4, sizeof(v4));
	return addr;
}

// Nobody answers to groups, to hosts of their own, or to nobody (RFC 1122 3.2.1.3, RFC 4291 2.7);
// but a station that looks for duplicates of its address has none yet (RFC 4862, 5.4).
static bool source_is_station(const struct packet *p)
{
	static const struct dp_addr loopback = {{[15] = 1}};
	uint8_t first = p->is_v6 ? p->from.byte[0] : p->from.byte[12];

	if (!p->is_v6)
		return first != 0 && first != 127 && first < 224;
	if (dp_addr_is_none(&p->from))
		return p->protocol == IPPROTO_ICMPV6;
	return first != 0xff && memcmp(&p->from, &loopback, sizeof(loopback)) != 0;
}

// What is behind the packet is padding.
static void packet_cut(struct rte_mbuf *m, unsigned l3_len, unsigned total)
{
	m->l3_len = l3_len;
	m->data_len = (uint16_t)(m->l2_len + total);
	m->pkt_len = m->data_len;
}

static bool ip_sum_holds(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	if ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	return sum_fold(sum_octets((const uint8_t *)ip, rte_ipv4_hdr_len(ip))) == 0xffff;
}

enum dp_drop packet_ipv4(struct rte_mbuf *m, struct packet *p)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, m->l2_len);
	unsigned have = m->data_len - m->l2_len, total;

	if (have < sizeof(*ip))
		return DP_DROP_RUNT;
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || rte_ipv4_hdr_len(ip) < sizeof(*ip) || total > have ||
		total < rte_ipv4_hdr_len(ip))
		return DP_DROP_IP_HEADER;
	if (!ip_sum_holds(m, ip))
		return DP_DROP_IP_CHECKSUM;
	p->is_v6 = false;
	p->protocol = ip->next_proto_id;
	p->hop_limit = ip->time_to_live;
	p->from = addr_of_v4(ip->src_addr);
	p->to = addr_of_v4(ip->dst_addr);
	if (!source_is_station(p))
		return DP_DROP_SOURCE;
	packet_cut(m, rte_ipv4_hdr_len(ip), total);
	return PACKET_OK;
}

enum dp_drop packet_ipv6(struct rte_mbuf *m, struct packet *p)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, m->l2_len);
	unsigned have = m->data_len - m->l2_len, total;

	if (have < sizeof(*ip))
		return DP_DROP_RUNT;
	total = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6 || total > have)
		return DP_DROP_IP_HEADER;
	p->is_v6 = true;
	p->protocol = ip->proto;
	p->hop_limit = ip->hop_limits;
	memcpy(p->from.byte, ip->src_addr, sizeof(p->from.byte));
	memcpy(p->to.byte, ip->dst_addr, sizeof(p->to.byte));
	// An IPv4 address in disguise must not pass for one.
	if (dp_addr_is_v4(&p->from) || dp_addr_is_v4(&p->to))
		return DP_DROP_IP_HEADER;
	if (!source_is_station(p))
		return DP_DROP_SOURCE;
	packet_cut(m, sizeof(*ip), total);
	return PACKET_OK;
}

// Over pseudo header and packet, 8 octets or more. In both versions the addresses end the fixed
// header.
static bool sum_is_whole(
	const void *ip, bool is_v6, uint8_t protocol, const uint8_t *data, unsigned len)
{
	const uint8_t *addresses = (const uint8_t *)ip + (is_v6 ? 8 : 12);
	uint64_t sum = rte_cpu_to_be_16(protocol) + rte_cpu_to_be_16(len);

	sum += sum_octets(addresses, is_v6 ? 32 : 8) + sum_octets(data, len);
	return sum_fold(sum) == 0xffff;
}

bool packet_sum_holds(const struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, m->l2_len);

	return sum_is_whole(
		ip, true, ip->proto, (const uint8_t *)(ip + 1), rte_be_to_cpu_16(ip->payload_len));
}

// Whether only the sum over the pseudo header stands in the field, for a device to go on with.
static bool sum_is_partial(const void *ip, bool is_v6, rte_be16_t sum)
{
	return sum == (is_v6 ? rte_ipv6_phdr_cksum(ip, 0) : rte_ipv4_phdr_cksum(ip, 0));
}

static bool udp_sum_holds(
	const struct rte_mbuf *m, const struct packet *p, const struct rte_udp_hdr *udp)
{
	uint64_t seen = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	const void *ip = rte_pktmbuf_mtod_offset(m, const void *, m->l2_len);

	// Zero says that the sender made none (RFC 768), which IPv6 does not have (RFC 8200 8.1).
	if (udp->dgram_cksum == 0)
		return !p->is_v6;
	// NONE: a virtual peer left it to a device, the data are sound.
	if (seen == RTE_MBUF_F_RX_L4_CKSUM_GOOD || seen == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return true;
	if (p->is_local && sum_is_partial(ip, p->is_v6, udp->dgram_cksum))
		return true;
	return sum_is_whole(
		ip, p->is_v6, IPPROTO_UDP, (const uint8_t *)udp, rte_be_to_cpu_16(udp->dgram_len));
}

enum dp_drop packet_udp(struct rte_mbuf *m, const struct packet *p, uint16_t port)
{
	const struct rte_udp_hdr *udp =
		rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, m->l2_len + m->l3_len);
	unsigned have = m->data_len - m->l2_len - m->l3_len, length;

	if (have < sizeof(*udp))
		return DP_DROP_UDP_LENGTH;
	length = rte_be_to_cpu_16(udp->dgram_len);
	if (length < sizeof(*udp) || length != have)
		return DP_DROP_UDP_LENGTH;
	if (udp->dst_port != rte_cpu_to_be_16(port))
		return DP_DROP_UDP_PORT;
	if (!udp_sum_holds(m, p, udp))
		return DP_DROP_UDP_CHECKSUM;
	rte_pktmbuf_adj(m, (uint16_t)(m->l2_len + m->l3_len + sizeof(*udp)));
	return PACKET_OK;
}
