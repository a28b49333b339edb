// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <limits.h>
#include <string.h>

#include "../scenario/view.h"
#include "counter_mark.h"
#include "mikey.h"
#include "sim.h"
#include "ue/site.h"

#define PACE_MORE 1.01 // at most one in a hundred more
#define PACE_DEBT_S 0.1 // and what was missed in this time

void judge_init(struct sim *s)
{
	memset(&s->judge, 0, sizeof(s->judge));
}

// --- The wire --------------------------------------------------------------------------------

static void counter_judge(
	struct sim *s, const struct mikey_view *view, unsigned person, unsigned key, bool is_msk)
{
	struct person *p = &s->crowd.person[person];
	uint32_t mark = counter_mark_value(s->bmsc.mark), *last = &p->last[key];

	if (view->counter <= *last)
		sim_violate(s, "T %u after %u to person %u under key %u", view->counter, *last,
			person, key);
	if (view->counter > mark || view->counter > INT32_MAX)
		sim_violate(s, "T %u is above the mark %u", view->counter, mark);
	// By the true time, unless a wrong clock can have told the BM-SC otherwise.
	if (is_msk && p->expires[key] <= os_true_s() && os.clock_error_s >= 0 &&
		!s->bmsc.is_clock_accepted)
		sim_violate(s, "an MSK to person %u under key %u that has expired", person, key);
	if (view->wants_verification != is_msk)
		sim_violate(s, "V is wrong in a message to person %u", person);
	*last = view->counter;
}

void judge_frame(struct sim *s, const uint8_t *data, size_t len)
{
	struct mikey_view view;
	enum mikey_kind kind;
	struct view frame;
	unsigned person, key;

	// ARP carries no counter.
	view_make(&frame, data, len);
	if (!frame.is_udp)
		return;
	if (mikey_parse(data + frame.message, len - frame.message, &view) != MIKEY_OK ||
		((kind = mikey_view_kind(&view)) != MIKEY_KIND_MSK && kind != MIKEY_KIND_SOLICIT)) {
		sim_violate(s, "a frame that is neither MSK message nor solicited pull");
		return;
	}
	if (!crowd_of_btid(&s->crowd, (const char *)view.identity[1].data, view.identity[1].len,
		    &person, &key)) {
		sim_violate(s, "a message to nobody's B-TID");
		return;
	}
	counter_judge(s, &view, person, key, kind == MIKEY_KIND_MSK);
}

// --- Phones ----------------------------------------------------------------------------------

static void key_judge(struct sim *s, unsigned group, unsigned number, const uint8_t *key)
{
	struct judged_msk *msk;

	if (group >= s->bmsc.groups || number == 0 || number >= CROWD_NUMBERS) {
		sim_violate(s, "an MSK %u of group %u", number, group + 1);
		return;
	}
	msk = &s->judge.msk[group][number];
	if (msk->is_known && memcmp(msk->key, key, sizeof(msk->key)) != 0)
		sim_violate(s, "Key Number %u of group %u names two MSKs", number, group + 1);
	msk->is_known = true;
	memcpy(msk->key, key, sizeof(msk->key));
}

void judge_phone(struct sim *s, unsigned person)
{
	const struct ue_phones *phones = ue_site_phones(s->air.phones);
	struct person *p = &s->crowd.person[person];

	for (uint32_t at = phones->phones[person].holding; at != UE_NONE;
		at = phones->holdings[at].next) {
		const struct ue_msk *msk = &phones->msks[phones->holdings[at].msk];
		unsigned group = msk->group - 1u;

		key_judge(s, group, msk->number, msk->key);
		if (!sim_is_right(s))
			return;
		p->held[group][msk->number / 64] |= UINT64_C(1) << msk->number % 64;
	}
}

// --- Campaigns -------------------------------------------------------------------------------

struct judged *judge_find(struct sim *s, uint32_t id)
{
	for (unsigned i = 0; i < s->judge.campaigns; i++)
		if (s->judge.campaign[i].id == id)
			return &s->judge.campaign[i];
	return NULL;
}

void judge_pace_begin(struct judged *c)
{
	c->paced_ns = 0;
}

static void pace_judge(struct sim *s, struct judged *c, const struct store_campaign *r)
{
	uint64_t sent = r->pushes + r->solicits_sent;
	double seconds, most;

	if (c->paced_ns == 0 || c->rate != r->rate) {
		c->rate = r->rate;
		c->paced_ns = os.ns;
		c->paced_sent = sent;
		return;
	}
	seconds = (double)(os.ns - c->paced_ns) / 1e9;
	// Each worker begins with one, all at once when the next hop is known late.
	most = c->rate * (seconds + PACE_DEBT_S) * PACE_MORE + s->bmsc.dp_conf.workers;
	// What a full ring held back goes out at once: a burst of each worker.
	if (s->air.full_until_ns + 2 * (uint64_t)SIM_S > os.ns)
		most += BURST * s->bmsc.dp_conf.workers;
	if (c->rate != 0 && (double)(sent - c->paced_sent) > most)
		sim_violate(s, "campaign %u sent %lu in %.3f s, its rate is %u", c->id,
			(unsigned long)(sent - c->paced_sent), seconds, c->rate);
	// A second at a time.
	if (seconds >= 1)
		c->paced_ns = 0;
}

static void sums_judge(struct sim *s, struct judged *c, const struct campaign_view *v)
{
	const struct store_campaign *r = &v->record;

	if (r->verified + r->given_up + r->refused + v->pending != r->members)
		sim_violate(s,
			"campaign %u: %u verified, %u given up, %u refused, %u pending of %u",
			c->id, r->verified, r->given_up, r->refused, v->pending, r->members);
	if (r->members != c->members && !(c->is_armed && r->members > c->members))
		sim_violate(s, "campaign %u has %u members, had %u", c->id, r->members, c->members);
	c->members = r->members;
	if (r->verified < c->verified)
		sim_violate(s, "campaign %u: %u verified, had %u", c->id, r->verified, c->verified);
	if (r->verified < c->safe)
		sim_violate(s, "campaign %u: %u verified after a restart, %u were long known",
			c->id, r->verified, c->safe);
	c->verified = r->verified;
	if (!v->is_open && v->pending != 0 && r->state != STORE_CAMPAIGN_RUNNING &&
		r->state != STORE_CAMPAIGN_PAUSED)
		sim_violate(s, "campaign %u is closed with %u pending", c->id, v->pending);
}

// Who counts as verified has the MSK, or had it.
static void member_judge(struct sim *s, const struct judged *c, const struct store_reader *r,
	const struct store_campaign *record, store_id id)
{
	struct store_subscriber sub;
	unsigned person, group = record->group.group - 1u;

	if (store_reader_subscriber(r, id, &sub) != 0)
		return;
	person = crowd_of_impi(&s->crowd, sub.impi);
	if (person == UINT_MAX)
		sim_violate(s, "a subscriber %s that nobody knows", sub.impi);
	else if (!person_has_held(&s->crowd.person[person], group, record->msk_number))
		sim_violate(s, "campaign %u: person %u is verified and never had MSK %u", c->id,
			person, record->msk_number);
}

static void members_judge(struct sim *s, const struct judged *c, struct store_reader *r,
	const struct store_campaign *record)
{
	uint8_t state[STORE_SLICE];

	for (uint32_t slice = 0; slice * STORE_SLICE < record->span; slice++) {
		if (campaign_slice_read(&s->bmsc.ctl, r, c->id, slice, state) != 0)
			continue;
		for (uint32_t i = 0; i < STORE_SLICE && sim_is_right(s); i++)
			if ((state[i] & STORE_MEMBER_REFUSED) == 0 &&
				(state[i] & STORE_MEMBER_VERIFIED) != 0)
				member_judge(s, c, r, record, slice * STORE_SLICE + i);
	}
}

static void safety_follow(struct judged *c, bool is_troubled)
{
	if (is_troubled) {
		memset(c->seen, 0, sizeof(c->seen));
		return;
	}
	if (c->seen[JUDGE_SEEN - 1] > c->safe)
		c->safe = c->seen[JUDGE_SEEN - 1];
	memmove(c->seen + 1, c->seen, sizeof(c->seen) - sizeof(c->seen[0]));
	c->seen[0] = c->verified;
}

static void closed_judge(struct sim *s, struct judged *c, const struct store_campaign *r)
{
	if (!c->is_closed) {
		c->is_closed = true;
		c->report = *r;
		c->safe = c->verified;
		sim_note(s, "closed campaign=%u state=%u verified=%u given-up=%u refused=%u", c->id,
			r->state, r->verified, r->given_up, r->refused);
		return;
	}
	if (c->report.state != r->state || c->report.verified != r->verified ||
		c->report.given_up != r->given_up || c->report.refused != r->refused ||
		c->report.pushes != r->pushes || c->report.ended_ms != r->ended_ms)
		sim_violate(s, "the report of campaign %u has changed", c->id);
}

static void campaign_judge(
	struct sim *s, struct judged *c, struct store_reader *r, bool is_troubled)
{
	struct campaign_view v;
	bool was_closed = c->is_closed;
	int ret = campaign_view(&s->bmsc.ctl, r, c->id, &v);

	if (ret != 0) {
		sim_violate(s, "campaign %u is not known any more (%d)", c->id, ret);
		return;
	}
	sums_judge(s, c, &v);
	if (was_closed ||
		(!v.is_open && v.record.ended_ms != 0 &&
			(v.record.state == STORE_CAMPAIGN_DONE ||
				v.record.state == STORE_CAMPAIGN_ABORTED)))
		closed_judge(s, c, &v.record);
	if (!c->is_closed) {
		pace_judge(s, c, &v.record);
		safety_follow(c, is_troubled);
	}
	if (!was_closed && (c->is_closed || s->judge.settlings % 5 == 0))
		members_judge(s, c, r, &v.record);
	sim_digest(s, &v.record.verified, sizeof(v.record.verified));
}

void judge_settled(struct sim *s)
{
	struct store_reader *r;
	bool is_troubled = s->judge.faults != s->storage.faults;

	if (!sim_is_heard(s) || ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	s->judge.settlings++;
	s->judge.faults = s->storage.faults;
	for (unsigned i = 0; i < s->judge.campaigns && sim_is_right(s); i++)
		if (!s->judge.campaign[i].is_closed || s->judge.settlings % 16 == 0)
			campaign_judge(s, &s->judge.campaign[i], r, is_troubled);
	ctl_reader_put(&s->bmsc.ctl, r);
	for (int i = 0; i < UE_FINDING_COUNT; i++)
		if (ue_site_finding(s->air.phones, (enum ue_finding)i) != 0)
			sim_violate(s, "the phones found %s", ue_finding_name((enum ue_finding)i));
}

void judge_campaign(struct sim *s, uint32_t id, bool is_armed)
{
	struct judged *c = &s->judge.campaign[s->judge.campaigns];
	struct campaign_view v;
	struct store_reader *r;

	if (s->judge.campaigns == JUDGE_CAMPAIGNS || ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	if (judge_find(s, id) != NULL)
		sim_violate(s, "there are two campaigns %u", id);
	else if (campaign_view(&s->bmsc.ctl, r, id, &v) != 0)
		sim_violate(s, "campaign %u has begun and is not known", id);
	else
		*c = (struct judged){.id = id, .is_armed = is_armed, .members = v.record.members};
	s->judge.campaigns++;
	ctl_reader_put(&s->bmsc.ctl, r);
}

void judge_msk(struct sim *s, const struct store_msk *msk)
{
	key_judge(s, msk->group.group - 1u, msk->number, msk->key.byte);
	if (sim_is_right(s))
		s->judge.msk[msk->group.group - 1u][msk->number].is_acked = true;
}

// --- After a start ---------------------------------------------------------------------------

static uint8_t registered_of(const struct sim *s, const struct store_reader *r, store_set set)
{
	store_service_id list[STORE_SET_MAX];
	size_t n = store_reader_set(r, set, list);
	uint8_t in = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned g = 0; g < s->bmsc.groups; g++)
			in |= list[i] == s->bmsc.service[g] ? (uint8_t)(1u << g) : 0;
	return in;
}

static struct known known_of(const struct sim *s, const struct store_reader *r, unsigned i)
{
	struct known known = {0};
	struct store_subscriber sub;
	char impi[STORE_NAI_MAX + 1];
	unsigned person, key;
	store_id id;

	crowd_impi(i, impi);
	id = store_reader_find_impi(r, impi);
	if (id == STORE_ID_NONE || store_reader_subscriber(r, id, &sub) != 0 ||
		!crowd_of_btid(&s->crowd, sub.btid, strlen(sub.btid), &person, &key) || person != i)
		return known;
	return (struct known){true, (uint8_t)key, registered_of(s, r, sub.registered)};
}

// Nothing but one of the whole states that were asked for.
static bool may_be(const struct person *p, struct known is)
{
	bool may = known_equal(is, p->acked);

	for (unsigned i = 0; i < p->maybe.n; i++)
		may |= known_equal(is, p->maybe.is[i]);
	return may;
}

static void people_judge(struct sim *s, const struct store_reader *r)
{
	for (unsigned i = 0; i < s->crowd.n; i++) {
		struct person *p = &s->crowd.person[i];
		struct known is = known_of(s, r, i);

		if (!may_be(p, is))
			sim_violate(s,
				"person %u is there=%d key=%u in=%x; acknowledged was there=%d "
				"key=%u in=%x, %u others may be",
				i, is.is_there, is.key, is.in, p->acked.is_there, p->acked.key,
				p->acked.in, p->maybe.n);
		p->acked = is;
		p->maybe.n = 0;
	}
}

static void msks_judge(struct sim *s, const struct store_reader *r)
{
	struct store_msk msk;

	for (unsigned g = 0; g < s->bmsc.groups; g++)
		for (unsigned n = 1; n < CROWD_NUMBERS && sim_is_right(s); n++) {
			struct store_group_id group = bmsc_group(g);
			int ret = store_reader_msk(r, &group, (uint16_t)n, &msk);

			if (ret == 0)
				key_judge(s, g, n, msk.key.byte);
			else if (s->judge.msk[g][n].is_acked)
				sim_violate(s, "MSK %u of group %u is gone (%d)", n, g + 1, ret);
		}
}

void judge_start(struct sim *s)
{
	struct store_reader *r;

	if (ctl_reader_get(&s->bmsc.ctl, &r) != 0) {
		sim_violate(s, "the store cannot be read after a start");
		return;
	}
	people_judge(s, r);
	msks_judge(s, r);
	for (unsigned i = 0; i < s->judge.campaigns && sim_is_right(s); i++) {
		struct judged *c = &s->judge.campaign[i];

		c->verified = 0;
		c->paced_ns = 0;
		// Who had come to it when it was to be fired, and was not, comes again.
		if (c->is_armed && !c->is_closed)
			c->members = 0;
		memset(c->seen, 0, sizeof(c->seen));
		campaign_judge(s, c, r, true);
	}
	ctl_reader_put(&s->bmsc.ctl, r);
}
