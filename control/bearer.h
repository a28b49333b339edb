// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// MTKs of key groups: a thread that carries their schedules on, has their messages sent, and
// changes from one MSK to the next. docs/architecture.md, "MTK messages".

#pragma once

#include <jansson.h>

#include "ctl.h"
#include "mtk_plan.h"
#include "rotation.h"

struct bearers;
struct counter_mark;

#define BEARER_LEAD_MAX_MS 86400000u
#define BEARERS_MAX 256 // groups whose MTKs are sent
#define BEARER_LISTENERS_MAX 16
#define BEARER_PERCENT 98 // of the members have to have the next MSK, where nobody says otherwise

// Bars the MSKs that live when the store, or the mark file, is not the one that was last used.
// -errno.
int bearers_create(struct ctl *ctl, struct counter_mark *mark, struct bearers **out);
void bearers_destroy(struct bearers *all);
// The threads. Ending them leaves everything as it is.
int bearers_run(struct bearers *all);
void bearers_end(struct bearers *all);

// What the thread does again and again.
void bearers_step(struct bearers *all);
// What a second one does: counts, for a group whose turn it is, who has the next MSK. Takes seconds
// where there are millions of subscribers, and holds nobody up.
void bearers_share_step(struct bearers *all);

// The clock that schedules go by, for all who ask about them: CLOCK_BOOTTIME, and CLOCK_REALTIME as
// far from it as it was when the thread last saw it set. Any thread.
struct bearer_now {
	uint64_t boot_ms;
	uint64_t unix_ms;
};
struct bearer_now bearers_now(const struct bearers *all);

// The calls below come from any thread; they wait for the store.

// What the figures of a bearer come to: NULL, or the name of what is wrong, with a sentence.
const char *bearer_check(const struct store_bearer *bearer, char why[256]);
// Begins to send. -EALREADY: MTKs of this group are being sent; -EUSERS: those of BEARERS_MAX
// others are; -ENOENT: no such group; -EPERM: no MTK can go under its MSK, *wait tells why.
int bearer_start(struct bearers *all, const struct store_bearer *bearer, enum mtk_wait *wait);
// -ENOENT: none are being sent. A change of the MSK that has begun is completed.
int bearer_stop(struct bearers *all, const struct store_group_id *group);

enum bearer_switch {
	BEARER_SWITCH_WAIT, // until enough have it
	BEARER_SWITCH_NOW,
	BEARER_SWITCH_CANCEL,
};
// Makes a next MSK the one that MTKs go under. -ENOLINK: no MTKs are sent, so there is nothing to
// wait for; -EBUSY: it is not a next one; -ENOENT: nothing waits; -EKEYREVOKED, -EKEYREJECTED,
// -EKEYEXPIRED: MTKs go on under the current one, and none can go under this: it is revoked, from
// before a restore, or has no MTK ID left.
int bearer_switch(struct bearers *all, const struct store_group_id *group, uint16_t number,
	enum bearer_switch how, uint8_t percent);

// Somebody else has changed MSKs in the store: the thread looks at once.
void bearers_follow(struct bearers *all);

// What there is of one group, or of all (NULL): without keys.
json_t *bearers_json(struct bearers *all, const struct store_group_id *group);
// The schedule of a group with its MTKs, those whose use ends after from_ms (by bearers_now()), for
// whoever encrypts.
// NULL: none are being sent. Secret.
json_t *bearer_schedule_json(
	struct bearers *all, const struct store_group_id *group, uint64_t from_ms);
// A descriptor to read events from, one JSON object a line. The caller closes it. -EBUSY: as many
// listen as there can be, or -errno.
int bearers_listen(struct bearers *all);

struct bearer_counts {
	uint32_t on; // groups whose MTKs are sent
	uint32_t waiting; // of them, those that get no new MTKs
	uint32_t switching; // groups that change, or wait to change, their MSK
	uint32_t ids_left_least; // MTK IDs left under the MSK that has fewest
	uint64_t made; // MTKs since the start
	uint64_t verdict[16]; // messages by enum dp_mtk_verdict
};
// Zero when all is NULL.
void bearers_count(struct bearers *all, struct bearer_counts *out);
