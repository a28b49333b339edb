// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of all that befalls phones, wire, records and disk.

#include <string.h>

#include "forge.h"
#include "script.h"
#include "site.h"
#include "ue/site.h"

// --- The wire -------------------------------------------------------------------------------

static void verb_loss(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.loss = word_percent(w);
	words_end(w);
}

static void verb_duplicate(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.duplicate = word_percent(w);
	words_end(w);
}

static void verb_reorder(struct site *s, struct words *w)
{
	s->wire.phones->wire.impairment.reorder = word_percent(w);
	words_end(w);
}

// delay TIME [jitter TIME]
static void verb_delay(struct site *s, struct words *w)
{
	struct ue_impairment *impairment = &s->wire.phones->wire.impairment;

	impairment->delay_us = (uint32_t)word_duration_ms(w) * 1000;
	if (word_take_if(w, "jitter"))
		impairment->jitter_us = (uint32_t)word_duration_ms(w) * 1000;
	words_end(w);
}

// flip P [deep]: deep flips get past every checksum but the MAC
static void verb_flip(struct site *s, struct words *w)
{
	s->wire.flips = word_percent(w);
	s->wire.is_flip_deep = word_take_if(w, "deep");
	words_end(w);
}

static void people_mark(struct site *s, struct words *w, bool *mark, bool value)
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		mark[ids.id[i]] = value;
}

static void verb_offline(struct site *s, struct words *w)
{
	people_mark(s, w, s->wire.is_offline, true);
}

static void verb_online(struct site *s, struct words *w)
{
	people_mark(s, w, s->wire.is_offline, false);
}

static void verb_silence(struct site *s, struct words *w)
{
	people_mark(s, w, s->wire.is_silent, true);
}

static void verb_speak(struct site *s, struct words *w)
{
	people_mark(s, w, s->wire.is_silent, false);
}

static void verb_late(struct site *s, struct words *w)
{
	words_end(w);
	s->wire.is_holding = true;
}

static void verb_release(struct site *s, struct words *w)
{
	words_end(w);
	s->wire.is_holding = false;
	STAILQ_CONCAT(&s->wire.answers, &s->wire.held);
}

// gateway down, gateway up, gateway new-mac
static void verb_gateway(struct site *s, struct words *w)
{
	if (word_take_if(w, "new-mac"))
		s->wire.phones->mac[5]++;
	else if (word_take_if(w, "down"))
		s->wire.is_gateway_down = true;
	else if (word_take_if(w, "up"))
		s->wire.is_gateway_down = false;
	words_end(w);
}

static void verb_port_stuck(struct site *s, struct words *w)
{
	s->wire.stuck_until_ns = s->ns + (uint64_t)word_duration_ms(w) * 1000000u;
	words_end(w);
}

// forge IDS KIND [campaign N] [times N]
static void verb_forge(struct site *s, struct words *w)
{
	struct campaign *c;
	unsigned n = s->control.n, times = 1;
	const char *kind;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	kind = word_take(w, "a kind");
	if (word_take_if(w, "campaign"))
		n = (unsigned)word_number(w, "campaign", 1, n);
	if (word_take_if(w, "times"))
		times = (unsigned)word_number(w, "times", 1, 1000);
	words_end(w);
	if (n == 0)
		script_fail("forge: no campaign was started");
	c = s->control.campaign[n - 1];
	for (unsigned i = 0; i < ids.n * times; i++)
		if (!forge_send(s, c, ids.id[i % ids.n], kind))
			script_fail("forge: there is no kind '%s'", kind);
}

// ping IDS [times N]
static void verb_ping(struct site *s, struct words *w)
{
	unsigned times = 1;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	if (word_take_if(w, "times"))
		times = (unsigned)word_number(w, "times", 1, 10000);
	words_end(w);
	for (unsigned i = 0; i < ids.n * times; i++)
		ping_send(s, ids.id[i % ids.n]);
}

// --- Records --------------------------------------------------------------------------------

static void each_record(struct site *s, struct words *w, void (*fn)(struct person *person))
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		fn(&s->people.person[ids.id[i]]);
		people_store_one(&s->people, ids.id[i]);
		site_changed(s, ids.id[i]);
	}
}

static void unauthorise(struct person *person)
{
	person->is_authorised = false;
}

static void verb_unauthorised(struct site *s, struct words *w)
{
	each_record(s, w, unauthorise);
}

static void deregister(struct person *person)
{
	person->is_registered = false;
}

static void verb_left(struct site *s, struct words *w)
{
	each_record(s, w, deregister);
}

static void move(struct person *person)
{
	person->is_moved = true;
}

// move IDS: phone and record get another address
static void verb_move(struct site *s, struct words *w)
{
	unsigned at = w->at;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	w->at = at;
	each_record(s, w, move);
	for (unsigned i = 0; i < ids.n; i++) {
		const struct person *person = &s->people.person[ids.id[i]];
		struct ue_phones *phones = ue_site_phones(s->wire.phones);
		uint32_t a = people_address(&s->people, ids.id[i]);
		struct ue_address address = ue_address_v4((const uint8_t[]){
			(uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a});
		uint32_t phone = ue_phone_find(phones, person->impi, strlen(person->impi));

		if (ue_phone_move(phones, phone, &address) != 0)
			script_fail("move: no memory");
	}
}

static void verb_rebind(struct site *s, struct words *w)
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		people_rebind(&s->people, ids.id[i], s->wire.phones);
		site_changed(s, ids.id[i]);
	}
}

static void verb_remove(struct site *s, struct words *w)
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		people_remove(&s->people, ids.id[i]);
		site_changed(s, ids.id[i]);
	}
}

// import IDS: who was removed comes back with the same keys, under a new id
static void verb_import(struct site *s, struct words *w)
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		people_store_one(&s->people, ids.id[i]);
		site_changed(s, ids.id[i]);
	}
}

// A commit with nothing in it that concerns the workers.
static void verb_commit(struct site *s, struct words *w)
{
	words_end(w);
	site_commit(s);
}

// news late, news told: the workers see commits before they are told of them
static void verb_news(struct site *s, struct words *w)
{
	if (word_take_if(w, "late"))
		s->is_news_late = true;
	else if (word_take_if(w, "told"))
		site_news(s);
	words_end(w);
}

// --- The machine ----------------------------------------------------------------------------

// set-clock TIME: the wall clock is set forward by this
static void verb_set_clock(struct site *s, struct words *w)
{
	s->clock_error_s += word_duration_ms(w) / 1000;
	words_end(w);
}

// mark frozen, mark free
static void verb_mark(struct site *s, struct words *w)
{
	if (word_take_if(w, "frozen"))
		s->is_mark_frozen = true;
	else if (word_take_if(w, "free"))
		s->is_mark_frozen = false;
	words_end(w);
}

const struct verb verbs_harm[] = {
	{"loss", verb_loss, false},
	{"duplicate", verb_duplicate, false},
	{"reorder", verb_reorder, false},
	{"delay", verb_delay, false},
	{"flip", verb_flip, false},
	{"offline", verb_offline, false},
	{"online", verb_online, false},
	{"silence", verb_silence, false},
	{"speak", verb_speak, false},
	{"late", verb_late, false},
	{"release", verb_release, false},
	{"gateway", verb_gateway, false},
	{"port-stuck", verb_port_stuck, false},
	{"forge", verb_forge, false},
	{"ping", verb_ping, false},
	{"unauthorised", verb_unauthorised, false},
	{"left", verb_left, false},
	{"move", verb_move, false},
	{"rebind", verb_rebind, false},
	{"remove", verb_remove, false},
	{"import", verb_import, false},
	{"commit", verb_commit, false},
	{"news", verb_news, false},
	{"set-clock", verb_set_clock, false},
	{"mark", verb_mark, false},
	{0},
};
