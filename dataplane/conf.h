// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the dataplane is told at start. Const afterwards; strings belong to the caller and live
// as long as the dataplane.

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DP_WORKERS_MAX 32
#define DP_IDI_MAX 253
#define DP_EAL_ARGS_MAX 32
#define DP_PORTS_MAX 8
#define DP_ADDRESSES_MAX 16 // of a port
#define DP_GATEWAYS_MAX 8 // of a port
#define DP_VLANS_MAX 2
#define DP_ROUTES_MAX 1024
#define DP_HOPS_MAX 64 // different next hops of all routes
#define DP_CANDIDATES_MAX 8 // next hops of one destination, in order of preference
#define DP_AREAS_MAX 255
#define DP_AREA_PREFIXES_MAX 64

// Network order; an IPv4 address in its mapped form (RFC 4291, 2.5.5.2); all zero: none.
struct dp_addr {
	uint8_t byte[16];
};

// Addresses of one IP version whose first len bits (of 128: an IPv4 /24 is 120) are those of addr.
struct dp_prefix {
	struct dp_addr addr;
	uint8_t len;
};

struct dp_port_conf {
	const char *name; // by which routes and status know it
	// A virtual device with its arguments ("net_vhost0,iface=/run/v.sock,queues=1"), or a PCI
	// address.
	const char *device;
	uint8_t mac[6]; // all zero: the device's own
	unsigned addresses;
	struct dp_prefix address[DP_ADDRESSES_MAX]; // ours, with the prefix of the link
	unsigned gateways;
	struct dp_addr gateway[DP_GATEWAYS_MAX]; // default routes
	uint8_t gateway_mac[DP_GATEWAYS_MAX][6]; // all zero: by ARP or ND
	unsigned vlans;
	uint16_t vlan[DP_VLANS_MAX]; // outer tag first
	uint8_t dscp;
	uint16_t udp_port; // source and destination, 2269
	unsigned mtu; // of IP packets, octets
	unsigned tx_descriptors; // per queue
	unsigned rx_descriptors;
	unsigned mbufs; // per queue
};

// Routes to the same prefix are candidates, in the order of their rows.
struct dp_route_conf {
	struct dp_prefix to;
	struct dp_addr via;
	uint8_t mac[6]; // all zero: by ARP or ND
	const char *port; // empty: the one on whose link `via` lies
	struct dp_addr source; // none: the first one of the port that suits
	unsigned mtu; // of the path, 0: the port's
};

// Prefixes of an area overlap with no others.
struct dp_area_conf {
	const char *name;
	uint32_t rate; // UEs per second that campaigns send to in it, 0 = no limit
	unsigned prefixes;
	struct dp_prefix prefix[DP_AREA_PREFIXES_MAX];
};

struct dp_conf {
	unsigned ports;
	struct dp_port_conf port[DP_PORTS_MAX];
	unsigned routes;
	struct dp_route_conf route[DP_ROUTES_MAX];
	unsigned areas;
	struct dp_area_conf area[DP_AREAS_MAX];

	bool is_huge; // hugepages and shared configuration; else --no-huge --no-shconf
	unsigned memory_mb; // EAL's -m
	const char *file_prefix; // unique per process
	const char *eal_args[DP_EAL_ARGS_MAX]; // more EAL arguments, NULL ends
	unsigned workers; // 1 .. DP_WORKERS_MAX
	int cpu[DP_WORKERS_MAX]; // CPU of each worker, -1 = next of the affinity mask
	bool is_busy_poll; // poll: busy
	unsigned crypto; // enum crypto_path_id

	uint8_t single_sends; // most messages of a single push
	uint32_t single_wait_ms[31]; // to wait after send i+1; DP_SENDS_MAX of them
	uint32_t muk_margin_s; // fresh = expires > now + margin
	unsigned ts_bytes; // width of T in the verification MAC: 4 or 8
	char idi[DP_IDI_MAX + 1]; // BM-SC FQDN, IDi of ts33246 messages
	uint32_t max_subscribers; // ids the counter table has room for
};

static inline bool dp_addr_is_v4(const struct dp_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr->byte, mapped, sizeof(mapped)) == 0;
}

static inline bool dp_addr_is_none(const struct dp_addr *addr)
{
	static const struct dp_addr none;

	return memcmp(addr, &none, sizeof(none)) == 0;
}

// IPv6 addresses of a link: fe80::/10.
static inline bool dp_addr_is_link_local(const struct dp_addr *addr)
{
	return addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80;
}

static inline bool dp_prefix_has(const struct dp_prefix *prefix, const struct dp_addr *addr)
{
	unsigned whole = prefix->len / 8, rest = prefix->len % 8;

	// ::/0 is everything of IPv6 only.
	if (dp_addr_is_v4(&prefix->addr) != dp_addr_is_v4(addr) ||
		memcmp(prefix->addr.byte, addr->byte, whole) != 0)
		return false;
	return rest == 0 ||
		((prefix->addr.byte[whole] ^ addr->byte[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

// What no single value can tell: whether they fit each other. -EINVAL: why begins with the key.
// conf_check.c needs nothing but this header.
int dp_conf_check(const struct dp_conf *conf, char why[256]);
// Number of the port a route leaves by; -1: none, or no telling which.
int dp_conf_route_port(const struct dp_conf *conf, const struct dp_route_conf *route);
// Our address for what leaves by a port to a next hop: on its link if there is one. None when the
// port has no address of the family.
struct dp_addr dp_conf_source(const struct dp_port_conf *port, const struct dp_addr *via);
