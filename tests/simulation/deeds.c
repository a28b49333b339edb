// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What operators, phones and misfortune do to a site, one at a time and by chance.

#include <stdlib.h>
#include <string.h>

#include "import_people.h"
#include "msk.h"
#include "sim.h"
#include "ue/site.h"

static unsigned person_draw(struct sim *s)
{
	return sim_draw(s, s->crowd.n);
}

// Runs a job and notes what came of it; false: nobody heard an answer, or it was no.
static bool job_run(
	struct sim *s, const char *what, int (*fn)(struct store_txn *txn, void *arg), void *arg)
{
	int ret = ctl_writer_run(&s->bmsc.ctl, fn, arg);

	sim_note(s, "%s result=%d", what, ret);
	return ret == 0 && sim_is_heard(s);
}

// --- Campaigns and MSKs ----------------------------------------------------------------------

static void waits_draw(struct sim *s, uint16_t *wait_s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		wait_s[i] = (uint16_t)(1 + sim_draw(s, 2));
}

static store_id id_of(struct sim *s, unsigned person)
{
	char impi[STORE_NAI_MAX + 1];
	struct store_reader *r;
	store_id id;

	if (ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return STORE_ID_NONE;
	crowd_impi(person, impi);
	id = store_reader_find_impi(r, impi);
	ctl_reader_put(&s->bmsc.ctl, r);
	return id;
}

// An MSK that the order made is known by what the store has of it.
static void newest_judge(struct sim *s, const struct store_group_id *group)
{
	struct store_reader *r;
	struct store_msk msk;

	if (!sim_is_heard(s) || ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	if (store_reader_msk_newest(r, group, &msk) == 0)
		judge_msk(s, &msk);
	ctl_reader_put(&s->bmsc.ctl, r);
}

static void campaign_order_draw(struct sim *s, struct campaign_order *order)
{
	*order = (struct campaign_order){
		.kind = (uint8_t)sim_draw(s, 3),
		.group = bmsc_group(sim_draw(s, s->bmsc.groups)),
		.is_msk_new = sim_chance(s, 40),
		.is_armed = sim_chance(s, 10),
		.rate = sim_chance(s, 30) ? 5 + sim_draw(s, 200) : 0,
		.sends = (uint8_t)(1 + sim_draw(s, 5)),
		.solicits = (uint8_t)(1 + sim_draw(s, 3)),
		.only = STORE_ID_NONE,
	};
	order->has_frames = order->sends % 2;
	waits_draw(s, order->wait_s, order->sends);
	waits_draw(s, order->solicit_wait_s, order->solicits);
	if (order->kind != STORE_CAMPAIGN_PUSH)
		order->is_previous = sim_chance(s, 20);
	if (sim_chance(s, 10))
		order->only = id_of(s, person_draw(s));
	if (sim_chance(s, 10))
		order->choice.sample_ppm = 500000;
	if (sim_chance(s, 10)) {
		order->stop_percent = 20;
		order->stop_after = 3;
	}
}

static void campaign_begin(struct sim *s)
{
	struct campaign_order order;
	char why[256];
	uint32_t id;
	int ret;

	campaign_order_draw(s, &order);
	ret = campaign_start(&s->bmsc.ctl, &order, &id, why);
	sim_note(s, "campaign=%u kind=%u group=%u new=%d armed=%d rate=%u only=%x result=%d", id,
		order.kind, order.group.group, order.is_msk_new, order.is_armed, order.rate,
		order.only, ret);
	if (ret != 0 || !sim_is_heard(s))
		return;
	judge_campaign(s, id, order.is_armed);
	newest_judge(s, &order.group);
}

// One of the open campaigns, 0 when there is none.
static uint32_t campaign_draw(struct sim *s)
{
	uint32_t ids[DP_CAMPAIGNS_MAX];
	size_t n = campaigns_open(&s->bmsc.ctl, ids, DP_CAMPAIGNS_MAX);

	return n == 0 ? 0 : ids[sim_draw(s, (unsigned)n)];
}

static void campaign_change(struct sim *s)
{
	uint32_t id = campaign_draw(s);
	struct ctl *ctl = &s->bmsc.ctl;
	struct judged *c = judge_find(s, id);
	unsigned what = sim_draw(s, 5);
	int ret;

	if (c == NULL)
		return;
	judge_pace_begin(c);
	switch (what) {
	case 0:
		ret = campaign_abort(ctl, id);
		break;
	case 1:
		ret = campaign_pause(ctl, id, true);
		break;
	case 2:
		ret = campaign_pause(ctl, id, false);
		break;
	case 3:
		ret = campaign_rate(ctl, id, 5 + sim_draw(s, 300));
		break;
	default:
		ret = campaign_fire(ctl, id);
		break;
	}
	sim_note(s, "campaign=%u change=%u result=%d", id, what, ret);
}

static void msk_make(struct sim *s)
{
	struct store_group_id group = bmsc_group(sim_draw(s, s->bmsc.groups));
	struct store_msk msk;
	int ret = msk_new(&s->bmsc.ctl, &group, 0, UINT16_MAX, &msk);

	sim_note(s, "msk group=%u number=%u result=%d", group.group, msk.number, ret);
	if (ret == 0 && sim_is_heard(s))
		judge_msk(s, &msk);
}

static void msk_promote(struct sim *s)
{
	struct store_group_id group = bmsc_group(sim_draw(s, s->bmsc.groups));
	struct store_reader *r;
	struct store_msk msk;
	int ret;

	if (ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	ret = store_reader_msk_newest(r, &group, &msk);
	ctl_reader_put(&s->bmsc.ctl, r);
	if (ret == 0)
		ret = msk_activate(&s->bmsc.ctl, &group, msk.number, &msk);
	sim_note(s, "activate group=%u number=%u result=%d", group.group, msk.number, ret);
}

// --- Subscribers -----------------------------------------------------------------------------

static void phone_visits(struct sim *s)
{
	visit_plan(s, person_draw(s), 0);
}

static void phone_bootstraps(struct sim *s)
{
	unsigned person = person_draw(s);

	if (crowd_bootstrap(s, person) && sim_chance(s, 70))
		visit_plan(s, person, 0);
}

static void phone_registers(struct sim *s)
{
	unsigned person = person_draw(s);

	if (s->crowd.person[person].is_visiting)
		return;
	s->crowd.person[person].in = (uint8_t)sim_draw(s, 1u << s->bmsc.groups);
	visit_register(s, person);
}

struct removal {
	struct ctl *ctl;
	store_id id;
};

// As admin_subscribers.c does it.
static int removal_job(struct store_txn *txn, void *arg)
{
	struct removal *removal = arg;
	int ret;

	if (ctl_campaign_holding(removal->ctl, removal->id) != 0)
		return -1;
	ret = store_subscriber_remove(txn, removal->id);
	if (ret == 0)
		ctl_store_changed(removal->ctl, removal->id, 1);
	return ret;
}

static void person_remove(struct sim *s)
{
	unsigned person = person_draw(s);
	struct person *p = &s->crowd.person[person];
	struct removal removal = {&s->bmsc.ctl, id_of(s, person)};

	if (removal.id == STORE_ID_NONE || p->is_visiting || person_is_unsure(p))
		return;
	if (!job_run(s, "remove", removal_job, &removal)) {
		if (s->storage.is_dead)
			crowd_doubt(&p->maybe, (struct known){0});
		return;
	}
	p->acked = (struct known){0};
	// Back with the key it had, under another id.
	if (sim_chance(s, 60))
		visit_plan(s, person, sim_draw(s, 2000) * (uint64_t)SIM_MS);
}

// People the phones and the store are told of together: all, or some whose phones have new keys.
static void people_import(struct sim *s)
{
	unsigned first = sim_chance(s, 40) ? 0 : person_draw(s);
	unsigned most = s->crowd.n - first, n = sim_chance(s, 40) ? most : 1 + sim_draw(s, most);

	import_people(s, first, n);
}

// --- Misfortune ------------------------------------------------------------------------------

static void network_change(struct sim *s)
{
	struct ue_impairment *to = &s->air.phones->wire.impairment;

	*to = (struct ue_impairment){0};
	if (sim_chance(s, 60))
		to->loss = sim_draw(s, 40);
	if (sim_chance(s, 40))
		to->duplicate = sim_draw(s, 30);
	if (sim_chance(s, 40))
		to->reorder = sim_draw(s, 30);
	if (sim_chance(s, 40)) {
		to->delay_us = sim_draw(s, 800000);
		to->jitter_us = sim_draw(s, to->delay_us + 1);
	}
	s->air.cut_off = sim_chance(s, 40) ? (uint8_t)sim_draw(s, 1u << CROWD_AREAS) : 0;
	sim_note(s, "network loss=%.0f duplicate=%.0f reorder=%.0f delay=%u cut-off=%x", to->loss,
		to->duplicate, to->reorder, to->delay_us, s->air.cut_off);
}

static void gateway_harm(struct sim *s)
{
	s->air.is_gateway_down = !s->air.is_gateway_down;
	if (!s->air.is_gateway_down && sim_chance(s, 50))
		air_gateway_exchange(&s->air);
	sim_note(s, "gateway down=%d", s->air.is_gateway_down);
}

static void ring_fill(struct sim *s)
{
	s->air.full_until_ns = os.ns + sim_draw(s, 3000) * (uint64_t)SIM_MS;
	sim_note(s, "ring full");
}

static void phones_change(struct sim *s)
{
	unsigned first = person_draw(s), n = 1 + sim_draw(s, 1 + s->crowd.n / 4);

	for (unsigned i = first; i < first + n && i < s->crowd.n; i++) {
		struct person *p = &s->crowd.person[i];

		p->is_offline = sim_chance(s, 25);
		p->is_liar = sim_chance(s, 15);
		p->late_ms = sim_chance(s, 30) ? sim_draw(s, 8000) : 0;
	}
	sim_note(s, "phones first=%u n=%u", first, n);
}

static void http_harm(struct sim *s)
{
	s->visits.down_until_ns = os.ns + sim_draw(s, 6000) * (uint64_t)SIM_MS;
	sim_note(s, "http down");
}

static void disk_change(struct sim *s)
{
	s->storage.is_full = sim_chance(s, 40);
	s->storage.errors = sim_chance(s, 40) ? 1 + sim_draw(s, 20) : 0;
	sim_note(s, "disk full=%d errors=%.0f", s->storage.is_full, s->storage.errors);
}

static void machine_dies(struct sim *s)
{
	storage_kill(&s->storage, 1 + sim_draw(s, sim_chance(s, 50) ? 20 : 100));
	sim_note(s, "dies soon");
	// In what writes most, as often as not.
	if (sim_chance(s, 30))
		people_import(s);
	else if (sim_chance(s, 20))
		campaign_begin(s);
}

static void clock_step(struct sim *s)
{
	os.clock_error_s +=
		sim_chance(s, 50) ? (int64_t)sim_draw(s, 7200) : -(int64_t)sim_draw(s, 7200);
	sim_note(s, "clock error=%ld", (long)os.clock_error_s);
}

static void daemon_restart(struct sim *s)
{
	crash_restart(s, sim_chance(s, 50));
}

// --- One of them -----------------------------------------------------------------------------

static const struct deed {
	unsigned weight;
	void (*fn)(struct sim *s);
} deeds[] = {
	{22, campaign_begin},
	{10, campaign_change},
	{6, msk_make},
	{5, msk_promote},
	{8, phone_visits},
	{8, phone_bootstraps},
	{6, phone_registers},
	{5, person_remove},
	{6, people_import},
	{8, network_change},
	{3, gateway_harm},
	{3, ring_fill},
	{8, phones_change},
	{2, http_harm},
	{4, disk_change},
	{8, machine_dies},
	{2, clock_step},
	{4, daemon_restart},
	{3, backup_take},
	{3, backup_restore},
	{2, store_lose},
};
#define DEEDS (sizeof(deeds) / sizeof(deeds[0]))

void deed_do(struct sim *s)
{
	unsigned sum = 0, drawn;

	for (size_t i = 0; i < DEEDS; i++)
		sum += deeds[i].weight;
	drawn = sim_draw(s, sum);
	for (size_t i = 0; i < DEEDS; i++) {
		if (drawn < deeds[i].weight) {
			deeds[i].fn(s);
			break;
		}
		drawn -= deeds[i].weight;
	}
	if (s->bmsc.is_up && s->storage.is_dead)
		crash_now(s);
}
