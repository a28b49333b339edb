// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Finds the next hop of each member of a burst. Who has none now is put aside, and nobody waits for
// them; who can never have one is refused by name.

#include "single.h"
#include "staged.h"

static void member_move(struct burst *b, unsigned to, unsigned from)
{
	if (to == from)
		return;
	b->id[to] = b->id[from];
	b->single[to] = b->single[from];
	b->address[to] = b->address[from];
	b->port[to] = b->port[from];
	b->idr_len[to] = b->idr_len[from];
	memcpy(b->idr[to], b->idr[from], b->idr_len[from]);
	b->is_expired[to] = b->is_expired[from];
	b->frame[to] = b->frame[from];
	b->seal[to].psk = b->seal[from].psk;
}

static bool family_is_ours(const struct worker *w, const struct dp_addr *addr)
{
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (dp_addr_is_v4(addr) ? w->shared->port[p].has_v4 : w->shared->port[p].has_v6)
			return true;
	return false;
}

static size_t packet_bytes(const struct burst *b, unsigned i)
{
	if (burst_frame(b, i) != NULL)
		return burst_frame(b, i)->len;
	return mikey_template_bytes(&b->draft->tpl, b->idr_len[i]) +
		(dp_addr_is_v4(&b->address[i]) ? FRAME_V4_BYTES : FRAME_V6_BYTES);
}

// Where messages by one route leave now; neighbours in a burst mostly take the same.
struct choice {
	uint16_t route;
	int hop; // -1: nowhere now
	enum dp_stall why;
	size_t mtu;
};

static void choice_make(
	struct worker *w, uint16_t route, const struct dp_now *now, struct choice *choice)
{
	const struct hop *hop;

	choice->route = route;
	choice->hop = egress_choose(w, route, now, &choice->why);
	if (choice->hop < 0)
		return;
	hop = &w->shared->routes.hop[choice->hop];
	choice->mtu = RTE_MIN(hop->mtu, w->shared->port[hop->port].mtu);
}

// Its frame bears the source address of another next hop: it comes again, and is built anew.
static void member_rebuild(struct worker *w, unsigned i)
{
	struct burst *b = &w->burst;

	run_unstage(w, b->run, b->id[i]);
	member_return(w, b->sweep, b->round, b->id[i]);
}

// Frames know theirs. Their addresses are not in the burst.
static void ways_find(const struct worker *w, struct burst *b, uint16_t way[BURST])
{
	if (b->frames < b->n)
		routes_find_burst(&w->shared->routes, b->address, b->n, way);
	for (unsigned i = 0; b->frames > 0 && i < b->n; i++)
		if (b->frame[i] != NULL)
			way[i] = b->frame[i]->way;
}

static bool any_egress_holds(const struct worker *w)
{
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0)
			return true;
	return false;
}

// Number of the next hop, -1 when the member leaves the burst. has_held: frames wait somewhere.
static int member_route(struct worker *w, unsigned i, uint16_t route, struct choice *choice,
	bool has_held, const struct dp_now *now)
{
	struct burst *b = &w->burst;
	int hop;

	if (route == ROUTE_NONE) {
		member_refuse(w, i,
			family_is_ours(w, &b->address[i]) ? DP_REFUSED_NO_ROUTE
							  : DP_REFUSED_ADDRESS_FAMILY,
			now);
		return -1;
	}
	if (route != choice->route)
		choice_make(w, route, now, choice);
	hop = choice->hop;
	if (hop < 0) {
		member_put_aside(w, i, choice->why, now);
		return -1;
	}
	if (has_held && egress_holds_elsewhere(w, (unsigned)hop, b->id[i])) {
		member_put_aside(w, i, DP_STALL_NONE, now);
		return -1;
	}
	if (burst_frame(b, i) != NULL && burst_frame(b, i)->hop != hop) {
		member_rebuild(w, i);
		return -1;
	}
	if (packet_bytes(b, i) > choice->mtu) {
		member_refuse(w, i, DP_REFUSED_TOO_LONG_FOR_PORT, now);
		return -1;
	}
	return hop;
}

void stage_route(struct worker *w, const struct dp_now *now)
{
	const struct routes *r = &w->shared->routes;
	struct burst *b = &w->burst;
	uint16_t way[BURST];
	bool has_held = any_egress_holds(w);
	struct choice choice = {.route = ROUTE_NONE};
	unsigned kept = 0;

	ways_find(w, b, way);
	for (unsigned i = 0; i < b->n; i++) {
		const struct way *its = routes_way(r, way[i]);
		int hop = member_route(w, i, its->route, &choice, has_held, now);

		if (hop < 0) {
			b->frames -= burst_frame(b, i) != NULL;
			continue;
		}
		member_move(b, kept, i);
		b->hop[kept] = (uint8_t)hop;
		b->route[kept] = its->route;
		b->area[kept] = its->area;
		kept++;
	}
	b->n = kept;
}
