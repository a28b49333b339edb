// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// How the daemon ends, what happens to its machine and its files meanwhile, and how it begins
// again.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counter_mark.h"
#include "import_people.h"
#include "offline.h"
#include "sim.h"

#define START_TRIES 3

// A frame that left the port before is under way whatever becomes of the daemon, or was lost in
// the port.
static void frames_go(struct sim *s)
{
	if (!s->storage.is_dead || sim_chance(s, 50))
		air_carry(s);
}

static void clock_harm(struct sim *s)
{
	if (sim_chance(s, 15))
		os.clock_error_s += sim_chance(s, 50) ? (int64_t)sim_draw(s, 3600)
						      : -(int64_t)sim_draw(s, 3600);
	if (sim_chance(s, 3))
		os.clock_error_s -= 365 * 86400;
}

static void reboot(struct sim *s)
{
	os.ns += (5 + sim_draw(s, 60)) * (uint64_t)SIM_S;
	os.booted_ns = os.ns + OS_BOOTED_BEFORE_NS - 20 * (uint64_t)SIM_S;
}

static void mark_harm(struct sim *s)
{
	char path[STORAGE_PATH];

	if (!sim_chance(s, 6) || s->is_mark_alone)
		return;
	snprintf(path, sizeof(path), "%s/store/counter.mark", s->storage.root);
	unlink(path);
	sim_note(s, "mark-lost");
}

// Somebody comes and sets right what keeps it from starting: the disk, then the clock, and at last
// the clock is accepted as it is.
static void start_help(struct sim *s, unsigned tries)
{
	os.ns += 2 * (uint64_t)SIM_S;
	s->storage.is_full = false;
	s->storage.errors = 0;
	if (tries == 0)
		os.clock_error_s = 0;
	else
		s->bmsc.is_clock_accepted = true;
	if (s->storage.is_dead) {
		storage_next(&s->storage, true);
		storage_watch(&s->storage);
	}
}

static void start_again(struct sim *s)
{
	s->bmsc.is_clock_accepted = false;
	for (unsigned tries = 0; tries < START_TRIES && !bmsc_start(s); tries++) {
		sim_note(s, "refused");
		if (s->is_tracing)
			printf("           %s\n", s->bmsc.refusal);
		start_help(s, tries);
	}
	if (!s->bmsc.is_up)
		sim_violate(s, "it does not start any more: %s", s->bmsc.refusal);
	else if (!s->storage.is_dead)
		judge_start(s);
}

static void next_life(struct sim *s, bool is_power_cut)
{
	storage_next(&s->storage, is_power_cut);
	if (is_power_cut || sim_chance(s, 20))
		reboot(s);
	else
		os.ns += sim_draw(s, 3000) * (uint64_t)SIM_MS;
	if (!s->is_calm) {
		clock_harm(s);
		mark_harm(s);
	} else {
		// Not before: what the port held was made by the clock as it was.
		os.clock_error_s = 0;
	}
	storage_watch(&s->storage);
	// It may die again while it sets right what the death before has left.
	if (!s->is_calm && sim_chance(s, 15))
		storage_kill(&s->storage, 1 + sim_draw(s, 30));
	start_again(s);
}

void crash_now(struct sim *s)
{
	bool is_power_cut = sim_chance(s, 60);

	s->crashes++;
	sim_note(s, is_power_cut ? "power-cut" : "killed");
	frames_go(s);
	bmsc_stop(s, false);
	next_life(s, is_power_cut);
}

void crash_restart(struct sim *s, bool is_clean)
{
	if (!is_clean)
		storage_kill(&s->storage, 0);
	sim_note(s, is_clean ? "stopped" : "killed");
	frames_go(s);
	bmsc_stop(s, is_clean);
	next_life(s, false);
}

// --- Backups ---------------------------------------------------------------------------------

void backup_forget(struct sim *s)
{
	free(s->backup.acked);
	free(s->backup.maybe);
	s->backup = (struct backup){0};
}

void backup_take(struct sim *s)
{
	struct store_backup_result result;
	char path[STORAGE_PATH], why[256];
	struct backup *b = &s->backup;
	int ret;

	storage_path(&s->storage, "backup", path);
	backup_forget(s);
	unlink(path);
	ret = store_backup(s->bmsc.ctl.env, path, &result, why);
	sim_note(s, "backup result=%d", ret);
	if (ret != 0)
		return;
	b->acked = calloc(s->crowd.n, sizeof(*b->acked));
	b->maybe = calloc(s->crowd.n, sizeof(*b->maybe));
	if (b->acked == NULL || b->maybe == NULL)
		abort();
	for (unsigned i = 0; i < s->crowd.n; i++) {
		const struct person *p = &s->crowd.person[i];

		b->acked[i] = p->acked;
		b->maybe[i] = p->maybe;
		if (p->is_visiting)
			crowd_doubt(&b->maybe[i], p->becomes);
	}
	b->judge = s->judge;
	b->is_there = true;
}

// What was acknowledged after the backup is not there any more. What an MSK is stays true.
static void promises_restore(struct sim *s)
{
	struct backup *b = &s->backup;

	for (unsigned i = 0; i < s->crowd.n; i++) {
		s->crowd.person[i].acked = b->acked[i];
		s->crowd.person[i].maybe = b->maybe[i];
	}
	memcpy(s->judge.campaign, b->judge.campaign, sizeof(s->judge.campaign));
	s->judge.campaigns = b->judge.campaigns;
	for (unsigned g = 0; g < BMSC_GROUPS; g++)
		for (unsigned n = 0; n < CROWD_NUMBERS; n++)
			s->judge.msk[g][n].is_acked = b->judge.msk[g][n].is_acked;
}

void backup_restore(struct sim *s)
{
	char path[STORAGE_PATH], dir[STORAGE_PATH], kept[64], why[256];
	int ret;

	if (!s->backup.is_there)
		return;
	storage_kill(&s->storage, 0);
	bmsc_stop(s, false);
	storage_next(&s->storage, false);
	storage_path(&s->storage, "backup", path);
	snprintf(dir, sizeof(dir), "%s/store", s->storage.root);
	ret = store_restore(path, dir, kept, why);
	sim_note(s, "restored result=%d", ret);
	if (ret != 0) {
		sim_violate(s, "a backup cannot be restored: %s", why);
		return;
	}
	promises_restore(s);
	storage_watch(&s->storage);
	start_again(s);
}

// --- The store is lost -----------------------------------------------------------------------

// Nothing that was acknowledged is there. What an MSK is stays true: the mark file knows how far
// the Key Numbers went.
static void promises_forget(struct sim *s)
{
	for (unsigned i = 0; i < s->crowd.n; i++) {
		s->crowd.person[i].acked = (struct known){0};
		s->crowd.person[i].maybe.n = 0;
	}
	s->judge.campaigns = 0;
	for (unsigned g = 0; g < BMSC_GROUPS; g++)
		for (unsigned n = 0; n < CROWD_NUMBERS; n++)
			s->judge.msk[g][n].is_acked = false;
	backup_forget(s);
}

void store_lose(struct sim *s)
{
	char path[STORAGE_PATH];

	// Not both: where the mark file was lost too, and not made again yet, only a clock that is
	// right helps.
	if (!s->bmsc.is_up || counter_mark_value(s->bmsc.mark) == 0)
		return;
	s->is_mark_alone = true;
	storage_kill(&s->storage, 0);
	bmsc_stop(s, false);
	storage_next(&s->storage, false);
	snprintf(path, sizeof(path), "%s/store/data.mdb", s->storage.root);
	unlink(path);
	sim_note(s, "store lost");
	promises_forget(s);
	// Whoever makes it anew sees to a disk that works.
	s->storage.is_full = false;
	s->storage.errors = 0;
	storage_watch(&s->storage);
	start_again(s);
	if (!sim_is_heard(s))
		return;
	bmsc_found(s);
	import_people(s, 0, s->crowd.n);
}
