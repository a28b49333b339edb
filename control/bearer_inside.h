// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Inside of bearer.c, bearer_switch.c, bearer_orders.c, bearer_store.c, bearer_share.c,
// bearer_json.c and bearer_clock.c.

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "bearer.h"
#include "event.h"

// One group whose MTKs are sent, or whose next MSK waits.
struct stream {
	struct store_bearer bearer;
	uint8_t profile; // enum store_profile
	// As the store has them, without keys: the current MSK and the next one.
	struct mtk_supply supply[2];
	uint64_t version; // of the store they were read from
	uint32_t reservations; // that it counted
	uint64_t round_ms; // CLOCK_BOOTTIME of the last round, 0 = none yet
	uint16_t round_last[2]; // the highest MTK ID that was sent in it, under each
	uint64_t retry_ms; // CLOCK_BOOTTIME: no writing before
	bool is_clock_set; // back, by more than an interval: what is not on the air yet has to go
	enum mtk_wait wait;
	uint64_t sent;
	uint64_t unsent;
	uint32_t last_counter; // T of the last message
	uint64_t last_sent_ms;
	uint8_t last_verdict; // enum dp_mtk_verdict
	struct rotation_share share; // as it was last counted, for the change that is ordered
	bool is_counted;
	uint64_t share_ms; // CLOCK_BOOTTIME of the last attempt, 0 = none yet
};

struct bearers {
	struct ctl *ctl;
	struct counter_mark *mark;
	pthread_t thread;
	pthread_t shares_thread;
	bool is_running;
	_Atomic bool stop_requested;
	_Atomic int64_t offset_ms; // CLOCK_REALTIME - CLOCK_BOOTTIME; the thread follows it

	pthread_mutex_t lock; // held by whoever uses what follows, or changes a bearer in the store
	struct stream stream[BEARERS_MAX];
	unsigned n;
	bool is_stale; // the store has something else by now
	uint64_t loaded_ms; // CLOCK_BOOTTIME
	uint64_t made;
	uint64_t verdict[DP_MTK_VERDICTS];
	int listener[BEARER_LISTENERS_MAX];
	unsigned listeners;
};
_Static_assert(DP_MTK_VERDICTS <= 16, "struct bearer_counts has room");

// All with the lock held.

struct stream *stream_find(struct bearers *all, const struct store_group_id *group);
static inline bool stream_is_on(const struct stream *s)
{
	return (s->bearer.flags & STORE_BEARER_ON) != 0;
}
// The supply that new MTKs go under.
static inline unsigned stream_target(const struct stream *s)
{
	return s->supply[1].number != 0 && s->bearer.number == s->supply[1].number ? 1 : 0;
}
// A change to the next MSK is ordered, and not enough members are known to have it.
static inline bool stream_waits_for_members(const struct stream *s)
{
	return s->bearer.switch_percent != 0 && s->bearer.switch_to != 0 &&
		s->bearer.switch_to == s->supply[1].number;
}
// MTKs go under the current MSK, and would end with a change: none can go under the next one.
static inline bool stream_next_ends_it(const struct stream *s)
{
	return s->supply[1].number != 0 && stream_target(s) == 0 &&
		mtk_supply_check(&s->supply[0]) == MTK_WAIT_NONE &&
		mtk_supply_check(&s->supply[1]) != MTK_WAIT_NONE;
}
static inline uint64_t stream_end_ms(const struct stream *s)
{
	uint64_t a = mtk_plan_end(&s->supply[0].mtks), b = mtk_plan_end(&s->supply[1].mtks);

	return a > b ? a : b;
}

// bearer_clock.c
struct bearer_now bearer_clocks(void); // CLOCK_BOOTTIME and CLOCK_REALTIME

// bearer_share.c. The thread; -errno. It ends once that is requested.
int shares_run(struct bearers *all);
void shares_end(struct bearers *all);

// bearer_switch.c. New MTKs go under the next MSK from now on. -errno.
int stream_switch_begin(struct bearers *all, struct stream *s, const struct bearer_now *now);
// A change that waits may begin, one whose old MSK has no MTK left ends. 1: something was written,
// and the stream has to be read anew; 0 or -errno.
int stream_switch_step(struct bearers *all, struct stream *s, const struct bearer_now *now);
int stream_switch_end(struct bearers *all, struct stream *s, const struct bearer_now *now);

// bearer_store.c
int streams_load(struct bearers *all);
// For one more that is sent.
bool streams_have_room(struct bearers *all);
// Reads the supplies of a group, with their keys: wipe them after use.
int supplies_load(
	const struct store_reader *r, const struct store_group_id *group, struct mtk_supply out[2]);
int bearer_write(struct bearers *all, const struct store_bearer *bearer);
// Each changes the schedule, durably. 1: something was written, and the stream has to be read anew;
// 0: there was nothing to change; or -errno.
// Carries it on.
int stream_extend(struct bearers *all, struct stream *s, const struct bearer_now *now);
int stream_add_dummy(struct bearers *all, struct stream *s, const struct bearer_now *now);
// Takes back what is not on the air yet under one MSK.
int stream_withdraw(
	struct bearers *all, struct stream *s, unsigned which, const struct bearer_now *now);
// Whether what the store counts is durable in the mark file, too.
bool stream_is_reserved(struct bearers *all, const struct stream *s);

// bearer_json.c. Takes the members of event.
void event_send(
	struct bearers *all, const char *name, const struct store_group_id *group, json_t *event);
json_t *mtk_entry_json(
	const struct stream *s, const struct mtk_supply *supply, const struct store_mtk *mtk);
