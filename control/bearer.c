// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A group whose MTKs are sent looks, every few milliseconds, at this:
//   the wall clock was set back      what is not on the air yet is withdrawn
//   its schedule is short            it is carried on, in the store
//   an MTK comes on the air, or the
//   last round is long enough ago    a round: all MTKs on the air, in ascending order, everywhere
//   a next MSK waits to be used      enough members have it: dummies for a while, if wanted; then
//                                    new MTKs go under it, what was not on the air yet is withdrawn
//   the last MTK of the old MSK is
//   over, and a lead more            the next MSK becomes the current one, the old one is retired
// While the two overlap phones hold both, and a third one cannot be made: a next one lives.

#include "bearer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bearer_inside.h"
#include "counter_mark.h"
#include "dp.h"
#include "log.h"

#define LOOK_NS 50000000
#define RELOAD_MS 5000
#define RETRY_MS 1000
#define CLOCK_STEP_MS 1000 // a clock that is off by no more has not been set
#define ORDER_MS 2000 // a message that was not sent by then comes with the next round

static void group_text(const struct store_bearer *bearer, char out[8])
{
	snprintf(out, 8, "%04x", bearer->group.group);
}

// --- Messages -------------------------------------------------------------------------------

static int order_send(struct bearers *all, const struct dp_mtk *order)
{
	struct ctl *ctl = all->ctl;
	int ret = -ENODEV;

	pthread_mutex_lock(&ctl->dp_lock);
	if (ctl->dp != NULL)
		ret = dp_mtk(ctl->dp, order);
	pthread_mutex_unlock(&ctl->dp_lock);
	return ret;
}

static void mtk_send(struct bearers *all, struct stream *s, const struct mtk_supply *supply,
	uint16_t mtk_id, const struct bearer_now *now)
{
	struct dp_mtk order = {
		.group = s->bearer.group.group,
		.number = supply->number,
		.has_no_rand = (s->bearer.flags & STORE_BEARER_NO_RAND) != 0,
		.mtk_id = mtk_id,
		.until_ns = (now->boot_ms + ORDER_MS) * 1000000,
		.version = s->version,
	};

	memcpy(order.kdi, s->bearer.group.kdi, sizeof(order.kdi));
	for (unsigned i = 0; i < s->bearer.places; i++) {
		memcpy(order.address, s->bearer.place[i].addr.byte, sizeof(order.address));
		order.port = s->bearer.place[i].port;
		if (order_send(all, &order) != 0)
			s->unsent++;
	}
}

static bool is_sent_now(const struct mtk_supply *supply, unsigned i, const struct bearer_now *now)
{
	bool is_revoked = supply->seq_l > supply->seq_u;

	return !is_revoked && mtk_is_on_air(&supply->mtks.mtk[i], now->unix_ms);
}

static void stream_round(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	s->round_ms = now->boot_ms;
	for (unsigned k = 0; k < 2; k++) {
		const struct mtk_supply *supply = &s->supply[k];

		for (unsigned i = 0; i < supply->mtks.count; i++) {
			if (!is_sent_now(supply, i, now))
				continue;
			s->round_last[k] = supply->mtks.mtk[i].id;
			mtk_send(all, s, supply, supply->mtks.mtk[i].id, now);
		}
	}
}

static bool round_is_due(const struct stream *s, const struct bearer_now *now)
{
	if (s->round_ms == 0 || now->boot_ms - s->round_ms >= s->bearer.repeat_ms)
		return true;
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < s->supply[k].mtks.count; i++)
			if (is_sent_now(&s->supply[k], i, now) &&
				s->supply[k].mtks.mtk[i].id > s->round_last[k])
				return true;
	return false;
}

static void note_take(struct bearers *all, const struct dp_mtk_note *note)
{
	struct store_group_id group = {.group = note->group};
	struct stream *s;

	memcpy(group.kdi, note->kdi, sizeof(group.kdi));
	s = stream_find(all, &group);
	all->verdict[note->verdict]++;
	if (s == NULL)
		return;
	if (note->verdict != DP_MTK_SENT) {
		if (s->last_verdict != note->verdict)
			log_warning("mtk-not-sent", "group=%04x msk=%04x mtk=%u reason=%s",
				note->group, note->number, note->mtk_id,
				dp_mtk_verdict_name(note->verdict));
		s->unsent++;
	} else {
		s->sent++;
		s->last_counter = note->counter;
		s->last_sent_ms = bearers_now(all).unix_ms;
	}
	s->last_verdict = note->verdict;
}

static void notes_take(struct bearers *all)
{
	struct dp_mtk_note note[64];
	size_t n = 0;

	pthread_mutex_lock(&all->ctl->dp_lock);
	if (all->ctl->dp != NULL)
		n = dp_mtk_notes(all->ctl->dp, note, sizeof(note) / sizeof(note[0]));
	pthread_mutex_unlock(&all->ctl->dp_lock);
	for (size_t i = 0; i < n; i++)
		note_take(all, &note[i]);
}

// --- Steps ----------------------------------------------------------------------------------

static void stream_wait(struct bearers *all, struct stream *s, enum mtk_wait wait)
{
	char group[8];

	if (s->wait == wait)
		return;
	s->wait = wait;
	group_text(&s->bearer, group);
	if (wait == MTK_WAIT_NONE) {
		log_info("mtk-goes-on", "group=%s", group);
		return;
	}
	log_warning("mtk-waits", "group=%s reason=%s why=\"%s\"", group, mtk_wait_name(wait),
		mtk_wait_text(wait));
	event_send(all, "mtk-waits", &s->bearer.group,
		json_pack("{s:s, s:s}", "reason", mtk_wait_name(wait), "why", mtk_wait_text(wait)));
}

// Under either MSK. 1: something was written, and the stream has to be read anew; 0 or -errno.
static int stream_clock_follow(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	int ret, written = 0;

	for (unsigned k = 0; k < 2; k++) {
		const struct mtk_supply *supply = &s->supply[k];

		if (!s->is_clock_set &&
			!mtk_plan_is_out_of_reach(&s->bearer, &supply->mtks, now->unix_ms))
			continue;
		ret = stream_withdraw(all, s, k, now);
		if (ret < 0)
			return ret;
		if (ret > 0)
			log_warning("mtk-withdrawn",
				"group=%04x msk=%04x why=\"the clock was set back\"",
				s->bearer.group.group, supply->number);
		written |= ret;
	}
	s->is_clock_set = false;
	return written;
}

// Results as above.
static int stream_carry_on(struct bearers *all, struct stream *s, const struct bearer_now *now)
{
	enum mtk_wait wait = mtk_supply_check(&s->supply[stream_target(s)]);
	int ret;

	if (wait != MTK_WAIT_NONE ||
		!mtk_plan_is_short(&s->bearer, stream_end_ms(s), now->unix_ms)) {
		stream_wait(all, s, wait);
		return 0;
	}
	ret = stream_extend(all, s, now);
	stream_wait(all, s, ret < 0 && ret != -ESTALE ? MTK_WAIT_STORE : MTK_WAIT_NONE);
	if (ret == 0)
		s->retry_ms = now->boot_ms + RETRY_MS; // no room: some have to end before
	return ret;
}

// Writing takes time, and orders have to be new: each stream looks at the clock.
static void stream_step(struct bearers *all, struct stream *s)
{
	struct bearer_now now = bearers_now(all);
	int ret = 0;

	if (now.boot_ms >= s->retry_ms) {
		ret = stream_clock_follow(all, s, &now);
		if (ret == 0)
			ret = stream_switch_end(all, s, &now);
		if (ret == 0 && stream_is_on(s))
			ret = stream_switch_step(all, s, &now);
		if (ret == 0 && stream_is_on(s))
			ret = stream_carry_on(all, s, &now);
		if (ret < 0)
			s->retry_ms = now.boot_ms + RETRY_MS;
	}
	if (ret > 0 || !stream_is_on(s) || !round_is_due(s, &now))
		return;
	if (stream_is_reserved(all, s))
		stream_round(all, s, &now);
	else
		stream_wait(all, s, MTK_WAIT_STORE);
}

// --- The clock ------------------------------------------------------------------------------

static int64_t clock_offset_ms(void)
{
	struct bearer_now now = bearer_clocks();

	return (int64_t)now.unix_ms - (int64_t)now.boot_ms;
}

struct bearer_now bearers_now(const struct bearers *all)
{
	uint64_t boot_ms = bearer_clocks().boot_ms;

	return (struct bearer_now){boot_ms, (uint64_t)((int64_t)boot_ms + all->offset_ms)};
}

// Encryptors go by the wall clock, so schedules have to, when it is set, too. Set forth, a schedule
// is over early and goes on from there. Set back, it would not be due for a while, and what is
// added then would be in use together with it.
static void clock_follow(struct bearers *all)
{
	int64_t offset_ms = clock_offset_ms(), by_ms = offset_ms - all->offset_ms;

	if (llabs(by_ms) <= CLOCK_STEP_MS)
		return;
	log_warning("mtk-clock-set", "by-ms=%lld", (long long)by_ms);
	all->offset_ms = offset_ms;
	for (unsigned i = 0; i < all->n; i++)
		if (-by_ms > all->stream[i].bearer.interval_ms)
			all->stream[i].is_clock_set = true;
}

// --- The thread -----------------------------------------------------------------------------

void bearers_step(struct bearers *all)
{
	uint64_t boot_ms;

	pthread_mutex_lock(&all->lock);
	clock_follow(all);
	boot_ms = bearers_now(all).boot_ms;
	notes_take(all);
	if (all->is_stale || boot_ms - all->loaded_ms >= RELOAD_MS) {
		all->loaded_ms = boot_ms;
		if (streams_load(all) != 0)
			all->is_stale = true;
	}
	for (unsigned i = 0; i < all->n; i++)
		stream_step(all, &all->stream[i]);
	pthread_mutex_unlock(&all->lock);
}

static void *bearers_main(void *arg)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	struct bearers *all = arg;

	pthread_setname_np(pthread_self(), "mtk");
	while (!atomic_load(&all->stop_requested)) {
		bearers_step(all);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

// --- Start and end --------------------------------------------------------------------------

static int bar_job(struct store_txn *txn, void *reservations)
{
	return store_mtks_bar(txn, *(const uint32_t *)reservations);
}

// A store that counts fewer reservations than the mark file, or one whose mark file cannot be
// trusted, may not know of MTKs that were sent.
static int msks_bar(struct bearers *all)
{
	uint32_t told = counter_mark_mtk_reservations(all->mark), counted;
	struct store_group group = {0};
	struct store_reader *r;
	bool has_groups;
	int ret = ctl_reader_get(all->ctl, &r);

	if (ret != 0)
		return ret;
	counted = store_reader_mtk_reservations(r);
	has_groups = store_reader_group_next(r, &group.id, &group) == 0;
	ctl_reader_put(all->ctl, r);
	if (!has_groups || (counter_mark_is_of_store(all->mark) && told <= counted))
		return counter_mark_mtk_reserve(all->mark, counted);
	log_warning("mtk-barred", "why=\"%s\"",
		told > counted ? "the store is older than the mark file"
			       : "the mark file is not the one that the store was used with");
	return ctl_writer_run(all->ctl, bar_job, &told);
}

int bearers_create(struct ctl *ctl, struct counter_mark *mark, struct bearers **out)
{
	struct bearers *all = calloc(1, sizeof(*all));
	int ret;

	if (all == NULL)
		return -ENOMEM;
	all->ctl = ctl;
	all->mark = mark;
	all->offset_ms = clock_offset_ms();
	all->is_stale = true;
	pthread_mutex_init(&all->lock, NULL);
	ret = msks_bar(all);
	if (ret != 0) {
		bearers_destroy(all);
		return ret;
	}
	*out = all;
	return 0;
}

int bearers_run(struct bearers *all)
{
	int ret = -pthread_create(&all->thread, NULL, bearers_main, all);

	if (ret != 0)
		return ret;
	ret = shares_run(all);
	if (ret != 0) {
		atomic_store(&all->stop_requested, true);
		pthread_join(all->thread, NULL);
	}
	all->is_running = ret == 0;
	return ret;
}

void bearers_end(struct bearers *all)
{
	if (all == NULL || !all->is_running)
		return;
	atomic_store(&all->stop_requested, true);
	shares_end(all);
	pthread_join(all->thread, NULL);
	all->is_running = false;
}

void bearers_destroy(struct bearers *all)
{
	if (all == NULL)
		return;
	bearers_end(all);
	for (unsigned i = 0; i < all->listeners; i++)
		close(all->listener[i]);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
