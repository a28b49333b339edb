// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Sizes of what stands around a message in a frame.

#pragma once

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define FRAME_HEADERS_BYTES \
	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define FRAME_TTL 64
