// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Places and what moves a single on:
//   ready    by turns of the MSKs, into a burst
//   taken    in a burst; sent: waits; given back: ready or spaced
//   waiting  by number of sends, so that each queue is in order of time; its wait over: ready, or
//            given up after the last send
//   spaced   in order of time too; after SINGLES_SPACE_NS, or with a verification of its UE: ready

#include "singles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *pages_map(size_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static void pages_unmap(void *map, size_t bytes)
{
	if (map != NULL)
		munmap(map, bytes);
}

int singles_init(
	struct singles *s, uint8_t sends, const uint32_t wait_ms[DP_SENDS_MAX], unsigned max)
{
	memset(s, 0, sizeof(*s));
	s->sends = sends;
	memcpy(s->wait_ms, wait_ms, sizeof(s->wait_ms));
	s->max = max;
	for (int i = 0; i < SINGLES_MSKS_MAX; i++)
		TAILQ_INIT(&s->ready[i]);
	for (int i = 0; i <= DP_SENDS_MAX; i++)
		TAILQ_INIT(&s->waiting[i]);
	TAILQ_INIT(&s->spaced);
	TAILQ_INIT(&s->free);
	s->pool = pages_map(max * sizeof(*s->pool));
	s->ue_pool = pages_map(max * sizeof(*s->ue_pool));
	s->bucket = pages_map(max * sizeof(*s->bucket));
	if (s->pool != NULL && s->ue_pool != NULL && s->bucket != NULL)
		return 0;
	singles_fini(s);
	return -ENOMEM;
}

void singles_fini(struct singles *s)
{
	pages_unmap(s->pool, s->max * sizeof(*s->pool));
	pages_unmap(s->ue_pool, s->max * sizeof(*s->ue_pool));
	pages_unmap(s->bucket, s->max * sizeof(*s->bucket));
	memset(s, 0, sizeof(*s));
}

// --- UEs ------------------------------------------------------------------------------------

static struct single_ue **ue_seat(const struct singles *s, uint32_t id)
{
	struct single_ue **seat = &s->bucket[id % s->max];

	while (*seat != NULL && (*seat)->id != id)
		seat = &(*seat)->next;
	return seat;
}

// There are never more UEs than singles.
static struct single_ue *ue_get(struct singles *s, uint32_t id)
{
	struct single_ue **seat = ue_seat(s, id), *ue = *seat;

	if (ue != NULL)
		return ue;
	ue = s->free_ue;
	if (ue != NULL)
		s->free_ue = ue->next;
	else
		ue = &s->ue_pool[s->ue_pool_used++];
	*ue = (struct single_ue){.id = id};
	TAILQ_INIT(&ue->singles);
	*seat = ue;
	return ue;
}

static void ue_put(struct singles *s, struct single_ue *ue)
{
	if (!TAILQ_EMPTY(&ue->singles))
		return;
	*ue_seat(s, ue->id) = ue->next;
	ue->next = s->free_ue;
	s->free_ue = ue;
}

// --- Places ---------------------------------------------------------------------------------

static struct single_queue *queue_of(struct singles *s, const struct single *single)
{
	switch (single->place) {
	case SINGLE_READY:
		return &s->ready[single->msk];
	case SINGLE_SPACED:
		return &s->spaced;
	case SINGLE_WAITING:
		return &s->waiting[single->sends];
	default:
		return NULL;
	}
}

static void place_leave(struct singles *s, struct single *single)
{
	struct single_queue *queue = queue_of(s, single);

	if (queue != NULL)
		TAILQ_REMOVE(queue, single, in_queue);
	single->place = SINGLE_TAKEN;
}

static void place_take(
	struct singles *s, struct single *single, enum single_place place, uint64_t now_ns)
{
	place_leave(s, single);
	single->place = (uint8_t)place;
	single->since_ns = now_ns;
	TAILQ_INSERT_TAIL(queue_of(s, single), single, in_queue);
}

static void single_free(struct singles *s, struct single *single)
{
	place_leave(s, single);
	TAILQ_REMOVE(&single->ue->singles, single, of_ue);
	ue_put(s, single->ue);
	s->of_msk[single->msk]--;
	s->n--;
	single->is_over = true;
	TAILQ_INSERT_HEAD(&s->free, single, in_queue);
}

// --- Orders ---------------------------------------------------------------------------------

struct single *singles_of(const struct singles *s, uint32_t id)
{
	const struct single_ue *ue = *ue_seat(s, id);

	return ue == NULL ? NULL : TAILQ_FIRST(&ue->singles);
}

struct single *singles_find(const struct singles *s, uint32_t id, unsigned msk)
{
	struct single *single = singles_of(s, id);

	while (single != NULL && (single->msk != msk || single->is_over))
		single = TAILQ_NEXT(single, of_ue);
	return single;
}

struct single *singles_add(
	struct singles *s, const struct dp_single *order, unsigned msk, uint64_t now_ns)
{
	struct single *single = TAILQ_FIRST(&s->free);
	struct single_ue *ue;

	if (s->n == s->max)
		return NULL;
	ue = ue_get(s, order->id);
	if (single != NULL)
		TAILQ_REMOVE(&s->free, single, in_queue);
	else
		single = &s->pool[s->pool_used++];
	*single = (struct single){
		.ue = ue, .order = *order, .msk = (uint8_t)msk, .place = SINGLE_TAKEN};
	TAILQ_INSERT_TAIL(&ue->singles, single, of_ue);
	s->of_msk[msk]++;
	s->n++;
	place_take(s, single, SINGLE_READY, now_ns);
	return single;
}

// --- Out and back ---------------------------------------------------------------------------

static bool is_due(const struct single *single, uint64_t after_ns, uint64_t now_ns)
{
	return single != NULL && now_ns - single->since_ns >= after_ns;
}

static void queues_follow(struct singles *s, uint64_t now_ns)
{
	struct single *single;

	while (is_due(single = TAILQ_FIRST(&s->spaced), SINGLES_SPACE_NS, now_ns))
		place_take(s, single, SINGLE_READY, now_ns);
	for (unsigned i = 1; i < s->sends; i++)
		while (is_due(single = TAILQ_FIRST(&s->waiting[i]), s->wait_ms[i - 1] * 1000000ull,
			now_ns))
			place_take(s, single, SINGLE_READY, now_ns);
}

// Whether nothing of this UE may still be on its way.
static bool ue_is_clear(const struct single_ue *ue, uint64_t now_ns)
{
	return ue->sent_ns == 0 || now_ns - ue->sent_ns >= SINGLES_SPACE_NS;
}

// Whether it may go before the others of its UE: none of them is in a burst, and none that came
// before it waits for its first message.
static bool has_turn(const struct single *single, uint64_t now_ns)
{
	const struct single *other;
	bool is_before = true;

	if (!ue_is_clear(single->ue, now_ns))
		return false;
	TAILQ_FOREACH(other, &single->ue->singles, of_ue)
	{
		is_before = is_before && other != single;
		if (other->place == SINGLE_TAKEN || (is_before && other->sends == 0))
			return false;
	}
	return true;
}

static unsigned msk_take(
	struct singles *s, unsigned msk, uint64_t now_ns, struct single **out, unsigned n)
{
	struct single *single;
	unsigned taken = 0;

	while (taken < n && (single = TAILQ_FIRST(&s->ready[msk])) != NULL) {
		if (!has_turn(single, now_ns)) {
			place_take(s, single, SINGLE_SPACED, now_ns);
			continue;
		}
		place_leave(s, single);
		out[taken++] = single;
	}
	return taken;
}

unsigned singles_take(struct singles *s, uint64_t now_ns, struct single **out, unsigned n)
{
	unsigned taken = 0;

	if (s->n == 0)
		return 0;
	queues_follow(s, now_ns);
	for (unsigned i = 0; i < SINGLES_MSKS_MAX && taken == 0; i++) {
		taken = msk_take(s, s->next_msk, now_ns, out, n);
		s->next_msk = (s->next_msk + 1) % SINGLES_MSKS_MAX;
	}
	return taken;
}

void singles_sent(struct singles *s, struct single *single, uint64_t now_ns)
{
	single->ue->sent_ns = now_ns;
	single->sends++;
	if (single->is_over)
		single_free(s, single);
	else
		place_take(s, single, SINGLE_WAITING, now_ns);
}

void singles_return(struct singles *s, struct single *single, uint64_t now_ns)
{
	if (single->is_over)
		single_free(s, single);
	else
		place_take(s, single, SINGLE_READY, now_ns);
}

void singles_delay(struct singles *s, struct single *single, uint64_t now_ns)
{
	if (single->is_over)
		single_free(s, single);
	else
		place_take(s, single, SINGLE_SPACED, now_ns);
}

// --- Ends -----------------------------------------------------------------------------------

struct single *singles_given_up(struct singles *s, uint64_t now_ns)
{
	struct single *single = TAILQ_FIRST(&s->waiting[s->sends]);
	uint64_t wait_ns = s->wait_ms[s->sends - 1] * 1000000ull;

	return is_due(single, wait_ns, now_ns) ? single : NULL;
}

void singles_end(struct singles *s, struct single *single)
{
	if (single->place == SINGLE_TAKEN)
		single->is_over = true;
	else
		single_free(s, single);
}

void singles_verified(struct singles *s, struct single *single, uint64_t now_ns)
{
	struct single_ue *ue = single->ue;
	struct single *other;

	// Unless another one was sent to it meanwhile.
	if (single->place == SINGLE_WAITING && single->since_ns == ue->sent_ns) {
		ue->sent_ns = 0;
		TAILQ_FOREACH(other, &ue->singles, of_ue)
		if (other->place == SINGLE_SPACED)
			place_take(s, other, SINGLE_READY, now_ns);
	}
	singles_end(s, single);
}
