// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Checksums of what is received, against DPDK's.

#include "test.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include "packet.h"

#define PORT 2269
#define MESSAGE_MAX 300

struct scene {
	uint8_t octets[sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_udp_hdr) + MESSAGE_MAX];
	struct rte_mbuf m;
};

static void mbuf_make(struct scene *s, size_t len)
{
	memset(&s->m, 0, sizeof(s->m));
	s->m.buf_addr = s->octets;
	s->m.buf_len = s->m.data_len = (uint16_t)len;
	s->m.pkt_len = (uint32_t)len;
	s->m.nb_segs = 1;
}

static void udp_make(struct rte_udp_hdr *udp, uint16_t len)
{
	uint8_t *message = (uint8_t *)(udp + 1);

	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(40000),
		.dst_port = rte_cpu_to_be_16(PORT),
		.dgram_len = rte_cpu_to_be_16(sizeof(*udp) + len)};
	for (uint16_t i = 0; i < len; i++)
		message[i] = (uint8_t)(0xff - 37 * i);
}

// With `words` words of options.
static void v4_make(struct scene *s, uint16_t len, uint8_t words)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)s->octets;
	size_t header = sizeof(*ip) + 4u * words;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(s->octets + header);
	size_t total = header + sizeof(*udp) + len;

	memset(s->octets, 1, header);
	*ip = (struct rte_ipv4_hdr){.version_ihl = (uint8_t)(RTE_IPV4_VHL_DEF + words),
		.total_length = rte_cpu_to_be_16(total),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 255, 255, 1)),
		.dst_addr = rte_cpu_to_be_32(RTE_IPV4(192, 168, 26, 1))};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp_make(udp, len);
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
	mbuf_make(s, total);
}

static void v6_make(struct scene *s, uint16_t len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)s->octets;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	memset(ip, 0, sizeof(*ip));
	ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16(sizeof(*udp) + len);
	ip->proto = IPPROTO_UDP;
	ip->src_addr[0] = ip->dst_addr[0] = 0xfd;
	ip->src_addr[15] = 0xfe;
	ip->dst_addr[14] = 0xff;
	udp_make(udp, len);
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	mbuf_make(s, sizeof(*ip) + sizeof(*udp) + len);
}

// The verdict on the packet, which does not change it.
static enum dp_drop verdict(struct scene *s, bool is_v6)
{
	struct packet p = {0};
	struct rte_mbuf m = s->m;
	enum dp_drop why = is_v6 ? packet_ipv6(&m, &p) : packet_ipv4(&m, &p);

	return why != PACKET_OK ? why : packet_udp(&m, &p, PORT);
}

static void packet_takes_sums_of_all_lengths(void **state)
{
	static struct scene s;

	(void)state;
	for (uint16_t len = 0; len <= MESSAGE_MAX; len++) {
		for (uint8_t words = 0; words <= 4 && words * 4u + len <= MESSAGE_MAX; words++) {
			v4_make(&s, len, words);
			assert_int_equal(verdict(&s, false), PACKET_OK);
		}
		v6_make(&s, len);
		assert_int_equal(verdict(&s, true), PACKET_OK);
	}
}

// Each octet of the IPv4 header is under its sum.
static void packet_refuses_each_wrong_octet_of_a_header(void **state)
{
	static struct scene s;

	(void)state;
	v4_make(&s, 100, 2);
	for (size_t i = 4; i < sizeof(struct rte_ipv4_hdr) + 8; i++) {
		s.octets[i] ^= 0x10;
		assert_int_equal(verdict(&s, false), DP_DROP_IP_CHECKSUM);
		s.octets[i] ^= 0x10;
	}
	assert_int_equal(verdict(&s, false), PACKET_OK);
}

static void octets_flip(struct scene *s, bool is_v6, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		s->octets[i] ^= 0x10;
		assert_int_equal(verdict(s, is_v6), DP_DROP_UDP_CHECKSUM);
		s->octets[i] ^= 0x10;
	}
	assert_int_equal(verdict(s, is_v6), PACKET_OK);
}

static void packet_refuses_each_wrong_octet_under_the_sum_of_udp(void **state)
{
	static struct scene s;
	const size_t v4 = sizeof(struct rte_ipv4_hdr), v6 = sizeof(struct rte_ipv6_hdr);

	(void)state;
	for (uint16_t len = 100; len < 117; len++) {
		v4_make(&s, len, 0);
		octets_flip(&s, false, v4 + sizeof(struct rte_udp_hdr), s.m.data_len);
		v6_make(&s, len);
		octets_flip(&s, true, v6 - 32, v6);
		octets_flip(&s, true, v6 + sizeof(struct rte_udp_hdr), s.m.data_len);
	}
}

// The sum over IPv4's addresses, which that of the header hides, while both are changed alike.
static void packet_refuses_addresses_that_udp_was_not_sent_with(void **state)
{
	struct rte_ipv4_hdr *ip;
	static struct scene s;

	(void)state;
	v4_make(&s, 100, 0);
	ip = (struct rte_ipv4_hdr *)s.octets;
	ip->dst_addr ^= rte_cpu_to_be_32(3);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	assert_int_equal(verdict(&s, false), DP_DROP_UDP_CHECKSUM);
}

static void packet_needs_a_sum_in_ipv6_only(void **state)
{
	static struct scene s;

	(void)state;
	v4_make(&s, 100, 0);
	((struct rte_udp_hdr *)(s.octets + sizeof(struct rte_ipv4_hdr)))->dgram_cksum = 0;
	assert_int_equal(verdict(&s, false), PACKET_OK);
	v6_make(&s, 100);
	((struct rte_udp_hdr *)(s.octets + sizeof(struct rte_ipv6_hdr)))->dgram_cksum = 0;
	assert_int_equal(verdict(&s, true), DP_DROP_UDP_CHECKSUM);
}

static void packet_takes_exactly_the_tags_of_the_port(void **state)
{
	static const struct dp_port_conf conf = {.vlans = 2, .vlan = {5, 6}};
	static struct scene s;
	uint16_t type;

	(void)state;
	for (uint8_t inner = 5; inner <= 7; inner++) {
		const uint8_t tags[] = {0x81, 0, 0, 5, 0x81, 0, 0xe0, inner, 0x08, 0};

		memcpy(s.octets + 12, tags, sizeof(tags));
		mbuf_make(&s, 64);
		assert_int_equal(
			packet_tags(&conf, &s.m, &type), inner == 6 ? PACKET_OK : DP_DROP_VLAN);
	}
	assert_int_equal(type, RTE_ETHER_TYPE_IPV4);
	s.octets[12] = 0x08;
	mbuf_make(&s, 64);
	assert_int_equal(packet_tags(&conf, &s.m, &type), DP_DROP_VLAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packet_takes_sums_of_all_lengths),
		cmocka_unit_test(packet_refuses_each_wrong_octet_of_a_header),
		cmocka_unit_test(packet_refuses_each_wrong_octet_under_the_sum_of_udp),
		cmocka_unit_test(packet_refuses_addresses_that_udp_was_not_sent_with),
		cmocka_unit_test(packet_needs_a_sum_in_ipv6_only),
		cmocka_unit_test(packet_takes_exactly_the_tags_of_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
