// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "frame.h"
#include "hop.h"
#include "port.h"
#include "sum.h"

#define DSCP_SHIFT 2 // of the DS field: two bits are ECN's

// Type of the first tag of a frame: a service tag when another one follows (IEEE 802.1ad).
static uint16_t tag_type(const struct dp_port_conf *conf, unsigned i)
{
	return conf->vlans == 2 && i == 0 ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN;
}

static uint8_t *be16_put(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

uint8_t *frame_ether_put(uint8_t *at, const struct port *port, uint16_t type)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)at;

	ether->src_addr = port->mac;
	at += offsetof(struct rte_ether_hdr, ether_type);
	for (unsigned i = 0; i < port->conf->vlans; i++) {
		at = be16_put(at, tag_type(port->conf, i));
		at = be16_put(at, port->conf->vlan[i]);
	}
	return be16_put(at, type);
}

static uint8_t *ipv4_put(uint8_t *at, const struct hop *hop, const struct port *port)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = (uint8_t)(port->conf->dscp << DSCP_SHIFT);
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = FRAME_TTL;
	ip->next_proto_id = IPPROTO_UDP;
	memcpy(&ip->src_addr, hop->source.byte + 12, sizeof(ip->src_addr));
	return at + sizeof(*ip);
}

static uint8_t *ipv6_put(uint8_t *at, const struct hop *hop, const struct port *port)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;
	uint32_t class = (uint32_t)port->conf->dscp << DSCP_SHIFT;

	ip->vtc_flow = rte_cpu_to_be_32(6u << 28 | class << RTE_IPV6_HDR_TC_SHIFT);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = FRAME_TTL;
	memcpy(ip->src_addr, hop->source.byte, sizeof(ip->src_addr));
	return at + sizeof(*ip);
}

static bool checksums_are_the_devices(const struct port *port, bool is_v6)
{
	uint64_t need = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	if (!is_v6)
		need |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	return (port->tx_offloads & need) == need;
}

static uint32_t sum_of(const void *data, size_t len)
{
	return rte_raw_cksum(data, len);
}

void frame_headers_make(struct frame_headers *h, const struct hop *hop, const struct port *port)
{
	bool is_v6 = !dp_addr_is_v4(&hop->via);
	struct rte_ether_hdr *ether;
	struct rte_udp_hdr *udp;
	uint8_t *ip, *end;

	memset(h, 0, sizeof(*h));
	h->made_for = neigh_mark(&hop->neigh);
	h->life = port->lives;
	h->is_v6 = is_v6;
	h->is_offloaded = checksums_are_the_devices(port, is_v6);
	if (h->is_offloaded)
		h->offloads = RTE_MBUF_F_TX_UDP_CKSUM |
			(is_v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
	h->l2_len = (uint8_t)port->l2_len;
	h->lengths = rte_mbuf_tx_offload(h->l2_len,
		is_v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr), 0, 0, 0, 0, 0);
	h->len = (uint8_t)(port->l2_len + (is_v6 ? FRAME_V6_BYTES : FRAME_V4_BYTES));
	ether = (struct rte_ether_hdr *)(h->bytes + sizeof(h->bytes) - h->len);
	ip = frame_ether_put(
		(uint8_t *)ether, port, is_v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	neigh_mac(&hop->neigh, &ether->dst_addr);
	end = is_v6 ? ipv6_put(ip, hop, port) : ipv4_put(ip, hop, port);
	udp = (struct rte_udp_hdr *)end;
	udp->src_port = rte_cpu_to_be_16(port->conf->udp_port);
	h->ip_sum = is_v6 ? 0 : sum_of(ip, sizeof(struct rte_ipv4_hdr));
	h->pseudo_sum = rte_cpu_to_be_16(IPPROTO_UDP);
	h->pseudo_sum += is_v6 ? sum_of(hop->source.byte, 16) : sum_of(hop->source.byte + 12, 4);
}

void frame_headers_group(struct frame_headers *h, const struct dp_addr *group)
{
	struct rte_ether_hdr *ether =
		(struct rte_ether_hdr *)(h->bytes + sizeof(h->bytes) - h->len);
	const uint8_t *low = group->byte + 12;

	if (h->is_v6)
		ether->dst_addr =
			(struct rte_ether_addr){{0x33, 0x33, low[0], low[1], low[2], low[3]}};
	else
		ether->dst_addr =
			(struct rte_ether_addr){{0x01, 0x00, 0x5e, low[1] & 0x7f, low[2], low[3]}};
}

// --- Patched, for each message --------------------------------------------------------------

// In the order of the wire, as all sums are.
static uint32_t words_sum(const uint8_t *data, unsigned words)
{
	uint32_t sum = 0;
	uint16_t word;

	for (unsigned i = 0; i < words; i++) {
		memcpy(&word, data + 2 * i, sizeof(word));
		sum += word;
	}
	return sum;
}

// Length and destination; returns their part of the sum over the pseudo header.
static uint32_t ipv4_patch(
	uint8_t *at, const struct frame_headers *h, const struct dp_addr *to, rte_be16_t udp_len)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at - 1;
	uint32_t to_sum = words_sum(to->byte + 12, 2);

	memcpy(&ip->dst_addr, to->byte + 12, sizeof(ip->dst_addr));
	ip->total_length = rte_cpu_to_be_16(rte_be_to_cpu_16(udp_len) + sizeof(*ip));
	if (!h->is_offloaded)
		ip->hdr_checksum = (uint16_t)~sum_fold(h->ip_sum + to_sum + ip->total_length);
	return to_sum + udp_len;
}

static uint32_t ipv6_patch(uint8_t *at, const struct dp_addr *to, rte_be16_t udp_len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at - 1;

	memcpy(ip->dst_addr, to->byte, sizeof(ip->dst_addr));
	ip->payload_len = udp_len;
	return words_sum(to->byte, 8) + udp_len;
}

// sum: over the pseudo header. The device wants that in the field, and does the rest.
static void udp_sum_put(struct rte_udp_hdr *udp, uint64_t sum, const struct frame_headers *h,
	const struct frame_message *message)
{
	if (h->is_offloaded) {
		udp->dgram_cksum = sum_fold(sum);
		return;
	}
	sum += udp->src_port + udp->dst_port + udp->dgram_len + message->known_sum;
	sum += sum_octets(message->data + message->known_len, message->len - message->known_len);
	udp->dgram_cksum = (uint16_t)~sum_fold(sum);
	// Zero would say that there is none (RFC 768).
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

void frame_headers_put(const struct frame_headers *h, const struct frame_message *message,
	const struct dp_addr *to, uint16_t port)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)message->data - 1;
	rte_be16_t udp_len = rte_cpu_to_be_16(message->len + sizeof(*udp));
	uint32_t sum;

	memcpy(message->data - sizeof(h->bytes), h->bytes, sizeof(h->bytes));
	sum = h->is_v6 ? ipv6_patch((uint8_t *)udp, to, udp_len)
		       : ipv4_patch((uint8_t *)udp, h, to, udp_len);
	udp->dst_port = rte_cpu_to_be_16(port);
	udp->dgram_len = udp_len;
	udp_sum_put(udp, sum + h->pseudo_sum, h, message);
}
