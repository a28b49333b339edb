// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf_dp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../dataplane/conf.h"
#include "conf.h"

_Static_assert(CONF_WORKERS_MAX == DP_WORKERS_MAX, "as many workers as the dataplane takes");

static const char *file_prefix(const struct conf *conf)
{
	static char prefix[32];

	if (conf->eal.file_prefix[0] != '\0')
		return conf->eal.file_prefix;
	snprintf(prefix, sizeof(prefix), "mskpush-%d", (int)getpid());
	return prefix;
}

_Static_assert(CONF_PORTS_MAX == DP_PORTS_MAX && CONF_ROUTES_MAX == DP_ROUTES_MAX &&
		CONF_AREAS_MAX == DP_AREAS_MAX && CONF_MACS_MAX == DP_GATEWAYS_MAX &&
		CONF_ADDRESSES_MAX == DP_AREA_PREFIXES_MAX && CONF_TAGS_MAX == DP_VLANS_MAX,
	"as much of everything as the dataplane takes");

static struct dp_addr addr_of(const struct conf_address *address)
{
	struct dp_addr addr;

	memcpy(addr.byte, address->byte, sizeof(addr.byte));
	return addr;
}

static struct dp_prefix prefix_of(const struct conf_address *address)
{
	return (struct dp_prefix){addr_of(address), address->bits};
}

static const char *port_name(const struct conf *conf, unsigned i)
{
	static const char *const names[] = {
		"port0", "port1", "port2", "port3", "port4", "port5", "port6", "port7"};

	return conf->port[i].name[0] != '\0' ? conf->port[i].name : names[i];
}

static void port_fill(const struct conf_port *port, struct dp_port_conf *out)
{
	out->device = port->device;
	out->tx_descriptors = (unsigned)port->tx_descriptors;
	out->rx_descriptors = (unsigned)port->rx_descriptors;
	out->mbufs = (unsigned)port->mbufs;
	out->mtu = (unsigned)port->mtu;
	out->udp_port = (uint16_t)port->udp_port;
	out->dscp = (uint8_t)port->dscp;
	memcpy(out->mac, port->mac.byte, sizeof(out->mac));
	for (; out->vlans < port->vlan.n; out->vlans++)
		out->vlan[out->vlans] = (uint16_t)port->vlan.value[out->vlans];
	for (; out->addresses < port->address.n; out->addresses++)
		out->address[out->addresses] = prefix_of(&port->address.value[out->addresses]);
	for (; out->gateways < port->gateway.n; out->gateways++) {
		out->gateway[out->gateways] = addr_of(&port->gateway.value[out->gateways]);
		memcpy(out->gateway_mac[out->gateways], port->gateway_mac.value[out->gateways].byte,
			sizeof(out->mac));
	}
}

static void route_fill(const struct conf_route *route, struct dp_route_conf *out)
{
	out->to = prefix_of(&route->to);
	out->via = addr_of(&route->via);
	out->source = addr_of(&route->source);
	out->port = route->port;
	out->mtu = (unsigned)route->mtu;
	memcpy(out->mac, route->mac.byte, sizeof(out->mac));
}

static void area_fill(const struct conf_area *area, struct dp_area_conf *out)
{
	out->name = area->name;
	out->rate = (uint32_t)area->rate;
	for (; out->prefixes < area->prefixes.n; out->prefixes++)
		out->prefix[out->prefixes] = prefix_of(&area->prefixes.value[out->prefixes]);
}

static void network_fill(const struct conf *conf, struct dp_conf *out)
{
	for (; out->ports < conf->ports; out->ports++) {
		port_fill(&conf->port[out->ports], &out->port[out->ports]);
		out->port[out->ports].name = port_name(conf, out->ports);
	}
	for (; out->routes < conf->routes; out->routes++)
		route_fill(&conf->route[out->routes], &out->route[out->routes]);
	for (; out->areas < conf->areas; out->areas++)
		area_fill(&conf->area[out->areas], &out->area[out->areas]);
}

// A single push is a campaign of one.
static void singles_fill(const struct conf *conf, struct dp_conf *out)
{
	const struct conf_numbers *waits = &conf->campaign.waits_s;

	out->single_sends = (uint8_t)conf->campaign.sends;
	for (unsigned i = 0; i < CONF_SENDS_MAX; i++)
		out->single_wait_ms[i] =
			(uint32_t)waits->value[i < waits->n ? i : waits->n - 1] * 1000;
}

void conf_dp_fill(const struct conf *conf, struct dp_conf *out)
{
	const struct conf_numbers *cpus = &conf->workers.cpus;

	memset(out, 0, sizeof(*out));
	network_fill(conf, out);
	out->is_huge = conf->memory.hugepages != 0;
	out->memory_mb = (unsigned)conf->memory.size_mb;
	out->file_prefix = file_prefix(conf);
	for (unsigned i = 0; i < conf->eal.args.n && i + 1 < DP_EAL_ARGS_MAX; i++)
		out->eal_args[i] = conf->eal.args.value[i];
	out->workers = (unsigned)conf->workers.count;
	for (unsigned i = 0; i < DP_WORKERS_MAX; i++)
		out->cpu[i] = i < cpus->n ? (int)cpus->value[i] : -1;
	out->is_busy_poll = conf->workers.poll == CONF_POLL_BUSY;
	out->crypto = (unsigned)conf->workers.crypto;
	singles_fill(conf, out);
	out->muk_margin_s = (uint32_t)conf->muk_margin_s;
	out->ts_bytes = conf->verification_timestamp == 0 ? 4 : 8;
	snprintf(out->idi, sizeof(out->idi), "%.*s", DP_IDI_MAX, conf->fqdn);
	out->max_subscribers = (uint32_t)conf->store.max_subscribers;
}
