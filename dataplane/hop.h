// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Next hops and the routes to them. Made once from the file; what changes is whether a next hop can
// be used, and each worker looks that up once a turn.
//
// A destination leads to a way by longest prefix: a route, and the area the destination lies in. A
// route names its next hops in order of preference; the first that can be used is taken.

#pragma once

#include <stdint.h>

#include "cmd.h"
#include "conf.h"
#include "neigh.h"

#define AREA_NONE DP_AREAS_MAX // the number of no area
#define ROUTE_NONE UINT16_MAX

struct rte_lpm;
struct rte_lpm6;

// Const but for the MAC.
struct hop {
	uint8_t port; // number
	struct dp_addr via;
	struct dp_addr source; // of what is sent that way
	unsigned mtu;
	struct neigh neigh;
};

struct route {
	uint8_t hops;
	uint8_t hop[DP_CANDIDATES_MAX];
};

struct way {
	uint16_t route; // ROUTE_NONE: there is none
	uint16_t area;
};

struct routes {
	unsigned hops;
	struct hop hop[DP_HOPS_MAX];
	unsigned n;
	struct route route[DP_ROUTES_MAX + 2 * DP_PORTS_MAX];
	unsigned ways;
	struct way *way;
	uint16_t way_v4; // where no prefix leads: 0.0.0.0/0, or nowhere
	uint16_t way_v6;
	struct rte_lpm *lpm; // NULL: everything of the family goes the way above
	struct rte_lpm6 *lpm6;
};

// -EINVAL: why names the row of the file. Ports are known by number: conf->port[].
int routes_init(struct routes *r, const struct dp_conf *conf, char why[256]);
void routes_fini(struct routes *r);
// The ways to n (at most 64) destinations.
void routes_find_burst(const struct routes *r, const struct dp_addr *to, unsigned n, uint16_t *way);
static inline const struct way *routes_way(const struct routes *r, uint16_t way)
{
	return &r->way[way];
}
