// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of single pushes: what the HTTP side orders when phones register, fetch and leave.

#include <string.h>

#include "script.h"
#include "site.h"

// Where a phone is after `move`, though its record does not say so.
static void address_set(const struct site *s, unsigned person, struct dp_single *order)
{
	struct ue_address address = people_address(&s->people, person);

	order->port = MIKEY_PORT;
	memcpy(order->address, address.octets, sizeof(order->address));
}

static void order_give(struct site *s, const struct dp_single *order)
{
	if (shared_singles(&s->shared, order, 1) != 1)
		script_fail("a worker takes no order");
}

// single IDS [group G] [msk N] [unregistered] [here]
static void verb_single(struct site *s, struct words *w)
{
	unsigned group = 1, number = 0;
	bool is_unregistered = false, is_here = false;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	while (w->at < w->n) {
		if (word_take_if(w, "group"))
			group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
		else if (word_take_if(w, "msk"))
			number = (unsigned)word_number(w, "Key Number", 1, UINT16_MAX);
		else if (word_take_if(w, "unregistered"))
			is_unregistered = true;
		else if (word_take_if(w, "here"))
			is_here = true;
		else
			words_end(w);
	}
	if (s->control.msk[group].number == 0)
		script_fail("single: group %u has no MSK: make one with `msk`", group);
	for (unsigned i = 0; i < ids.n; i++) {
		struct dp_single order = fetch_order(s, group, ids.id[i]);

		if (number != 0)
			order.number = (uint16_t)number;
		order.needs_registration = !is_unregistered;
		if (is_here)
			address_set(s, ids.id[i], &order);
		order_give(s, &order);
	}
}

// [group G], the end of a line
static unsigned group_take(struct words *w)
{
	unsigned group = 1;

	if (word_take_if(w, "group"))
		group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
	words_end(w);
	return group;
}

// singles-end IDS [group G]: the phones have deregistered
static void verb_singles_end(struct site *s, struct words *w)
{
	struct ids ids;
	unsigned group;

	words_ids(w, &s->people, &ids);
	group = group_take(w);
	for (unsigned i = 0; i < ids.n; i++) {
		struct dp_single order = fetch_order(s, group, ids.id[i]);

		order.number = 0;
		order.is_end = 1;
		order_give(s, &order);
	}
}

// msk [group G]: makes the next MSK, which no campaign distributes yet
static void verb_msk(struct site *s, struct words *w)
{
	control_msk_make(s, group_take(w));
}

// retire N [group G]
static void verb_retire(struct site *s, struct words *w)
{
	unsigned number = (unsigned)word_number(w, "Key Number", 1, UINT16_MAX);

	control_msk_retire(s, group_take(w), number);
}

// revoke [group G]: the newest MSK
static void verb_revoke(struct site *s, struct words *w)
{
	control_msk_revoke(s, group_take(w));
}

const struct verb verbs_single[] = {
	{"single", verb_single, false},
	{"singles-end", verb_singles_end, false},
	{"msk", verb_msk, false},
	{"revoke", verb_revoke, false},
	{"retire", verb_retire, false},
	{0},
};
