// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Things of a campaign, and who holds its MSK.

#include <string.h>

#include "expect.h"
#include "site.h"
#include "ue/site.h"

const struct campaign *expect_campaign(const struct campaign *c, const struct words *w)
{
	if (c == NULL)
		script_fail("%s: no campaign was started", w->word[0]);
	return c;
}

static long value_members(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return expect_campaign(c, w)->tally.members;
}

static long value_verified(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return expect_campaign(c, w)->tally.verified;
}

static long value_given_up(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return expect_campaign(c, w)->tally.given_up;
}

static long value_pending(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return expect_campaign(c, w)->tally.pending;
}

// refused [REASON]
static long value_refused(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	for (unsigned i = 1; i < CONTROL_REASONS; i++)
		if (word_take_if(w, dp_refusal_name(i)))
			return expect_campaign(c, w)->tally.refused_by[i];
	return expect_campaign(c, w)->tally.refused;
}

static long value_pushes(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return (long)expect_campaign(c, w)->pushes;
}

// Solicited pulls of a campaign.
static long value_solicits(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return (long)expect_campaign(c, w)->solicits;
}

// The highest round any worker is in.
static long value_round(struct site *s, const struct campaign *c, struct words *w)
{
	long round = 0;

	for (unsigned i = 0; i < s->shared.workers; i++) {
		long its = atomic_load(&expect_campaign(c, w)->dp->worker[i].round);

		round = its > round ? its : round;
	}
	return round;
}

// staged: members whose keys are ready
static long value_staged(struct site *s, const struct campaign *c, struct words *w)
{
	long n = 0;

	for (unsigned i = 0; i < s->shared.workers; i++)
		n += atomic_load(&expect_campaign(c, w)->dp->worker[i].staged);
	return n;
}

static long value_open(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return expect_campaign(c, w)->is_open;
}

// Phones that hold an MSK, octet by octet.
static long msk_holders(const struct site *s, const struct dp_msk *msk)
{
	const struct ue_phones *phones = ue_site_phones(s->wire.phones);
	long n = 0;

	for (uint32_t i = 0; i < phones->phone_count; i++) {
		uint32_t at = phones->phones[i].holding;

		for (; at != UE_NONE; at = phones->holdings[at].next)
			n += memcmp(phones->msks[phones->holdings[at].msk].key, msk->key,
				     sizeof(msk->key)) == 0;
	}
	return n;
}

static long value_holding(struct site *s, const struct campaign *c, struct words *w)
{
	return msk_holders(s, &expect_campaign(c, w)->dp->msk);
}

// holding-newest [GROUP]: the newest MSK of a group
static long value_holding_newest(struct site *s, const struct campaign *c, struct words *w)
{
	long group = 1;

	(void)c;
	if (word_take_if(w, "group"))
		group = word_number(w, "group", 1, PEOPLE_GROUPS);
	return msk_holders(s, &s->control.msk[group]);
}

const struct expect_thing expect_of_campaign[] = {
	{"members", value_members},
	{"verified", value_verified},
	{"given-up", value_given_up},
	{"refused", value_refused},
	{"pending", value_pending},
	{"pushes", value_pushes},
	{"solicits", value_solicits},
	{"round", value_round},
	{"open", value_open},
	{"staged", value_staged},
	{"holding", value_holding},
	{"holding-newest", value_holding_newest},
	{0},
};
