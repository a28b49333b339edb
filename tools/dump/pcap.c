// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Finds UDP datagrams in capture files (libpcap reads pcap and pcapng). Fragments are skipped:
// MIKEY messages for MBMS are far smaller than a link's MTU.

#include <pcap/pcap.h>
#include <pcap/sll.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dump.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define PROTOCOL_UDP 17
#define UDP_HEADER_BYTES 8

// What is left of a frame while its headers are taken off.
struct packet {
	const uint8_t *data;
	size_t len;
};

struct capture {
	int link;
	uint16_t port;
	message_fn found;
	void *arg;
	unsigned count;
	bool is_ipv6;
	char when[40];
	char source[INET6_ADDRSTRLEN];
	char destination[INET6_ADDRSTRLEN];
};

static bool take(struct packet *p, size_t n)
{
	if (p->len < n)
		return false;
	p->data += n;
	p->len -= n;
	return true;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)(p[0] << 8 | p[1]);
}

static void udp_read(struct capture *c, struct packet p)
{
	char path[2 * INET6_ADDRSTRLEN + 32];
	struct message message = {.when = c->when, .path = path};
	const uint8_t *header = p.data;
	unsigned source, destination, len;

	if (!take(&p, UDP_HEADER_BYTES))
		return;
	source = be16(header);
	destination = be16(header + 2);
	len = be16(header + 4);
	if ((source != c->port && destination != c->port) || len < UDP_HEADER_BYTES)
		return;
	snprintf(path, sizeof(path), c->is_ipv6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u", c->source,
		source, c->destination, destination);
	message.number = ++c->count;
	message.data = p.data;
	// A frame cut by the capture gives a truncated message.
	message.len = p.len < len - UDP_HEADER_BYTES ? p.len : len - UDP_HEADER_BYTES;
	c->found(c->arg, &message);
}

static void ipv4_read(struct capture *c, struct packet p)
{
	const uint8_t *header = p.data;
	size_t header_len, total;

	if (p.len < 20 || header[0] >> 4 != 4)
		return;
	header_len = (header[0] & 0xf) * 4u;
	total = be16(header + 2);
	// A total of 0 stands for segmentation by the device.
	if (total >= header_len && total < p.len)
		p.len = total;
	if (header_len < 20 || !take(&p, header_len))
		return;
	if ((be16(header + 6) & 0x3fff) != 0 || header[9] != PROTOCOL_UDP)
		return;
	c->is_ipv6 = false;
	inet_ntop(AF_INET, header + 12, c->source, sizeof(c->source));
	inet_ntop(AF_INET, header + 16, c->destination, sizeof(c->destination));
	udp_read(c, p);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
		protocol == IPPROTO_DSTOPTS;
}

static void ipv6_read(struct capture *c, struct packet p)
{
	const uint8_t *header = p.data;
	uint8_t next;

	if (!take(&p, 40) || header[0] >> 4 != 6)
		return;
	if (be16(header + 4) > 0 && be16(header + 4) < p.len)
		p.len = be16(header + 4);
	next = header[6];
	while (is_extension(next)) {
		if (p.len < 8)
			return;
		next = p.data[0];
		if (!take(&p, (p.data[1] + 1u) * 8))
			return;
	}
	if (next != PROTOCOL_UDP)
		return;
	c->is_ipv6 = true;
	inet_ntop(AF_INET6, header + 8, c->source, sizeof(c->source));
	inet_ntop(AF_INET6, header + 24, c->destination, sizeof(c->destination));
	udp_read(c, p);
}

static void network_read(struct capture *c, struct packet p, unsigned ethertype)
{
	while (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ) {
		if (p.len < 4)
			return;
		ethertype = be16(p.data + 2);
		take(&p, 4);
	}
	if (ethertype == ETHERTYPE_IPV4)
		ipv4_read(c, p);
	else if (ethertype == ETHERTYPE_IPV6)
		ipv6_read(c, p);
}

// A link header of `len` octets, with the EtherType at `type_off`.
static void link_read(struct capture *c, struct packet p, size_t len, size_t type_off)
{
	const uint8_t *header = p.data;

	if (take(&p, len))
		network_read(c, p, be16(header + type_off));
}

static void frame_read(struct capture *c, struct packet p)
{
	switch (c->link) {
	case DLT_EN10MB:
		link_read(c, p, 14, 12);
		break;
	case DLT_LINUX_SLL:
		link_read(c, p, SLL_HDR_LEN, 14);
		break;
	case DLT_LINUX_SLL2:
		link_read(c, p, SLL2_HDR_LEN, 0);
		break;
	default: // raw IP
		if (p.len > 0)
			network_read(c, p, p.data[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
		break;
	}
}

static void stamp_write(struct capture *c, const struct pcap_pkthdr *header)
{
	time_t seconds = header->ts.tv_sec;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(c->when, sizeof(c->when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(c->when + len, sizeof(c->when) - len, ".%06ldZ", (long)header->ts.tv_usec);
}

static bool link_is_known(int link)
{
	return link == DLT_EN10MB || link == DLT_RAW || link == DLT_IPV4 || link == DLT_IPV6 ||
		link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2;
}

// False when the file ends in the middle of a packet or is otherwise damaged.
static bool packets_read(pcap_t *pcap, struct capture *c)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;
	int ret;

	while ((ret = pcap_next_ex(pcap, &header, &data)) == 1) {
		stamp_write(c, header);
		frame_read(c, (struct packet){data, header->caplen});
	}
	return ret == PCAP_ERROR_BREAK;
}

bool capture_read(const char *path, uint16_t port, message_fn found, void *arg, char why[512])
{
	struct capture c = {.port = port, .found = found, .arg = arg};
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, error);
	bool is_read = false;

	if (pcap == NULL) {
		// Some of its sentences begin with the file, some do not.
		if (strncmp(error, path, strlen(path)) == 0)
			snprintf(why, 512, "%s", error);
		else
			snprintf(why, 512, "%s: %s", path, error);
		return false;
	}
	c.link = pcap_datalink(pcap);
	if (!link_is_known(c.link))
		snprintf(why, 512, "%s: link type %d is none of Ethernet, raw IP and Linux cooked",
			path, c.link);
	else if (!(is_read = packets_read(pcap, &c)))
		snprintf(why, 512, "%s: %s", path, pcap_geterr(pcap));
	pcap_close(pcap);
	return is_read;
}
