// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The end of a campaign: the harm is over. What is open comes to its end, and then everybody who
// belongs to a group has to get its newest MSK, also who could not be reached at first.

#include <errno.h>

#include "msk.h"
#include "sim.h"
#include "ue/site.h"

#define OPEN_S 400 // after which no campaign is open any more
#define RELEASE_S 20
#define VISITS_S 60
#define HARM_S 4 // of the last campaigns, which go on for longer

static bool no_campaign_is_open(struct sim *s)
{
	uint32_t id;

	return sim_is_heard(s) && campaigns_open(&s->bmsc.ctl, &id, 1) == 0;
}

static bool nobody_visits(struct sim *s)
{
	for (unsigned i = 0; i < s->crowd.n; i++)
		if (s->crowd.person[i].visit_ns != 0)
			return false;
	return s->visits.under_way == 0;
}

static void network_heal(struct sim *s)
{
	s->air.phones->wire.impairment = (struct ue_impairment){0};
	s->air.cut_off = 0;
}

// For a while, so that who is not reached has to be tried again.
static void network_harm(struct sim *s)
{
	s->air.phones->wire.impairment.loss = sim_draw(s, 80);
	s->air.cut_off = (uint8_t)sim_draw(s, 1u << CROWD_AREAS);
}

static void harm_end(struct sim *s)
{
	s->is_calm = true;
	network_heal(s);
	s->air.is_gateway_down = false;
	s->air.full_until_ns = 0;
	s->visits.down_until_ns = 0;
	s->storage.is_full = false;
	s->storage.errors = 0;
	s->storage.dies_at = 0;
	for (unsigned i = 0; i < s->crowd.n; i++) {
		struct person *p = &s->crowd.person[i];

		p->is_offline = p->is_liar = false;
		p->late_ms = 0;
	}
}

// Paused ones go on, armed ones are given up.
static void campaigns_release(struct sim *s)
{
	uint32_t ids[DP_CAMPAIGNS_MAX];
	size_t n = campaigns_open(&s->bmsc.ctl, ids, DP_CAMPAIGNS_MAX);

	for (size_t i = 0; i < n; i++) {
		campaign_pause(&s->bmsc.ctl, ids[i], false);
		campaign_rate(&s->bmsc.ctl, ids[i], 0);
		if (campaign_pause(&s->bmsc.ctl, ids[i], false) == -EPERM)
			campaign_abort(&s->bmsc.ctl, ids[i]);
	}
}

// Those that halt because too few of the first members answered are released again.
static bool campaigns_end(struct sim *s)
{
	for (unsigned passed_s = 0; passed_s < OPEN_S; passed_s += RELEASE_S) {
		campaigns_release(s);
		if (sim_until(s, no_campaign_is_open, RELEASE_S * (uint64_t)SIM_S))
			return true;
	}
	return false;
}

// Whose phone and store do not know the same key, or whose key has expired, comes by itself.
static void people_visit(struct sim *s)
{
	for (unsigned i = 0; i < s->crowd.n; i++) {
		struct person *p = &s->crowd.person[i];

		if (p->acked.is_there &&
			(p->acked.key != p->keys || p->expires[p->keys] <= os_true_s() + 600))
			visit_plan(s, i, 0);
	}
}

static uint32_t last_campaign(struct sim *s, unsigned group)
{
	struct campaign_order order = {
		.kind = STORE_CAMPAIGN_AUTO,
		.group = bmsc_group(group),
		.sends = 8,
		.solicits = 3,
		.wait_s = {1, 1, 2, 2, 2, 2, 2, 2},
		.solicit_wait_s = {3, 3, 3},
		.only = STORE_ID_NONE,
	};
	struct store_msk msk;
	char why[256];
	uint32_t id;
	int ret = campaign_start(&s->bmsc.ctl, &order, &id, why);

	if (ret == -ENOKEY && msk_new(&s->bmsc.ctl, &order.group, 0, UINT16_MAX, &msk) == 0)
		ret = campaign_start(&s->bmsc.ctl, &order, &id, why);
	sim_note(s, "last campaign=%u group=%u result=%d", id, group + 1, ret);
	if (ret != 0) {
		sim_violate(s, "no campaign can be started any more: %s", why);
		return 0;
	}
	judge_campaign(s, id, false);
	return id;
}

// Members that are not verified, by name.
static void campaign_explain(struct sim *s, uint32_t id, struct store_reader *r)
{
	uint8_t state[STORE_SLICE];
	struct store_subscriber sub;

	if (!s->is_tracing || campaign_slice_read(&s->bmsc.ctl, r, id, 0, state) != 0)
		return;
	for (store_id i = 0; i < STORE_SLICE; i++)
		if (state[i] != STORE_MEMBER_NONE && (state[i] & STORE_MEMBER_VERIFIED) == 0 &&
			store_reader_subscriber(r, i, &sub) == 0)
			sim_note(s, "id=%u state=%02x %s %s expires=%ld", i, state[i], sub.impi,
				sub.btid, (long)(sub.expires - os_true_s()));
}

// People whom the BM-SC has said to have in the group.
static unsigned crowd_in(const struct sim *s, unsigned group)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->crowd.n; i++) {
		const struct known *acked = &s->crowd.person[i].acked;

		n += acked->is_there && (acked->in >> group & 1) != 0;
	}
	return n;
}

// Everybody is a member, and every member is verified: the judge knows that those have the MSK.
static void last_judge(struct sim *s, uint32_t id, unsigned group)
{
	struct campaign_view v;
	struct store_reader *r;

	if (id == 0)
		return;
	if (ctl_reader_get(&s->bmsc.ctl, &r) != 0) {
		sim_violate(s, "all is well, and the store cannot be read");
		return;
	}
	if (campaign_view(&s->bmsc.ctl, r, id, &v) != 0) {
		sim_violate(s, "the last campaign %u is not known", id);
	} else if (v.record.members != crowd_in(s, group)) {
		sim_violate(s, "the last campaign %u has %u members of %u", id, v.record.members,
			crowd_in(s, group));
	} else if (v.record.verified != v.record.members) {
		campaign_explain(s, id, r);
		sim_violate(s,
			"all is well, and campaign %u reached %u of %u (%u given up, %u refused)",
			id, v.record.verified, v.record.members, v.record.given_up,
			v.record.refused);
	}
	ctl_reader_put(&s->bmsc.ctl, r);
}

void heal_site(struct sim *s)
{
	uint32_t id[BMSC_GROUPS] = {0};

	harm_end(s);
	// What a disk that failed has done to the open store ends with the process.
	crash_restart(s, true);
	if (!campaigns_end(s))
		sim_violate(s, "campaigns are open and do not end");
	people_visit(s);
	if (!sim_until(s, nobody_visits, VISITS_S * (uint64_t)SIM_S))
		sim_violate(s, "phones come and are not served");
	sim_advance(s, SIM_S);
	network_harm(s);
	for (unsigned g = 0; g < s->bmsc.groups && sim_is_right(s); g++)
		id[g] = last_campaign(s, g);
	sim_advance(s, HARM_S * (uint64_t)SIM_S);
	network_heal(s);
	if (!campaigns_end(s))
		sim_violate(s, "the last campaigns do not end");
	for (unsigned g = 0; g < s->bmsc.groups && sim_is_right(s); g++)
		last_judge(s, id[g], g);
}
