// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "counter_mark.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counter.h"
#include "ctl.h"
#include "dp.h"
#include "log.h"

#define LOOK_NS 100000000 // how often the thread looks
// A mark this close to what is in use is moved on: about one write in five seconds.
#define REMAINING_S (COUNTER_MARK_AHEAD_S / 2)

struct counter_mark {
	struct store_mark *file;
	pthread_mutex_t file_lock; // held by who writes it
	bool is_of_store;
	uint32_t copied; // into the store, at the last look
	_Atomic uint32_t durable;
	struct ctl *ctl;
	pthread_t thread;
	bool is_running;
	_Atomic bool stop_requested;
};

uint32_t counter_mark_due(uint32_t mark, uint32_t now, uint32_t highest)
{
	uint32_t base = now > highest ? now : highest;
	uint32_t target = base < COUNTER_MAX - COUNTER_MARK_AHEAD_S ? base + COUNTER_MARK_AHEAD_S
								    : COUNTER_MAX;

	if (mark >= target || (mark > base && mark - base >= REMAINING_S))
		return 0;
	return target;
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool machine_id_read(const char *path, uint8_t out[16])
{
	char text[33] = "";
	FILE *file = fopen(path, "re");
	size_t n = file == NULL ? 0 : fread(text, 1, 32, file);

	if (file != NULL)
		fclose(file);
	memset(out, 0, 16);
	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			break;
		out[i / 2] |= (uint8_t)(i % 2 == 0 ? digit << 4 : digit);
		if (i == 31)
			return true;
	}
	memset(out, 0, 16);
	return false;
}

static int store_mark_known(struct store_env *env, struct counter_known *known)
{
	struct store_reader *r;
	int ret = store_reader_create(env, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_mark(r, &known->store_mark);
	known->has_store_mark = ret == 0;
	store_reader_destroy(r);
	return ret == -ENOENT ? 0 : ret;
}

static int file_mark_known(struct counter_mark *m, const char *dir, struct counter_known *known)
{
	enum store_mark_state state;
	uint8_t machine[16];
	int ret;

	if (!machine_id_read("/etc/machine-id", machine))
		log_warning("no-machine-id",
			"file=/etc/machine-id effect=\"a mark file of another machine is not "
			"noticed\"");
	ret = store_mark_open(dir, machine, &m->file, &known->file_mark, &state);
	known->has_file_mark = ret == 0 && state != STORE_MARK_MISSING;
	known->is_other_machine = ret == 0 && state == STORE_MARK_OTHER_MACHINE;
	known->is_half_damaged = ret == 0 && state == STORE_MARK_HALF;
	if (ret == 0)
		known->file_clock = store_mark_clock(m->file);
	return ret;
}

static void clocks_read(struct counter_known *known)
{
	struct timespec realtime, boottime;

	clock_gettime(CLOCK_REALTIME, &realtime);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	known->realtime_s = realtime.tv_sec;
	known->boottime_s = (uint64_t)boottime.tv_sec;
}

static void start_report(const struct counter_known *known, const struct dp_counter_start *start)
{
	bool is_new = !known->has_store_mark && !known->has_file_mark;

	if (known->has_file_mark && !known->is_other_machine && !known->is_half_damaged &&
		(!known->has_store_mark || known->file_mark >= known->store_mark)) {
		log_info("counter-start", "first=%u", start->first);
		return;
	}
	log_warning("counter-ahead", "first=%u ahead-s=%d why=\"%s\"", start->first,
		COUNTER_LOST_MARK_S,
		is_new				  ? "a new store"
			: !known->has_file_mark	  ? "the mark file was missing"
			: known->is_other_machine ? "the mark file is from another machine"
			: known->is_half_damaged  ? "one sector of the mark file is damaged"
						  : "the mark file is older than the store");
}

int counter_mark_open(struct store_env *env, const char *dir, bool is_clock_accepted,
	struct counter_mark **out, struct dp_counter_start *start, char why[256])
{
	struct counter_known known = {.is_clock_accepted = is_clock_accepted};
	struct counter_mark *m = calloc(1, sizeof(*m));
	int ret = m == NULL ? -ENOMEM : store_mark_known(env, &known);

	if (m != NULL)
		pthread_mutex_init(&m->file_lock, NULL);
	snprintf(why, 256, "the counter mark cannot be read from the store");
	if (ret == 0) {
		ret = file_mark_known(m, dir, &known);
		snprintf(why, 256, "%s/counter.mark cannot be used: %s%s", dir,
			ret == -EUCLEAN ? "both of its sectors are damaged" : strerror(-ret),
			ret == -EUCLEAN ? "; when you remove it, the counter begins an hour ahead"
					: "");
	}
	if (ret == 0) {
		ret = store_mark_keep_numbers(m->file, env);
		snprintf(why, 256, "the Key Numbers in %s/counter.mark cannot be used: %s", dir,
			strerror(-ret));
	}
	if (ret == 0) {
		clocks_read(&known);
		ret = counter_start(&known, start, why);
	}
	if (ret != 0) {
		counter_mark_close(m);
		return ret;
	}
	// Once is enough.
	if (is_clock_accepted)
		store_mark_clock_forget(m->file);
	start_report(&known, start);
	m->is_of_store = known.has_file_mark && !known.is_other_machine &&
		(!known.has_store_mark || known.file_mark >= known.store_mark);
	m->copied = known.store_mark;
	*out = m;
	return 0;
}

bool counter_mark_is_of_store(const struct counter_mark *m)
{
	return m->is_of_store;
}

uint32_t counter_mark_mtk_reservations(const struct counter_mark *m)
{
	return store_mark_mtk_reservations(m->file);
}

int counter_mark_mtk_reserve(struct counter_mark *m, uint32_t reservations)
{
	int ret;

	pthread_mutex_lock(&m->file_lock);
	ret = store_mark_mtk_reserve(m->file, reservations);
	pthread_mutex_unlock(&m->file_lock);
	return ret;
}

// Should the file be lost, a start goes by the clock and the store's copy: that has to know values
// further ahead than an hour before they are used, and must not fall behind where commits are rare,
// for the clock may be wrong then. A store that takes none does not stop the counter.
static void store_copy(struct counter_mark *m, struct ctl *ctl, uint32_t mark)
{
	if (ctl_writer_commit(ctl) == 0)
		m->copied = mark;
}

void counter_mark_advance(struct counter_mark *m, struct ctl *ctl)
{
	struct dp *dp = ctl->dp;
	uint32_t due = counter_mark_due(
		atomic_load(&m->durable), dp_counter_now(dp), dp_counter_highest(dp));
	bool is_far;
	int ret;

	if (due == 0)
		return;
	pthread_mutex_lock(&m->file_lock);
	ret = store_mark_write(m->file, due, dp_counter_now(dp));
	pthread_mutex_unlock(&m->file_lock);
	if (ret != 0) {
		log_warning("mark-not-written", "mark=%u errno=%d", due, -ret);
		return;
	}
	atomic_store(&m->durable, due);
	is_far = due > dp_counter_now(dp) + COUNTER_LOST_MARK_S ||
		due > m->copied + COUNTER_COPY_AGE_S;
	if (is_far)
		store_copy(m, ctl, due);
	dp_mark_set(dp, due);
	// Mostly nobody waits for it.
	if (!is_far && due > m->copied + COUNTER_COPY_AGE_S / 2)
		store_copy(m, ctl, due);
}

static void *mark_main(void *arg)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	struct counter_mark *m = arg;

	pthread_setname_np(pthread_self(), "counter-mark");
	while (!atomic_load(&m->stop_requested)) {
		counter_mark_advance(m, m->ctl);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

int counter_mark_run(struct counter_mark *m, struct ctl *ctl)
{
	int ret;

	m->ctl = ctl;
	ret = -pthread_create(&m->thread, NULL, mark_main, m);
	m->is_running = ret == 0;
	return ret;
}

void counter_mark_stop(struct counter_mark *m)
{
	if (m == NULL || !m->is_running)
		return;
	atomic_store(&m->stop_requested, true);
	pthread_join(m->thread, NULL);
	m->is_running = false;
}

void counter_mark_close(struct counter_mark *m)
{
	if (m == NULL)
		return;
	if (m->file != NULL)
		store_mark_close(m->file);
	free(m);
}

uint32_t counter_mark_value(const struct counter_mark *m)
{
	return atomic_load(&m->durable);
}
