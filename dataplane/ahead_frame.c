// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Builds whole frames of an armed campaign ahead of its moment. What could be said against a
// message is looked at now, and nobody is refused for it: who gets no frame is judged when the
// campaign is fired, like anybody else.

#include <string.h>

#include "member.h"
#include "staged.h"

#define HEADERS_ROOM sizeof(((struct frame_headers *)0)->bytes)
#define MESSAGE_MAX (sizeof(((struct staged_frame *)0)->octets) - FRAME_V4_BYTES)

// Frames in the making.
struct making {
	unsigned n;
	store_id id[BURST];
	uint32_t expires[BURST];
	struct dp_addr address[BURST];
	uint16_t port[BURST];
	uint16_t way[BURST];
	uint8_t hop[BURST];
	uint16_t idr_len[BURST];
	char idr[BURST][STORE_NAI_MAX + 3];
	const struct crypto_hmac_state *psk[BURST]; // in the store's map, or in room
	struct crypto_hmac_state room[BURST];
	struct crypto_seal_msg seal[BURST];
	uint16_t len[BURST];
	uint8_t octets[BURST][HEADERS_ROOM + MESSAGE_MAX];
};

static size_t headers_bytes(const struct dp_addr *to)
{
	return dp_addr_is_v4(to) ? FRAME_V4_BYTES : FRAME_V6_BYTES;
}

// Takes a member in, if a message to it can be made at all.
static bool making_add(struct worker *w, struct run *run, struct making *mk, store_id id,
	const struct store_record *record, const struct dp_now *now)
{
	unsigned at = mk->n;
	struct member member = {
		.idr = mk->idr[at], .room = &mk->room[at], .address = &mk->address[at]};
	struct member_wish wish = {
		.message = run->campaign->kind == DP_CAMPAIGN_SOLICIT ? MEMBER_SOLICIT : MEMBER_MSK,
		.fresh_at_s = now->unix_s + w->shared->conf->muk_margin_s,
		.is_registered = true,
	};

	if (!counter_may_send(&w->counter, id, now->counter) ||
		translate_member(w->reader, &run->eligibility, id, record, &wish, &member) != 0)
		return false;
	mk->id[at] = id;
	mk->psk[at] = member.psk;
	mk->expires[at] = record->hot->expires;
	mk->port[at] = member.port;
	mk->idr_len[at] = member.idr_len;
	return true;
}

// Whether the frame can stand in an entry.
static bool making_fits(struct run *run, const struct making *mk, unsigned i)
{
	size_t bytes = mikey_template_bytes(&run_draft(run)->tpl, mk->idr_len[i]);

	return bytes + headers_bytes(&mk->address[i]) <= sizeof(((struct staged_frame *)0)->octets);
}

// The next hop a message would go to now.
static uint8_t hop_of(const struct worker *w, uint16_t number)
{
	const struct route *route = &w->shared->routes.route[number];

	for (unsigned k = 0; k < route->hops; k++)
		if (w->hop_stall[route->hop[k]] == DP_STALL_NONE)
			return route->hop[k];
	return route->hop[0];
}

// Leaves those out to whom no route leads.
static void making_route(const struct worker *w, struct making *mk)
{
	const struct routes *r = &w->shared->routes;
	unsigned kept = 0;

	routes_find_burst(r, mk->address, mk->n, mk->way);
	for (unsigned i = 0; i < mk->n; i++) {
		uint16_t way = mk->way[i], route = routes_way(r, way)->route;

		if (route == ROUTE_NONE)
			continue;
		mk->id[kept] = mk->id[i];
		mk->expires[kept] = mk->expires[i];
		mk->address[kept] = mk->address[i];
		mk->port[kept] = mk->port[i];
		mk->way[kept] = way;
		mk->hop[kept] = hop_of(w, route);
		mk->idr_len[kept] = mk->idr_len[i];
		memmove(mk->idr[kept], mk->idr[i], mk->idr_len[i]);
		mk->psk[kept++] = mk->psk[i];
	}
	mk->n = kept;
}

static void making_seal(
	struct worker *w, const struct draft *draft, struct making *mk, uint32_t counter)
{
	for (unsigned i = 0; i < mk->n; i++) {
		uint8_t *message = mk->octets[i] + HEADERS_ROOM;
		struct mikey_bytes idr = {(const uint8_t *)mk->idr[i], mk->idr_len[i]};
		struct mikey_layout layout;

		mikey_template_fill(&draft->tpl, idr, message, &layout);
		mk->len[i] = (uint16_t)layout.len;
		mk->seal[i] = (struct crypto_seal_msg){
			.psk = mk->psk[i],
			.data = message,
			.encr_off = layout.encr.off,
			.encr_len = layout.encr.len,
			.mac_off = layout.mac.off,
		};
	}
	crypto_seal_burst(w->crypto, &draft->label, counter, mk->seal, mk->n);
}

// Sums are made here, whatever the port offers then.
static void making_store(struct worker *w, struct run *run, struct making *mk, unsigned i)
{
	const struct hop *hop = &w->shared->routes.hop[mk->hop[i]];
	struct frame_message message = {.data = mk->seal[i].data, .len = mk->len[i]};
	size_t headers = headers_bytes(&mk->address[i]);
	struct frame_headers h;
	struct staged_frame *frame = run_stage(w, run, mk->id[i], DP_STAGED_FRAME);

	frame_headers_make(&h, hop, &w->shared->port[hop->port]);
	h.is_offloaded = false;
	frame_headers_put(&h, &message, &mk->address[i], mk->port[i]);
	frame->counter = counter_last(w->counter.counter, mk->id[i]);
	frame->expires = mk->expires[i];
	frame->way = mk->way[i];
	frame->hop = mk->hop[i];
	frame->len = (uint16_t)(mk->len[i] + headers);
	memcpy(frame->octets, message.data - headers, frame->len);
}

static void making_finish(
	struct worker *w, struct run *run, struct making *mk, const struct dp_now *now)
{
	uint32_t mark = atomic_load_explicit(&w->shared->mark, memory_order_acquire);
	struct draft *draft = run_draft(run);
	uint32_t counter;

	making_route(w, mk);
	counter = mk->n == 0 ? 0 : counter_take(&w->counter, mk->id, mk->n, now->counter, mark);
	// Without a value, because the mark has not moved on yet, they come again.
	if (counter == 0) {
		if (mk->n > 0)
			run->ahead = mk->id[0];
		return;
	}
	campaign_begin_at(run->campaign, counter);
	mikey_template_set_counter(&draft->tpl, counter);
	making_seal(w, draft, mk, counter);
	for (unsigned i = 0; worker_trusts_crypto(w) && i < mk->n; i++)
		making_store(w, run, mk, i);
}

unsigned ahead_frames(
	struct worker *w, struct run *run, store_id id[BURST], unsigned n, const struct dp_now *now)
{
	struct store_record record[BURST];
	struct making mk;
	unsigned keys = 0;

	mk.n = 0;
	store_reader_prefetch_burst(w->reader, id, n, 0);
	store_reader_records(w->reader, id, n, record);
	for (unsigned i = 0; i < n; i++) {
		if (!making_add(w, run, &mk, id[i], &record[i], now))
			continue;
		if (making_fits(run, &mk, mk.n) && !frame_is_elsewhere(w, run, id[i]))
			mk.n++;
		else
			id[keys++] = id[i];
	}
	making_finish(w, run, &mk, now);
	explicit_bzero(mk.room, sizeof(mk.room));
	return keys;
}
