// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A whole site in one thread and in virtual time: the real store on a simulated disk, the real
// control, the real packet path turned by hand, and emulated phones on a simulated network. A
// simulated campaign is one site, from its founding through random deeds and harms to the moment
// when all is well again and everybody has to have the MSK. All of it follows from one seed.

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "air.h"
#include "bmsc.h"
#include "crowd.h"
#include "judge.h"
#include "os.h"
#include "storage.h"
#include "visit.h"

#define SIM_MS 1000000u // in nanoseconds
#define SIM_S 1000000000u

struct sim {
	uint64_t seed;
	bool is_tracing; // every event is printed
	struct ue_rng rng; // of what happens
	struct storage storage;
	struct bmsc bmsc;
	struct air air;
	struct crowd crowd;
	struct visits visits;
	struct judge judge;
	struct backup backup;
	uint64_t digest; // of everything that has happened
	uint64_t mark_ns; // when each was last turned
	uint64_t settle_ns;
	uint64_t ports_ns;
	bool is_mark_alone; // the store was lost, and has no copy of the mark yet
	bool is_calm; // nothing is held up on purpose any more
	unsigned deeds;
	unsigned crashes;
	unsigned crowd_people; // how many there were
	char violation[512]; // the first thing that did not hold; empty: none
};

// A campaign from begin to end. False: something did not hold, s->violation says what.
bool sim_run(struct sim *s, uint64_t seed);
// Lets time pass, or less when something does not hold. A machine that dies is started again.
void sim_advance(struct sim *s, uint64_t ns);
// The same until fn says so; false: it never did in that time.
bool sim_until(struct sim *s, bool (*fn)(struct sim *s), uint64_t ns);
// The daemon is up and its machine alive: what it says counts.
bool sim_is_heard(const struct sim *s);

// An event: traced, and part of the digest.
void sim_note(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_digest(struct sim *s, const void *data, size_t len);
void sim_violate(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool sim_is_right(const struct sim *s)
{
	return s->violation[0] == '\0';
}
static inline unsigned sim_draw(struct sim *s, unsigned below)
{
	return (unsigned)ue_rng_below(&s->rng, below);
}
static inline bool sim_chance(struct sim *s, double percent)
{
	return ue_rng_percent(&s->rng, percent);
}

// deeds.c: one of the things that happen at a site, by chance.
void deed_do(struct sim *s);
// crash.c: how the daemon ends and begins again.
void crash_now(struct sim *s); // it died: what is found, and the next life
void crash_restart(struct sim *s, bool is_clean);
void backup_take(struct sim *s);
void backup_restore(struct sim *s); // as often as not there is none
void backup_forget(struct sim *s);
void store_lose(struct sim *s); // but for the mark file; people are imported again
// heal.c: all harm ends, and everybody has to get the MSK.
void heal_site(struct sim *s);
