// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Writes Ethernet, IPv4 and UDP headers in front of the messages of a burst. Checksums are left
// to the device where it offers both, else made here.

#include "frame.h"
#include "worker.h"

struct headers {
	struct rte_ether_hdr ether;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
} __attribute__((packed, aligned(2)));

static void headers_init(const struct worker *w, struct headers *h)
{
	const struct dp_conf *conf = w->shared->conf;

	memset(h, 0, sizeof(*h));
	neigh_mac(&w->shared->neigh, &h->ether.dst_addr);
	h->ether.src_addr = w->shared->mac;
	h->ether.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->ip.version_ihl = RTE_IPV4_VHL_DEF;
	h->ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	h->ip.time_to_live = FRAME_TTL;
	h->ip.next_proto_id = IPPROTO_UDP;
	memcpy(&h->ip.src_addr, conf->ipv4, sizeof(h->ip.src_addr));
	h->udp.src_port = rte_cpu_to_be_16(conf->udp_port);
}

static void checksum_leave(struct rte_mbuf *m, struct headers *h)
{
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
	m->l2_len = sizeof(h->ether);
	m->l3_len = sizeof(h->ip);
	h->udp.dgram_cksum = rte_ipv4_phdr_cksum(&h->ip, m->ol_flags);
}

static void frame_write(const struct worker *w, const struct headers *tpl, unsigned i)
{
	const struct burst *b = &w->burst;
	struct rte_mbuf *m = b->mbuf[i];
	struct headers *h = rte_pktmbuf_mtod(m, struct headers *);

	*h = *tpl;
	h->ip.dst_addr = b->address[i];
	h->ip.total_length = rte_cpu_to_be_16(m->data_len - sizeof(h->ether));
	h->udp.dst_port = rte_cpu_to_be_16(b->port[i]);
	h->udp.dgram_len = rte_cpu_to_be_16(m->data_len - sizeof(h->ether) - sizeof(h->ip));
	if (w->shared->is_checksum_offloaded) {
		checksum_leave(m, h);
		return;
	}
	h->ip.hdr_checksum = rte_ipv4_cksum(&h->ip);
	h->udp.dgram_cksum = rte_ipv4_udptcp_cksum(&h->ip, &h->udp);
}

void stage_frame(struct worker *w)
{
	struct headers tpl;

	headers_init(w, &tpl);
	for (unsigned i = 0; i < w->burst.n; i++)
		frame_write(w, &tpl, i);
}
