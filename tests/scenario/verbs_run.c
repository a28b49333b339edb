// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of the operator and of time.

#include <string.h>

#include "script.h"
#include "site.h"

#define SETTLE_NS 600000000000ull // `settle` waits this long at most
#define REPEAT_MAX 1000

// The campaign that is meant: the one named, else the last one.
static struct campaign *campaign_take(struct site *s, struct words *w)
{
	unsigned n = s->control.n;

	if (n == 0)
		script_fail("%s: no campaign was started", w->word[0]);
	if (word_take_if(w, "campaign"))
		n = (unsigned)word_number(w, "campaign", 1, n);
	return s->control.campaign[n - 1];
}

static void verb_sends(struct site *s, struct words *w)
{
	s->control.sends = (uint8_t)word_number(w, "number of sends", 1, DP_SENDS_MAX);
	words_end(w);
	for (unsigned i = 8; i < DP_SENDS_MAX; i++)
		s->control.wait_ms[i] = s->control.wait_ms[i - 1];
}

static void waits_take(struct words *w, uint32_t wait_ms[DP_SENDS_MAX])
{
	unsigned i = 0;

	for (; w->at < w->n && i < DP_SENDS_MAX; i++)
		wait_ms[i] = (uint32_t)word_number(w, "seconds", 0, 3600) * 1000;
	if (i == 0)
		script_fail("waits: one number of seconds at least");
	for (; i < DP_SENDS_MAX; i++)
		wait_ms[i] = wait_ms[i - 1];
}

// waits 1 2 4: seconds; the last one stands for all that are missing
static void verb_waits(struct site *s, struct words *w)
{
	waits_take(w, s->control.wait_ms);
}

// solicits N [WAITS]: most solicited pulls of a campaign that may, and the waits after them
static void verb_solicits(struct site *s, struct words *w)
{
	s->control.solicits = (uint8_t)word_number(w, "number of solicits", 1, DP_SENDS_MAX - 1);
	if (w->at < w->n)
		waits_take(w, s->control.solicit_wait_ms);
}

// pulls off | lazy | fresh | bootstrap: what phones do when they are solicited (fetch.h)
static void verb_pulls(struct site *s, struct words *w)
{
	s->fetch = word_take_if(w, "off")      ? FETCH_OFF
		: word_take_if(w, "lazy")      ? FETCH_LAZY
		: word_take_if(w, "bootstrap") ? FETCH_BOOTSTRAP
					       : FETCH_FRESH;
	if (s->fetch == FETCH_FRESH && !word_take_if(w, "fresh"))
		script_fail("pulls: off, lazy, fresh or bootstrap");
	words_end(w);
}

// Of campaigns that start later, and of those that are open.
static void verb_rate(struct site *s, struct words *w)
{
	s->control.rate = (uint32_t)word_number(w, "UEs per second", 0, INT32_MAX);
	words_end(w);
	for (unsigned i = 0; i < s->control.n; i++)
		atomic_store(&s->control.campaign[i]->dp->rate, s->control.rate);
}

// area-rate NAME N
static void verb_area_rate(struct site *s, struct words *w)
{
	const char *name = word_take(w, "an area");
	unsigned area = 0;

	while (area < s->conf.areas && strcmp(s->conf.area[area].name, name) != 0)
		area++;
	if (area == s->conf.areas)
		script_fail("area-rate: there is no area '%s'", name);
	atomic_store(&s->shared.area_pace[area].rate,
		(uint32_t)word_number(w, "UEs per second", 0, INT32_MAX));
	words_end(w);
}

// solicit-rate N: what the HTTP side can serve; nothing at 0
static void verb_solicit_rate(struct site *s, struct words *w)
{
	uint32_t rate = (uint32_t)word_number(w, "UEs per second", 0, INT32_MAX);

	words_end(w);
	atomic_store(&s->shared.solicit_pace.rate, rate == 0 ? PACE_NOTHING : rate);
}

static struct control_order order_take(struct site *s, struct words *w)
{
	struct control_order order = {.group = 1, .only = UINT_MAX};

	while (w->at < w->n) {
		if (word_take_if(w, "group"))
			order.group = (unsigned)word_number(w, "group", 1, PEOPLE_GROUPS);
		else if (word_take_if(w, "only"))
			order.only = (unsigned)word_number(w, "phone", 0, (long)s->people.n - 1);
		else if (word_take_if(w, "solicit"))
			order.kind = DP_CAMPAIGN_SOLICIT;
		else if (word_take_if(w, "auto"))
			order.kind = DP_CAMPAIGN_AUTO;
		else if (word_take_if(w, "previous"))
			order.is_previous = true;
		else if (word_take_if(w, "new"))
			order.is_msk_new = true;
		else if (word_take_if(w, "armed"))
			order.is_armed = order.is_paused = true;
		else if (word_take_if(w, "frames"))
			order.has_frames = true;
		else if (word_take_if(w, "paused"))
			order.is_paused = true;
		else
			words_end(w);
	}
	return order;
}

// start [solicit | auto] [previous] [group G] [only ID] [new] [paused | armed [frames]]
static void verb_start(struct site *s, struct words *w)
{
	struct control_order order = order_take(s, w);

	if (!s->is_running)
		script_fail("start: the daemon is down: %s", s->refusal);
	control_start(s, &order);
}

static void verb_pause(struct site *s, struct words *w)
{
	atomic_store(&campaign_take(s, w)->dp->is_paused, true);
	words_end(w);
}

static void verb_resume(struct site *s, struct words *w)
{
	atomic_store(&campaign_take(s, w)->dp->is_paused, false);
	words_end(w);
}

static void verb_abort(struct site *s, struct words *w)
{
	atomic_store(&campaign_take(s, w)->dp->is_aborted, true);
	words_end(w);
}

static void verb_advance(struct site *s, struct words *w)
{
	int64_t ms = word_duration_ms(w);

	words_end(w);
	site_advance(s, (uint64_t)ms * 1000000u);
	control_settle(s);
}

// Until all campaigns are closed.
static void verb_settle(struct site *s, struct words *w)
{
	words_end(w);
	site_settle(s, SETTLE_NS);
	if (control_open(&s->control) != 0)
		script_fail("settle: %u campaigns are open after ten minutes",
			control_open(&s->control));
}

// repeat N VERB ...
static void verb_repeat(struct site *s, struct words *w)
{
	long n = word_number(w, "number", 1, REPEAT_MAX);
	struct words inner = {.n = w->n - w->at};

	memcpy(inner.word, w->word + w->at, inner.n * sizeof(inner.word[0]));
	for (long i = 0; i < n; i++)
		script_verb(s, &inner);
}

// push-one ID: a single push, seen through
static void verb_push_one(struct site *s, struct words *w)
{
	struct control_order order = {
		.group = 1, .only = (unsigned)word_number(w, "phone", 0, (long)s->people.n - 1)};

	words_end(w);
	control_start(s, &order);
	site_settle(s, SETTLE_NS);
}

static enum site_mark mark_take(struct words *w)
{
	static const char *const names[] = {
		[SITE_MARK_KEPT] = "kept",
		[SITE_MARK_LOST] = "lost",
		[SITE_MARK_OLD] = "old",
		[SITE_MARK_OTHER_MACHINE] = "other-machine",
		[SITE_MARK_HALF] = "half",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word_take_if(w, names[i]))
			return (enum site_mark)i;
	script_fail("restart: the mark is kept, lost, old, half or from an other-machine");
}

static void store_take(struct words *w, struct site_restart *how)
{
	if (!word_take_if(w, "lost"))
		script_fail("restart: the store can only be lost");
	how->is_store_lost = true;
}

// restart [after TIME] [clock TIME] [mark KIND] [store lost] [reboot] [accept-clock] [workers N]
static void verb_restart(struct site *s, struct words *w)
{
	struct site_restart how = {0};

	while (w->at < w->n) {
		if (word_take_if(w, "after"))
			how.after_s = (double)word_duration_ms(w) / 1000;
		else if (word_take_if(w, "clock"))
			how.clock_s = word_duration_ms(w) / 1000;
		else if (word_take_if(w, "mark"))
			how.mark = mark_take(w);
		else if (word_take_if(w, "store"))
			store_take(w, &how);
		else if (word_take_if(w, "reboot"))
			how.is_reboot = true;
		else if (word_take_if(w, "accept-clock"))
			how.is_clock_accepted = true;
		else if (word_take_if(w, "workers"))
			how.workers = (unsigned)word_number(w, "workers", 1, WIRE_QUEUES);
		else
			words_end(w);
	}
	site_restart(s, &how);
}

const struct verb verbs_run[] = {
	{"sends", verb_sends, false},
	{"waits", verb_waits, false},
	{"solicits", verb_solicits, false},
	{"pulls", verb_pulls, false},
	{"rate", verb_rate, false},
	{"area-rate", verb_area_rate, false},
	{"solicit-rate", verb_solicit_rate, false},
	{"start", verb_start, false},
	{"push-one", verb_push_one, false},
	{"pause", verb_pause, false},
	{"resume", verb_resume, false},
	{"abort", verb_abort, false},
	{"advance", verb_advance, false},
	{"settle", verb_settle, false},
	{"repeat", verb_repeat, false},
	{"restart", verb_restart, false},
	{0},
};
