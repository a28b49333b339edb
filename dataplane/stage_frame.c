// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Writes the headers in front of the messages of a burst, and hands them to the ports they leave
// by. Headers are copied from the next hop's and patched; sums are carried on from what never
// changes (RFC 1624), or left to the device where it offers that.

#include "worker.h"

static const struct frame_headers *headers_get(struct worker *w, unsigned number)
{
	const struct hop *hop = &w->shared->routes.hop[number];
	const struct port *port = &w->shared->port[hop->port];
	struct frame_headers *h = &w->headers[number];

	if (h->made_for != neigh_mark(&hop->neigh) || h->life != port->lives)
		frame_headers_make(h, hop, port);
	return h;
}

// In the order of the wire, as all sums are.
static uint32_t words_sum(const uint8_t *data, unsigned words)
{
	uint32_t sum = 0;
	uint16_t word;

	for (unsigned i = 0; i < words; i++) {
		memcpy(&word, data + 2 * i, sizeof(word));
		sum += word;
	}
	return sum;
}

// Length and destination; returns their part of the sum over the pseudo header.
static uint32_t ipv4_patch(uint8_t *at, const struct frame_headers *h, const struct dp_addr *to,
	rte_be16_t udp_len, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at - 1;
	uint32_t to_sum = words_sum(to->byte + 12, 2);

	memcpy(&ip->dst_addr, to->byte + 12, sizeof(ip->dst_addr));
	ip->total_length = rte_cpu_to_be_16(rte_be_to_cpu_16(udp_len) + sizeof(*ip));
	if (h->is_offloaded)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	else
		ip->hdr_checksum = (uint16_t)~frame_sum_fold(h->ip_sum + to_sum + ip->total_length);
	m->l3_len = sizeof(*ip);
	return to_sum + udp_len;
}

static uint32_t ipv6_patch(uint8_t *at, const struct frame_headers *h, const struct dp_addr *to,
	rte_be16_t udp_len, struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at - 1;

	memcpy(ip->dst_addr, to->byte, sizeof(ip->dst_addr));
	ip->payload_len = udp_len;
	if (h->is_offloaded)
		m->ol_flags |= RTE_MBUF_F_TX_IPV6;
	m->l3_len = sizeof(*ip);
	return words_sum(to->byte, 8) + udp_len;
}

typedef uint64_t two_words __attribute__((vector_size(16)));

// The same of all octets of a message, 16 or more, as 32-bit words: they are folded to 16 bits
// where the checksum is put.
static uint64_t octets_sum(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	two_words sum = {0}, high = {0}, x;
	uint64_t last;

	for (; len >= sizeof(x); data += sizeof(x), len -= sizeof(x)) {
		memcpy(&x, data, sizeof(x));
		sum += x & UINT32_MAX;
		high += x >> 32;
	}
	sum += high;
	if (len >= sizeof(last)) {
		memcpy(&last, data, sizeof(last));
		sum[0] += (last & UINT32_MAX) + (last >> 32);
		len -= sizeof(last);
	}
	// Octets before the last ones have been counted.
	memcpy(&last, end - sizeof(last), sizeof(last));
	last = len == 0 ? 0 : last >> (64 - 8 * len);
	return sum[0] + sum[1] + (last & UINT32_MAX) + (last >> 32);
}

// sum: over the pseudo header. The device wants that in the field, and does the rest.
static void udp_sum_put(
	struct rte_udp_hdr *udp, uint64_t sum, const uint8_t *message, struct rte_mbuf *m)
{
	if (m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6)) {
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
		udp->dgram_cksum = frame_sum_fold(sum);
		return;
	}
	sum += udp->src_port + udp->dst_port + udp->dgram_len;
	sum += octets_sum(message, m->data_len);
	udp->dgram_cksum = (uint16_t)~frame_sum_fold(sum);
	// Zero would say that there is none (RFC 768).
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

void frame_put(
	struct rte_mbuf *m, const struct frame_headers *h, const struct dp_addr *to, uint16_t port)
{
	uint8_t *message = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)message - 1;
	rte_be16_t udp_len = rte_cpu_to_be_16(m->data_len + sizeof(*udp));
	uint32_t sum;

	memcpy(message - sizeof(h->bytes), h->bytes, sizeof(h->bytes));
	sum = h->is_v6 ? ipv6_patch((uint8_t *)udp, h, to, udp_len, m)
		       : ipv4_patch((uint8_t *)udp, h, to, udp_len, m);
	m->l2_len = h->l2_len;
	udp->dst_port = rte_cpu_to_be_16(port);
	udp->dgram_len = udp_len;
	udp_sum_put(udp, sum + h->pseudo_sum, message, m);
	m->data_off = (uint16_t)(m->data_off - h->len);
	m->data_len = (uint16_t)(m->data_len + h->len);
	m->pkt_len = m->data_len;
}

static void frame_hand_over(struct worker *w, unsigned i, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	struct egress *e = &w->egress[w->shared->routes.hop[b->hop[i]].port];

	if (e->n == 0) {
		e->run = b->run;
		e->sweep = b->sweep;
		e->round = b->round;
		e->is_aside = b->is_aside;
		e->counter = b->counter;
		e->built_ns = now->ns;
		e->bytes = 0;
	}
	e->id[e->n] = b->id[i];
	e->single[e->n] = b->single[i];
	e->area[e->n] = b->area[i];
	e->bytes += b->mbuf[i]->pkt_len;
	e->is_expired[e->n] = b->is_expired[i];
	e->mbuf[e->n++] = b->mbuf[i];
	e->hops |= 1ull << b->hop[i];
}

void stage_frame(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	const struct frame_headers *h = NULL;

	for (unsigned i = 0; i < b->n; i++) {
		if (i == 0 || b->hop[i] != b->hop[i - 1])
			h = headers_get(w, b->hop[i]);
		frame_put(b->mbuf[i], h, &b->address[i], b->port[i]);
		frame_hand_over(w, i, now);
	}
	b->n = 0;
	b->run = NULL;
}
