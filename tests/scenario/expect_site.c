// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Things of the daemon, the wire and the phones.

#include <string.h>

#include "expect.h"
#include "site.h"
#include "ue/site.h"

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
		STAT(verified), STAT(solicits), STAT(solicits_expired), STAT(expired_refused),
		STAT(put_aside), STAT(made_anew)};
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

const struct expect_thing expect_of_site[] = {
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
	{0},
};
