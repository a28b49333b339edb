// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs of all that befalls phones, records, clock and crypto.

#include <string.h>

#include "../unit/crypto/faulty.h"
#include "script.h"
#include "site.h"
#include "ue/site.h"

// --- Phones ---------------------------------------------------------------------------------

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

// unreachable IDS: their gateway says so, instead of passing on
static void verb_unreachable(struct site *s, struct words *w)
{
	people_mark(s, w, s->wire.is_unreachable, true);
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

static void phone_move(struct site *s, unsigned index)
{
	const struct person *person = &s->people.person[index];
	struct ue_phones *phones = ue_site_phones(s->wire.phones);
	struct ue_address address = people_address(&s->people, index);
	uint32_t phone = ue_phone_find(phones, person->impi, strlen(person->impi));

	if (ue_phone_move(phones, phone, &address) != 0)
		script_fail("move: no memory");
}

// move IDS [unnoticed]: the phone gets another address, and its record too, unless nobody noticed
static void verb_move(struct site *s, struct words *w)
{
	bool is_unnoticed;
	struct ids ids;

	words_ids(w, &s->people, &ids);
	is_unnoticed = word_take_if(w, "unnoticed");
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		s->people.person[ids.id[i]].is_moved = true;
		phone_move(s, ids.id[i]);
		if (is_unnoticed)
			continue;
		people_store_one(&s->people, ids.id[i]);
		site_changed(s, ids.id[i]);
	}
}

static void rebind(struct site *s, struct words *w, struct ue_site *phones)
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++) {
		people_rebind(&s->people, ids.id[i], site_true_s(s), phones);
		site_changed(s, ids.id[i]);
	}
}

static void verb_rebind(struct site *s, struct words *w)
{
	rebind(s, w, s->wire.phones);
}

// The BM-SC has a new B-TID and MUK, of which the phone knows nothing.
static void verb_rebind_lost(struct site *s, struct words *w)
{
	rebind(s, w, NULL);
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

// crypto-fault I after N: message I of every burst comes out wrong; N messages later one is a
// sample
static void verb_crypto_fault(struct site *s, struct words *w)
{
	long message = word_number(w, "message", 0, BURST - 1), after = 0;

	if (word_take_if(w, "after"))
		after = word_number(w, "messages", 0, 65535);
	words_end(w);
	faulty = (struct faulty){.what = FAULTY_SEAL, .message = (size_t)message};
	for (unsigned i = 0; i < s->shared.workers; i++) {
		faulty_install(s->shared.worker[i]->crypto);
		s->shared.worker[i]->crypto->until_sample = (uint32_t)after;
	}
}

const struct verb verbs_harm[] = {
	{"offline", verb_offline, false},
	{"online", verb_online, false},
	{"silence", verb_silence, false},
	{"speak", verb_speak, false},
	{"unreachable", verb_unreachable, false},
	{"unauthorised", verb_unauthorised, false},
	{"left", verb_left, false},
	{"move", verb_move, false},
	{"rebind", verb_rebind, false},
	{"rebind-lost", verb_rebind_lost, false},
	{"remove", verb_remove, false},
	{"import", verb_import, false},
	{"commit", verb_commit, false},
	{"news", verb_news, false},
	{"set-clock", verb_set_clock, false},
	{"mark", verb_mark, false},
	{"crypto-fault", verb_crypto_fault, false},
	{0},
};
