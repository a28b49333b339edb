// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla" // inside of DPDK's own inline functions
#include <rte_lpm.h>
#pragma GCC diagnostic pop
#include <rte_lpm6.h>
#include <rte_memory.h>

#include "hop.h"

#define BURST_MAX 64
#define V4_BITS 96 // an IPv4 prefix in its mapped form is longer by this
#define TBL8_PER_PREFIX 13 // of rte_lpm6, at most: 128 bits, 24 and then 8 at a time
#define PREFIXES_MAX (DP_ROUTES_MAX + DP_AREAS_MAX * DP_AREA_PREFIXES_MAX)

// While the tables are made: which prefixes lead to which route.
struct table {
	const struct dp_conf *conf;
	struct routes *r;
	unsigned n;
	struct dp_prefix to[DP_ROUTES_MAX + 2 * DP_PORTS_MAX]; // of each route
	unsigned prefixes4;
	unsigned prefixes6;
};

// --- Next hops ------------------------------------------------------------------------------

static bool hop_is(const struct hop *hop, const struct hop *want)
{
	return hop->port == want->port && hop->mtu == want->mtu &&
		memcmp(&hop->via, &want->via, sizeof(hop->via)) == 0 &&
		memcmp(&hop->source, &want->source, sizeof(hop->source)) == 0 &&
		neigh_mark(&hop->neigh) == neigh_mark(&want->neigh);
}

// Number of the next hop, an old one or a new one; -1 when there are too many.
static int hop_add(struct routes *r, const struct hop *want)
{
	for (unsigned i = 0; i < r->hops; i++)
		if (hop_is(&r->hop[i], want))
			return (int)i;
	if (r->hops == DP_HOPS_MAX)
		return -1;
	r->hop[r->hops] = *want;
	return (int)r->hops++;
}

static void hop_make(const struct dp_conf *conf, const struct dp_route_conf *row, struct hop *hop)
{
	int port = dp_conf_route_port(conf, row);

	memset(hop, 0, sizeof(*hop));
	hop->port = (uint8_t)port;
	hop->via = row->via;
	hop->source = dp_addr_is_none(&row->source) ? dp_conf_source(&conf->port[port], &row->via)
						    : row->source;
	hop->mtu = row->mtu != 0 ? row->mtu : conf->port[port].mtu;
	neigh_init(&hop->neigh, row->mac);
}

// --- Routes ---------------------------------------------------------------------------------

static struct route *route_of(struct table *t, const struct dp_prefix *to)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->to[i].len == to->len &&
			memcmp(&t->to[i].addr, &to->addr, sizeof(to->addr)) == 0)
			return &t->r->route[i];
	t->to[t->n] = *to;
	t->r->n = t->n + 1;
	return &t->r->route[t->n++];
}

static int route_add(struct table *t, const struct dp_route_conf *row, char why[256])
{
	struct route *route = route_of(t, &row->to);
	struct hop hop;
	int number;

	hop_make(t->conf, row, &hop);
	number = hop_add(t->r, &hop);
	if (number < 0) {
		snprintf(why, 256, "routes: more than %d different next hops", DP_HOPS_MAX);
		return -EINVAL;
	}
	if (route->hops == DP_CANDIDATES_MAX) {
		snprintf(why, 256, "routes: more than %d next hops for one prefix",
			DP_CANDIDATES_MAX);
		return -EINVAL;
	}
	route->hop[route->hops++] = (uint8_t)number;
	return 0;
}

// A gateway stands behind all explicit routes to everywhere.
static int gateways_add(struct table *t, const struct dp_port_conf *port, char why[256])
{
	int ret = 0;

	for (unsigned i = 0; i < port->gateways && ret == 0; i++) {
		bool is_v4 = dp_addr_is_v4(&port->gateway[i]);
		struct dp_route_conf row = {
			.to.len = is_v4 ? V4_BITS : 0,
			.via = port->gateway[i],
			.port = port->name,
		};

		if (is_v4)
			row.to.addr = (struct dp_addr){{[10] = 0xff, [11] = 0xff}};
		memcpy(row.mac, port->gateway_mac[i], sizeof(row.mac));
		ret = route_add(t, &row, why);
	}
	return ret;
}

// --- Ways -----------------------------------------------------------------------------------

static uint16_t route_covering(const struct table *t, const struct dp_prefix *prefix)
{
	uint16_t best = ROUTE_NONE;

	for (unsigned i = 0; i < t->n; i++)
		if (t->to[i].len <= prefix->len && dp_prefix_has(&t->to[i], &prefix->addr) &&
			(best == ROUTE_NONE || t->to[i].len > t->to[best].len))
			best = (uint16_t)i;
	return best;
}

static uint16_t area_covering(const struct dp_conf *conf, const struct dp_prefix *prefix)
{
	for (unsigned i = 0; i < conf->areas; i++)
		for (unsigned k = 0; k < conf->area[i].prefixes; k++)
			if (conf->area[i].prefix[k].len <= prefix->len &&
				dp_prefix_has(&conf->area[i].prefix[k], &prefix->addr))
				return (uint16_t)i;
	return AREA_NONE;
}

static uint16_t way_number(struct table *t, const struct dp_prefix *prefix)
{
	struct way want = {route_covering(t, prefix), area_covering(t->conf, prefix)};
	struct routes *r = t->r;

	for (unsigned i = 0; i < r->ways; i++)
		if (r->way[i].route == want.route && r->way[i].area == want.area)
			return (uint16_t)i;
	r->way[r->ways] = want;
	return (uint16_t)r->ways++;
}

static int prefix_add(struct table *t, const struct dp_prefix *prefix)
{
	uint16_t way = way_number(t, prefix);
	uint32_t v4;

	if (dp_addr_is_v4(&prefix->addr) && prefix->len > V4_BITS) {
		memcpy(&v4, prefix->addr.byte + 12, sizeof(v4));
		return rte_lpm_add(
			t->r->lpm, rte_be_to_cpu_32(v4), (uint8_t)(prefix->len - V4_BITS), way);
	}
	if (prefix->len > 0 && !dp_addr_is_v4(&prefix->addr))
		return rte_lpm6_add(t->r->lpm6, prefix->addr.byte, prefix->len, way);
	return 0; // everywhere: the way where no prefix leads
}

// Calls fn for each prefix of routes and areas.
static int prefixes_each(
	struct table *t, int (*fn)(struct table *t, const struct dp_prefix *prefix))
{
	int ret = 0;

	for (unsigned i = 0; i < t->n && ret == 0; i++)
		ret = fn(t, &t->to[i]);
	for (unsigned i = 0; i < t->conf->areas && ret == 0; i++)
		for (unsigned k = 0; k < t->conf->area[i].prefixes && ret == 0; k++)
			ret = fn(t, &t->conf->area[i].prefix[k]);
	return ret;
}

static int prefix_count(struct table *t, const struct dp_prefix *prefix)
{
	t->prefixes4 += dp_addr_is_v4(&prefix->addr) && prefix->len > V4_BITS;
	t->prefixes6 += !dp_addr_is_v4(&prefix->addr) && prefix->len > 0;
	return 0;
}

// Tables are made for a family only when there is more than one way to go: they take 64 MB each.
static int tables_make(struct table *t, char why[256])
{
	struct rte_lpm_config conf = {.max_rules = t->prefixes4, .number_tbl8s = t->prefixes4};
	struct rte_lpm6_config conf6 = {
		.max_rules = t->prefixes6, .number_tbl8s = t->prefixes6 * TBL8_PER_PREFIX};

	if (t->prefixes4 > 0)
		t->r->lpm = rte_lpm_create("ways", SOCKET_ID_ANY, &conf);
	if (t->prefixes6 > 0)
		t->r->lpm6 = rte_lpm6_create("ways6", SOCKET_ID_ANY, &conf6);
	if ((t->prefixes4 > 0 && t->r->lpm == NULL) || (t->prefixes6 > 0 && t->r->lpm6 == NULL) ||
		prefixes_each(t, prefix_add) != 0) {
		snprintf(why, 256, "routes: no memory for the tables (memory.size_mb)");
		return -ENOMEM;
	}
	return 0;
}

static int table_fill(struct table *t, char why[256])
{
	static const struct dp_prefix all_v4 = {{{[10] = 0xff, [11] = 0xff}}, V4_BITS}, all_v6;
	int ret = 0;

	for (unsigned i = 0; i < t->conf->routes && ret == 0; i++)
		ret = route_add(t, &t->conf->route[i], why);
	for (unsigned p = 0; p < t->conf->ports && ret == 0; p++)
		ret = gateways_add(t, &t->conf->port[p], why);
	if (ret != 0)
		return ret;
	prefixes_each(t, prefix_count);
	t->r->way_v4 = way_number(t, &all_v4);
	t->r->way_v6 = way_number(t, &all_v6);
	return tables_make(t, why);
}

int routes_init(struct routes *r, const struct dp_conf *conf, char why[256])
{
	struct table *t = calloc(1, sizeof(*t));
	int ret;

	memset(r, 0, sizeof(*r));
	// A way more than there are prefixes, and one for each family's rest.
	r->way = calloc(PREFIXES_MAX + 2 * DP_PORTS_MAX + 2, sizeof(*r->way));
	if (t == NULL || r->way == NULL) {
		free(t);
		snprintf(why, 256, "no memory for the routes");
		return -ENOMEM;
	}
	t->conf = conf;
	t->r = r;
	ret = table_fill(t, why);
	free(t);
	return ret;
}

void routes_fini(struct routes *r)
{
	rte_lpm_free(r->lpm);
	rte_lpm6_free(r->lpm6);
	free(r->way);
	memset(r, 0, sizeof(*r));
}

// --- Looking up -----------------------------------------------------------------------------

static void find_v4(const struct routes *r, const uint32_t *to, unsigned n, uint32_t *found)
{
	if (r->lpm == NULL) {
		memset(found, 0, n * sizeof(*found));
		return;
	}
	rte_lpm_lookup_bulk(r->lpm, to, found, n);
}

static void find_v6(const struct routes *r, uint8_t (*to)[16], unsigned n, int32_t *found)
{
	if (r->lpm6 == NULL) {
		memset(found, 0xff, n * sizeof(*found));
		return;
	}
	rte_lpm6_lookup_bulk_func(r->lpm6, to, found, n);
}

void routes_find_burst(const struct routes *r, const struct dp_addr *to, unsigned n, uint16_t *way)
{
	uint32_t v4[BURST_MAX], found4[BURST_MAX];
	uint8_t v6[BURST_MAX][16], seat4[BURST_MAX], seat6[BURST_MAX];
	unsigned n4 = 0, n6 = 0;
	int32_t found6[BURST_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (dp_addr_is_v4(&to[i])) {
			memcpy(&v4[n4], to[i].byte + 12, sizeof(v4[0]));
			v4[n4] = rte_be_to_cpu_32(v4[n4]);
			seat4[n4++] = (uint8_t)i;
		} else {
			memcpy(v6[n6], to[i].byte, sizeof(v6[0]));
			seat6[n6++] = (uint8_t)i;
		}
	}
	if (n4 > 0)
		find_v4(r, v4, n4, found4);
	for (unsigned k = 0; k < n4; k++)
		way[seat4[k]] =
			found4[k] & RTE_LPM_LOOKUP_SUCCESS ? (uint16_t)found4[k] : r->way_v4;
	if (n6 > 0)
		find_v6(r, v6, n6, found6);
	for (unsigned k = 0; k < n6; k++)
		way[seat6[k]] = found6[k] >= 0 ? (uint16_t)found6[k] : r->way_v6;
}
