// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Our own address on the wire: answers ARP (RFC 826) and echo requests (RFC 792), and asks for
// the gateway. An answer reuses the frame that asked for it.

#include <rte_arp.h>
#include <rte_ethdev.h>
#include <rte_icmp.h>

#include "frame.h"
#include "worker.h"

static unsigned out_flush(struct worker *w)
{
	unsigned taken;
	uint64_t bytes[OUT_MAX + 1];

	// The port owns a frame once it took it: lengths are noted before.
	bytes[0] = 0;
	for (unsigned i = 0; i < w->out_n; i++)
		bytes[i + 1] = bytes[i] + w->out[i]->pkt_len;
	capture_tx_begin(w, w->out, w->out_n);
	taken = rte_eth_tx_burst(w->shared->port_id, w->queue, w->out, (uint16_t)w->out_n);
	capture_tx_end(w, taken);
	w->stats.tx_frames += taken;
	w->stats.tx_bytes += bytes[taken];
	w->out_n -= taken;
	memmove(w->out, w->out + taken, w->out_n * sizeof(w->out[0]));
	return taken;
}

// Takes the mbuf; false when it was dropped.
static bool answer_send(struct worker *w, struct rte_mbuf *mbuf)
{
	if (w->out_n == OUT_MAX)
		out_flush(w);
	if (w->out_n == OUT_MAX) {
		worker_drop(w, mbuf, DP_DROP_NO_ROOM_TO_ANSWER);
		return false;
	}
	w->out[w->out_n++] = mbuf;
	return true;
}

static bool arp_is_sound(const struct rte_mbuf *m, const struct rte_arp_hdr *arp)
{
	return m->data_len >= sizeof(struct rte_ether_hdr) + sizeof(*arp) &&
		arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
		arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
		arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == 4 &&
		(arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
			arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
}

static void gateway_hear(struct worker *w, const struct rte_arp_hdr *arp, const struct dp_now *now)
{
	struct dp_event event = {.kind = DP_EVENT_GATEWAY_MAC};

	if (memcmp(&arp->arp_data.arp_sip, w->shared->conf->gateway, 4) != 0)
		return;
	if (neigh_learn(&w->shared->neigh, &arp->arp_data.arp_sha, now->ns))
		worker_event(w, &event);
}

static void arp_fill(struct worker *w, struct rte_mbuf *m, uint16_t opcode,
	const struct rte_ether_addr *to_mac, const uint8_t to_ip[4])
{
	struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(ether + 1);

	ether->dst_addr = *to_mac;
	ether->src_addr = w->shared->mac;
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(opcode);
	arp->arp_data.arp_sha = w->shared->mac;
	arp->arp_data.arp_tha = *to_mac;
	memcpy(&arp->arp_data.arp_sip, w->shared->conf->ipv4, 4);
	memcpy(&arp->arp_data.arp_tip, to_ip, 4);
	m->data_len = sizeof(*ether) + sizeof(*arp);
	m->pkt_len = m->data_len;
	m->ol_flags = 0;
}

void answer_arp(struct worker *w, struct rte_mbuf *m, const struct dp_now *now)
{
	struct rte_arp_hdr *arp =
		rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, RTE_ETHER_HDR_LEN);
	struct rte_ether_addr mac;
	uint8_t ip[4];

	if (!arp_is_sound(m, arp)) {
		worker_drop(w, m, DP_DROP_ARP_MALFORMED);
		return;
	}
	if (memcmp(&arp->arp_data.arp_tip, w->shared->conf->ipv4, 4) != 0) {
		worker_drop(w, m, DP_DROP_ARP_NOT_OURS);
		return;
	}
	gateway_hear(w, arp, now);
	if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY)) {
		w->stats.arp_replies++;
		rte_pktmbuf_free(m);
		return;
	}
	mac = arp->arp_data.arp_sha;
	memcpy(ip, &arp->arp_data.arp_sip, 4);
	arp_fill(w, m, RTE_ARP_OP_REPLY, &mac, ip);
	w->stats.arp_answers += answer_send(w, m);
}

void answer_echo(struct worker *w, struct rte_mbuf *m)
{
	struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)((uint8_t *)ip + m->l3_len);
	unsigned have = m->data_len - m->l2_len - m->l3_len;
	rte_be32_t from = ip->src_addr;

	if (have < sizeof(*icmp) || icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST ||
		icmp->icmp_code != 0 || rte_raw_cksum(icmp, have) != 0xffff ||
		rte_is_broadcast_ether_addr(&ether->dst_addr)) {
		worker_drop(w, m, DP_DROP_ICMP);
		return;
	}
	ether->dst_addr = ether->src_addr;
	ether->src_addr = w->shared->mac;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = from;
	ip->time_to_live = FRAME_TTL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, m->l3_len);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, have);
	m->ol_flags = 0;
	w->stats.echo_answers += answer_send(w, m);
}

// Worker 0 asks. A gateway that is already known is asked directly, and everybody when it does
// not answer: it may have another MAC now.
static void gateway_ask(struct worker *w, const struct dp_now *now)
{
	bool is_repeat = w->shared->neigh.asked_ns != 0;
	struct rte_ether_addr to;
	struct rte_mbuf *m;

	if (w->index != 0 || w->out_n == OUT_MAX || !neigh_ask(&w->shared->neigh, now->ns))
		return;
	m = rte_pktmbuf_alloc(w->pool);
	if (m == NULL) {
		w->stats.no_mbuf++;
		return;
	}
	if (!neigh_mac(&w->shared->neigh, &to) || is_repeat)
		memset(&to, 0xff, sizeof(to));
	arp_fill(w, m, RTE_ARP_OP_REQUEST, &to, w->shared->conf->gateway);
	w->stats.arp_requests += answer_send(w, m);
}

unsigned answer_tx(struct worker *w, const struct dp_now *now)
{
	gateway_ask(w, now);
	return w->out_n > 0 ? out_flush(w) : 0;
}
