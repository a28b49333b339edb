// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "counter_mark.h"
#include "import_people.h"
#include "writer_thread.h"

#define STEP_NS (2 * SIM_MS)
#define IDLE_STEP_NS (25 * SIM_MS) // when nothing moved
#define TURNS_PER_STEP 6
#define PORTS_NS (20 * SIM_MS)
#define DEEDS_MOST 40
#define FNV_PRIME UINT64_C(0x100000001b3)
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)

// --- Events ----------------------------------------------------------------------------------

void sim_digest(struct sim *s, const void *data, size_t len)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i < len; i++)
		s->digest = (s->digest ^ octets[i]) * FNV_PRIME;
}

void sim_note(struct sim *s, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	sim_digest(s, &os.ns, sizeof(os.ns));
	sim_digest(s, text, strlen(text));
	if (s->is_tracing)
		printf("%10.3f %s\n", (double)os.ns / 1e9, text);
}

void sim_violate(struct sim *s, const char *format, ...)
{
	va_list ap;

	if (s->violation[0] != '\0')
		return;
	va_start(ap, format);
	vsnprintf(s->violation, sizeof(s->violation), format, ap);
	va_end(ap);
	// It may name a directory, so it is no part of the digest.
	if (s->is_tracing)
		printf("%10.3f %s\n", (double)os.ns / 1e9, s->violation);
}

bool sim_is_heard(const struct sim *s)
{
	return s->bmsc.is_up && !s->storage.is_dead;
}

// --- Time ------------------------------------------------------------------------------------

// Whether it is time for what is done every so often; late by chance, as a thread without a CPU is.
static bool is_time(struct sim *s, uint64_t *last, uint64_t every_ns)
{
	if (os.ns - *last < every_ns || (!s->is_calm && sim_chance(s, 20)))
		return false;
	*last = os.ns;
	return true;
}

// Whether what was lost of the counter is there twice again.
static void mark_watch(struct sim *s)
{
	struct store_reader *r;
	uint32_t mark;

	if (!s->is_mark_alone || !sim_is_heard(s) || ctl_reader_get(&s->bmsc.ctl, &r) != 0)
		return;
	s->is_mark_alone = store_reader_mark(r, &mark) != 0;
	ctl_reader_put(&s->bmsc.ctl, r);
}

static void control_turn(struct sim *s)
{
	struct bmsc *b = &s->bmsc;

	if (is_time(s, &s->mark_ns, 100 * SIM_MS))
		counter_mark_advance(b->mark, &b->ctl);
	mark_watch(s);
	if (sim_is_heard(s) && writer_waiting(b->ctl.writer) > 0 &&
		(s->is_calm || sim_chance(s, 50)))
		writer_turn(b->ctl.writer);
	if (sim_is_heard(s) && is_time(s, &s->settle_ns, SETTLE_MS * (uint64_t)SIM_MS)) {
		settle_step(&b->ctl);
		// As the governor has it while nobody is served.
		dp_solicit_rate_set(b->dp, os.ns < s->visits.down_until_ns ? DP_RATE_NOTHING : 0);
		judge_settled(s);
	}
	if (sim_is_heard(s))
		visits_step(s);
}

// Returns how many frames moved.
static unsigned step(struct sim *s, uint64_t ns)
{
	unsigned moved = 0;

	os.ns += ns;
	if (!s->bmsc.is_up)
		return 0;
	control_turn(s);
	if (s->storage.is_dead) {
		crash_now(s);
		return 1;
	}
	if (os.ns - s->ports_ns >= PORTS_NS) {
		s->ports_ns = os.ns;
		ports_look(&s->bmsc.dp->shared, os.ns + OS_BOOTED_BEFORE_NS - os.booted_ns);
	}
	for (unsigned i = 0, last = 1; i < TURNS_PER_STEP && last > 0 && sim_is_right(s); i++) {
		last = bmsc_turn(s);
		last += air_carry(s);
		moved += last;
	}
	if (s->storage.broken != NULL)
		sim_violate(s, "the disk model: %s", s->storage.broken);
	return moved;
}

static bool never(struct sim *s)
{
	(void)s;
	return false;
}

bool sim_until(struct sim *s, bool (*fn)(struct sim *s), uint64_t ns)
{
	uint64_t end = os.ns + ns;
	unsigned moved = 1;

	while (sim_is_right(s) && !fn(s)) {
		uint64_t by = moved > 0 ? STEP_NS : IDLE_STEP_NS;

		if (os.ns >= end)
			return false;
		moved = step(s, os.ns + by < end ? by : end - os.ns);
	}
	return sim_is_right(s);
}

void sim_advance(struct sim *s, uint64_t ns)
{
	sim_until(s, never, ns);
}

// --- A campaign ------------------------------------------------------------------------------

static void site_begin(struct sim *s)
{
	storage_begin(&s->storage, s->seed);
	bmsc_init(s);
	air_init(s);
	crowd_init(s);
	judge_init(s);
	if (!bmsc_start(s)) {
		sim_violate(s, "the first start is refused: %s", s->bmsc.refusal);
		return;
	}
	bmsc_found(s);
	if (sim_chance(s, 90))
		import_people(s, 0, s->crowd.n);
}

static void site_end(struct sim *s)
{
	bmsc_stop(s, false);
	air_empty(&s->air);
	air_fini(&s->air);
	crowd_fini(&s->crowd);
	backup_forget(s);
	storage_end(&s->storage);
}

bool sim_run(struct sim *s, uint64_t seed)
{
	struct air air = s->air;
	bool is_tracing = s->is_tracing;

	memset(s, 0, sizeof(*s));
	s->air = air;
	s->is_tracing = is_tracing;
	s->seed = seed;
	s->digest = FNV_BASIS;
	ue_rng_init(&s->rng, seed);
	os_begin(seed);
	site_begin(s);
	s->crowd_people = s->crowd.n;
	s->deeds = 5 + sim_draw(s, DEEDS_MOST - 4);
	for (unsigned i = 0; i < s->deeds && sim_is_right(s); i++) {
		deed_do(s);
		sim_advance(s, sim_draw(s, sim_chance(s, 20) ? 6000 : 700) * (uint64_t)SIM_MS);
	}
	if (sim_is_right(s))
		heal_site(s);
	sim_digest(s, &s->storage.digest, sizeof(s->storage.digest));
	site_end(s);
	os_end();
	return sim_is_right(s);
}
