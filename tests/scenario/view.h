// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Where things stand in a frame, whatever tags and IP version it has.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ue/address.h"

struct view {
	bool is_udp;
	bool is_request; // ARP or ND, for an address
	size_t ip; // offsets in the frame
	size_t udp;
	size_t message;
	uint16_t type;
	struct ue_address from;
	struct ue_address to; // of a request: the address asked for
};

void view_make(struct view *v, const uint8_t *frame, size_t len);
// An ICMP or ICMPv6 message of a gateway: the frame did not reach its destination. Returns its
// length; out has room for the frame and headers.
size_t view_unreachable(const struct view *v, const uint8_t *frame, size_t len,
	const struct ue_address *gateway, uint8_t *out);
