// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "visit.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "ue/site.h"

struct visit {
	struct ctl_job job;
	struct sim *sim;
	unsigned person;
	bool is_registration;
	struct known becomes;
	struct store_subscriber sub; // secret, but no real one
	store_service_id service[BMSC_GROUPS];
	size_t services;
	store_service_id left[BMSC_GROUPS];
	size_t lefts;
	char btid[STORE_NAI_MAX + 1];
};

// --- Pushes ----------------------------------------------------------------------------------

// The MSKs that are given out: the current one, and the next one once it is released.
static void group_push(struct sim *s, struct store_reader *r, unsigned group, store_id id)
{
	struct store_group_id its = bmsc_group(group);
	struct store_msk msk = {0};

	while (store_reader_msk_next(r, &its, msk.number, &msk) == 0) {
		struct dp_single order = {
			.id = id,
			.group = its.group,
			.number = msk.number,
			.needs_registration = 1,
			.version = store_reader_version(r),
		};

		if (msk.state == STORE_MSK_RETIRED ||
			(msk.state == STORE_MSK_NEXT && !msk.is_released))
			continue;
		memcpy(order.kdi, its.kdi, sizeof(order.kdi));
		if (dp_singles(s->bmsc.dp, &order, 1) != 1)
			sim_note(s, "a worker takes no order");
	}
}

static void person_push(struct sim *s, unsigned person)
{
	char impi[STORE_NAI_MAX + 1];
	struct store_reader *r;
	store_id id;

	if (s->bmsc.ctl.dp == NULL || ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	crowd_impi(person, impi);
	id = store_reader_find_impi(r, impi);
	for (unsigned g = 0; g < s->bmsc.groups && id != STORE_ID_NONE; g++)
		if ((s->crowd.person[person].acked.in >> g & 1) != 0)
			group_push(s, r, g, id);
	ctl_reader_put(&s->bmsc.ctl, r);
}

// --- Jobs ------------------------------------------------------------------------------------

static int bootstrap_job(struct store_txn *txn, void *arg)
{
	struct visit *visit = arg;
	struct ctl *ctl = &visit->sim->bmsc.ctl;
	store_id id;
	bool is_new;
	int ret = store_set_intern(
		txn, visit->sim->bmsc.service, visit->sim->bmsc.groups, &visit->sub.authorised);

	if (ret == 0)
		ret = store_set_intern(
			txn, visit->service, visit->services, &visit->sub.registered);
	if (ret == 0)
		ret = store_subscriber_bootstrap(
			txn, &visit->sub, false, ctl_may_reuse_ids(ctl), &id, &is_new);
	if (ret == 0)
		ctl_store_changed(ctl, id, 1);
	return ret;
}

// In the writer's thread the newest snapshot is the commit before.
static int register_job(struct store_txn *txn, void *arg)
{
	struct visit *visit = arg;
	struct ctl *ctl = &visit->sim->bmsc.ctl;
	struct store_registration reg = {
		.btid = {(const uint8_t *)visit->btid, (uint16_t)strlen(visit->btid)},
		.add = visit->service,
		.adds = visit->services,
		.drop = visit->left,
		.drops = visit->lefts,
	};
	struct store_reader *r;
	int ret = ctl_reader_get(ctl, &r);

	if (ret != 0)
		return ret;
	reg.id = store_reader_find_btid(r, visit->btid);
	ctl_reader_put(ctl, r);
	if (reg.id == STORE_ID_NONE)
		return -1;
	ret = store_subscriber_register(txn, &reg);
	if (ret == 0 && visit->lefts > 0)
		ctl_store_changed(ctl, 0, 0);
	return ret;
}

static void visit_done(void *arg, int result, uint64_t version)
{
	struct visit *visit = arg;
	struct sim *s = visit->sim;
	struct person *p = &s->crowd.person[visit->person];

	(void)version;
	s->visits.under_way--;
	p->is_visiting = false;
	if (!sim_is_heard(s)) {
		// It may have been the last that was written.
		crowd_doubt(&p->maybe, visit->becomes);
	} else if (result != 0) {
		sim_note(s, "visit person=%u result=%d", visit->person, result);
		visit_plan(s, visit->person, SIM_S + sim_draw(s, 3000) * (uint64_t)SIM_MS);
	} else {
		sim_note(s, "visited person=%u key=%u in=%x", visit->person, visit->becomes.key,
			visit->becomes.in);
		p->acked = visit->becomes;
		person_push(s, visit->person);
	}
	free(visit);
}

static void visit_post(struct visit *visit, int (*fn)(struct store_txn *txn, void *arg))
{
	struct sim *s = visit->sim;

	visit->job = (struct ctl_job){.fn = fn, .done = visit_done, .arg = visit};
	s->visits.under_way++;
	s->crowd.person[visit->person].is_visiting = true;
	s->crowd.person[visit->person].becomes = visit->becomes;
	if (ctl_writer_post(&s->bmsc.ctl, &visit->job) != 0)
		visit_done(visit, -1, 0);
}

static struct visit *visit_create(struct sim *s, unsigned person)
{
	struct visit *visit = calloc(1, sizeof(*visit));
	const struct person *p = &s->crowd.person[person];

	if (visit == NULL)
		abort();
	visit->sim = s;
	visit->person = person;
	for (unsigned g = 0; g < s->bmsc.groups; g++) {
		if ((p->in >> g & 1) != 0)
			visit->service[visit->services++] = s->bmsc.service[g];
		else
			visit->left[visit->lefts++] = s->bmsc.service[g];
	}
	return visit;
}

// --- Phones ----------------------------------------------------------------------------------

void visit_register(struct sim *s, unsigned person)
{
	const struct person *p = &s->crowd.person[person];
	struct visit *visit;

	if (!p->acked.is_there || person_is_unsure(p) || p->is_visiting || !sim_is_heard(s))
		return;
	visit = visit_create(s, person);
	visit->becomes = p->acked;
	visit->becomes.in = p->in;
	crowd_btid(person, p->acked.key, visit->btid);
	visit_post(visit, register_job);
}

// Its MUK is not fresh, or the BM-SC does not know it: its key source does.
static void visit_bootstrapped(struct sim *s, unsigned person)
{
	const struct person *p = &s->crowd.person[person];
	struct visit *visit = visit_create(s, person);

	crowd_record(s, person, &visit->sub);
	visit->becomes = p->acked;
	visit->becomes.key = p->keys;
	if (!p->acked.is_there)
		visit->becomes = crowd_known(p);
	visit_post(visit, bootstrap_job);
}

static void visit_now(struct sim *s, unsigned person)
{
	struct person *p = &s->crowd.person[person];
	bool is_fresh = p->expires[p->keys] > os_true_s() + s->bmsc.dp_conf.muk_margin_s;

	if (person_is_unsure(p) || p->is_visiting)
		return;
	if (!is_fresh && !crowd_bootstrap(s, person))
		return;
	if (!p->acked.is_there || p->acked.key != p->keys)
		visit_bootstrapped(s, person);
	else
		person_push(s, person);
}

void visit_plan(struct sim *s, unsigned person, uint64_t after_ns)
{
	struct person *p = &s->crowd.person[person];

	if (p->visit_ns == 0)
		p->visit_ns = os.ns + after_ns + 1;
}

void visits_step(struct sim *s)
{
	const struct ue_phones *phones = ue_site_phones(s->air.phones);

	for (unsigned i = 0; i < s->crowd.n; i++) {
		struct person *p = &s->crowd.person[i];

		if (phones->phones[i].solicited != p->solicited) {
			p->solicited = phones->phones[i].solicited;
			visit_plan(s, i, sim_draw(s, 500) * (uint64_t)SIM_MS);
		}
		if (p->visit_ns == 0 || p->visit_ns > os.ns)
			continue;
		p->visit_ns = 0;
		if (sim_is_heard(s) && os.ns >= s->visits.down_until_ns && !p->is_offline &&
			(s->air.cut_off >> crowd_area(i) & 1) == 0)
			visit_now(s, i);
		else
			visit_plan(s, i, SIM_S + sim_draw(s, 4000) * (uint64_t)SIM_MS);
	}
}
