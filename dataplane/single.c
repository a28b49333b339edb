// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Orders for single pushes and the MSKs they are for. An MSK is read from the store when the first
// order for it comes, and looked at again with each new snapshot while singles of it are under way.

#include "single.h"

#include <errno.h>
#include <stdlib.h>

#include "push_note.h"
#include "translate.h"

#define ORDERS 16384 // ring, power of two
#define ORDERS_PER_TURN 256
#define VERIFICATIONS 65536 // ring, power of two
#define PUSH_EVENTS 16384 // likewise
#define IN_FLIGHT_MAX (1u << 18) // singles of a worker

static struct rte_ring *ring_make(const char *kind, const struct worker *w, unsigned elem_bytes,
	unsigned count, unsigned flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u", kind, w->index);
	return rte_ring_create_elem(name, elem_bytes, count, SOCKET_ID_ANY, flags);
}

int single_init(struct worker *w)
{
	const struct dp_conf *conf = w->shared->conf;
	int ret =
		singles_init(&w->singles, conf->single_sends, conf->single_wait_ms, IN_FLIGHT_MAX);

	if (ret != 0)
		return ret;
	// HTTP threads are not tied to CPUs: one that is interrupted in the middle of putting an
	// order in must not hold up the others (RTS).
	w->orders = ring_make(
		"singles", w, sizeof(struct dp_single), ORDERS, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	w->handed = ring_make("handed", w, sizeof(struct rte_mbuf *), HANDED, RING_F_SC_DEQ);
	w->verifications = ring_make("verified", w, sizeof(struct dp_verification), VERIFICATIONS,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->push_events = ring_make("pushed", w, sizeof(struct dp_push_event), PUSH_EVENTS,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (w->orders == NULL || w->handed == NULL || w->verifications == NULL ||
		w->push_events == NULL)
		return -ENOMEM;
	return 0;
}

static void msk_drop(struct single_msk *msk)
{
	if (!msk->is_used)
		return;
	store_eligibility_free(&msk->run.eligibility);
	explicit_bzero(msk, sizeof(*msk));
}

void single_fini(struct worker *w)
{
	struct rte_mbuf *mbuf;

	while (w->handed != NULL && rte_ring_dequeue(w->handed, (void **)&mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	for (unsigned i = 0; i < SINGLES_MSKS_MAX; i++)
		msk_drop(&w->single_msk[i]);
	rte_ring_free(w->orders);
	rte_ring_free(w->handed);
	rte_ring_free(w->verifications);
	rte_ring_free(w->push_events);
	singles_fini(&w->singles);
}

// --- Notes ----------------------------------------------------------------------------------

static void note_write(struct worker *w, const struct single *single, enum dp_push_state state,
	unsigned refusal, const struct dp_now *now)
{
	struct dp_push_event event = {
		.id = single->order.id,
		.note =
			{
				.at_s = (uint32_t)now->unix_s,
				.group = single->order.group,
				.number = single->order.number,
				.state = (uint8_t)state,
				.sends = single->sends,
				.refusal = (uint8_t)refusal,
			},
	};

	memcpy(event.note.kdi, single->order.kdi, sizeof(event.note.kdi));
	push_note_write(&w->shared->notes, event.id, &event.note);
	if (rte_ring_enqueue_elem(w->push_events, &event, sizeof(event)) != 0)
		w->stats.events_lost++;
}

static void single_end(struct worker *w, struct single *single)
{
	if (single->is_over)
		return;
	atomic_fetch_sub_explicit(&w->shared->singles, 1, memory_order_relaxed);
	singles_end(&w->singles, single);
}

static void single_end_refused(
	struct worker *w, struct single *single, unsigned why, const struct dp_now *now)
{
	w->stats.singles_refused++;
	note_write(w, single, DP_PUSH_REFUSED, why, now);
	single_end(w, single);
}

// --- MSKs -----------------------------------------------------------------------------------

static struct store_group_id group_of(const struct dp_single *order)
{
	struct store_group_id group = {.group = order->group};

	memcpy(group.kdi, order->kdi, sizeof(group.kdi));
	return group;
}

static bool msk_is_of(const struct single_msk *msk, const struct dp_single *order)
{
	return msk->is_used && msk->dp.group == order->group && msk->dp.number == order->number &&
		memcmp(msk->dp.kdi, order->kdi, sizeof(order->kdi)) == 0;
}

// The MSK as a run: template, label, who may have it.
static int msk_load(struct worker *w, const struct dp_single *order, struct single_msk *msk)
{
	struct store_group_id group = group_of(order);
	struct store_group record;
	struct store_msk stored;
	int ret = store_reader_group(w->reader, &group, &record);

	if (ret == 0)
		ret = store_reader_msk(w->reader, &group, order->number, &stored);
	if (ret == 0 && stored.state == STORE_MSK_RETIRED)
		ret = -ENOENT;
	if (ret == 0) {
		translate_stored_msk(&record, &stored, &msk->dp);
		ret = run_prepare(w, &msk->run, &msk->dp);
	}
	explicit_bzero(&stored, sizeof(stored));
	msk->is_used = ret == 0;
	if (ret != 0)
		explicit_bzero(&msk->dp, sizeof(msk->dp));
	return ret;
}

// The seat of an order's MSK; -errno when it cannot be had. Seats that nobody uses are free.
static int msk_seat(struct worker *w, const struct dp_single *order)
{
	int seat = -EBUSY, ret;

	for (int i = 0; i < SINGLES_MSKS_MAX; i++) {
		if (msk_is_of(&w->single_msk[i], order))
			return i;
		if (w->singles.of_msk[i] == 0 && (seat < 0 || !w->single_msk[i].is_used))
			seat = i;
	}
	if (seat < 0)
		return seat;
	msk_drop(&w->single_msk[seat]);
	ret = msk_load(w, order, &w->single_msk[seat]);
	return ret != 0 ? ret : seat;
}

// Messages that wait say which interval it had.
static int interval_follow(struct worker *w, struct single_msk *msk, const struct store_msk *stored)
{
	for (unsigned p = 0; p < w->shared->ports; p++)
		if (w->egress[p].n != 0 && w->egress[p].run == &msk->run)
			egress_return(w, &w->egress[p]);
	msk->dp.seq_l = stored->seq_l;
	msk->dp.seq_u = stored->seq_u;
	store_eligibility_free(&msk->run.eligibility);
	return run_prepare(w, &msk->run, &msk->dp);
}

// An MSK's octets never change under its number, unless its group was removed and made anew; its
// interval does when it is revoked.
static bool msk_follow(struct worker *w, struct single_msk *msk)
{
	struct store_group_id group = translate_group(&msk->dp);
	struct store_msk stored;
	bool lives = store_reader_msk(w->reader, &group, msk->dp.number, &stored) == 0 &&
		stored.state != STORE_MSK_RETIRED &&
		memcmp(stored.rand, msk->dp.rand, sizeof(msk->dp.rand)) == 0;

	if (lives && (stored.seq_l != msk->dp.seq_l || stored.seq_u != msk->dp.seq_u))
		lives = interval_follow(w, msk, &stored) == 0;
	explicit_bzero(&stored, sizeof(stored));
	return lives;
}

static void eligibility_follow(struct worker *w, struct single_msk *msk)
{
	struct store_group_id group = translate_group(&msk->dp);
	struct store_eligibility fresh;

	if (msk->run.eligibility.dict_version == store_reader_dict_version(w->reader) ||
		store_eligibility_load(w->reader, &group, &fresh) != 0)
		return;
	store_eligibility_free(&msk->run.eligibility);
	msk->run.eligibility = fresh;
}

static void msk_end(struct worker *w, unsigned seat, const struct dp_now *now)
{
	// A rare walk over all singles there are.
	for (unsigned i = 0; i < w->singles.pool_used && w->singles.of_msk[seat] > 0; i++) {
		struct single *single = &w->singles.pool[i];

		if (!single->is_over && single->msk == seat)
			single_end_refused(w, single, DP_REFUSED_MSK_GONE, now);
	}
}

void single_follow(struct worker *w, const struct dp_now *now)
{
	for (unsigned i = 0; i < SINGLES_MSKS_MAX; i++) {
		struct single_msk *msk = &w->single_msk[i];

		if (!msk->is_used)
			continue;
		if (msk_follow(w, msk))
			eligibility_follow(w, msk);
		else
			msk_end(w, i, now);
		// Else it is loaded anew with its next order.
		if (w->singles.of_msk[i] == 0)
			msk_drop(msk);
	}
}

// --- Orders ---------------------------------------------------------------------------------

// An order that cannot be taken leaves a note all the same.
static void order_refuse(
	struct worker *w, const struct dp_single *order, unsigned why, const struct dp_now *now)
{
	struct single nobody = {.order = *order};

	w->stats.singles_refused++;
	note_write(w, &nobody, DP_PUSH_REFUSED, why, now);
}

static void order_add(struct worker *w, const struct dp_single *order, const struct dp_now *now)
{
	int seat = msk_seat(w, order);
	struct single *single;

	if (seat == -ENOENT) {
		order_refuse(w, order, DP_REFUSED_MSK_GONE, now);
		return;
	}
	if (seat >= 0 && (single = singles_find(&w->singles, order->id, (unsigned)seat)) != NULL) {
		// Where the phone is now counts.
		single->order = *order;
		w->stats.singles_merged++;
		return;
	}
	if (seat < 0 || singles_add(&w->singles, order, (unsigned)seat, now->ns) == NULL) {
		w->stats.singles_full++;
		return;
	}
	atomic_fetch_add_explicit(&w->shared->singles, 1, memory_order_relaxed);
}

static void order_end(struct worker *w, const struct dp_single *order, const struct dp_now *now)
{
	struct single *single = singles_of(&w->singles, order->id), *next;

	for (; single != NULL; single = next) {
		next = TAILQ_NEXT(single, of_ue);
		if (single->is_over || single->order.group != order->group ||
			memcmp(single->order.kdi, order->kdi, sizeof(order->kdi)) != 0)
			continue;
		w->stats.singles_ended++;
		note_write(w, single, DP_PUSH_ENDED, 0, now);
		single_end(w, single);
	}
}

static void order_take(struct worker *w, const struct dp_single *order, const struct dp_now *now)
{
	if (order->is_end) {
		order_end(w, order, now);
		return;
	}
	w->stats.singles++;
	order_add(w, order, now);
}

void single_orders(struct worker *w, const struct dp_now *now)
{
	struct single *single;

	for (unsigned i = 0; i < ORDERS_PER_TURN; i++) {
		if (!w->has_order)
			w->has_order =
				rte_ring_dequeue_elem(w->orders, &w->order, sizeof(w->order)) == 0;
		if (!w->has_order || !worker_has_seen(w, w->order.version, now))
			break;
		order_take(w, &w->order, now);
		w->has_order = false;
	}
	while ((single = singles_given_up(&w->singles, now->ns)) != NULL) {
		w->stats.singles_given_up++;
		note_write(w, single, DP_PUSH_GIVEN_UP, 0, now);
		single_end(w, single);
	}
}

// --- Bursts ---------------------------------------------------------------------------------

bool single_due(struct worker *w, const struct dp_now *now)
{
	struct burst *b = &w->burst;

	b->n = singles_take(&w->singles, now->ns, b->single, BURST);
	if (b->n == 0)
		return false;
	b->run = &w->single_msk[b->single[0]->msk].run;
	b->sweep = NULL;
	b->draft = &b->run->msk;
	for (unsigned i = 0; i < b->n; i++)
		b->id[i] = b->single[i]->order.id;
	return true;
}

void single_refuse(struct worker *w, struct single *single, unsigned why, const struct dp_now *now)
{
	if (!single->is_over)
		single_end_refused(w, single, why, now);
	singles_return(&w->singles, single, now->ns);
}

void single_sent(struct worker *w, struct egress *e, unsigned n, const struct dp_now *now)
{
	for (unsigned i = e->sent; i < e->sent + n; i++) {
		struct single *single = e->single[i];

		if (single->first_counter == 0)
			single->first_counter = e->counter;
		singles_sent(&w->singles, single, now->ns);
		if (!single->is_over)
			note_write(w, single, DP_PUSH_SENT, 0, now);
	}
	w->stats.singles_sent += n;
	w->stats.pushes += n;
}

void single_return(struct worker *w, struct single *single)
{
	singles_return(&w->singles, single, single->since_ns);
}

// --- Verifications --------------------------------------------------------------------------

unsigned single_receive(struct worker *w)
{
	struct intake *in = &w->intake;

	in->n = rte_ring_dequeue_burst(w->handed, (void **)in->mbuf, BURST, NULL);
	return in->n;
}

void single_hand_over(struct worker *w, unsigned i)
{
	struct intake *in = &w->intake;
	unsigned owner = counter_owner_of(in->id[i], w->shared->workers);

	// One that does not fit is looked at here, for campaigns: they are everywhere.
	if (rte_ring_enqueue(w->shared->worker[owner]->handed, in->mbuf[i]) != 0)
		return;
	w->stats.handed_over++;
	in->mbuf[i] = NULL;
}

struct single *single_answered(struct worker *w, const struct run *run, unsigned i)
{
	struct intake *in = &w->intake;
	const struct single_msk *msk = (const struct single_msk *)run;
	struct single *single;

	_Static_assert(offsetof(struct single_msk, run) == 0, "an MSK's seat begins with its run");
	if (in->drop[i] < DP_DROP_NOT_A_MEMBER || in->message[i].csb_id != msk->dp.csb_id)
		return NULL;
	single = singles_find(&w->singles, in->id[i], (unsigned)(msk - w->single_msk));
	if (single == NULL)
		return NULL;
	if (in->drop[i] == DP_DROP_NOT_A_MEMBER)
		in->drop[i] = DP_DROP_STALE_COUNTER;
	if (single->first_counter == 0 || in->message[i].counter < single->first_counter ||
		in->message[i].counter > counter_last(w->counter.counter, in->id[i]))
		return NULL;
	return single;
}

// The store is told of the first verification under a MUK only: no write per pull.
static void verification_tell(struct worker *w, unsigned i)
{
	const struct intake *in = &w->intake;
	const struct store_hot *hot = store_reader_hot(w->reader, in->id[i]);
	struct dp_verification told;

	if (in->is_prev[i] || hot == NULL ||
		(store_hot_flags(hot) & (STORE_MUK_VERIFIED | STORE_HAS_PREV)) ==
			STORE_MUK_VERIFIED)
		return;
	told = (struct dp_verification){in->id[i], translate_psk_check(in->psk[i])};
	rte_ring_enqueue_elem(w->verifications, &told, sizeof(told));
}

void single_verified(struct worker *w, struct single *single, unsigned i, const struct dp_now *now)
{
	// Two answers to it may be in one burst.
	if (single->is_over)
		return;
	w->intake.drop[i] = DP_DROP_COUNT;
	w->stats.singles_verified++;
	note_write(w, single, DP_PUSH_VERIFIED, 0, now);
	verification_tell(w, i);
	atomic_fetch_sub_explicit(&w->shared->singles, 1, memory_order_relaxed);
	singles_verified(&w->singles, single, now->ns);
}
