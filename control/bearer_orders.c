// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What operators order of bearers, and what is counted of them. An order holds the lock over its
// change in the store, so that the thread never goes on from what was there before.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bearer_inside.h"

const char *bearer_check(const struct store_bearer *b, char why[256])
{
	uint64_t messages;

	if (b->interval_ms < 1000 || b->repeat_ms < 1000) {
		snprintf(why, 256, "An interval and a repeat time have one second at least.");
		return "bad-value";
	}
	if (b->lead_ms > (uint64_t)(STORE_MTKS_MAX - 2 * MTK_AHEAD) * b->interval_ms) {
		snprintf(why, 256, "A lead has at most %d intervals.",
			STORE_MTKS_MAX - 2 * MTK_AHEAD);
		return "lead-too-long";
	}
	messages = mtk_plan_messages(b) * b->places;
	if (messages * 1000 <= b->interval_ms)
		return NULL;
	snprintf(why, 256,
		"An interval of %u ms takes %llu messages, and there is one counter value a second "
		"for them: repeat less often, or make the interval longer.",
		b->interval_ms, (unsigned long long)messages);
	return "too-often";
}

static int supply_find(
	struct bearers *all, const struct store_group_id *group, struct mtk_supply out[2])
{
	struct store_group record;
	struct store_reader *r;
	int ret = ctl_reader_get(all->ctl, &r);

	if (ret != 0)
		return ret;
	ret = store_reader_group(r, group, &record);
	if (ret == 0)
		ret = supplies_load(r, group, out);
	ctl_reader_put(all->ctl, r);
	return ret;
}

static int start_in(struct bearers *all, const struct store_bearer *bearer, enum mtk_wait *wait)
{
	struct store_bearer copy = *bearer;
	struct mtk_supply supply[2];
	struct stream *s;
	int ret = streams_load(all);

	if (ret != 0)
		return ret;
	s = stream_find(all, &bearer->group);
	if (s != NULL && stream_is_on(s))
		return -EALREADY;
	if (s == NULL && !streams_have_room(all))
		return -EUSERS;
	ret = supply_find(all, &bearer->group, supply);
	if (ret == 0) {
		*wait = mtk_supply_check(&supply[0]);
		ret = *wait != MTK_WAIT_NONE ? -EPERM : 0;
	}
	explicit_bzero(supply, sizeof(supply));
	copy.flags |= STORE_BEARER_ON;
	return ret != 0 ? ret : bearer_write(all, &copy);
}

int bearer_start(struct bearers *all, const struct store_bearer *bearer, enum mtk_wait *wait)
{
	int ret;

	*wait = MTK_WAIT_NONE;
	pthread_mutex_lock(&all->lock);
	ret = start_in(all, bearer, wait);
	if (ret == 0)
		event_send(all, "mtk-started", &bearer->group, json_object());
	pthread_mutex_unlock(&all->lock);
	return ret;
}

static int stop_in(struct bearers *all, const struct store_group_id *group)
{
	struct store_bearer bearer;
	struct stream *s;
	int ret = streams_load(all);

	if (ret != 0)
		return ret;
	s = stream_find(all, group);
	if (s == NULL || !stream_is_on(s))
		return -ENOENT;
	bearer = s->bearer;
	bearer.flags &= (uint8_t)~STORE_BEARER_ON;
	bearer.switch_to = 0;
	return bearer_write(all, &bearer);
}

int bearer_stop(struct bearers *all, const struct store_group_id *group)
{
	int ret;

	pthread_mutex_lock(&all->lock);
	ret = stop_in(all, group);
	if (ret == 0)
		event_send(all, "mtk-stopped", group, json_object());
	pthread_mutex_unlock(&all->lock);
	return ret;
}

static int wait_errno(enum mtk_wait wait)
{
	return wait == MTK_WAIT_REVOKED	    ? -EKEYREVOKED
		: wait == MTK_WAIT_RESTORED ? -EKEYREJECTED
					    : -EKEYEXPIRED;
}

static int switch_in(struct bearers *all, const struct store_group_id *group, uint16_t number,
	enum bearer_switch how, uint8_t percent)
{
	struct bearer_now now = bearers_now(all);
	struct store_bearer bearer;
	struct stream *s;
	int ret = streams_load(all);

	if (ret != 0)
		return ret;
	s = stream_find(all, group);
	if (s == NULL || !stream_is_on(s))
		return -ENOLINK;
	if (how == BEARER_SWITCH_CANCEL && s->bearer.switch_to != number)
		return -ENOENT;
	if (how != BEARER_SWITCH_CANCEL &&
		(s->supply[1].number != number || s->bearer.number == number))
		return -EBUSY;
	if (how != BEARER_SWITCH_CANCEL && stream_next_ends_it(s))
		return wait_errno(mtk_supply_check(&s->supply[1]));
	s->share_ms = 0;
	s->is_counted = false;
	if (how == BEARER_SWITCH_NOW)
		return stream_switch_begin(all, s, &now);
	bearer = s->bearer;
	bearer.switch_to = how == BEARER_SWITCH_CANCEL ? 0 : number;
	bearer.switch_percent = how == BEARER_SWITCH_CANCEL ? 0 : percent;
	return bearer_write(all, &bearer);
}

int bearer_switch(struct bearers *all, const struct store_group_id *group, uint16_t number,
	enum bearer_switch how, uint8_t percent)
{
	int ret;

	if (all == NULL)
		return -ENOLINK;
	pthread_mutex_lock(&all->lock);
	ret = switch_in(all, group, number, how, percent);
	pthread_mutex_unlock(&all->lock);
	return ret;
}

void bearers_follow(struct bearers *all)
{
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	all->is_stale = true;
	pthread_mutex_unlock(&all->lock);
}

void bearers_count(struct bearers *all, struct bearer_counts *out)
{
	*out = (struct bearer_counts){.ids_left_least = UINT16_MAX};
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < all->n; i++) {
		const struct stream *s = &all->stream[i];
		uint32_t left = mtk_ids_left(&s->supply[stream_target(s)]);

		out->switching += s->bearer.switch_to != 0 || stream_target(s) == 1;
		if (!stream_is_on(s))
			continue;
		out->on++;
		out->waiting += s->wait != MTK_WAIT_NONE;
		if (left < out->ids_left_least)
			out->ids_left_least = left;
	}
	out->made = all->made;
	memcpy(out->verdict, all->verdict, sizeof(all->verdict));
	pthread_mutex_unlock(&all->lock);
}
