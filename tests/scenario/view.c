// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "view.h"

#include <string.h>

#include "ue/checksum.h"

#define ETHER_BYTES 14
#define ICMP_BYTES 8

static void ipv4_view(struct view *v, const uint8_t *ip, size_t len)
{
	if (len < IPV4_BYTES + UDP_BYTES)
		return;
	v->from = ue_address_v4(ip + 12);
	v->to = ue_address_v4(ip + 16);
	v->is_udp = ip[9] == PROTOCOL_UDP;
	v->udp = v->ip + IPV4_BYTES;
}

static void ipv6_view(struct view *v, const uint8_t *ip, size_t len)
{
	if (len < IPV6_BYTES + UDP_BYTES)
		return;
	memcpy(v->from.octets, ip + 8, 16);
	memcpy(v->to.octets, ip + 24, 16);
	v->is_udp = ip[6] == PROTOCOL_UDP;
	v->udp = v->ip + IPV6_BYTES;
	v->is_request = ip[6] == PROTOCOL_ICMPV6 && ip[IPV6_BYTES] == ND_SOLICITATION;
	if (v->is_request)
		memcpy(v->to.octets, ip + IPV6_BYTES + 8, 16);
}

void view_make(struct view *v, const uint8_t *frame, size_t len)
{
	size_t at = 12;

	*v = (struct view){0};
	if (len < ETHER_BYTES)
		return;
	while (at + 6 < len &&
		(get16(frame + at) == ETHERTYPE_VLAN || get16(frame + at) == ETHERTYPE_QINQ))
		at += 4;
	v->type = get16(frame + at);
	v->ip = at + 2;
	if (v->type == ETHERTYPE_IPV4)
		ipv4_view(v, frame + v->ip, len - v->ip);
	if (v->type == ETHERTYPE_IPV6)
		ipv6_view(v, frame + v->ip, len - v->ip);
	if (v->type == ETHERTYPE_ARP && len >= v->ip + ARP_BYTES) {
		v->is_request = true;
		v->to = ue_address_v4(frame + v->ip + 24);
	}
	v->message = v->udp + UDP_BYTES;
}

static size_t ipv4_make(uint8_t *ip, const uint8_t *quoted, size_t len, const uint8_t gateway[4])
{
	uint8_t *icmp = ip + IPV4_BYTES;

	memset(ip, 0, IPV4_BYTES + ICMP_BYTES);
	ip[0] = 0x45;
	put16(ip + 2, IPV4_BYTES + ICMP_BYTES + len);
	ip[8] = 64;
	ip[9] = PROTOCOL_ICMP;
	memcpy(ip + 12, gateway, 4);
	memcpy(ip + 16, quoted + 12, 4);
	put16(ip + 10, sum_fold(sum_add(0, ip, IPV4_BYTES)));
	icmp[0] = 3;
	icmp[1] = 1;
	memcpy(icmp + ICMP_BYTES, quoted, len);
	put16(icmp + 2, sum_fold(sum_add(0, icmp, ICMP_BYTES + len)));
	return IPV4_BYTES + ICMP_BYTES + len;
}

static size_t ipv6_make(uint8_t *ip, const uint8_t *quoted, size_t len, const uint8_t gateway[16])
{
	uint8_t *icmp = ip + IPV6_BYTES;

	memset(ip, 0, IPV6_BYTES + ICMP_BYTES);
	ip[0] = 0x60;
	put16(ip + 4, ICMP_BYTES + len);
	ip[6] = PROTOCOL_ICMPV6;
	ip[7] = 64;
	memcpy(ip + 8, gateway, 16);
	memcpy(ip + 24, quoted + 8, 16);
	icmp[0] = 1;
	memcpy(icmp + ICMP_BYTES, quoted, len);
	put16(icmp + 2, sum_above_ip(ip, PROTOCOL_ICMPV6, icmp, ICMP_BYTES + len));
	return IPV6_BYTES + ICMP_BYTES + len;
}

size_t view_unreachable(const struct view *v, const uint8_t *frame, size_t len,
	const struct ue_address *gateway, uint8_t *out)
{
	bool is_v4 = v->type == ETHERTYPE_IPV4;
	size_t quote = is_v4 ? IPV4_BYTES + UDP_BYTES : len - v->ip;

	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + 12, frame + 12, v->ip - 12);
	return v->ip +
		(is_v4 ? ipv4_make(out + v->ip, frame + v->ip, quote, gateway->octets + 12)
		       : ipv6_make(out + v->ip, frame + v->ip, quote, gateway->octets));
}
