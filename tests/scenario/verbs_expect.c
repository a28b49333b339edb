// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// expect [campaign N] THING [NAME] = | >= | <= NUMBER, and expect THING NAME. Things of a campaign
// are those of the last one unless another is named.

#include <stdio.h>
#include <string.h>

#include "script.h"
#include "site.h"
#include "ue/site.h"

// Things that are a number. c is NULL before the first campaign.
typedef long expect_value(struct site *s, const struct campaign *c, struct words *w);

static const struct campaign *must(const struct campaign *c, const struct words *w)
{
	if (c == NULL)
		script_fail("%s: no campaign was started", w->word[0]);
	return c;
}

static long value_members(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return must(c, w)->tally.members;
}

static long value_verified(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return must(c, w)->tally.verified;
}

static long value_given_up(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return must(c, w)->tally.given_up;
}

static long value_pending(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return must(c, w)->tally.pending;
}

// refused [REASON]
static long value_refused(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	for (unsigned i = 1; i < CONTROL_REASONS; i++)
		if (word_take_if(w, dp_refusal_name(i)))
			return must(c, w)->tally.refused_by[i];
	return must(c, w)->tally.refused;
}

static long value_pushes(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return (long)must(c, w)->pushes;
}

// Solicited pulls of a campaign.
static long value_solicits(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return (long)must(c, w)->solicits;
}

// The highest round any worker is in.
static long value_round(struct site *s, const struct campaign *c, struct words *w)
{
	long round = 0;

	for (unsigned i = 0; i < s->shared.workers; i++) {
		long its = atomic_load(&must(c, w)->dp->worker[i].round);

		round = its > round ? its : round;
	}
	return round;
}

// staged: members whose keys are ready
static long value_staged(struct site *s, const struct campaign *c, struct words *w)
{
	long n = 0;

	for (unsigned i = 0; i < s->shared.workers; i++)
		n += atomic_load(&must(c, w)->dp->worker[i].staged);
	return n;
}

static long value_open(struct site *s, const struct campaign *c, struct words *w)
{
	(void)s;
	return must(c, w)->is_open;
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
	return msk_holders(s, &must(c, w)->dp->msk);
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

// sends ID: messages that left for a phone
static long value_sends(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	return (long)s->monitor.to[word_number(w, "phone", 0, (long)s->people.n - 1)];
}

static long value_messages(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)s->monitor.messages;
}

// Most messages within ten milliseconds.
static long value_busiest(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)s->monitor.busiest;
}

// drop NAME
static long value_drop(struct site *s, const struct campaign *c, struct words *w)
{
	const char *name = word_take(w, "a drop");
	long sum = 0;

	(void)c;
	for (int d = 0; d < DP_DROP_COUNT; d++) {
		if (strcmp(dp_drop_name((enum dp_drop)d), name) != 0)
			continue;
		for (unsigned i = 0; i < s->shared.workers; i++)
			sum += (long)s->shared.worker[i]->stats.drop[d];
		return sum;
	}
	script_fail("expect: there is no drop '%s'", name);
}

// area NAME sent | verified | unreachable; the area "none" is that of all others
static long value_area(struct site *s, const struct campaign *c, struct words *w)
{
	const char *name = word_take(w, "an area");
	const char *what = word_take(w, "sent, verified or unreachable");
	unsigned area = 0;
	long sum = 0;

	(void)c;
	while (area < s->conf.areas && strcmp(s->conf.area[area].name, name) != 0)
		area++;
	if (area == s->conf.areas && strcmp(name, "none") != 0)
		script_fail("expect: there is no area '%s'", name);
	for (unsigned i = 0; i < s->shared.workers; i++) {
		const struct dp_area_stats *stats =
			&s->shared.worker[i]->area[area == s->conf.areas ? AREA_NONE : area];

		sum += (long)(*what == 's'     ? stats->sent
				: *what == 'v' ? stats->verified
					       : stats->unreachable);
	}
	return sum;
}

// port N sent: frames that left by it
static long value_port(struct site *s, const struct campaign *c, struct words *w)
{
	long port = word_number(w, "port", 0, (long)s->shared.ports - 1), sum = 0;

	(void)c;
	word_take_if(w, "sent");
	for (unsigned i = 0; i < s->shared.workers; i++)
		sum += (long)s->shared.worker[i]->egress[port].stats.tx_frames;
	return sum;
}

// Frames mskpush did not take, whatever the reason.
static long value_drops(struct site *s, const struct campaign *c, struct words *w)
{
	long sum = 0;

	(void)c;
	(void)w;
	for (unsigned i = 0; i < s->shared.workers; i++)
		for (int d = 0; d < DP_DROP_COUNT; d++)
			sum += (long)s->shared.worker[i]->stats.drop[d];
	return sum;
}

// Answered for good: those the port had no room for are a drop.
static long value_echo_answers(struct site *s, const struct campaign *c, struct words *w)
{
	long sum = 0;

	(void)c;
	(void)w;
	for (unsigned i = 0; i < s->shared.workers; i++)
		sum += (long)s->shared.worker[i]->stats.echo_answers;
	return sum;
}

// phones-refused REASON: what the phones did not take
static long value_phones_refused(struct site *s, const struct campaign *c, struct words *w)
{
	const char *name = word_take(w, "a reason");

	(void)c;
	for (int i = 0; i < UE_REFUSAL_COUNT; i++)
		if (strcmp(ue_refusal_name((enum ue_refusal)i), name) == 0)
			return (long)ue_site_refused(s->wire.phones, (enum ue_refusal)i);
	script_fail("expect: the phones know no reason '%s'", name);
}

static long value_phones_count(struct site *s, const struct campaign *c, struct words *w)
{
	const char *name = word_take(w, "a count");

	(void)c;
	for (int i = 0; i < UE_COUNT_COUNT; i++)
		if (strcmp(ue_count_name((enum ue_count)i), name) == 0)
			return (long)ue_site_count(s->wire.phones, (enum ue_count)i);
	script_fail("expect: the phones know no count '%s'", name);
}

static long value_flipped(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)s->wire.flipped;
}

// Seconds the highest value stands ahead of the true time.
static long value_ahead(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)shared_counter_highest(&s->shared) - (long)(site_true_s(s) - COUNTER_EPOCH);
}

// Values between the highest one in use and the last one there is.
static long value_values_left(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)COUNTER_MAX - (long)shared_counter_highest(&s->shared);
}

// Single pushes that are under way.
static long value_under_way(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)atomic_load(&s->shared.singles);
}

// stat NAME: what the workers counted
static long value_stat(struct site *s, const struct campaign *c, struct words *w)
{
#define STAT(field)                                      \
	{                                                \
#field, offsetof(struct dp_stats, field) \
	}
	static const struct {
		const char *name;
		size_t offset;
	} stats[] = {STAT(singles), STAT(singles_merged), STAT(singles_sent),
		STAT(singles_verified), STAT(singles_given_up), STAT(singles_refused),
		STAT(singles_ended), STAT(handed_over), STAT(staged_used), STAT(pushes),
		STAT(verified), STAT(solicits), STAT(solicits_expired), STAT(expired_refused)};
#undef STAT
	const char *name = word_take(w, "a counter");
	uint64_t sum = 0, value;

	(void)c;
	for (unsigned k = 0; k < sizeof(stats) / sizeof(stats[0]); k++) {
		if (strcmp(stats[k].name, name) != 0)
			continue;
		for (unsigned i = 0; i < s->shared.workers; i++) {
			memcpy(&value, (char *)&s->shared.worker[i]->stats + stats[k].offset,
				sizeof(value));
			sum += value;
		}
		return (long)sum;
	}
	script_fail("expect: there is no counter '%s'", name);
}

// told: verifications the store was told of
static long value_told(struct site *s, const struct campaign *c, struct words *w)
{
	(void)c;
	(void)w;
	return (long)s->control.told;
}

// mtk [VERDICT]: messages of MTKs, by what became of them
static long value_mtk(struct site *s, const struct campaign *c, struct words *w)
{
	struct dp_mtk_note note;
	long sum = 0;

	(void)c;
	while (s->is_running && shared_mtk_notes(&s->shared, &note, 1) == 1)
		s->control.mtk_verdict[note.verdict]++;
	for (unsigned i = 0; i < DP_MTK_VERDICTS; i++) {
		if (word_take_if(w, dp_mtk_verdict_name(i)))
			return s->control.mtk_verdict[i];
		sum += s->control.mtk_verdict[i];
	}
	return sum;
}

static const struct {
	const char *name;
	expect_value *value;
} things[] = {
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
	{"sends", value_sends},
	{"messages", value_messages},
	{"busiest-10ms", value_busiest},
	{"drop", value_drop},
	{"drops", value_drops},
	{"echo-answers", value_echo_answers},
	{"area", value_area},
	{"port", value_port},
	{"phones-refused", value_phones_refused},
	{"phones-count", value_phones_count},
	{"flipped", value_flipped},
	{"ahead", value_ahead},
	{"values-left", value_values_left},
	{"under-way", value_under_way},
	{"stat", value_stat},
	{"told", value_told},
	{"mtk", value_mtk},
};

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
		const char *seen = dp_stall_name(campaign_stall(s, must(c, w)));

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

static void verb_expect(struct site *s, struct words *w)
{
	const struct campaign *c = NULL;
	unsigned n = s->control.n;

	if (word_take_if(w, "campaign"))
		n = (unsigned)word_number(w, "campaign", 1, n);
	if (n > 0)
		c = s->control.campaign[n - 1];
	if (expect_sentence(s, c, w))
		return;
	control_settle(s);
	for (unsigned i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		if (!word_take_if(w, things[i].name))
			continue;
		value_compare(w, things[i].value(s, c, w));
		return;
	}
	script_fail("expect: there is no '%s'", word_take(w, "a thing"));
}

const struct verb verbs_expect[] = {
	{"expect", verb_expect, false},
	{0},
};
