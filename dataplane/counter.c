// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "counter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

// T of a wall clock; 0 before the epoch.
static int64_t clock_counter(int64_t realtime_s)
{
	return realtime_s > COUNTER_EPOCH ? realtime_s - COUNTER_EPOCH : 0;
}

// A mark that is missing, damaged in part, older than the store's copy or from another machine may
// hide values that were sent: by the clock at the time, or up to the next mark. Nor has the clock
// to be right then: the store's copy is not far behind.
static bool mark_is_trusted(const struct counter_known *known, uint32_t store_mark)
{
	return known->has_file_mark && !known->is_other_machine && !known->is_half_damaged &&
		known->file_mark >= store_mark;
}

// Before which moment a clock was set back. A mark runs ahead of a clock that is right: by an hour
// after a loss, and by some seconds with each of many starts in a row.
static int64_t clock_before(const struct counter_known *known, uint32_t store_mark, uint32_t mark)
{
	bool has_clock = mark_is_trusted(known, store_mark) && known->file_clock != 0;

	return has_clock && known->file_clock < mark ? known->file_clock : mark;
}

static int clock_check(const struct counter_known *known, int64_t now, int64_t before,
	uint32_t mark, char why[256])
{
	if (known->is_clock_accepted)
		return 0;
	if (now < before - COUNTER_BACK_MAX_S) {
		snprintf(why, 256,
			"the clock stands %" PRId64 " s before %s: set the clock, or accept it "
			"with --accept-clock",
			before - now, before < mark ? "where it stood" : "the counter mark");
		return -ERANGE;
	}
	if (mark != 0 && now > (int64_t)mark + COUNTER_FORTH_MAX_S) {
		snprintf(why, 256,
			"the clock stands %" PRId64 " days after the counter mark: set the clock, "
			"or accept it with --accept-clock",
			(now - (int64_t)mark) / 86400);
		return -ERANGE;
	}
	return 0;
}

int counter_start(const struct counter_known *known, struct dp_counter_start *start, char why[256])
{
	uint32_t store_mark = known->has_store_mark ? known->store_mark : 0;
	uint32_t file_mark = known->has_file_mark ? known->file_mark : 0;
	uint32_t mark = max_u32(store_mark, file_mark);
	int64_t now = clock_counter(known->realtime_s);
	int64_t first = mark;
	int ret = clock_check(known, now, clock_before(known, store_mark, mark), mark, why);

	if (ret != 0)
		return ret;
	if (!mark_is_trusted(known, store_mark))
		first = max_i64(now + COUNTER_LOST_MARK_S,
			COUNTER_MARK_AHEAD_S +
				max_i64(file_mark, (int64_t)store_mark + COUNTER_COPY_AGE_S));
	if (first >= COUNTER_MAX || now >= COUNTER_MAX) {
		snprintf(why, 256, "no counter values are left: the mark stands at %" PRIu32, mark);
		return -EOVERFLOW;
	}
	start->first = (uint32_t)first;
	start->counter_offset_s = now - (int64_t)known->boottime_s;
	start->realtime_offset_s = known->realtime_s - (int64_t)known->boottime_s;
	return 0;
}

int counter_init(struct counter *counter, uint32_t first, uint32_t ids)
{
	size_t bytes = (size_t)ids * sizeof(uint32_t);
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	// Answers come from all over it.
	madvise(map, bytes, MADV_HUGEPAGE);
	*counter = (struct counter){.first = first, .advance = map, .ids = ids, .bytes = bytes};
	return 0;
}

void counter_fini(struct counter *counter)
{
	if (counter->advance != NULL)
		munmap(counter->advance, counter->bytes);
	counter->advance = NULL;
}

uint32_t counter_take(
	struct counter_owner *owner, const uint32_t *ids, unsigned n, uint32_t now, uint32_t mark)
{
	struct counter *counter = owner->counter;
	uint32_t value = now;

	for (unsigned i = 0; i < n; i++)
		value = max_u32(value, counter_last(counter, ids[i]) + 1);
	if (value > mark || value > COUNTER_MAX)
		return 0;
	for (unsigned i = 0; i < n; i++)
		__atomic_store_n(
			&counter->advance[ids[i]], value - counter->first, __ATOMIC_RELAXED);
	if (value > atomic_load_explicit(&owner->highest, memory_order_relaxed))
		atomic_store_explicit(&owner->highest, value, memory_order_relaxed);
	return value;
}

void counter_raise(struct counter_owner *owner, uint32_t id, uint32_t highest)
{
	struct counter *counter = owner->counter;

	if (highest > counter_last(counter, id))
		__atomic_store_n(&counter->advance[id], highest - counter->first, __ATOMIC_RELAXED);
}
