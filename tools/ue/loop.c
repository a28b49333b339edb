// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The port loop. A turn: let the control socket in, take a burst, work on it, send what there is.
// It never waits for room to send: what does not fit stays in the backlog, and while the backlog
// has no room for a burst's answers nothing is received. So two full rings cannot lock each
// other, and nothing is lost but what the wire is told to lose.

#include <errno.h>
#include <inttypes.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "port.h"
#include "program.h"

#define BACKLOG 256 // a power of two, at least PORT_BURST
#define IDLE_US 1000
#define LONG_IDLE_US 100000
#define NAP_US 50
#define LONG_NAP_US 1000
#define LOOK_US 100000 // how often the link and the capture are seen to
#define ATTACH_RETRY_US 100000

struct loop {
	struct program *program;
	struct port port;
	struct rte_mbuf *spares[PORT_BURST]; // for what will be sent
	unsigned spare_count;
	struct rte_mbuf *backlog[BACKLOG];
	unsigned head; // next to send
	unsigned tail; // next free; counts on, taken modulo BACKLOG
	// The queues take turns. What is sent need not leave by the queue of what it answers: a
	// network would not keep to that either.
	uint16_t rx_queue;
	uint16_t tx_queue;
	int64_t busy_at;
	int64_t looked_at;
};

static unsigned backlog_room(const struct loop *loop)
{
	return BACKLOG - (loop->tail - loop->head);
}

// Keeps a burst of empty buffers at hand. All or nothing: false when the pool has run out.
static bool spares_fill(struct loop *loop)
{
	unsigned missing = PORT_BURST - loop->spare_count;

	if (missing == 0)
		return true;
	if (rte_pktmbuf_alloc_bulk(loop->port.pool, &loop->spares[loop->spare_count], missing) != 0)
		return false;
	loop->spare_count = PORT_BURST;
	return true;
}

static uint8_t *spare_data(const struct loop *loop)
{
	return rte_pktmbuf_mtod(loop->spares[loop->spare_count - 1], uint8_t *);
}

// Moves the uppermost spare, in which a frame of len octets stands, to the backlog.
static void spare_send(struct loop *loop, size_t len)
{
	struct rte_mbuf *mbuf = loop->spares[--loop->spare_count];

	mbuf->data_len = (uint16_t)len;
	mbuf->pkt_len = (uint32_t)len;
	loop->backlog[loop->tail++ % BACKLOG] = mbuf;
}

static uint16_t queue_after(const struct loop *loop, uint16_t queue)
{
	return queue + 1 < loop->port.queues ? (uint16_t)(queue + 1) : 0;
}

// Sends what stands in a row; false when the queue has no room.
static bool queue_flush(struct loop *loop)
{
	unsigned at = loop->head % BACKLOG, n = loop->tail - loop->head;
	uint16_t sent;

	if (n > BACKLOG - at)
		n = BACKLOG - at;
	sent = rte_eth_tx_burst(loop->port.id, loop->tx_queue, &loop->backlog[at], (uint16_t)n);
	loop->tx_queue = queue_after(loop, loop->tx_queue);
	loop->head += sent;
	return sent == n;
}

static bool backlog_flush(struct loop *loop)
{
	unsigned before = loop->head, full = 0;

	while (loop->head != loop->tail && full < loop->port.queues)
		full = queue_flush(loop) ? 0 : full + 1;
	return loop->head != before;
}

static void mbuf_take(struct loop *loop, struct rte_mbuf *mbuf, const struct ue_now *now)
{
	uint8_t whole[UE_FRAME_MAX_BYTES];
	uint32_t len = rte_pktmbuf_pkt_len(mbuf);
	const uint8_t *data;
	size_t answer;

	// Longer than any Ethernet frame that the port takes: it is refused as a runt would be.
	if (len > sizeof(whole))
		len = sizeof(whole);
	data = rte_pktmbuf_read(mbuf, 0, len, whole);
	answer = ue_site_receive(
		loop->program->site, data, len, now, spare_data(loop), loop->port.buffer_bytes);
	if (answer > 0)
		spare_send(loop, answer);
	rte_pktmbuf_free(mbuf);
}

static bool burst_take(struct loop *loop, const struct ue_now *now)
{
	struct rte_mbuf *burst[PORT_BURST];
	uint16_t n;

	if (backlog_room(loop) < PORT_BURST || ue_site_room(loop->program->site) < PORT_BURST ||
		!spares_fill(loop))
		return false;
	n = rte_eth_rx_burst(loop->port.id, loop->rx_queue, burst, PORT_BURST);
	loop->rx_queue = queue_after(loop, loop->rx_queue);
	for (uint16_t i = 0; i < n; i++) {
		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(burst[i + 1], void *));
		mbuf_take(loop, burst[i], now);
	}
	return n > 0;
}

// Sends what the wire has held back until now.
static bool delayed_send(struct loop *loop, const struct ue_now *now)
{
	bool has_sent = false;

	if (ue_site_due(loop->program->site) > now->mono)
		return false;
	while (backlog_room(loop) > 0 && (loop->spare_count > 0 || spares_fill(loop))) {
		size_t len = ue_site_poll(
			loop->program->site, now, spare_data(loop), loop->port.buffer_bytes);

		if (len == 0)
			break;
		spare_send(loop, len);
		has_sent = true;
	}
	return has_sent;
}

// Naps when nothing has happened for a while: two busy pollers would starve everything else on a
// small machine.
static void nap(struct loop *loop, bool is_busy, const struct ue_now *now)
{
	int64_t idle = now->mono - loop->busy_at;

	if (is_busy)
		loop->busy_at = now->mono;
	else if (idle > LONG_IDLE_US)
		http_wait(loop->program->http, LONG_NAP_US);
	else if (idle > IDLE_US)
		http_wait(loop->program->http, NAP_US);
}

// Works until the other end is gone or stop is requested.
static void loop_turn_all(struct loop *loop)
{
	struct program *program = loop->program;
	struct ue_now now = ue_now();

	loop->busy_at = now.mono;
	loop->looked_at = now.mono;
	while (!atomic_load_explicit(&program->stop_requested, memory_order_relaxed)) {
		bool is_busy;

		turn_offer(&program->turn);
		now = ue_now();
		is_busy = burst_take(loop, &now);
		is_busy |= delayed_send(loop, &now);
		is_busy |= backlog_flush(loop);
		is_busy |= http_turn(program->http, &now);
		nap(loop, is_busy, &now);
		if (now.mono - loop->looked_at >= LOOK_US) {
			loop->looked_at = now.mono;
			if (program->capture != NULL)
				capture_flush(program->capture);
			if (!port_is_alive(&loop->port))
				return;
		}
	}
}

// The buffers that wait to be sent; their receiver is gone.
static void backlog_drop(struct loop *loop)
{
	for (; loop->head != loop->tail; loop->head++)
		rte_pktmbuf_free(loop->backlog[loop->head % BACKLOG]);
}

// Attaching may take seconds: the control thread has the turn if it wants it.
static int attach_try(struct loop *loop, char why[PORT_WHY_BYTES])
{
	int rc;

	if (!port_can_attach(&loop->port))
		return -ENOENT;
	pthread_mutex_unlock(&loop->program->turn.lock);
	rc = port_attach(&loop->port, why);
	pthread_mutex_lock(&loop->program->turn.lock);
	return rc;
}

// Waits for the other end and attaches. The first time for `wait` seconds, later for ever.
// False when that is in vain or stop is requested.
static bool loop_attach(struct loop *loop, bool is_first)
{
	struct program *program = loop->program;
	int64_t end = ue_now().mono + (int64_t)program->options.wait_s * 1000000;
	char why[PORT_WHY_BYTES];
	bool is_told = false;
	int rc;

	snprintf(why, sizeof(why), "%s: nobody is there", loop->port.path);
	while (!atomic_load(&program->stop_requested)) {
		rc = attach_try(loop, why);
		if (rc == 0)
			return true;
		if (rc == -ETIMEDOUT && !is_told)
			fprintf(stderr, "mskpush-ue: %s, trying again\n", why);
		is_told |= rc == -ETIMEDOUT;
		if (is_first && ue_now().mono >= end) {
			fprintf(stderr, "mskpush-ue: %s\n", why);
			return false;
		}
		program_pause(program, ATTACH_RETRY_US);
	}
	return false;
}

int loop_run(struct program *program)
{
	struct loop loop = {.program = program};
	char why[PORT_WHY_BYTES];
	bool is_first = true;

	if (port_init(&loop.port, &program->options, why) != 0) {
		fprintf(stderr, "mskpush-ue: %s\n", why);
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1000UL);
	while (loop_attach(&loop, is_first)) {
		if (is_first)
			http_begin(program->http);
		is_first = false;
		atomic_fetch_add(&program->attachments, 1);
		atomic_store(&program->port_state, PORT_UP);
		fprintf(stderr, "mskpush-ue: %s is up\n", loop.port.name);
		loop_turn_all(&loop);
		atomic_store(&program->port_state, PORT_WAITS);
		backlog_drop(&loop);
		port_detach(&loop.port);
		if (!atomic_load(&program->stop_requested))
			fprintf(stderr, "mskpush-ue: %s lost its other end, waiting\n",
				loop.port.name);
	}
	rte_pktmbuf_free_bulk(loop.spares, loop.spare_count);
	port_fini(&loop.port);
	return is_first && !atomic_load(&program->stop_requested) ? 1 : 0;
}
