// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf.h"

#define AT(member) offsetof(struct conf, member)
#define PORT(member) offsetof(struct conf_port, member)
#define ROUTE(member) offsetof(struct conf_route, member)
#define AREA(member) offsetof(struct conf_area, member)

const struct conf_row conf_rows[] = {
	{"store.dir", CONF_TEXT, AT(store.dir), false, 1, 200, "/var/lib/mskpush", NULL,
		"Directory of the store; made with mode 0700 when it is missing."},
	{"store.map_size", CONF_SIZE, AT(store.map_bytes), false, 16ull << 20, 1ull << 44, "1G",
		NULL,
		"Size of the store, set aside on disk at the first start. 1G holds 4 million."},
	{"store.max_subscribers", CONF_COUNT, AT(store.max_subscribers), false, 1, 100000000,
		"10000000", NULL, "Most subscribers there can be: sizes the table of counters."},
	{"socket", CONF_TEXT, AT(socket), false, 0, 107, "", NULL,
		"Admin socket. Empty: $MSKPUSH_SOCKET, else $XDG_RUNTIME_DIR/mskpush/admin.sock, "
		"else "
		"/run/mskpush/admin.sock."},
	{"fqdn", CONF_TEXT, AT(fqdn), true, 1, 253, "bmsc.example.org", NULL,
		"NAF FQDN of this BM-SC: IDi of its MIKEY messages."},
	{"workers.count", CONF_COUNT, AT(workers.count), false, 1, CONF_WORKERS_MAX, "1", NULL,
		"Worker threads, each with a queue of the port."},
	{"workers.cpus", CONF_COUNTS, AT(workers.cpus), false, 0, 1023, "", NULL,
		"CPU of each worker. Empty: the first ones this process may run on."},
	{"workers.poll", CONF_CHOICE, AT(workers.poll), false, 0, 0, "sleep", "sleep busy",
		"Whether idle workers sleep or keep polling."},
	{"memory.size_mb", CONF_COUNT, AT(memory.size_mb), false, 64, 1048576, "512", NULL,
		"Memory for packet buffers, MiB."},
	{"memory.hugepages", CONF_CHOICE, AT(memory.hugepages), false, 0, 0, "false", "false true",
		"Whether that memory is in huge pages."},
	{"eal.file_prefix", CONF_TEXT, AT(eal.file_prefix), false, 0, 64, "", NULL,
		"Prefix of DPDK's run-time files. Empty: mskpush-PID."},
	{"eal.args", CONF_TEXTS, AT(eal.args), false, 1, 255, "", NULL,
		"More arguments for DPDK's EAL."},
	{"campaign.sends", CONF_COUNT, AT(campaign.sends), false, 1, CONF_SENDS_MAX, "8", NULL,
		"Most messages a member of a campaign gets."},
	{"campaign.waits", CONF_DURATIONS, AT(campaign.waits_s), false, 0, 3600, "1s, 2s, 4s, 8s",
		NULL,
		"Time to wait for an answer after the first send, the second, and so on; the last "
		"one "
		"stands for all that follow."},
	{"campaign.rate", CONF_COUNT, AT(campaign.rate), false, 0, 100000000, "0", NULL,
		"UEs per second a campaign sends to, over all workers. 0: as fast as the port "
		"takes."},
	{"muk_margin", CONF_DURATION, AT(muk_margin_s), false, 0, 86400, "30s", NULL,
		"A MUK that expires within this time counts as expired."},
	{"verification_timestamp_bytes", CONF_CHOICE, AT(verification_timestamp), false, 0, 0, "4",
		"4 8",
		"Octets of the counter in the MAC of a verification message (RFC 3830, 5.2 leaves "
		"it open)."},
	{"log.level", CONF_CHOICE, AT(log.level), false, 0, 0, "info", "error warning info debug",
		"What is logged: this level and those before it."},
};
const size_t conf_rows_count = sizeof(conf_rows) / sizeof(conf_rows[0]);

static const struct conf_row port_rows[] = {
	{"name", CONF_TEXT, PORT(name), false, 0, CONF_NAME_MAX - 1, "", NULL,
		"Name for routes and status. Empty: port0, port1, ..."},
	{"device", CONF_TEXT, PORT(device), true, 1, 255, "net_null0,no-rx=1", NULL,
		"DPDK device: a PCI address or a virtual device with its arguments."},
	{"mac", CONF_MAC, PORT(mac), false, 0, 0, "", NULL,
		"MAC address of the port. Empty: the device's own."},
	{"address", CONF_ADDRESSES, PORT(address), true, 0, 16, "192.0.2.1/24", NULL,
		"Addresses of the port, IPv4 and IPv6, with the length of the link's prefix: one, "
		"or a list. Messages leave from the one on the link of the next hop."},
	{"gateway", CONF_HOSTS, PORT(gateway), true, 0, CONF_MACS_MAX, "192.0.2.254", NULL,
		"Next hops of what no route says otherwise of: one, or a list. Of one IP version "
		"the first that can be used is taken."},
	{"gateway_mac", CONF_MACS, PORT(gateway_mac), false, 0, 0, "", NULL,
		"MAC addresses of the gateways, in their order. Empty: found by ARP or ND."},
	{"vlan", CONF_TAGS, PORT(vlan), false, 1, 4094, "", NULL,
		"VLAN of all frames: one number, or two, the outer one first (QinQ)."},
	{"dscp", CONF_COUNT, PORT(dscp), false, 0, 63, "0", NULL,
		"Differentiated services code point of what is sent."},
	{"mtu", CONF_COUNT, PORT(mtu), false, 576, 9000, "1500", NULL,
		"Longest IP packet, octets."},
	{"udp_port", CONF_COUNT, PORT(udp_port), false, 1, 65535, "2269", NULL,
		"UDP port of MIKEY messages, source and destination."},
	{"tx_descriptors", CONF_COUNT, PORT(tx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a transmit queue."},
	{"rx_descriptors", CONF_COUNT, PORT(rx_descriptors), false, 64, 4096, "1024", NULL,
		"Descriptors of a receive queue."},
	{"mbufs", CONF_COUNT, PORT(mbufs), false, 511, 262143, "4095", NULL,
		"Packet buffers per queue: more than both rings can hold."},
};

static const struct conf_row route_rows[] = {
	{"to", CONF_PREFIX, ROUTE(to), false, 0, 0, "", NULL,
		"Destinations. Several routes to one prefix are tried in their order."},
	{"via", CONF_ADDRESS, ROUTE(via), false, 0, 0, "", NULL, "The next hop."},
	{"mac", CONF_MAC, ROUTE(mac), false, 0, 0, "", NULL,
		"Its MAC address. Empty: found by ARP or ND."},
	{"port", CONF_TEXT, ROUTE(port), false, 0, CONF_NAME_MAX - 1, "", NULL,
		"Name of the port. Empty: the one on whose link the next hop is."},
	{"source", CONF_ADDRESS, ROUTE(source), false, 0, 0, "", NULL,
		"Which of the port's addresses messages leave from. Empty: the one on the link."},
	{"mtu", CONF_COUNT, ROUTE(mtu), false, 0, 9000, "0", NULL,
		"Longest IP packet of the path, octets. 0: the port's."},
};

static const struct conf_row area_rows[] = {
	{"name", CONF_TEXT, AREA(name), false, 1, CONF_NAME_MAX - 1, "", NULL, "Name of the area."},
	{"prefixes", CONF_PREFIXES, AREA(prefixes), false, 0, CONF_ADDRESSES_MAX, "", NULL,
		"Addresses of its phones. No two prefixes overlap."},
};

#define COUNT_OF(rows) (sizeof(rows) / sizeof((rows)[0]))
const struct conf_list conf_lists[] = {
	{"ports", "port", "workers.count", port_rows, COUNT_OF(port_rows), AT(port),
		sizeof(struct conf_port), AT(ports), CONF_PORTS_MAX, 1,
		"The ports; a single one may stand under the key port."},
	{"routes", NULL, "workers.count", route_rows, COUNT_OF(route_rows), AT(route),
		sizeof(struct conf_route), AT(routes), CONF_ROUTES_MAX, 0,
		"Next hops by longest prefix. What they do not cover goes to the gateways."},
	{"areas", NULL, "workers.count", area_rows, COUNT_OF(area_rows), AT(area),
		sizeof(struct conf_area), AT(areas), CONF_AREAS_MAX, 0,
		"Parts of the network that are counted apart."},
};
const size_t conf_lists_count = COUNT_OF(conf_lists);
