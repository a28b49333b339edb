// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Who has the next MSK of the groups that wait to use it. To count that takes seconds where there
// are millions of subscribers: a thread of its own does it, one group after the other, and nobody
// waits for it.

#include <string.h>
#include <time.h>

#include "bearer_inside.h"

#define SHARE_MS 2000 // between two counts of one group
#define REST 4 // times as long as a count took, before the next one
#define LOOK_NS 50000000

// The group whose turn it is.
static struct stream *stream_due(struct bearers *all, uint64_t now_ms)
{
	struct stream *due = NULL;

	for (unsigned i = 0; i < all->n; i++) {
		struct stream *s = &all->stream[i];

		if (!stream_is_on(s) || !stream_waits_for_members(s) ||
			(s->share_ms != 0 && now_ms - s->share_ms < SHARE_MS))
			continue;
		if (due == NULL || s->share_ms < due->share_ms)
			due = s;
	}
	return due;
}

static bool group_find(struct bearers *all, struct store_group_id *group, uint16_t *number)
{
	const struct stream *s;

	pthread_mutex_lock(&all->lock);
	s = stream_due(all, bearers_now(all).boot_ms);
	if (s != NULL) {
		*group = s->bearer.group;
		*number = s->bearer.switch_to;
	}
	pthread_mutex_unlock(&all->lock);
	return s != NULL;
}

void bearers_share_step(struct bearers *all)
{
	struct rotation_share share;
	struct store_group_id group;
	struct stream *s;
	uint16_t number;
	int ret;

	if (!group_find(all, &group, &number))
		return;
	ret = rotation_share_count(all->ctl, &group, number, &share);
	pthread_mutex_lock(&all->lock);
	s = stream_find(all, &group);
	// It may have been told something else meanwhile.
	if (s != NULL && s->bearer.switch_to == number) {
		s->share_ms = bearers_now(all).boot_ms;
		if (ret == 0) {
			s->share = share;
			s->is_counted = true;
		}
	}
	pthread_mutex_unlock(&all->lock);
}

static void *shares_main(void *arg)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	struct bearers *all = arg;
	uint64_t due_ms = 0;

	pthread_setname_np(pthread_self(), "mtk-shares");
	for (; !atomic_load(&all->stop_requested); nanosleep(&nap, NULL)) {
		uint64_t begin_ms = ctl_clock_ms();

		if (begin_ms < due_ms)
			continue;
		bearers_share_step(all);
		due_ms = ctl_clock_ms();
		due_ms += REST * (due_ms - begin_ms);
	}
	return NULL;
}

int shares_run(struct bearers *all)
{
	return -pthread_create(&all->shares_thread, NULL, shares_main, all);
}

void shares_end(struct bearers *all)
{
	pthread_join(all->shares_thread, NULL);
}
