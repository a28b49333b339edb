// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The ways out of a worker. Which next hops can be used is looked up once a turn, so that all of a
// turn sees the same. A member whose frame waits at one port is not sent to by another: the value
// in that frame is lower than any that is taken now.

#include "single.h"

#define STUCK_NS 100000000u // a port that takes nothing for a shorter time is just busy
#define FRESH_NS 1000000000u // frames that waited longer for the port are made anew
#define PROBE_NS 1000000000u // how often a port that takes nothing is tried while another does
#define FORGET_NS 5000000000u // a port nobody wants is not called stuck for longer

void ways_changed(struct dp_shared *shared)
{
	atomic_fetch_add_explicit(&shared->ways_version, 1, memory_order_release);
}

bool egress_is_stuck(const struct egress *e, const struct dp_now *now)
{
	return e->stuck_since_ns != 0 && now->ns - e->stuck_since_ns >= STUCK_NS;
}

void egress_took(struct egress *e, unsigned n, unsigned taken, const struct dp_now *now)
{
	if (taken > 0)
		e->stuck_since_ns = 0;
	else if (e->stuck_since_ns == 0)
		e->stuck_since_ns = now->ns;
	e->stats.tx_frames += taken;
	if (taken < n)
		e->stats.tx_full++;
}

static enum dp_stall hop_look(
	const struct worker *w, const struct hop *hop, const struct dp_now *now)
{
	enum port_state state = w->port_state[hop->port];

	if (state == PORT_GONE)
		return DP_STALL_PORT_GONE;
	if (state == PORT_DOWN)
		return DP_STALL_LINK_DOWN;
	if (!neigh_is_usable(&hop->neigh))
		return DP_STALL_NO_MAC;
	return egress_is_stuck(&w->egress[hop->port], now) ? DP_STALL_PORT : DP_STALL_NONE;
}

static void hops_look(struct worker *w, const struct dp_now *now)
{
	const struct routes *r = &w->shared->routes;

	for (unsigned p = 0; p < w->shared->ports; p++)
		w->port_state[p] = port_state(&w->shared->port[p]);
	for (unsigned h = 0; h < r->hops; h++) {
		enum dp_stall before = w->hop_stall[h];

		w->hop_stall[h] = hop_look(w, &r->hop[h], now);
		if (before != DP_STALL_NONE && w->hop_stall[h] == DP_STALL_NONE)
			w->ways_epoch++;
	}
}

// --- What waits -----------------------------------------------------------------------------

void egress_clear(struct worker *w, struct egress *e)
{
	e->n = e->sent = 0;
	e->hops = 0;
	e->run = NULL;
	if (e->is_wanted)
		w->ways_epoch++;
	e->is_wanted = false;
}

void egress_return(struct worker *w, struct egress *e)
{
	for (unsigned i = e->sent; i < e->n; i++) {
		if (run_is_single(e->run))
			single_return(w, e->single[i]);
		else
			member_return(w, e->sweep, e->round, e->id[i]);
	}
	w->stats.made_anew += e->n - e->sent;
	rte_pktmbuf_free_bulk(e->mbuf + e->sent, e->n - e->sent);
	egress_clear(w, e);
}

// Whether the first next hop of a route that can be used comes after one that leads to this port.
static bool route_passes_by(const struct worker *w, const struct route *route, unsigned port)
{
	bool is_here = false;

	for (unsigned k = 0; k < route->hops; k++) {
		if (w->hop_stall[route->hop[k]] == DP_STALL_NONE)
			return is_here;
		is_here |= w->shared->routes.hop[route->hop[k]].port == port;
	}
	return false;
}

// Whether a frame that waits here would now be sent by another port.
static bool egress_is_passed_by(const struct worker *w, const struct egress *e)
{
	unsigned port = (unsigned)(e - w->egress), last = ROUTE_NONE;

	for (unsigned i = e->sent; i < e->n; i++) {
		if (e->route[i] != last &&
			route_passes_by(w, &w->shared->routes.route[e->route[i]], port))
			return true;
		last = e->route[i];
	}
	return false;
}

static bool egress_has_way(const struct worker *w, const struct egress *e)
{
	for (unsigned h = 0; h < w->shared->routes.hops; h++)
		if ((e->hops & 1ull << h) != 0 && w->hop_stall[h] != DP_STALL_NONE &&
			w->hop_stall[h] != DP_STALL_PORT)
			return false;
	return true;
}

// What the records said when a frame was built, and how long a MUK lives, holds for a second.
static bool egress_is_fresh(const struct egress *e, const struct dp_now *now)
{
	const struct dp_campaign *c = e->run->campaign;

	if (now->ns - e->built_ns >= FRESH_NS)
		return false;
	return run_is_single(e->run) ||
		(!atomic_load_explicit(&c->is_paused, memory_order_relaxed) &&
			!atomic_load_explicit(&c->is_aborted, memory_order_relaxed));
}

static void egress_tidy(struct worker *w, struct egress *e, const struct dp_now *now)
{
	if (e->n == 0) {
		if (e->stuck_since_ns != 0 && now->ns - e->stuck_since_ns > FORGET_NS)
			e->stuck_since_ns = 0;
		return;
	}
	if (!egress_has_way(w, e) || !egress_is_fresh(e, now)) {
		e->probe_ns = now->ns;
		egress_return(w, e);
	} else if (egress_is_stuck(e, now) && egress_is_passed_by(w, e)) {
		e->probe_ns = now->ns + PROBE_NS;
		egress_return(w, e);
	}
}

void egress_look(struct worker *w, const struct dp_now *now)
{
	uint32_t version = atomic_load_explicit(&w->shared->ways_version, memory_order_acquire);

	if (version != w->known_ways)
		w->ways_epoch++;
	w->known_ways = version;
	hops_look(w, now);
	for (unsigned p = 0; p < w->shared->ports; p++)
		egress_tidy(w, &w->egress[p], now);
}

bool egress_is_empty(const struct worker *w)
{
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0 || w->egress[p].out_n != 0)
			return false;
	return true;
}

// --- Choosing -------------------------------------------------------------------------------

// A next hop can be used, or its port may be tried again.
static bool hop_is_open(const struct worker *w, unsigned h, const struct dp_now *now)
{
	const struct egress *e = &w->egress[w->shared->routes.hop[h].port];

	return w->hop_stall[h] == DP_STALL_NONE ||
		(w->hop_stall[h] == DP_STALL_PORT && e->n == 0 && now->ns >= e->probe_ns);
}

enum egress_state egress_state(const struct worker *w, const struct dp_now *now, enum dp_stall *why)
{
	const struct routes *r = &w->shared->routes;
	enum egress_state state = EGRESS_STALLED;

	*why = r->hops > 0 ? w->hop_stall[0] : DP_STALL_PORT_GONE;
	for (unsigned h = 0; h < r->hops; h++) {
		if (hop_is_open(w, h, now) && w->egress[r->hop[h].port].n == 0)
			return EGRESS_READY;
		if (w->hop_stall[h] == DP_STALL_NONE || w->egress[r->hop[h].port].n != 0)
			state = EGRESS_FULL;
	}
	return state;
}

int egress_choose(struct worker *w, uint16_t number, const struct dp_now *now, enum dp_stall *why)
{
	const struct route *route = &w->shared->routes.route[number];

	*why = w->hop_stall[route->hop[0]];
	for (unsigned k = 0; k < route->hops; k++) {
		unsigned h = route->hop[k];
		struct egress *e = &w->egress[w->shared->routes.hop[h].port];

		if (!hop_is_open(w, h, now))
			continue;
		if (e->n == 0)
			return (int)h;
		// It takes frames, but holds some now: nobody overtakes them by another port.
		e->is_wanted = true;
		*why = DP_STALL_NONE;
		return -1;
	}
	return -1;
}

static bool egress_holds(const struct egress *e, uint32_t id)
{
	bool is_held = false;

	// Without a way out in between, so that many are compared at once.
	for (unsigned i = e->sent; i < e->n; i++)
		is_held |= e->id[i] == id;
	return is_held;
}

bool egress_holds_elsewhere(struct worker *w, unsigned hop, uint32_t id)
{
	unsigned port = w->shared->routes.hop[hop].port;

	for (unsigned p = 0; p < w->shared->ports; p++) {
		struct egress *e = &w->egress[p];

		if (p == port || e->n == 0 || !egress_holds(e, id))
			continue;
		e->is_wanted = true;
		return true;
	}
	return false;
}
