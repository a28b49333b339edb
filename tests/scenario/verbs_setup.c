// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Verbs that say what there is before anything runs.

#include <string.h>

#include "script.h"
#include "site.h"

static void verb_workers(struct site *s, struct words *w)
{
	s->conf.workers = (unsigned)word_number(w, "number of workers", 1, WIRE_QUEUES);
	words_end(w);
}

// phones N [profile v600]
static void verb_phones(struct site *s, struct words *w)
{
	unsigned n = (unsigned)word_number(w, "number of phones", 1, PEOPLE_MAX);

	people_init(&s->people, n, site_true_s(s));
	if (word_take_if(w, "profile")) {
		const char *profile = word_take(w, "a profile");

		if (strcmp(profile, "v600") == 0)
			s->people.profile = MIKEY_PROFILE_V600;
		else if (strcmp(profile, "ts33246") != 0)
			script_fail("phones: there is no profile '%s'", profile);
	}
	words_end(w);
}

static void each(struct site *s, struct words *w, void (*fn)(struct person *person))
{
	struct ids ids;

	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		fn(&s->people.person[ids.id[i]]);
}

static void lose_muk(struct person *person)
{
	person->has_muk = false;
}

static void verb_no_muk(struct site *s, struct words *w)
{
	each(s, w, lose_muk);
}

static void expire(struct person *person)
{
	person->expires -= 365 * 86400;
}

static void verb_expired(struct site *s, struct words *w)
{
	each(s, w, expire);
}

static void lose_address(struct person *person)
{
	person->has_address = false;
}

static void verb_no_address(struct site *s, struct words *w)
{
	each(s, w, lose_address);
}

static void take_ipv6(struct person *person)
{
	person->has_ipv6 = true;
}

static void verb_ipv6(struct site *s, struct words *w)
{
	each(s, w, take_ipv6);
}

static void take_uicc(struct person *person)
{
	person->is_in_uicc = true;
}

static void verb_uicc(struct site *s, struct words *w)
{
	each(s, w, take_uicc);
}

static void take_long_name(struct person *person)
{
	person->has_long_name = true;
}

static void verb_long_name(struct site *s, struct words *w)
{
	each(s, w, take_long_name);
}

// expires IDS in 90s
static void verb_expires(struct site *s, struct words *w)
{
	struct ids ids;
	int64_t at;

	words_ids(w, &s->people, &ids);
	word_take_if(w, "in");
	at = site_true_s(s) + word_duration_ms(w) / 1000;
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		s->people.person[ids.id[i]].expires = at;
}

// group 2 over IDS
static void verb_group(struct site *s, struct words *w)
{
	long group = word_number(w, "group", 1, PEOPLE_GROUPS);
	struct ids ids;

	word_take_if(w, "over");
	words_ids(w, &s->people, &ids);
	words_end(w);
	for (unsigned i = 0; i < ids.n; i++)
		s->people.person[ids.id[i]].is_in[group] = true;
}

static void verb_mtu(struct site *s, struct words *w)
{
	s->conf.port[0].mtu = (unsigned)word_number(w, "MTU", 100, 1500);
	words_end(w);
}

static void verb_buffers(struct site *s, struct words *w)
{
	s->conf.port[0].mbufs = (unsigned)word_number(w, "number of buffers", 256, 4095);
	words_end(w);
}

static void verb_seed(struct site *s, struct words *w)
{
	s->seed = (uint64_t)word_number(w, "seed", 0, INT32_MAX);
	words_end(w);
}

// A store nobody has ever used, without marks.
static void verb_new_store(struct site *s, struct words *w)
{
	words_end(w);
	s->has_mark_file = s->has_store_mark = false;
	s->mark = s->store_mark = 0;
}

// Sets the clock of the machine forward, against the true time.
static void verb_clock(struct site *s, struct words *w)
{
	s->clock_error_s += word_duration_ms(w) / 1000;
	words_end(w);
}

// The mark stands so many values below the last one there is.
static void verb_values_left(struct site *s, struct words *w)
{
	s->mark = s->store_mark = COUNTER_MAX - (uint32_t)word_number(w, "number", 1, INT32_MAX);
	words_end(w);
}

const struct verb verbs_setup[] = {
	{"workers", verb_workers, true},
	{"phones", verb_phones, true},
	{"group", verb_group, true},
	{"no-muk", verb_no_muk, true},
	{"expired", verb_expired, true},
	{"expires", verb_expires, true},
	{"no-address", verb_no_address, true},
	{"ipv6", verb_ipv6, true},
	{"uicc", verb_uicc, true},
	{"long-name", verb_long_name, true},
	{"mtu", verb_mtu, true},
	{"buffers", verb_buffers, true},
	{"seed", verb_seed, true},
	{"new-store", verb_new_store, true},
	{"clock", verb_clock, true},
	{"values-left", verb_values_left, true},
	{0},
};
