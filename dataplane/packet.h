// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Checks of what was received, before anything in it is believed: lengths first, then checksums.
// Pure functions of a buffer; they cut it to the packet, because Ethernet may pad frames.

#pragma once

#include <rte_mbuf.h>

#include "conf.h"
#include "stats.h"

#define PACKET_OK DP_DROP_COUNT // no reason to drop it

struct packet {
	// Came over an interface of this machine's kernel: a peer on the same machine leaves its
	// checksum to a device that the packet never passes.
	bool is_local;
	bool is_v6;
	uint8_t protocol; // what stands behind the IP header
	uint8_t hop_limit;
	struct dp_addr from;
	struct dp_addr to;
};

// Sets l2_len of the mbuf and *type, the Ethernet type behind the tags that the port has.
enum dp_drop packet_tags(const struct dp_port_conf *conf, struct rte_mbuf *m, uint16_t *type);
// The IP header (RFC 791 3.1, RFC 8200 3): l3_len is set, the mbuf cut to the packet.
enum dp_drop packet_ipv4(struct rte_mbuf *m, struct packet *p);
enum dp_drop packet_ipv6(struct rte_mbuf *m, struct packet *p);
// UDP to a port: leaves the mbuf at what it carries.
enum dp_drop packet_udp(struct rte_mbuf *m, const struct packet *p, uint16_t port);
// Whether the sum over pseudo header and packet holds, of a protocol that has it in IPv6 and of a
// packet that carries 8 octets or more.
bool packet_sum_holds(const struct rte_mbuf *m);
