// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Neighbour discovery (RFC 4861): solicitations for addresses of ours are answered, also those of
// a station that wants to use one (RFC 4862 5.4, duplicate address detection); next hops are asked
// for and heard. Everything else of ND is none of our business: addresses and routes are the
// file's.

#include <netinet/icmp6.h>

#include "packet.h"
#include "worker.h"

#define OPTION_BYTES 8 // a link-layer address option of Ethernet

struct nd_message {
	uint8_t type;
	uint8_t code;
	rte_be16_t checksum;
	rte_be32_t flags;
	struct dp_addr target;
	uint8_t option[]; // type, length in 8 octets, and so on
} __attribute__((packed));

struct nd_option {
	uint8_t type;
	uint8_t length;
	struct rte_ether_addr mac;
};

static const struct dp_addr all_nodes = {{0xff, 0x02, [15] = 1}};

static struct nd_message *nd_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct nd_message *, m->l2_len + m->l3_len);
}

// The link-layer address of a message; NULL: none. False: an option is malformed (RFC 4861 4.6).
static bool option_find(
	const struct nd_message *nd, unsigned len, uint8_t type, const struct rte_ether_addr **mac)
{
	const uint8_t *at = nd->option, *end = (const uint8_t *)nd + len;

	*mac = NULL;
	while (end - at >= 2) {
		unsigned bytes = at[1] * 8u;

		if (bytes == 0 || bytes > (unsigned)(end - at))
			return false;
		if (at[0] == type && bytes == OPTION_BYTES)
			*mac = &((const struct nd_option *)at)->mac;
		at += bytes;
	}
	return at == end;
}

// RFC 4861 7.1.1 and 7.1.2. The checksum was looked at before.
static bool nd_is_sound(const struct packet *p, const struct nd_message *nd, unsigned len,
	const struct rte_ether_addr **mac)
{
	bool is_solicitation = nd->type == ND_NEIGHBOR_SOLICIT;

	if (len < sizeof(*nd) || p->hop_limit != 255 || nd->code != 0 || nd->target.byte[0] == 0xff)
		return false;
	if (!option_find(nd, len, is_solicitation ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR,
		    mac))
		return false;
	if (is_solicitation && dp_addr_is_none(&p->from))
		return *mac == NULL && p->to.byte[0] == 0xff;
	return true;
}

static bool target_is_ours(const struct port *port, const struct dp_addr *target)
{
	if (memcmp(target, &port->link_local, sizeof(*target)) == 0)
		return true;
	for (unsigned i = 0; i < port->conf->addresses; i++)
		if (memcmp(target, &port->conf->address[i].addr, sizeof(*target)) == 0)
			return true;
	return false;
}

// Writes header and message with the option; ours is the source.
static void nd_put(struct rte_mbuf *m, const struct dp_addr *from, const struct dp_addr *to,
	const struct nd_message *head, const struct nd_option *option)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, m->l2_len);
	struct nd_message *nd = (struct nd_message *)(ip + 1);

	*nd = *head;
	memcpy(nd->option, option, sizeof(*option));
	memset(ip, 0, sizeof(*ip));
	ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16(sizeof(*nd) + sizeof(*option));
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = 255;
	memcpy(ip->src_addr, from->byte, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, to->byte, sizeof(ip->dst_addr));
	nd->checksum = rte_ipv6_udptcp_cksum(ip, nd);
	m->l3_len = sizeof(*ip);
	m->data_len = (uint16_t)(m->l2_len + sizeof(*ip) + sizeof(*nd) + sizeof(*option));
	m->pkt_len = m->data_len;
}

// The frame that asked may be shorter than the answer; a buffer never is.
static void solicitation_answer(
	struct worker *w, unsigned number, struct rte_mbuf *m, const struct packet *p)
{
	const struct port *port = &w->shared->port[number];
	bool is_detection = dp_addr_is_none(&p->from);
	struct nd_message head = {
		.type = ND_NEIGHBOR_ADVERT,
		.flags = ND_NA_FLAG_OVERRIDE | (is_detection ? 0 : ND_NA_FLAG_SOLICITED),
		.target = nd_of(m)->target,
	};
	struct nd_option option = {ND_OPT_TARGET_LINKADDR, OPTION_BYTES / 8, port->mac};
	struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	nd_put(m, &head.target, is_detection ? &all_nodes : &p->from, &head, &option);
	if (is_detection)
		ether->src_addr = (struct rte_ether_addr){{0x33, 0x33, 0, 0, 0, 1}};
	w->stats.nd_answers += answer_turn(w, number, m);
}

void answer_nd(struct worker *w, unsigned number, struct rte_mbuf *m, const struct packet *p,
	const struct dp_now *now)
{
	const struct nd_message *nd = nd_of(m);
	const struct rte_ether_addr *mac;

	if (!nd_is_sound(p, nd, m->data_len - m->l2_len - m->l3_len, &mac)) {
		worker_drop(w, m, DP_DROP_ND_MALFORMED);
		return;
	}
	if (nd->type == ND_NEIGHBOR_ADVERT) {
		w->stats.nd_replies++;
		if (mac != NULL)
			hop_hear(w, number, &nd->target, mac, now);
		rte_pktmbuf_free(m);
		return;
	}
	if (mac != NULL)
		hop_hear(w, number, &p->from, mac, now);
	if (target_is_ours(&w->shared->port[number], &nd->target))
		solicitation_answer(w, number, m, p);
	else
		worker_drop(w, m, DP_DROP_ND_NOT_OURS);
}

bool ask_nd(struct worker *w, const struct hop *hop, bool is_direct)
{
	const struct port *port = &w->shared->port[hop->port];
	struct rte_mbuf *m = ask_frame(w, port, RTE_ETHER_TYPE_IPV6);
	struct nd_message head = {.type = ND_NEIGHBOR_SOLICIT, .target = hop->via};
	struct nd_option option = {ND_OPT_SOURCE_LINKADDR, OPTION_BYTES / 8, port->mac};
	// The solicited-node group (RFC 4291, 2.7.1), and its MAC address (RFC 2464, 7).
	struct dp_addr to = {{0xff, 0x02, [11] = 0x01, 0xff, hop->via.byte[13], hop->via.byte[14],
		hop->via.byte[15]}};
	struct rte_ether_addr mac = {
		{0x33, 0x33, 0xff, hop->via.byte[13], hop->via.byte[14], hop->via.byte[15]}};

	if (m == NULL)
		return false;
	if (is_direct) {
		to = hop->via;
		neigh_mac(&hop->neigh, &mac);
	}
	nd_put(m, &port->link_local, &to, &head, &option);
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr = mac;
	if (!answer_send(w, hop->port, m))
		return false;
	w->stats.nd_requests++;
	return true;
}
