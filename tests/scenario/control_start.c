// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MSKs, and how a campaign begins.

#include <stdlib.h>
#include <string.h>

#include "control_inside.h"
#include "script.h"
#include "site.h"

void msk_store(struct site *s, const struct dp_msk *msk, enum store_msk_state state)
{
	struct store_msk stored = {
		.group = {.group = msk->group},
		.number = msk->number,
		.state = (uint8_t)state,
		.csb_id = msk->csb_id,
		.seq_l = msk->seq_l,
		.seq_u = msk->seq_u,
	};

	memcpy(stored.group.kdi, msk->kdi, sizeof(stored.group.kdi));
	memcpy(stored.rand, msk->rand, sizeof(stored.rand));
	memcpy(stored.key.byte, msk->key, sizeof(stored.key.byte));
	fake_store_msk(s->people.env, &stored);
	site_commit(s);
}

void control_msk_retire(struct site *s, unsigned group, unsigned number)
{
	struct dp_msk msk = s->control.msk[group];

	msk.number = (uint16_t)number;
	msk_store(s, &msk, STORE_MSK_RETIRED);
	site_look(s);
}

static void interval_store(struct site *s, unsigned group, uint16_t seq_l, uint16_t seq_u)
{
	struct dp_msk *msk = &s->control.msk[group];

	msk->seq_l = seq_l;
	msk->seq_u = seq_u;
	msk_store(s, msk, msk->number == 1 ? STORE_MSK_CURRENT : STORE_MSK_NEXT);
}

void control_msk_bound(struct site *s, unsigned group, uint16_t seq_u)
{
	interval_store(s, group, s->control.msk[group].seq_l, seq_u);
}

void control_msk_revoke(struct site *s, unsigned group)
{
	interval_store(s, group, 1, 0);
	site_look(s);
}

void control_msk_make(struct site *s, unsigned group)
{
	struct dp_msk *msk = &s->control.msk[group];
	uint8_t number = (uint8_t)(msk->number + 1);

	*msk = (struct dp_msk){
		.profile = s->people.profile,
		.kdi = {0x00, 0xf1, 0x10},
		.group = (uint16_t)group,
		.number = number,
		.csb_id = 0x5c000000u + group * 256 + number,
		.seq_u = UINT16_MAX,
	};
	if (msk->profile == MIKEY_PROFILE_V600)
		msk->csb_id = mikey_v600_csb_id(msk->group);
	ue_rng_fill(&s->wire.rng, msk->rand, sizeof(msk->rand));
	ue_rng_fill(&s->wire.rng, msk->key, sizeof(msk->key));
	msk_store(s, msk, number == 1 ? STORE_MSK_CURRENT : STORE_MSK_NEXT);
}

static struct campaign *campaign_alloc(uint32_t span)
{
	struct campaign *c = calloc(1, sizeof(*c));
	struct dp_campaign *dp = aligned_alloc(_Alignof(struct dp_campaign), sizeof(*dp));

	if (c == NULL || dp == NULL)
		script_fail("no memory for a campaign");
	memset(dp, 0, sizeof(*dp));
	c->dp = dp;
	dp->span = span;
	dp->round = malloc(span + 1);
	dp->done = calloc(span + 1, 1);
	dp->is_dirty = calloc(span / STORE_SLICE + 1, 1);
	c->saved.round = malloc(span + 1);
	c->saved.done = calloc(span + 1, 1);
	memset(dp->round, DP_MEMBER_NONE, span + 1);
	return c;
}

static bool person_is_member(const struct person *p, unsigned group)
{
	return !p->is_removed && p->is_in[group] && p->is_authorised && p->is_registered;
}

// A campaign for one takes him as he is.
static void members_find(struct site *s, struct campaign *c, const struct control_order *order)
{
	for (unsigned i = 0; i < s->people.n; i++) {
		const struct person *person = &s->people.person[i];
		bool is_member = order->only == UINT_MAX ? person_is_member(person, order->group)
							 : order->only == i;

		if (!is_member || person->id >= c->dp->span)
			continue;
		c->dp->round[person->id] = 0;
		c->members++;
	}
}

// What differs between the kinds of campaigns.
static void kind_set(struct site *s, struct campaign *c, const struct control_order *order)
{
	struct control *control = &s->control;
	struct dp_campaign *dp = c->dp;

	dp->kind = (uint8_t)order->kind;
	dp->sends = order->kind == DP_CAMPAIGN_SOLICIT ? 0 : control->sends;
	memcpy(dp->wait_ms, control->wait_ms, sizeof(dp->wait_ms));
	if (order->kind == DP_CAMPAIGN_PUSH)
		return;
	dp->solicits = control->solicits;
	memcpy(dp->solicit_wait_ms, control->solicit_wait_ms, sizeof(dp->solicit_wait_ms));
	if (order->is_previous) {
		dp->is_last_previous = true;
		dp->solicit_wait_ms[dp->solicits++ - 1] = 0;
	}
	dp->solicit_csb_id =
		dp->msk.profile == MIKEY_PROFILE_V600 ? dp->msk.csb_id : 0x50000000u + c->number;
	ue_rng_fill(&s->wire.rng, dp->solicit_rand, sizeof(dp->solicit_rand));
	if (order->kind == DP_CAMPAIGN_AUTO)
		dp->way = calloc(dp->span + 1, 1);
}

// Where each member's address lies.
static void areas_set(const struct site *s, struct dp_campaign *dp)
{
	const struct routes *r = &s->shared.routes;

	if (s->conf.areas == 0)
		return;
	dp->area = calloc(dp->span + 1, 1);
	for (unsigned i = 0; i < s->people.n; i++) {
		struct ue_address address = people_address(&s->people, i);
		struct dp_addr addr;
		uint16_t way, area;

		if (s->people.person[i].id >= dp->span)
			continue;
		memcpy(addr.byte, address.octets, sizeof(addr.byte));
		routes_find_burst(r, &addr, 1, &way);
		area = routes_way(r, way)->area;
		dp->area[s->people.person[i].id] =
			(uint8_t)(area == AREA_NONE ? s->conf.areas : area);
	}
}

// Members of an AUTO campaign whose MUK is not fresh are solicited from the start.
static void ways_set(const struct site *s, struct dp_campaign *dp)
{
	for (unsigned i = 0; i < s->people.n && dp->way != NULL; i++) {
		const struct person *person = &s->people.person[i];

		if (person->id < dp->span && person->has_muk &&
			person->expires <= s->now.unix_s + s->conf.muk_margin_s)
			dp->way[person->id] = DP_WAY_SOLICIT;
	}
}

struct campaign *control_start(struct site *s, const struct control_order *order)
{
	struct control *control = &s->control;
	struct campaign *c = campaign_alloc(people_span(&s->people));
	struct dp_campaign *dp = c->dp;

	if (control->n == SITE_CAMPAIGNS)
		script_fail("more than %u campaigns", SITE_CAMPAIGNS);
	if (order->is_msk_new || control->msk[order->group].number == 0)
		control_msk_make(s, order->group);
	dp->msk = control->msk[order->group];
	c->number = control->n + 1;
	kind_set(s, c, order);
	dp->first_round = 1;
	dp->only = order->only == UINT_MAX ? UINT32_MAX : s->people.person[order->only].id;
	atomic_store(&dp->rate, control->rate);
	atomic_store(&dp->is_paused, order->is_paused);
	if (order->is_armed) {
		dp->staged_bytes = order->has_frames ? DP_STAGED_FRAME_BYTES : DP_STAGED_KEYS_BYTES;
		dp->staged = calloc(dp->span + 1, dp->staged_bytes);
		dp->is_staged = calloc(dp->span + 1, 1);
	}
	c->group = order->group;
	c->is_open = true;
	dp->id = c->number;
	control->campaign[control->n++] = c;
	members_find(s, c, order);
	ways_set(s, dp);
	areas_set(s, dp);
	campaign_tally(c, &c->tally);
	campaign_send(s, c, DP_CMD_CAMPAIGN_OPEN);
	return c;
}
