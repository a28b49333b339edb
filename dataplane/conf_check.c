// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Whether the parts of a configuration fit each other. Messages name the key as the file has it.

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "conf.h"

__attribute__((format(printf, 2, 3))) static int refuse(char why[256], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, 256, format, args);
	va_end(args);
	return -EINVAL;
}

// "port" when there is one, else "ports[1]".
static const char *port_key(const struct dp_conf *conf, unsigned i)
{
	static _Thread_local char key[24];

	snprintf(key, sizeof(key), conf->ports == 1 ? "port" : "ports[%u]", i);
	return key;
}

static bool family_is_same(const struct dp_addr *a, const struct dp_addr *b)
{
	return dp_addr_is_v4(a) == dp_addr_is_v4(b);
}

static bool addr_is_equal(const struct dp_addr *a, const struct dp_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

// What one station can have: no group, no broadcast, not the unspecified one.
static bool addr_is_unicast(const struct dp_addr *addr)
{
	const uint8_t *v4 = addr->byte + 12;

	if (dp_addr_is_v4(addr))
		return v4[0] != 0 && v4[0] < 224;
	return !dp_addr_is_none(addr) && addr->byte[0] != 0xff;
}

static bool addr_is_own(const struct dp_conf *conf, const struct dp_addr *addr)
{
	for (unsigned p = 0; p < conf->ports; p++)
		for (unsigned i = 0; i < conf->port[p].addresses; i++)
			if (addr_is_equal(addr, &conf->port[p].address[i].addr))
				return true;
	return false;
}

// --- Ports ----------------------------------------------------------------------------------

// An address without the length of its prefix says nothing about the link.
static bool link_may_have(const struct dp_prefix *own, const struct dp_addr *addr)
{
	if (!family_is_same(&own->addr, addr))
		return false;
	return own->len == 128 || dp_prefix_has(own, addr) ||
		(!dp_addr_is_v4(addr) && dp_addr_is_link_local(addr));
}

static bool port_reaches(const struct dp_port_conf *port, const struct dp_addr *addr)
{
	for (unsigned i = 0; i < port->addresses; i++)
		if (link_may_have(&port->address[i], addr))
			return true;
	return false;
}

static int addresses_check(const struct dp_conf *conf, unsigned p, char why[256])
{
	const struct dp_port_conf *port = &conf->port[p];

	if (port->addresses == 0)
		return refuse(why, "%s.address: one at least is needed", port_key(conf, p));
	for (unsigned i = 0; i < port->addresses; i++) {
		const struct dp_addr *own = &port->address[i].addr;

		if (!addr_is_unicast(own) || (!dp_addr_is_v4(own) && dp_addr_is_link_local(own)))
			return refuse(why,
				"%s.address: number %u is none that phones could answer to",
				port_key(conf, p), i + 1);
		for (unsigned q = 0; q <= p; q++)
			for (unsigned k = 0; k < (q == p ? i : conf->port[q].addresses); k++)
				if (addr_is_equal(own, &conf->port[q].address[k].addr))
					return refuse(why, "%s.address: number %u stands twice",
						port_key(conf, p), i + 1);
	}
	return 0;
}

static int gateways_check(const struct dp_conf *conf, unsigned p, char why[256])
{
	const struct dp_port_conf *port = &conf->port[p];

	for (unsigned i = 0; i < port->gateways; i++) {
		const struct dp_addr *gateway = &port->gateway[i];

		if (!addr_is_unicast(gateway))
			return refuse(why, "%s.gateway: number %u is no station's address",
				port_key(conf, p), i + 1);
		if (addr_is_own(conf, gateway))
			return refuse(why, "%s.gateway: number %u is an address of ours",
				port_key(conf, p), i + 1);
		if (!port_reaches(port, gateway))
			return refuse(why, "%s.gateway: not within the prefix of %s.address (/%u)",
				port_key(conf, p), conf->ports == 1 ? "port" : "its",
				dp_addr_is_v4(&port->address[0].addr) && port->address[0].len >= 96
					? port->address[0].len - 96u
					: port->address[0].len);
	}
	return 0;
}

static int port_check(const struct dp_conf *conf, unsigned p, char why[256])
{
	const struct dp_port_conf *port = &conf->port[p];
	unsigned rings = port->tx_descriptors + port->rx_descriptors;
	int ret;

	if (port->device[0] == '\0')
		return refuse(why, "%s.device: is needed", port_key(conf, p));
	for (unsigned q = 0; q < p; q++)
		if (strcmp(conf->port[q].name, port->name) == 0)
			return refuse(why, "%s.name: \"%.40s\" stands twice", port_key(conf, p),
				port->name);
	if (port->mbufs <= rings)
		return refuse(why,
			"%s.mbufs: %u are not more than both rings hold (%u); allowed: more than "
			"%s.tx_descriptors + %s.rx_descriptors",
			port_key(conf, p), port->mbufs, rings, conf->ports == 1 ? "port" : "its",
			conf->ports == 1 ? "port" : "its");
	ret = addresses_check(conf, p, why);
	return ret != 0 ? ret : gateways_check(conf, p, why);
}

// --- Routes ---------------------------------------------------------------------------------

static int port_by_name(const struct dp_conf *conf, const char *name)
{
	for (unsigned p = 0; p < conf->ports; p++)
		if (strcmp(conf->port[p].name, name) == 0)
			return (int)p;
	return -1;
}

int dp_conf_route_port(const struct dp_conf *conf, const struct dp_route_conf *route)
{
	int found = -1;

	if (route->port[0] != '\0')
		return port_by_name(conf, route->port);
	for (unsigned p = 0; p < conf->ports; p++) {
		if (!port_reaches(&conf->port[p], &route->via))
			continue;
		if (found >= 0)
			return -1;
		found = (int)p;
	}
	return found;
}

struct dp_addr dp_conf_source(const struct dp_port_conf *port, const struct dp_addr *via)
{
	const struct dp_prefix *of_family = NULL;

	for (unsigned i = 0; i < port->addresses; i++) {
		const struct dp_prefix *own = &port->address[i];

		if (!family_is_same(&own->addr, via))
			continue;
		if (own->len < 128 && dp_prefix_has(own, via))
			return own->addr;
		if (of_family == NULL)
			of_family = own;
	}
	return of_family == NULL ? (struct dp_addr){{0}} : of_family->addr;
}

static bool prefix_is_clean(const struct dp_prefix *prefix)
{
	for (unsigned bit = prefix->len; bit < 128; bit++)
		if (prefix->addr.byte[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

static int route_source_check(
	const struct dp_conf *conf, unsigned r, const struct dp_port_conf *port, char why[256])
{
	const struct dp_addr *source = &conf->route[r].source;

	if (dp_addr_is_none(source))
		return 0;
	for (unsigned i = 0; i < port->addresses; i++)
		if (addr_is_equal(source, &port->address[i].addr))
			return family_is_same(source, &conf->route[r].via)
				? 0
				: refuse(why, "routes[%u].source: of the other IP version", r);
	return refuse(why, "routes[%u].source: not an address of port \"%.40s\"", r, port->name);
}

static int route_check(const struct dp_conf *conf, unsigned r, char why[256])
{
	const struct dp_route_conf *route = &conf->route[r];
	int port = dp_conf_route_port(conf, route);

	if (!prefix_is_clean(&route->to))
		return refuse(why, "routes[%u].to: has bits beyond the length of its prefix", r);
	if (!addr_is_unicast(&route->via))
		return refuse(why, "routes[%u].via: the address of a next hop is needed", r);
	if (addr_is_own(conf, &route->via))
		return refuse(why, "routes[%u].via: an address of ours", r);
	if (!family_is_same(&route->to.addr, &route->via))
		return refuse(why, "routes[%u].via: of the other IP version than its prefix", r);
	if (route->port[0] != '\0' && port < 0)
		return refuse(why, "routes[%u].port: there is no port \"%.40s\"", r, route->port);
	if (port < 0)
		return refuse(why,
			"routes[%u].via: on the link of no port, or of several: name the port", r);
	if (!port_reaches(&conf->port[port], &route->via))
		return refuse(why, "routes[%u].via: not on the link of port \"%.40s\"", r,
			conf->port[port].name);
	if (route->mtu > conf->port[port].mtu)
		return refuse(why, "routes[%u].mtu: more than the port's", r);
	return route_source_check(conf, r, &conf->port[port], why);
}

static int route_single_check(const struct dp_conf *conf, unsigned r, char why[256])
{
	const struct dp_route_conf *route = &conf->route[r], *other;

	for (unsigned q = 0; q < r; q++) {
		other = &conf->route[q];
		if (route->to.len == other->to.len &&
			addr_is_equal(&route->to.addr, &other->to.addr) &&
			addr_is_equal(&route->via, &other->via) &&
			strcmp(route->port, other->port) == 0)
			return refuse(why, "routes[%u]: the same as routes[%u]", r, q);
	}
	return 0;
}

static int routes_check(const struct dp_conf *conf, char why[256])
{
	bool has_gateway = false;

	for (unsigned p = 0; p < conf->ports; p++)
		has_gateway |= conf->port[p].gateways > 0;
	if (conf->routes == 0 && !has_gateway)
		return refuse(why, "%s.gateway: nothing can be sent without a gateway or routes",
			port_key(conf, 0));
	for (unsigned r = 0; r < conf->routes; r++) {
		int ret = route_check(conf, r, why);

		if (ret == 0)
			ret = route_single_check(conf, r, why);
		if (ret != 0)
			return ret;
	}
	return 0;
}

// --- Areas ----------------------------------------------------------------------------------

static bool prefixes_overlap(const struct dp_prefix *a, const struct dp_prefix *b)
{
	return a->len <= b->len ? dp_prefix_has(a, &b->addr) : dp_prefix_has(b, &a->addr);
}

// Prefix k of area i against all that stand before it.
static int area_prefix_check(const struct dp_conf *conf, unsigned i, unsigned k, char why[256])
{
	const struct dp_area_conf *area = &conf->area[i];

	if (!prefix_is_clean(&area->prefix[k]))
		return refuse(
			why, "areas[%u].prefixes: number %u has bits beyond its length", i, k + 1);
	for (unsigned j = 0; j <= i; j++)
		for (unsigned m = 0; m < (j == i ? k : conf->area[j].prefixes); m++)
			if (prefixes_overlap(&area->prefix[k], &conf->area[j].prefix[m]))
				return refuse(why,
					"areas[%u].prefixes: number %u overlaps with area "
					"\"%.40s\"",
					i, k + 1, conf->area[j].name);
	return 0;
}

static int area_check(const struct dp_conf *conf, unsigned i, char why[256])
{
	const struct dp_area_conf *area = &conf->area[i];
	int ret = 0;

	if (area->name[0] == '\0')
		return refuse(why, "areas[%u].name: is needed", i);
	if (area->prefixes == 0)
		return refuse(why, "areas[%u].prefixes: one at least is needed", i);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(area->name, conf->area[j].name) == 0)
			return refuse(why, "areas[%u].name: \"%.40s\" stands twice", i, area->name);
	for (unsigned k = 0; k < area->prefixes && ret == 0; k++)
		ret = area_prefix_check(conf, i, k, why);
	return ret;
}

int dp_conf_check(const struct dp_conf *conf, char why[256])
{
	int ret = 0;

	for (unsigned p = 0; p < conf->ports && ret == 0; p++)
		ret = port_check(conf, p, why);
	if (ret == 0)
		ret = routes_check(conf, why);
	for (unsigned i = 0; i < conf->areas && ret == 0; i++)
		ret = area_check(conf, i, why);
	return ret;
}
