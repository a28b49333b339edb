// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ethernet, ARP, IPv4, ICMP echo and UDP, as far as a gateway with phones behind it needs them.

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "ue.h"

#define UE_ETHER_BYTES 14
#define UE_UDP_PAYLOAD (UE_ETHER_BYTES + 20 + 8) // where a UDP payload starts in what we send

enum ue_frame_kind {
	UE_FRAME_ARP, // a request
	UE_FRAME_ECHO, // an echo request
	UE_FRAME_UDP,
};

// A sound frame for this station. Points into it.
struct ue_frame {
	enum ue_frame_kind kind;
	const uint8_t *ether; // the whole frame
	const uint8_t *payload; // UDP: the datagram; echo: the ICMP message; ARP: its packet
	size_t payload_len;
	struct ue_address source;
	struct ue_address destination; // ARP: the address asked for
	uint16_t source_port;
	uint16_t destination_port;
};

// Checks everything up to the UDP payload. Frames to `mac` or to all stations are ours.
enum ue_refusal ue_frame_parse(
	struct ue_frame *frame, const uint8_t *data, size_t len, const uint8_t mac[6]);

// Where a UDP frame goes and where it comes from. IPv4 only.
struct ue_flow {
	const uint8_t *source_mac;
	const uint8_t *destination_mac;
	struct ue_address source;
	struct ue_address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint16_t ip_id;
};

// Puts the headers before payload_len octets that stand at UE_UDP_PAYLOAD; returns the frame's
// length.
size_t ue_frame_udp(uint8_t *out, const struct ue_flow *flow, size_t payload_len);
// Answers an ARP or an echo request; 0 when the answer does not fit cap.
size_t ue_frame_arp_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const uint8_t mac[6]);
size_t ue_frame_echo_reply(
	uint8_t *out, size_t cap, const struct ue_frame *request, const uint8_t mac[6]);
