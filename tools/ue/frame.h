// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ethernet, ARP, IPv4, ICMP echo and UDP, as far as a gateway with phones behind it needs them.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "ue.h"

#define UE_ETHER_BYTES 14
#define UE_VLANS_MAX 2

// Our end of the link. Frames have exactly these tags, the outer one first.
struct ue_station {
	uint8_t mac[6];
	unsigned vlans;
	uint16_t vlan[UE_VLANS_MAX];
};

enum ue_frame_kind {
	UE_FRAME_ARP, // a request
	UE_FRAME_ND, // a neighbour solicitation
	UE_FRAME_ECHO, // an echo request, of either version
	UE_FRAME_UDP,
};

// A sound frame for this station. Points into it.
struct ue_frame {
	enum ue_frame_kind kind;
	const uint8_t *ether; // the whole frame
	const uint8_t *payload; // UDP: the datagram; echo, ND: the ICMP message; ARP: its packet
	size_t payload_len;
	struct ue_address source;
	struct ue_address destination; // ARP, ND: the address asked for
	uint16_t source_port;
	uint16_t destination_port;
};

// Checks everything up to the UDP payload. Frames to our MAC or to all stations are ours, and to
// the groups of IPv6.
enum ue_refusal ue_frame_parse(
	struct ue_frame *frame, const uint8_t *data, size_t len, const struct ue_station *station);

// Where a UDP frame goes and where it comes from.
struct ue_flow {
	const struct ue_station *station; // ours
	const uint8_t *destination_mac;
	struct ue_address source;
	struct ue_address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint16_t ip_id;
};

// Where the payload of a UDP frame stands that leaves from an address of this IP version.
size_t ue_frame_payload_at(const struct ue_station *station, const struct ue_address *source);
// Puts the headers before payload_len octets that stand there; returns the frame's length.
size_t ue_frame_udp(uint8_t *out, const struct ue_flow *flow, size_t payload_len);
// Answers a request for an address, or an echo request; 0 when the answer does not fit cap.
size_t ue_frame_arp_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station);
size_t ue_frame_nd_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station);
size_t ue_frame_echo_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const struct ue_station *station);
