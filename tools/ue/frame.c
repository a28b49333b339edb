// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "frame.h"

#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ARP_BYTES 28
#define IP_BYTES 20
#define IP_TTL 64
#define PROTOCOL_ICMP 1
#define PROTOCOL_UDP 17

static const uint8_t mac_all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// RFC 1071: the sum before folding and inversion, so that pieces can be added up. Every piece
// but the last has an even length.
static uint64_t sum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	for (; len >= 2; data += 2, len -= 2)
		sum += get16(data);
	if (len > 0)
		sum += (uint64_t)data[0] << 8;
	return sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// The pseudo header of RFC 768 and the datagram behind it.
static uint16_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	return sum_fold(sum_add(sum_add(PROTOCOL_UDP + len, ip + 12, 8), udp, len));
}

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

	if (len < 8)
		return UE_UDP_LENGTH;
	udp_len = get16(udp + 4);
	if (udp_len < 8 || udp_len > len)
		return UE_UDP_LENGTH;
	// RFC 768: zero means that the sender computed none.
	if (get16(udp + 6) != 0 && udp_sum(ip, udp, udp_len) != 0)
		return UE_UDP_CHECKSUM;
	frame->kind = UE_FRAME_UDP;
	frame->source_port = get16(udp);
	frame->destination_port = get16(udp + 2);
	frame->payload = udp + 8;
	frame->payload_len = udp_len - 8;
	return UE_ACCEPTED;
}

static enum ue_refusal ip_parse(struct ue_frame *frame, const uint8_t *ip, size_t len)
{
	size_t head, total;

	if (len < IP_BYTES)
		return UE_RUNT;
	head = (size_t)(ip[0] & 0x0f) * 4;
	total = get16(ip + 2);
	if (ip[0] >> 4 != 4 || head < IP_BYTES || total < head || total > len)
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

enum ue_refusal ue_frame_parse(
	struct ue_frame *frame, const uint8_t *data, size_t len, const uint8_t mac[6])
{
	uint16_t type;

	*frame = (struct ue_frame){.ether = data};
	if (len < UE_ETHER_BYTES)
		return UE_RUNT;
	if (memcmp(data, mac, 6) != 0 && memcmp(data, mac_all, 6) != 0)
		return UE_NOT_OUR_MAC;
	type = get16(data + 12);
	if (type == ETHERTYPE_ARP)
		return arp_parse(frame, data + UE_ETHER_BYTES, len - UE_ETHER_BYTES);
	if (type == ETHERTYPE_IPV4)
		return ip_parse(frame, data + UE_ETHER_BYTES, len - UE_ETHER_BYTES);
	return UE_ETHERTYPE;
}

static void ether_put(uint8_t *out, const uint8_t *to, const uint8_t *from, uint16_t type)
{
	memcpy(out, to, 6);
	memcpy(out + 6, from, 6);
	put16(out + 12, type);
}

static void ip_put(uint8_t *ip, const struct ue_address *from, const struct ue_address *to,
	size_t total, uint8_t protocol)
{
	memset(ip, 0, IP_BYTES);
	ip[0] = 0x45;
	put16(ip + 2, total);
	ip[6] = 0x40; // do not fragment
	ip[8] = IP_TTL;
	ip[9] = protocol;
	memcpy(ip + 12, &from->octets[12], 4);
	memcpy(ip + 16, &to->octets[12], 4);
}

size_t ue_frame_udp(uint8_t *out, const struct ue_flow *flow, size_t payload_len)
{
	uint8_t *ip = out + UE_ETHER_BYTES, *udp = ip + IP_BYTES;
	size_t udp_len = 8 + payload_len;
	uint16_t sum;

	ether_put(out, flow->destination_mac, flow->source_mac, ETHERTYPE_IPV4);
	ip_put(ip, &flow->source, &flow->destination, IP_BYTES + udp_len, PROTOCOL_UDP);
	put16(ip + 4, flow->ip_id);
	put16(ip + 10, sum_fold(sum_add(0, ip, IP_BYTES)));
	put16(udp, flow->source_port);
	put16(udp + 2, flow->destination_port);
	put16(udp + 4, udp_len);
	put16(udp + 6, 0);
	sum = udp_sum(ip, udp, udp_len);
	put16(udp + 6, sum != 0 ? sum : 0xffff);
	return UE_ETHER_BYTES + IP_BYTES + udp_len;
}

size_t ue_frame_arp_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const uint8_t mac[6])
{
	uint8_t *arp = out + UE_ETHER_BYTES;

	if (cap < UE_ETHER_BYTES + ARP_BYTES)
		return 0;
	ether_put(out, request->payload + 8, mac, ETHERTYPE_ARP);
	memcpy(arp, request->payload, 6);
	put16(arp + 6, 2);
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, request->payload + 24, 4);
	memcpy(arp + 18, request->payload + 8, 10);
	return UE_ETHER_BYTES + ARP_BYTES;
}

size_t ue_frame_echo_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const uint8_t mac[6])
{
	uint8_t *ip = out + UE_ETHER_BYTES, *icmp = ip + IP_BYTES;
	size_t len = UE_ETHER_BYTES + IP_BYTES + request->payload_len;

	if (len > cap)
		return 0;
	ether_put(out, request->ether + 6, mac, ETHERTYPE_IPV4);
	ip_put(ip, &request->destination, &request->source, len - UE_ETHER_BYTES, PROTOCOL_ICMP);
	put16(ip + 10, sum_fold(sum_add(0, ip, IP_BYTES)));
	memcpy(icmp, request->payload, request->payload_len);
	icmp[0] = 0;
	put16(icmp + 2, 0);
	put16(icmp + 2, sum_fold(sum_add(0, icmp, request->payload_len)));
	return len;
}
