// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// An order waits for the snapshot it was made from, then for a counter value; its frame waits a
// moment for the port. What cannot be sent now is not put off for long: the next repeat comes
// anyway, with a higher value.

#include "mtk.h"

#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>

#include "mtk_message.h"
#include "translate.h"
#include "worker.h"

#define ORDERS 1024 // rings, power of two
#define ORDERS_PER_TURN 16
#define PORT_WAIT_NS 100000000u // a frame that waited longer for its port is not sent

static struct rte_ring *ring_make(const char *name, unsigned elem_bytes)
{
	return rte_ring_create_elem(
		name, elem_bytes, ORDERS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int mtk_init(struct worker *w)
{
	struct mtk_sender *m = &w->mtk;
	uint32_t first = w->shared->counter.first;
	int ret;

	atomic_store(&m->counter.highest, first);
	if (w->index != 0)
		return 0;
	ret = counter_init(&m->values, first, MTK_SEATS);
	if (ret != 0)
		return ret;
	m->counter.counter = &m->values;
	m->orders = ring_make("mtks", sizeof(struct dp_mtk));
	m->notes = ring_make("mtk-notes", sizeof(struct dp_mtk_note));
	return m->orders == NULL || m->notes == NULL ? -ENOMEM : 0;
}

void mtk_fini(struct worker *w)
{
	struct mtk_sender *m = &w->mtk;

	rte_pktmbuf_free(m->mbuf);
	rte_ring_free(m->orders);
	rte_ring_free(m->notes);
	counter_fini(&m->values);
}

static void order_end(struct worker *w, enum dp_mtk_verdict verdict)
{
	struct mtk_sender *m = &w->mtk;
	struct dp_mtk_note note = {
		.group = m->order.group,
		.number = m->order.number,
		.verdict = (uint8_t)verdict,
		.mtk_id = m->order.mtk_id,
		.counter = verdict == DP_MTK_SENT ? m->value : 0,
	};

	memcpy(note.kdi, m->order.kdi, sizeof(note.kdi));
	if (verdict == DP_MTK_SENT)
		w->stats.mtk_sent++;
	else
		w->stats.mtk_unsent++;
	if (rte_ring_enqueue_elem(m->notes, &note, sizeof(note)) != 0)
		w->stats.events_lost++;
	m->has_order = false;
}

// --- Values ---------------------------------------------------------------------------------

static bool seat_is_of(const struct mtk_seat *seat, const struct dp_mtk *order)
{
	return seat->is_used && seat->group == order->group && seat->number == order->number &&
		memcmp(seat->kdi, order->kdi, sizeof(seat->kdi)) == 0;
}

// The seat of an MSK. One that had a seat before, and lost it, goes on above all that did.
static uint32_t seat_get(struct mtk_sender *m, const struct dp_mtk *order, uint64_t now_ns)
{
	struct mtk_seat *seat = &m->seat[0];
	uint32_t number;

	for (unsigned i = 0; i < MTK_SEATS; i++) {
		struct mtk_seat *other = &m->seat[i];

		if (seat_is_of(other, order)) {
			other->used_ns = now_ns;
			return i;
		}
		if (seat->is_used && (!other->is_used || other->used_ns < seat->used_ns))
			seat = other;
	}
	number = (uint32_t)(seat - m->seat);
	if (seat->is_used && counter_last(&m->values, number) > m->evicted)
		m->evicted = counter_last(&m->values, number);
	*seat = (struct mtk_seat){
		.is_used = true, .group = order->group, .number = order->number, .used_ns = now_ns};
	memcpy(seat->kdi, order->kdi, sizeof(seat->kdi));
	counter_raise(&m->counter, number, m->evicted);
	return number;
}

// 0: no value may be used now.
static uint32_t value_take(struct worker *w, const struct dp_now *now)
{
	struct mtk_sender *m = &w->mtk;
	uint32_t mark = atomic_load_explicit(&w->shared->mark, memory_order_acquire);
	uint32_t seat = seat_get(m, &m->order, now->ns);

	if (!counter_may_send(&m->counter, seat, now->counter))
		return 0;
	return counter_take(&m->counter, &seat, 1, now->counter, mark);
}

// --- The message ----------------------------------------------------------------------------

static enum dp_mtk_verdict mtk_read(
	struct worker *w, const struct store_msk *msk, struct mtk_matter *out)
{
	const struct dp_mtk *order = &w->mtk.order;
	enum dp_mtk_verdict verdict = DP_MTK_GONE;
	struct store_mtks mtks;

	if (store_reader_mtks(w->reader, &msk->group, msk->number, &mtks) != 0)
		return DP_MTK_GONE;
	for (unsigned i = 0; i < mtks.count; i++) {
		if (mtks.mtk[i].id != order->mtk_id)
			continue;
		out->mtk = mtks.mtk[i];
		verdict = DP_MTK_SENT;
	}
	if (mtks.is_barred)
		verdict = DP_MTK_BARRED;
	else if (verdict == DP_MTK_SENT &&
		(order->mtk_id <= msk->seq_l || order->mtk_id > msk->seq_u))
		verdict = DP_MTK_BEYOND_SEQU;
	explicit_bzero(&mtks, sizeof(mtks));
	return verdict;
}

// SENT when the message can be made.
static enum dp_mtk_verdict matter_read(struct worker *w, struct mtk_matter *out)
{
	const struct dp_mtk *order = &w->mtk.order;
	struct store_group_id id = {.group = order->group};
	struct store_group group;
	struct store_msk msk;
	enum dp_mtk_verdict verdict = DP_MTK_GONE;

	out->has_no_rand = order->has_no_rand != 0;
	memcpy(id.kdi, order->kdi, sizeof(id.kdi));
	if (store_reader_group(w->reader, &id, &group) != 0 ||
		store_reader_msk(w->reader, &id, order->number, &msk) != 0)
		return DP_MTK_GONE;
	if (msk.state != STORE_MSK_RETIRED) {
		translate_stored_msk(&group, &msk, &out->msk);
		verdict = mtk_read(w, &msk, out);
	}
	explicit_bzero(&msk, sizeof(msk));
	return verdict;
}

// --- The way --------------------------------------------------------------------------------

// The first next hop of the route whose port can be used. Nobody has to answer for its MAC: the
// frame goes to the group's.
static const struct hop *hop_choose(
	const struct worker *w, const struct dp_addr *to, const struct dp_now *now, bool *has_route)
{
	const struct routes *r = &w->shared->routes;
	const struct route *route;
	uint16_t way;

	routes_find_burst(r, to, 1, &way);
	*has_route = routes_way(r, way)->route != ROUTE_NONE;
	if (!*has_route)
		return NULL;
	route = &r->route[routes_way(r, way)->route];
	for (unsigned k = 0; k < route->hops; k++) {
		const struct hop *hop = &r->hop[route->hop[k]];

		if (w->port_state[hop->port] == PORT_UP &&
			!egress_is_stuck(&w->egress[hop->port], now))
			return hop;
	}
	return NULL;
}

static void frame_make(struct worker *w, const struct hop *hop, const struct dp_addr *to)
{
	const struct port *port = &w->shared->port[hop->port];
	struct frame_headers headers;

	frame_headers_make(&headers, hop, port);
	frame_headers_group(&headers, to);
	frame_mbuf_put(w->mtk.mbuf, &headers, to, w->mtk.order.port);
	w->mtk.port = hop->port;
}

// SENT: the frame is ready; DP_MTK_VERDICTS: it has to wait.
static enum dp_mtk_verdict frame_build(struct worker *w, const struct dp_now *now)
{
	struct mtk_sender *m = &w->mtk;
	struct mtk_matter matter;
	enum dp_mtk_verdict verdict;
	struct dp_addr to;
	const struct hop *hop;
	bool has_route;

	memcpy(to.byte, m->order.address, sizeof(to.byte));
	hop = hop_choose(w, &to, now, &has_route);
	if (hop == NULL)
		return has_route ? DP_MTK_NO_WAY : DP_MTK_NO_ROUTE;
	m->mbuf = rte_pktmbuf_alloc(w->pool);
	if (m->mbuf == NULL)
		return DP_MTK_VERDICTS;
	verdict = matter_read(w, &matter);
	if (verdict == DP_MTK_SENT) {
		m->value = value_take(w, now);
		verdict = m->value == 0 ? DP_MTK_VERDICTS : DP_MTK_SENT;
	}
	if (verdict == DP_MTK_SENT)
		m->mbuf->data_len = (uint16_t)mtk_message_make(w->crypto, &matter, m->value,
			rte_pktmbuf_mtod(m->mbuf, uint8_t *), rte_pktmbuf_tailroom(m->mbuf));
	explicit_bzero(&matter, sizeof(matter));
	m->mbuf->pkt_len = m->mbuf->data_len;
	if (verdict == DP_MTK_SENT && (m->mbuf->data_len == 0 || !worker_trusts_crypto(w)))
		verdict = DP_MTK_GONE;
	if (verdict == DP_MTK_SENT && m->mbuf->pkt_len + FRAME_V6_BYTES > hop->mtu)
		verdict = DP_MTK_TOO_LONG;
	if (verdict == DP_MTK_SENT) {
		frame_make(w, hop, &to);
		m->built_ns = now->ns;
		return DP_MTK_SENT;
	}
	rte_pktmbuf_free(m->mbuf);
	m->mbuf = NULL;
	return verdict;
}

// One frame; false: the port did not take it.
static bool frame_tx(struct worker *w, const struct dp_now *now)
{
	struct mtk_sender *m = &w->mtk;
	struct egress *e = &w->egress[m->port];
	uint32_t bytes = m->mbuf->pkt_len;
	unsigned taken;

	capture_tx_begin(w, m->port, &m->mbuf, 1);
	taken = rte_eth_tx_burst(w->shared->port[m->port].id, w->queue, &m->mbuf, 1);
	capture_tx_end(w, taken);
	egress_took(e, 1, taken, now);
	if (taken == 0)
		return false;
	m->mbuf = NULL;
	e->stats.tx_bytes += bytes;
	w->stats.tx_frames++;
	w->stats.tx_bytes += bytes;
	return true;
}

// --- Turns ----------------------------------------------------------------------------------

// False: it has to wait.
static bool order_go_on(struct worker *w, const struct dp_now *now)
{
	struct mtk_sender *m = &w->mtk;
	enum dp_mtk_verdict verdict = DP_MTK_SENT;

	if (m->mbuf == NULL) {
		if (now->ns > m->order.until_ns)
			verdict = DP_MTK_LATE;
		else if (!worker_has_seen(w, m->order.version, now))
			return false;
		else
			verdict = frame_build(w, now);
		if (verdict == DP_MTK_VERDICTS)
			return false;
	}
	if (verdict == DP_MTK_SENT && (w->port_state[m->port] != PORT_UP || !frame_tx(w, now))) {
		if (w->port_state[m->port] == PORT_UP && now->ns - m->built_ns < PORT_WAIT_NS)
			return false;
		rte_pktmbuf_free(m->mbuf);
		m->mbuf = NULL;
		verdict = DP_MTK_NO_WAY;
	}
	order_end(w, verdict);
	return true;
}

unsigned mtk_turn(struct worker *w, const struct dp_now *now)
{
	struct mtk_sender *m = &w->mtk;
	uint64_t sent = w->stats.mtk_sent;

	if (m->orders == NULL)
		return 0;
	for (unsigned i = 0; i < ORDERS_PER_TURN; i++) {
		if (!m->has_order)
			m->has_order =
				rte_ring_dequeue_elem(m->orders, &m->order, sizeof(m->order)) == 0;
		if (!m->has_order || !order_go_on(w, now))
			break;
	}
	return (unsigned)(w->stats.mtk_sent - sent);
}
