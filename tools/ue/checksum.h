// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Octets of the wire, and the sums over them (RFC 1071).

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "address.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ARP_BYTES 28
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES 8
#define PROTOCOL_ICMP 1
#define PROTOCOL_UDP 17
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMPV6 58
#define ND_SOLICITATION 135
#define ND_ADVERTISEMENT 136
#define ND_BYTES 24

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// The sum before folding and inversion, so that pieces can be added up. Every piece but the last
// has an even length.
static inline uint64_t sum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	for (; len >= 2; data += 2, len -= 2)
		sum += get16(data);
	if (len > 0)
		sum += (uint64_t)data[0] << 8;
	return sum;
}

static inline uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

// The pseudo header (RFC 768; RFC 8200, 8.1) and what stands behind the IP header.
static inline uint16_t sum_above_ip(
	const uint8_t *ip, uint8_t protocol, const uint8_t *data, size_t len)
{
	uint64_t sum = protocol + len;

	sum = ip[0] >> 4 == 4 ? sum_add(sum, ip + 12, 8) : sum_add(sum, ip + 8, 32);
	return sum_fold(sum_add(sum, data, len));
}

static inline bool address_is_v4(const struct ue_address *address)
{
	struct ue_address mapped = ue_address_v4(&address->octets[12]);

	return ue_address_equal(address, &mapped);
}
