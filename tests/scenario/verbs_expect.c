// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// expect [campaign N] THING [NAME] = | >= | <= NUMBER, and expect THING NAME. Things of a campaign
// are those of the last one unless another is named.

#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "site.h"

// What was asked for, as the line says it.
static const char *thing_text(const struct words *w, char text[128])
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 1; i < w->n && at < 128; i++)
		at += (size_t)snprintf(text + at, 128 - at, "%s%s", i > 1 ? " " : "", w->word[i]);
	return text;
}

static void value_compare(struct words *w, long seen)
{
	char text[128];
	const char *op = word_take(w, "=, >= or <=");
	long wanted = word_number(w, "number", INT32_MIN, INT32_MAX);
	bool holds = strcmp(op, ">=") == 0 ? seen >= wanted
		: strcmp(op, "<=") == 0	   ? seen <= wanted
					   : seen == wanted;

	if (strcmp(op, "=") != 0 && strcmp(op, ">=") != 0 && strcmp(op, "<=") != 0)
		script_fail("expect: '%s' is no comparison", op);
	words_end(w);
	if (!holds)
		script_fail("expected %s, seen %ld", thing_text(w, text), seen);
}

// push IDS STATE [REASON]: how the last single push of each of them stands
static void expect_push(struct site *s, struct words *w)
{
	const char *state, *reason = NULL;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	state = word_take(w, "a state");
	if (w->at < w->n)
		reason = word_take(w, "a reason");
	for (unsigned i = 0; i < ids.n; i++) {
		struct dp_push_note note;

		push_note_read(&s->shared.notes, s->people.person[ids.id[i]].id, &note);
		if (strcmp(dp_push_state_name(note.state), state) != 0)
			script_fail("push of %u: expected %s, seen %s %s", ids.id[i], state,
				dp_push_state_name(note.state), dp_refusal_name(note.refusal));
		if (reason != NULL && strcmp(dp_refusal_name(note.refusal), reason) != 0)
			script_fail("push of %u: expected %s, seen %s", ids.id[i], reason,
				dp_refusal_name(note.refusal));
	}
}

// Sentences that hold or do not.
static bool expect_sentence(struct site *s, const struct campaign *c, struct words *w)
{
	if (word_take_if(w, "start-refused")) {
		if (s->is_running)
			script_fail("expected the start to be refused");
	} else if (word_take_if(w, "started")) {
		if (!s->is_running)
			script_fail("expected a start, seen a refusal: %s", s->refusal);
	} else if (word_take_if(w, "stall")) {
		const char *name = word_take(w, "a stall");
		const char *seen = dp_stall_name(campaign_stall(s, expect_campaign(c, w)));

		if (strcmp(seen, name) != 0)
			script_fail("expected stall %s, seen %s", name, seen);
	} else if (word_take_if(w, "push")) {
		expect_push(s, w);
	} else {
		return false;
	}
	words_end(w);
	return true;
}

static const struct expect_thing *thing_take(struct words *w, const struct expect_thing *things)
{
	for (; things->name != NULL; things++)
		if (word_take_if(w, things->name))
			return things;
	return NULL;
}

static void verb_expect(struct site *s, struct words *w)
{
	const struct campaign *c = NULL;
	const struct expect_thing *thing;
	unsigned n = s->control.n;

	if (word_take_if(w, "campaign"))
		n = (unsigned)word_number(w, "campaign", 1, n);
	if (n > 0)
		c = s->control.campaign[n - 1];
	if (expect_sentence(s, c, w))
		return;
	control_settle(s);
	thing = thing_take(w, expect_of_campaign);
	if (thing == NULL)
		thing = thing_take(w, expect_of_site);
	if (thing == NULL)
		script_fail("expect: there is no '%s'", word_take(w, "a thing"));
	value_compare(w, thing->value(s, c, w));
}

const struct verb verbs_expect[] = {
	{"expect", verb_expect, false},
	{0},
};
