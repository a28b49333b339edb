// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// ICMP (RFC 792) and ICMPv6 (RFC 4443): echo requests are answered; when somebody says that a
// message of ours did not reach its phone, that is counted for the phone's area. It is not
// believed any further: anybody can say so.

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <rte_icmp.h>

#include "packet.h"
#include "worker.h"

#define ICMP_BYTES 8 // of the header, in both versions

// --- Messages about messages of ours --------------------------------------------------------

// What an error message quotes: the packet it is about, as far as ports.
struct quote {
	struct dp_addr from;
	struct dp_addr to;
	rte_be16_t from_port;
};

static bool quote_v4(const uint8_t *at, unsigned len, struct quote *q)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)at;

	if (len < sizeof(*ip) || ip->version_ihl >> 4 != 4 || ip->next_proto_id != IPPROTO_UDP ||
		rte_ipv4_hdr_len(ip) < sizeof(*ip) || len < rte_ipv4_hdr_len(ip) + 4u)
		return false;
	q->from = q->to = (struct dp_addr){{[10] = 0xff, [11] = 0xff}};
	memcpy(q->from.byte + 12, &ip->src_addr, 4);
	memcpy(q->to.byte + 12, &ip->dst_addr, 4);
	memcpy(&q->from_port, at + rte_ipv4_hdr_len(ip), sizeof(q->from_port));
	return true;
}

static bool quote_v6(const uint8_t *at, unsigned len, struct quote *q)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)at;

	if (len < sizeof(*ip) + 4 || at[0] >> 4 != 6 || ip->proto != IPPROTO_UDP)
		return false;
	memcpy(q->from.byte, ip->src_addr, sizeof(q->from.byte));
	memcpy(q->to.byte, ip->dst_addr, sizeof(q->to.byte));
	memcpy(&q->from_port, at + sizeof(*ip), sizeof(q->from_port));
	return true;
}

// Whether the quoted packet can be one of ours.
static bool quote_is_ours(const struct dp_shared *s, const struct quote *q)
{
	for (unsigned h = 0; h < s->routes.hops; h++) {
		const struct hop *hop = &s->routes.hop[h];

		if (memcmp(&hop->source, &q->from, sizeof(q->from)) == 0 &&
			q->from_port == rte_cpu_to_be_16(s->port[hop->port].conf->udp_port))
			return true;
	}
	return false;
}

// False: it is not about anything we sent.
static bool unreachable_count(struct worker *w, const struct quote *q, bool is_too_big)
{
	const struct routes *r = &w->shared->routes;
	uint16_t way;

	if (!quote_is_ours(w->shared, q))
		return false;
	routes_find_burst(r, &q->to, 1, &way);
	w->area[routes_way(r, way)->area].unreachable++;
	w->stats.icmp_unreachable++;
	w->stats.icmp_too_big += is_too_big;
	return true;
}

static bool error_take_v4(struct worker *w, const uint8_t *icmp, unsigned len)
{
	bool is_error = icmp[0] == ICMP_DEST_UNREACH || icmp[0] == ICMP_TIME_EXCEEDED;
	struct quote q;

	return is_error && quote_v4(icmp + ICMP_BYTES, len - ICMP_BYTES, &q) &&
		unreachable_count(
			w, &q, icmp[0] == ICMP_DEST_UNREACH && icmp[1] == ICMP_FRAG_NEEDED);
}

static bool error_take_v6(struct worker *w, const uint8_t *icmp, unsigned len)
{
	bool is_error = icmp[0] == ICMP6_DST_UNREACH || icmp[0] == ICMP6_PACKET_TOO_BIG ||
		icmp[0] == ICMP6_TIME_EXCEEDED;
	struct quote q;

	return is_error && quote_v6(icmp + ICMP_BYTES, len - ICMP_BYTES, &q) &&
		unreachable_count(w, &q, icmp[0] == ICMP6_PACKET_TOO_BIG);
}

// --- Echo -----------------------------------------------------------------------------------

static void echo_answer_v4(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)((uint8_t *)ip + m->l3_len);
	rte_be32_t from = ip->src_addr;

	ip->src_addr = ip->dst_addr;
	ip->dst_addr = from;
	ip->time_to_live = FRAME_TTL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, m->l3_len);
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, m->data_len - m->l2_len - m->l3_len);
	w->stats.echo_answers += answer_turn(w, port, m);
}

#define ICMP6_SUM_AT 2 // RFC 4443, 2.1

static void echo_answer_v6(struct worker *w, unsigned port, struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, m->l2_len);
	uint8_t *icmp = (uint8_t *)(ip + 1); // not where the compiler would put a struct icmp6_hdr
	uint8_t from[16];
	uint16_t sum = 0;

	memcpy(from, ip->src_addr, sizeof(from));
	memcpy(ip->src_addr, ip->dst_addr, sizeof(from));
	memcpy(ip->dst_addr, from, sizeof(from));
	ip->hop_limits = FRAME_TTL;
	icmp[0] = ICMP6_ECHO_REPLY;
	memcpy(icmp + ICMP6_SUM_AT, &sum, sizeof(sum));
	sum = rte_ipv6_udptcp_cksum(ip, icmp);
	memcpy(icmp + ICMP6_SUM_AT, &sum, sizeof(sum));
	w->stats.echo_answers += answer_turn(w, port, m);
}

// --- Taking them ----------------------------------------------------------------------------

// A request that came to us alone: an answer to a group would multiply it.
static bool frame_is_direct(const struct rte_mbuf *m)
{
	return rte_is_unicast_ether_addr(
		&rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr);
}

void answer_icmp(struct worker *w, unsigned port, struct rte_mbuf *m, const struct packet *p)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, m->l2_len + m->l3_len);
	unsigned len = m->data_len - m->l2_len - m->l3_len;

	(void)p;
	if (len < ICMP_BYTES || rte_raw_cksum(icmp, len) != 0xffff)
		worker_drop(w, m, DP_DROP_ICMP);
	else if (icmp[0] == ICMP_ECHO && icmp[1] == 0 && frame_is_direct(m))
		echo_answer_v4(w, port, m);
	else if (error_take_v4(w, icmp, len))
		rte_pktmbuf_free(m);
	else
		worker_drop(w, m, DP_DROP_ICMP);
}

void answer_icmp6(struct worker *w, unsigned port, struct rte_mbuf *m, const struct packet *p,
	const struct dp_now *now)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, m->l2_len + m->l3_len);
	unsigned len = m->data_len - m->l2_len - m->l3_len;

	if (len < ICMP_BYTES || !packet_sum_holds(m))
		worker_drop(w, m, DP_DROP_ICMP);
	else if (icmp[0] == ND_NEIGHBOR_SOLICIT || icmp[0] == ND_NEIGHBOR_ADVERT)
		answer_nd(w, port, m, p, now);
	else if (icmp[0] == ICMP6_ECHO_REQUEST && icmp[1] == 0 && frame_is_direct(m) &&
		!dp_addr_is_none(&p->from))
		echo_answer_v6(w, port, m);
	else if (error_take_v6(w, icmp, len))
		rte_pktmbuf_free(m);
	else
		worker_drop(w, m, DP_DROP_ICMP);
}
