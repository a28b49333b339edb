// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What stands around a message in a frame: tags, IP, UDP.

#pragma once

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "conf.h"

#define FRAME_TTL 64
#define FRAME_V4_BYTES (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define FRAME_V6_BYTES (sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_udp_hdr))
// Room for the longest headers: two tags, IPv6, UDP. They stand in the head room of a buffer, so
// that a message always begins where the data of a fresh buffer do.
#define FRAME_HEADERS_MAX \
	(sizeof(struct rte_ether_hdr) + 2 * sizeof(struct rte_vlan_hdr) + FRAME_V6_BYTES)
_Static_assert(FRAME_HEADERS_MAX + 16 <= RTE_PKTMBUF_HEADROOM, "headers fit the head room");

// The headers of everything that goes to one next hop, and sums over what never changes in them.
struct frame_headers {
	uint64_t made_for; // neigh_mark() of the MAC in it, 0: not made yet
	uint32_t life; // of the port they were made for
	uint8_t bytes[80]; // the last octet of the headers is bytes[len - 1]
	uint8_t len;
	uint8_t l2_len;
	bool is_v6;
	bool is_offloaded; // the device makes the checksums
	uint64_t offloads; // flags of its mbufs then, else 0
	uint64_t lengths; // of Ethernet and IP headers, as mbufs have them (tx_offload)
	uint32_t ip_sum; // of the IPv4 header without length and destination
	uint32_t pseudo_sum; // of the pseudo header without length and destination
};

struct dp_addr;
struct hop;
struct port;

// Writes the headers for a next hop whose MAC is known.
void frame_headers_make(struct frame_headers *h, const struct hop *hop, const struct port *port);

// Makes them those of frames to a multicast group: its MAC (RFC 1112 6.4, RFC 2464 7).
void frame_headers_group(struct frame_headers *h, const struct dp_addr *group);

// A message to put headers in front of, and the sum over its first octets where all of a burst
// share them: sum_octets() of an even number, 0 of none.
struct frame_message {
	uint8_t *data;
	uint16_t len;
	uint16_t known_len;
	uint64_t known_sum;
};

// Writes the headers in front of a message, h->len octets. IPv4's checksum is carried on from what
// never changes (RFC 1624), UDP's from what the burst shares; or they are left to the device.
void frame_headers_put(const struct frame_headers *h, const struct frame_message *message,
	const struct dp_addr *to, uint16_t port);

// The header of a frame of ours with the tags of the port, all but the destination. Returns where
// it ends.
uint8_t *frame_ether_put(uint8_t *at, const struct port *port, uint16_t type);
