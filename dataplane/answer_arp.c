// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// ARP (RFC 826): who asks for an address of ours is answered, who speaks for a next hop is heard,
// and next hops are asked for. An answer reuses the frame that asked for it.

#include <rte_arp.h>

#include "worker.h"

static bool arp_is_sound(const struct rte_mbuf *m, const struct rte_arp_hdr *arp)
{
	return m->data_len >= m->l2_len + sizeof(*arp) &&
		arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
		arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
		arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == 4 &&
		(arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
			arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
}

static struct dp_addr addr_of(rte_be32_t v4)
{
	struct dp_addr addr = {{[10] = 0xff, [11] = 0xff}};

	memcpy(addr.byte + 12, &v4, sizeof(v4));
	return addr;
}

// Ours on this port: another port's link is no business of this one's.
static bool addr_is_ports(const struct port *port, const struct dp_addr *addr)
{
	for (unsigned i = 0; i < port->conf->addresses; i++)
		if (memcmp(addr, &port->conf->address[i].addr, sizeof(*addr)) == 0)
			return true;
	return false;
}

// Everything behind the tags; ours is the sender.
static void arp_put(struct rte_mbuf *m, const struct port *port, uint16_t opcode, rte_be32_t ours)
{
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, m->l2_len);

	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(opcode);
	arp->arp_data.arp_sha = port->mac;
	arp->arp_data.arp_sip = ours;
	m->data_len = (uint16_t)(m->l2_len + sizeof(*arp));
	m->pkt_len = m->data_len;
}

static void arp_answer(struct worker *w, unsigned number, struct rte_mbuf *m)
{
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, m->l2_len);
	rte_be32_t ours = arp->arp_data.arp_tip;

	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp_put(m, &w->shared->port[number], RTE_ARP_OP_REPLY, ours);
	w->stats.arp_answers += answer_turn(w, number, m);
}

void answer_arp(struct worker *w, unsigned number, struct rte_mbuf *m, const struct dp_now *now)
{
	const struct rte_arp_hdr *arp =
		rte_pktmbuf_mtod_offset(m, const struct rte_arp_hdr *, m->l2_len);
	struct dp_addr to, from;

	if (!arp_is_sound(m, arp)) {
		worker_drop(w, m, DP_DROP_ARP_MALFORMED);
		return;
	}
	to = addr_of(arp->arp_data.arp_tip);
	from = addr_of(arp->arp_data.arp_sip);
	if (!addr_is_ports(&w->shared->port[number], &to)) {
		// A station may announce itself (RFC 5227, 3): a hint, no more.
		if (memcmp(&to, &from, sizeof(to)) == 0)
			hop_hear(w, number, &from, &arp->arp_data.arp_sha, now);
		worker_drop(w, m, DP_DROP_ARP_NOT_OURS);
		return;
	}
	hop_hear(w, number, &from, &arp->arp_data.arp_sha, now);
	if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST)) {
		arp_answer(w, number, m);
		return;
	}
	w->stats.arp_replies++;
	rte_pktmbuf_free(m);
}

bool ask_arp(struct worker *w, const struct hop *hop, bool is_direct)
{
	const struct port *port = &w->shared->port[hop->port];
	struct rte_ether_addr to = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct rte_mbuf *m = ask_frame(w, port, RTE_ETHER_TYPE_ARP);
	struct rte_arp_hdr *arp;
	rte_be32_t ours;

	if (m == NULL)
		return false;
	if (is_direct)
		neigh_mac(&hop->neigh, &to);
	arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, m->l2_len);
	arp->arp_data.arp_tha = (struct rte_ether_addr){{0}};
	memcpy(&arp->arp_data.arp_tip, hop->via.byte + 12, 4);
	memcpy(&ours, hop->source.byte + 12, sizeof(ours));
	arp_put(m, port, RTE_ARP_OP_REQUEST, ours);
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = to;
	if (!answer_send(w, hop->port, m))
		return false;
	w->stats.arp_requests++;
	return true;
}
