// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What came in, layer by layer.

#include <string.h>

#include "checksum.h"
#include "frame.h"

#define ND_HOP_LIMIT 255

static const uint8_t mac_all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static enum ue_refusal arp_parse(struct ue_frame *frame, const uint8_t *arp, size_t len)
{
	static const uint8_t head[] = {0x00, 0x01, 0x08, 0x00, 0x06, 0x04};

	if (len < ARP_BYTES)
		return UE_RUNT;
	if (memcmp(arp, head, sizeof(head)) != 0)
		return UE_ARP_MALFORMED;
	if (get16(arp + 6) == 2)
		return UE_ARP_NOT_REQUEST;
	if (get16(arp + 6) != 1)
		return UE_ARP_MALFORMED;
	frame->kind = UE_FRAME_ARP;
	frame->payload = arp;
	frame->payload_len = ARP_BYTES;
	frame->source = ue_address_v4(arp + 14);
	frame->destination = ue_address_v4(arp + 24);
	return UE_ACCEPTED;
}

static enum ue_refusal icmp_parse(struct ue_frame *frame, const uint8_t *icmp, size_t len)
{
	if (len < 8 || icmp[0] != 8 || icmp[1] != 0 || sum_fold(sum_add(0, icmp, len)) != 0)
		return UE_ICMP;
	frame->kind = UE_FRAME_ECHO;
	frame->payload = icmp;
	frame->payload_len = len;
	return UE_ACCEPTED;
}

static enum ue_refusal udp_parse(
	struct ue_frame *frame, const uint8_t *ip, const uint8_t *udp, size_t len)
{
	size_t udp_len;

	if (len < UDP_BYTES)
		return UE_UDP_LENGTH;
	udp_len = get16(udp + 4);
	if (udp_len < UDP_BYTES || udp_len > len)
		return UE_UDP_LENGTH;
	// Zero means that the sender computed none (RFC 768), which IPv6 does not have.
	if (get16(udp + 6) == 0 && ip[0] >> 4 == 6)
		return UE_UDP_CHECKSUM;
	if (get16(udp + 6) != 0 && sum_above_ip(ip, PROTOCOL_UDP, udp, udp_len) != 0)
		return UE_UDP_CHECKSUM;
	frame->kind = UE_FRAME_UDP;
	frame->source_port = get16(udp);
	frame->destination_port = get16(udp + 2);
	frame->payload = udp + UDP_BYTES;
	frame->payload_len = udp_len - UDP_BYTES;
	return UE_ACCEPTED;
}

static enum ue_refusal ipv4_parse(struct ue_frame *frame, const uint8_t *ip, size_t len)
{
	size_t head, total;

	if (len < IPV4_BYTES)
		return UE_RUNT;
	head = (size_t)(ip[0] & 0x0f) * 4;
	total = get16(ip + 2);
	if (ip[0] >> 4 != 4 || head < IPV4_BYTES || total < head || total > len)
		return UE_IP_HEADER;
	if (sum_fold(sum_add(0, ip, head)) != 0)
		return UE_IP_CHECKSUM;
	if ((get16(ip + 6) & 0x3fff) != 0)
		return UE_IP_FRAGMENT;
	if (ip[8] == 0)
		return UE_IP_TTL;
	frame->source = ue_address_v4(ip + 12);
	frame->destination = ue_address_v4(ip + 16);
	if (ip[9] == PROTOCOL_UDP)
		return udp_parse(frame, ip, ip + head, total - head);
	if (ip[9] == PROTOCOL_ICMP)
		return icmp_parse(frame, ip + head, total - head);
	return UE_IP_PROTOCOL;
}

static enum ue_refusal solicitation_parse(
	struct ue_frame *frame, const uint8_t *ip, const uint8_t *nd, size_t len)
{
	// RFC 4861, 7.1.1.
	if (len < ND_BYTES || ip[7] != ND_HOP_LIMIT || nd[1] != 0)
		return UE_ND_MALFORMED;
	frame->kind = UE_FRAME_ND;
	memcpy(frame->destination.octets, nd + 8, sizeof(frame->destination.octets));
	return UE_ACCEPTED;
}

static enum ue_refusal icmpv6_parse(
	struct ue_frame *frame, const uint8_t *ip, const uint8_t *icmp, size_t len)
{
	if (len < 8 || sum_above_ip(ip, PROTOCOL_ICMPV6, icmp, len) != 0)
		return UE_ICMP;
	frame->payload = icmp;
	frame->payload_len = len;
	if (icmp[0] == ND_SOLICITATION)
		return solicitation_parse(frame, ip, icmp, len);
	frame->kind = UE_FRAME_ECHO;
	return icmp[0] == 128 && icmp[1] == 0 ? UE_ACCEPTED : UE_ICMP;
}

static enum ue_refusal ipv6_parse(struct ue_frame *frame, const uint8_t *ip, size_t len)
{
	size_t total;

	if (len < IPV6_BYTES)
		return UE_RUNT;
	total = get16(ip + 4);
	if (ip[0] >> 4 != 6 || total > len - IPV6_BYTES)
		return UE_IP_HEADER;
	if (ip[7] == 0)
		return UE_IP_TTL;
	memcpy(frame->source.octets, ip + 8, sizeof(frame->source.octets));
	memcpy(frame->destination.octets, ip + 24, sizeof(frame->destination.octets));
	// An IPv4 address in disguise is nobody's.
	if (address_is_v4(&frame->source) || address_is_v4(&frame->destination))
		return UE_IP_HEADER;
	if (ip[6] == PROTOCOL_UDP)
		return udp_parse(frame, ip, ip + IPV6_BYTES, total);
	if (ip[6] == PROTOCOL_ICMPV6)
		return icmpv6_parse(frame, ip, ip + IPV6_BYTES, total);
	return ip[6] == PROTOCOL_FRAGMENT ? UE_IP_FRAGMENT : UE_IP_PROTOCOL;
}

static bool mac_is_ours(const uint8_t *mac, const struct ue_station *station)
{
	return memcmp(mac, station->mac, 6) == 0 || memcmp(mac, mac_all, 6) == 0 ||
		(mac[0] == 0x33 && mac[1] == 0x33);
}

// Steps over the tags that a frame has to have; *at is where the type stands.
static bool tags_match(
	const uint8_t *data, size_t len, const struct ue_station *station, size_t *at)
{
	for (unsigned i = 0; i < station->vlans; i++, *at += 4) {
		uint16_t type = get16(data + *at);

		if (len < *at + 6 || (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) ||
			(get16(data + *at + 2) & 0xfff) != station->vlan[i])
			return false;
	}
	return true;
}

enum ue_refusal ue_frame_parse(
	struct ue_frame *frame, const uint8_t *data, size_t len, const struct ue_station *station)
{
	size_t at = 12;

	*frame = (struct ue_frame){.ether = data};
	if (len < UE_ETHER_BYTES)
		return UE_RUNT;
	if (!mac_is_ours(data, station))
		return UE_NOT_OUR_MAC;
	if (!tags_match(data, len, station, &at))
		return UE_VLAN;
	switch (get16(data + at)) {
	case ETHERTYPE_ARP:
		return arp_parse(frame, data + at + 2, len - at - 2);
	case ETHERTYPE_IPV4:
		return ipv4_parse(frame, data + at + 2, len - at - 2);
	case ETHERTYPE_IPV6:
		return ipv6_parse(frame, data + at + 2, len - at - 2);
	default:
		return UE_ETHERTYPE;
	}
}
