// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What goes out.

#include <string.h>

#include "checksum.h"
#include "frame.h"

#define IP_TTL 64
#define ND_OPTION_BYTES 8
#define ND_FLAGS_SOLICITED 0xe0 // a router's, solicited, to be believed
#define ND_FLAGS_TO_ALL 0xa0

static size_t ether_bytes(const struct ue_station *station)
{
	return UE_ETHER_BYTES + 4u * station->vlans;
}

static void ether_put(
	uint8_t *out, const uint8_t *to, const struct ue_station *station, uint16_t type)
{
	uint8_t *at = out + 12;

	memcpy(out, to, 6);
	memcpy(out + 6, station->mac, 6);
	for (unsigned i = 0; i < station->vlans; i++, at += 4) {
		put16(at, station->vlans == 2 && i == 0 ? ETHERTYPE_QINQ : ETHERTYPE_VLAN);
		put16(at + 2, station->vlan[i]);
	}
	put16(at, type);
}

static void ipv4_put(uint8_t *ip, const struct ue_address *from, const struct ue_address *to,
	size_t len, uint8_t protocol)
{
	memset(ip, 0, IPV4_BYTES);
	ip[0] = 0x45;
	put16(ip + 2, IPV4_BYTES + len);
	ip[6] = 0x40; // do not fragment
	ip[8] = IP_TTL;
	ip[9] = protocol;
	memcpy(ip + 12, &from->octets[12], 4);
	memcpy(ip + 16, &to->octets[12], 4);
}

static void ipv6_put(uint8_t *ip, const struct ue_address *from, const struct ue_address *to,
	size_t len, uint8_t protocol)
{
	memset(ip, 0, IPV6_BYTES);
	ip[0] = 0x60;
	put16(ip + 4, len);
	ip[6] = protocol;
	ip[7] = IP_TTL;
	memcpy(ip + 8, from->octets, 16);
	memcpy(ip + 24, to->octets, 16);
}

size_t ue_frame_payload_at(const struct ue_station *station, const struct ue_address *source)
{
	return ether_bytes(station) + (address_is_v4(source) ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;
}

size_t ue_frame_udp(uint8_t *out, const struct ue_flow *flow, size_t payload_len)
{
	bool is_v4 = address_is_v4(&flow->source);
	uint8_t *ip = out + ether_bytes(flow->station);
	uint8_t *udp = ip + (is_v4 ? IPV4_BYTES : IPV6_BYTES);
	size_t udp_len = UDP_BYTES + payload_len;
	uint16_t sum;

	ether_put(
		out, flow->destination_mac, flow->station, is_v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	if (is_v4) {
		ipv4_put(ip, &flow->source, &flow->destination, udp_len, PROTOCOL_UDP);
		put16(ip + 4, flow->ip_id);
		put16(ip + 10, sum_fold(sum_add(0, ip, IPV4_BYTES)));
	} else {
		ipv6_put(ip, &flow->source, &flow->destination, udp_len, PROTOCOL_UDP);
	}
	put16(udp, flow->source_port);
	put16(udp + 2, flow->destination_port);
	put16(udp + 4, udp_len);
	put16(udp + 6, 0);
	sum = sum_above_ip(ip, PROTOCOL_UDP, udp, udp_len);
	put16(udp + 6, sum != 0 ? sum : 0xffff);
	return (size_t)(udp - out) + udp_len;
}

size_t ue_frame_arp_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station)
{
	uint8_t *arp = out + ether_bytes(station);

	if (cap < ether_bytes(station) + ARP_BYTES)
		return 0;
	ether_put(out, request->payload + 8, station, ETHERTYPE_ARP);
	memcpy(arp, request->payload, 6);
	put16(arp + 6, 2);
	memcpy(arp + 8, station->mac, 6);
	memcpy(arp + 14, request->payload + 24, 4);
	memcpy(arp + 18, request->payload + 8, 10);
	return ether_bytes(station) + ARP_BYTES;
}

size_t ue_frame_nd_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station)
{
	static const uint8_t all_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const struct ue_address all = {{0xff, 0x02, [15] = 1}};
	bool is_detection = ue_address_is_none(&request->source);
	uint8_t *ip = out + ether_bytes(station), *nd = ip + IPV6_BYTES;
	size_t len = ND_BYTES + ND_OPTION_BYTES;

	if (cap < ether_bytes(station) + IPV6_BYTES + len)
		return 0;
	// Who looks for a duplicate has no address yet (RFC 4862, 5.4).
	ether_put(out, is_detection ? all_mac : request->ether + 6, station, ETHERTYPE_IPV6);
	ipv6_put(ip, &request->destination, is_detection ? &all : &request->source, len,
		PROTOCOL_ICMPV6);
	ip[7] = 255;
	memset(nd, 0, len);
	nd[0] = ND_ADVERTISEMENT;
	nd[4] = is_detection ? ND_FLAGS_TO_ALL : ND_FLAGS_SOLICITED;
	memcpy(nd + 8, request->destination.octets, 16);
	nd[24] = 2; // target link-layer address
	nd[25] = 1;
	memcpy(nd + 26, station->mac, 6);
	put16(nd + 2, sum_above_ip(ip, PROTOCOL_ICMPV6, nd, len));
	return (size_t)(nd - out) + len;
}

size_t ue_frame_echo_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station)
{
	bool is_v4 = address_is_v4(&request->destination);
	uint8_t *ip = out + ether_bytes(station);
	uint8_t *icmp = ip + (is_v4 ? IPV4_BYTES : IPV6_BYTES);
	size_t len = request->payload_len;

	if ((size_t)(icmp - out) + len > cap)
		return 0;
	ether_put(out, request->ether + 6, station, is_v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	memcpy(icmp, request->payload, len);
	icmp[0] = is_v4 ? 0 : 129;
	put16(icmp + 2, 0);
	if (is_v4) {
		ipv4_put(ip, &request->destination, &request->source, len, PROTOCOL_ICMP);
		put16(ip + 10, sum_fold(sum_add(0, ip, IPV4_BYTES)));
		put16(icmp + 2, sum_fold(sum_add(0, icmp, len)));
	} else {
		ipv6_put(ip, &request->destination, &request->source, len, PROTOCOL_ICMPV6);
		put16(icmp + 2, sum_above_ip(ip, PROTOCOL_ICMPV6, icmp, len));
	}
	return (size_t)(icmp - out) + len;
}
