// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "history.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "campaign.h"
#include "dp.h"

#define STRIDE 4096 // events that a reader looks at before it lets others write
#define PUSHES 1024 // taken from the workers at once

_Static_assert(sizeof(struct history_event) == 48, "docs/operations.md says how many fit");

struct history {
	pthread_mutex_t lock;
	uint64_t next; // number of the next event, from 0
	uint64_t seats;
	struct history_event *seat; // event n stands at n % seats
};

int history_create(size_t bytes, struct history **out)
{
	uint64_t seats = bytes / sizeof(struct history_event);
	struct history *h;
	void *map;

	*out = NULL;
	if (seats == 0)
		return 0;
	h = calloc(1, sizeof(*h));
	map = mmap(NULL, seats * sizeof(*h->seat), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h == NULL || map == MAP_FAILED) {
		free(h);
		return -ENOMEM;
	}
	madvise(map, seats * sizeof(*h->seat), MADV_DONTDUMP);
	pthread_mutex_init(&h->lock, NULL);
	h->seats = seats;
	h->seat = map;
	*out = h;
	return 0;
}

void history_destroy(struct history *h)
{
	if (h == NULL)
		return;
	munmap(h->seat, h->seats * sizeof(*h->seat));
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void history_add(struct history *h, struct history_event *events, size_t n)
{
	uint64_t now_ms = campaign_now_ms();

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		events[i].at_ms = now_ms;
		h->seat[h->next++ % h->seats] = events[i];
	}
	pthread_mutex_unlock(&h->lock);
}

// Number of the oldest event that is still there. With the lock held.
static uint64_t oldest(const struct history *h)
{
	return h->next > h->seats ? h->next - h->seats : 0;
}

uint64_t history_since_ms(struct history *h)
{
	uint64_t since_ms = 0;

	if (h == NULL)
		return 0;
	pthread_mutex_lock(&h->lock);
	if (oldest(h) > 0)
		since_ms = h->seat[oldest(h) % h->seats].at_ms;
	pthread_mutex_unlock(&h->lock);
	return since_ms;
}

// --- Reading --------------------------------------------------------------------------------

struct reading {
	store_id id;
	struct history_event *out; // the newest first
	size_t max;
	size_t n;
	uint64_t removed_ms;
};

// Looks at one event; false: nothing before it is wanted.
static bool event_take(struct reading *reading, const struct history_event *event)
{
	if (event->id != reading->id)
		return true;
	if (event->kind == HISTORY_REMOVED) {
		reading->removed_ms = event->at_ms;
		return false;
	}
	if (reading->n < reading->max)
		reading->out[reading->n++] = *event;
	return true;
}

// Looks at the events before number *end, a stride of them; false: there is nothing more to see.
static bool stride_read(struct history *h, struct reading *reading, uint64_t *end)
{
	bool goes_on = true;
	uint64_t first, stop;

	pthread_mutex_lock(&h->lock);
	first = oldest(h);
	if (*end > h->next)
		*end = h->next;
	stop = *end > first + STRIDE ? *end - STRIDE : first;
	while (goes_on && *end > stop)
		goes_on = event_take(reading, &h->seat[--*end % h->seats]);
	pthread_mutex_unlock(&h->lock);
	return goes_on && *end > first;
}

static void turn_around(struct history_event *events, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct history_event last = events[n - 1 - i];

		events[n - 1 - i] = events[i];
		events[i] = last;
	}
}

size_t history_read(
	struct history *h, store_id id, struct history_event *out, size_t max, uint64_t *removed_ms)
{
	struct reading reading = {.id = id, .out = out, .max = max};
	uint64_t end = UINT64_MAX;

	while (h != NULL && stride_read(h, &reading, &end))
		;
	*removed_ms = reading.removed_ms;
	turn_around(out, reading.n);
	return reading.n;
}

// --- Single pushes --------------------------------------------------------------------------

static struct history_event push_event(const struct dp_push_event *from)
{
	struct history_event event = {
		.id = from->id,
		.kind = HISTORY_PUSH,
		.what = from->note.state,
		.result = from->note.refusal,
		.sends = from->note.sends,
		.group.group = from->note.group,
		.number = from->note.number,
	};

	memcpy(event.group.kdi, from->note.kdi, sizeof(event.group.kdi));
	return event;
}

void history_follow(struct ctl *ctl)
{
	struct dp_push_event got[PUSHES];
	struct history_event event;
	size_t n;

	do {
		pthread_mutex_lock(&ctl->dp_lock);
		n = ctl->dp == NULL ? 0 : dp_push_events(ctl->dp, got, PUSHES);
		pthread_mutex_unlock(&ctl->dp_lock);
		for (size_t i = 0; i < n; i++) {
			event = push_event(&got[i]);
			history_add(ctl->history, &event, 1);
		}
	} while (n == PUSHES);
}
