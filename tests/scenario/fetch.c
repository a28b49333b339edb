// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "fetch.h"

#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "site.h"
#include "ue/site.h"

#define FETCHES_MAX 64 // in one step

struct dp_single fetch_order(const struct site *s, unsigned group, unsigned person)
{
	const struct dp_msk *msk = &s->control.msk[group];
	struct dp_single order = {
		.id = s->people.person[person].id,
		.group = msk->group,
		.number = msk->number,
		.needs_registration = 1,
		.version = fake_store_version(s->people.env),
	};

	memcpy(order.kdi, msk->kdi, sizeof(order.kdi));
	return order;
}

static void phone_fetch(struct site *s, unsigned person)
{
	const struct person *its = &s->people.person[person];
	// The HTTP side makes the phone bootstrap, by the daemon's clock and with its margin.
	bool is_expired = its->expires <= s->now.unix_s + s->conf.muk_margin_s;
	struct dp_single order;

	// What it comes with is not known any more where it lost a bootstrapping.
	if (s->fetch == FETCH_BOOTSTRAP || its->is_rebind_lost ||
		(s->fetch == FETCH_FRESH && is_expired))
		people_rebind(&s->people, person, site_true_s(s), s->wire.phones);
	for (unsigned group = 1; group <= PEOPLE_GROUPS; group++) {
		if (!s->people.person[person].is_in[group] || s->control.msk[group].number == 0)
			continue;
		order = fetch_order(s, group, person);
		if (shared_singles(&s->shared, &order, 1) != 1)
			script_fail("a worker takes no order");
	}
}

void fetch_step(struct site *s)
{
	const struct ue_phones *phones = ue_site_phones(s->wire.phones);
	unsigned n = 0;

	if (s->fetched == NULL)
		s->fetched = calloc(s->people.n, sizeof(*s->fetched));
	for (unsigned i = 0; i < phones->phone_count && n < FETCHES_MAX; i++) {
		if (phones->phones[i].solicited == s->fetched[i])
			continue;
		s->fetched[i] = phones->phones[i].solicited;
		n++;
		if (s->fetch != FETCH_OFF)
			phone_fetch(s, i);
	}
	if (n > 0 && s->fetch != FETCH_OFF)
		site_changed_all(s);
}
