// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Ports, next hops and areas, as status and counters show them.

#include "admin_network.h"

#include <arpa/inet.h>
#include <string.h>

#include "admin_campaign_json.h"
#include "conf.h"
#include "dp.h"
#include "log.h"

static json_t *mac_json(const uint8_t mac[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	return json_string(text);
}

static json_t *addr_json(const struct dp_addr *addr)
{
	char text[INET6_ADDRSTRLEN];
	bool is_v4 = dp_addr_is_v4(addr);

	if (dp_addr_is_none(addr))
		return json_null();
	return json_string(inet_ntop(
		is_v4 ? AF_INET : AF_INET6, addr->byte + (is_v4 ? 12 : 0), text, sizeof(text)));
}

static struct dp_addr addr_of(const struct conf_address *address)
{
	struct dp_addr addr;

	memcpy(addr.byte, address->byte, sizeof(addr.byte));
	return addr;
}

static const char *path_name(uint8_t path)
{
	return path == DP_PATH_DEVICE ? "device" : "software";
}

// --- Ports ----------------------------------------------------------------------------------

static json_t *addresses_json(const struct conf_addresses *addresses)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < addresses->n; i++) {
		struct dp_addr addr = addr_of(&addresses->value[i]);

		json_array_append_new(list, addr_json(&addr));
	}
	return list;
}

static json_t *vlan_json(const struct conf_numbers *vlan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < vlan->n; i++)
		json_array_append_new(list, json_integer((json_int_t)vlan->value[i]));
	return list;
}

static const char *state_name(const struct dp_port_status *port)
{
	if (port->is_gone)
		return "gone";
	if (!port->is_up)
		return "down";
	return port->is_stuck ? "stuck" : "up";
}

static json_t *port_json(const struct conf_port *conf, const struct dp_port_status *port)
{
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:o, s:o, s:o, s:i, s:i, s:i}",
		"name", port->name, "device", port->device, "driver", port->driver, "state",
		state_name(port), "is_up", port->is_up, "speed_mbps", (int)port->speed_mbps, "mac",
		mac_json(port->mac), "addresses", addresses_json(&conf->address), "vlan",
		vlan_json(&conf->vlan), "mtu", port->mtu, "queues", port->queues, "lives",
		(int)port->lives);
	json_t *paths = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "ip_checksum",
		path_name(port->tx_ip_checksum), "udp_checksum", path_name(port->tx_udp_checksum),
		"udp6_checksum", path_name(port->tx_udp6_checksum), "receive_checksum",
		path_name(port->rx_checksum), "fast_free", port->is_fast_free, "rss", port->is_rss);
	const struct dp_port_stats *stats = &port->stats;

	json_object_set_new(out, "why", *port->why == '\0' ? json_null() : json_string(port->why));
	json_object_set_new(out, "paths", paths);
	json_object_set_new(out, "counters",
		json_pack("{s:I, s:I, s:I, s:I, s:I}", "tx_frames", (json_int_t)stats->tx_frames,
			"tx_bytes", (json_int_t)stats->tx_bytes, "rx_frames",
			(json_int_t)stats->rx_frames, "rx_bytes", (json_int_t)stats->rx_bytes,
			"tx_full", (json_int_t)stats->tx_full));
	return out;
}

json_t *admin_ports_json(const struct conf *conf, const struct dp_status *status)
{
	json_t *list = json_array();

	for (unsigned p = 0; p < status->ports; p++)
		json_array_append_new(list, port_json(&conf->port[p], &status->port[p]));
	return list;
}

// --- Next hops ------------------------------------------------------------------------------

static json_t *hop_json(const struct dp_status *status, const struct dp_hop_status *hop)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:b, s:i, s:o}", "via", addr_json(&hop->via), "port",
		status->port[hop->port].name, "source", addr_json(&hop->source), "mac",
		hop->has_mac ? mac_json(hop->mac) : json_null(), "is_mac_fixed", hop->is_mac_fixed,
		"mtu", (int)hop->mtu, "stall",
		hop->stall == DP_STALL_NONE
			? json_null()
			: json_string(dp_stall_name((enum dp_stall)hop->stall)));
}

json_t *admin_hops_json(const struct dp_status *status)
{
	json_t *list = json_array();

	for (unsigned h = 0; h < status->hops; h++)
		json_array_append_new(list, hop_json(status, &status->hop[h]));
	return list;
}

// --- The first port, in short: what a site with one looks at --------------------------------

static struct dp_addr first_v4(const struct conf_addresses *addresses)
{
	for (unsigned i = 0; i < addresses->n; i++) {
		struct dp_addr addr = addr_of(&addresses->value[i]);

		if (dp_addr_is_v4(&addr))
			return addr;
	}
	return (struct dp_addr){{0}};
}

json_t *admin_port_json(const struct conf *conf, const struct dp_status *status)
{
	const struct dp_port_status *port = &status->port[0];
	struct dp_addr ipv4 = first_v4(&conf->port[0].address), gateway = {{0}};
	const struct dp_hop_status *hop = NULL;

	if (conf->port[0].gateway.n > 0)
		gateway = addr_of(&conf->port[0].gateway.value[0]);
	for (unsigned h = 0; h < status->hops && hop == NULL; h++)
		if (status->hop[h].port == 0)
			hop = &status->hop[h];
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:s, s:i}", "name", port->device,
		"driver", port->driver, "is_up", port->is_up, "mac", mac_json(port->mac), "ipv4",
		addr_json(&ipv4), "gateway", addr_json(&gateway), "gateway_mac",
		hop != NULL && hop->has_mac ? mac_json(hop->mac) : json_null(), "ip_checksum",
		path_name(port->tx_ip_checksum), "udp_checksum", path_name(port->tx_udp_checksum),
		"queues", port->queues);
}

// --- Areas ----------------------------------------------------------------------------------

static json_t *area_json(const char *name, uint32_t rate, const struct dp_area_stats *stats)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I}", "name",
		name == NULL ? json_null() : json_string(name), "rate", (json_int_t)rate, "sent",
		(json_int_t)stats->sent, "verified", (json_int_t)stats->verified, "unreachable",
		(json_int_t)stats->unreachable);
}

json_t *admin_areas_json(struct ctl *ctl)
{
	json_t *list = json_array();

	pthread_mutex_lock(&ctl->dp_lock);
	for (unsigned i = 0; i <= ctl->conf->areas; i++) {
		bool is_rest = i == ctl->conf->areas;
		struct dp_area_stats stats = {0};
		uint32_t rate = 0;

		if (ctl->dp != NULL && !is_rest)
			rate = dp_area_rate(ctl->dp, i);
		if (ctl->dp != NULL)
			dp_area_stats_read(ctl->dp, is_rest ? DP_AREAS_MAX : i, &stats);
		json_array_append_new(
			list, area_json(is_rest ? NULL : ctl->conf->area[i].name, rate, &stats));
	}
	pthread_mutex_unlock(&ctl->dp_lock);
	return list;
}

// PATCH /v1/areas/NAME: the limit of an area, until the daemon ends.
void admin_area_change(const struct admin_request *req, struct admin_reply *reply)
{
	static const char *const names[] = {"rate", NULL};
	const struct conf *conf = req->ctl->conf;
	unsigned area = 0;
	uint32_t rate = 0;
	int has;

	while (area < conf->areas && strcmp(conf->area[area].name, req->arg[0]) != 0)
		area++;
	if (area == conf->areas) {
		admin_error(
			reply, 404, "unknown-area", "The configuration has no area of that name.");
		return;
	}
	if (admin_body_check(req, reply, names) != 0)
		return;
	has = admin_rate_read(req, reply, &rate);
	if (has == 0)
		admin_error(reply, 400, "bad-value", "rate is missing.");
	if (has != 1)
		return;
	pthread_mutex_lock(&req->ctl->dp_lock);
	if (req->ctl->dp != NULL)
		dp_area_rate_set(req->ctl->dp, area, rate);
	pthread_mutex_unlock(&req->ctl->dp_lock);
	log_info("area-rate", "area=%s rate=%u", conf->area[area].name, rate);
	reply->body =
		json_pack("{s:s, s:I}", "name", conf->area[area].name, "rate", (json_int_t)rate);
}
