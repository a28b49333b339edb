// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pcapng.h>

#include "worker.h"

#define RING_FRAMES 4096
#define POOL_FRAMES 8191
#define FRAME_BYTES_MAX 2048

struct capture {
	struct dp_shared *shared;
	rte_pcapng_t *file;
	struct rte_mempool *pool;
	struct rte_ring *ring;
	pthread_t writer;
	uint64_t left; // frames still to be written
	_Atomic bool is_over; // writer: wo
	_Atomic bool stop_requested;
};

// Writes what waits; false when nothing did.
static bool capture_write(struct capture *c)
{
	struct rte_mbuf *mbufs[BURST];
	unsigned want = c->left < BURST ? (unsigned)c->left : BURST;
	unsigned n = rte_ring_sc_dequeue_burst(c->ring, (void **)mbufs, want, NULL);

	if (n == 0)
		return false;
	c->left -= n;
	if (rte_pcapng_write_packets(c->file, mbufs, (uint16_t)n) < 0)
		c->left = 0;
	return true;
}

static void *capture_writer(void *arg)
{
	struct capture *c = arg;
	const struct timespec nap = {.tv_nsec = 1000000};

	while (c->left > 0) {
		// What was copied before the stop is still written.
		bool is_last = atomic_load(&c->stop_requested);

		if (capture_write(c))
			continue;
		if (is_last)
			break;
		nanosleep(&nap, NULL);
	}
	rte_pcapng_close(c->file);
	atomic_store(&c->is_over, true);
	return NULL;
}

static int capture_start(struct capture *c, int fd)
{
	c->pool = rte_pktmbuf_pool_create("capture", POOL_FRAMES, 64, 0,
		(uint16_t)(RTE_PKTMBUF_HEADROOM + rte_pcapng_mbuf_size(FRAME_BYTES_MAX)),
		SOCKET_ID_ANY);
	c->ring = rte_ring_create("capture", RING_FRAMES, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (c->pool == NULL || c->ring == NULL)
		return -rte_errno;
	c->file = rte_pcapng_fdopen(fd, NULL, NULL, "mskpushd", NULL);
	if (c->file == NULL)
		return -rte_errno;
	return -pthread_create(&c->writer, NULL, capture_writer, c);
}

static void capture_free(struct capture *c)
{
	struct rte_mbuf *m;

	while (c->ring != NULL && rte_ring_sc_dequeue(c->ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(c->ring);
	rte_mempool_free(c->pool);
	free(c);
}

int capture_create(struct dp_shared *shared, int fd, uint64_t count, struct capture **out)
{
	struct capture *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c != NULL) {
		c->shared = shared;
		c->left = count == 0 ? UINT64_MAX : count;
		ret = capture_start(c, fd);
	}
	if (ret == 0) {
		*out = c;
		return 0;
	}
	if (c != NULL && c->file != NULL)
		rte_pcapng_close(c->file);
	else
		close(fd);
	if (c != NULL)
		capture_free(c);
	return ret;
}

int capture_is_over(const struct capture *c)
{
	return atomic_load(&c->is_over);
}

void capture_destroy(struct capture *c)
{
	atomic_store(&c->stop_requested, true);
	pthread_join(c->writer, NULL);
	capture_free(c);
}

static struct capture *capture_get(const struct worker *w)
{
	struct capture *c = atomic_load_explicit(&w->shared->capture, memory_order_acquire);

	return c != NULL && !atomic_load_explicit(&c->is_over, memory_order_relaxed) ? c : NULL;
}

static unsigned frames_copy(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n,
	enum rte_pcapng_direction direction)
{
	struct capture *c = w->capturing;
	uint64_t now = rte_rdtsc();
	unsigned copied = 0;

	for (; copied < n; copied++) {
		w->copies[copied] = rte_pcapng_copy(w->shared->port[port].id, w->queue,
			mbufs[copied], c->pool, FRAME_BYTES_MAX, now, direction);
		if (w->copies[copied] == NULL)
			break;
	}
	return copied;
}

static void frames_keep(struct worker *w, struct capture *c, unsigned n)
{
	unsigned kept = rte_ring_mp_enqueue_burst(c->ring, (void **)w->copies, n, NULL);

	rte_pktmbuf_free_bulk(w->copies + kept, n - kept);
	w->stats.capture_missed += n - kept;
}

void capture_rx(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n)
{
	unsigned copied;

	w->capturing = capture_get(w);
	if (likely(w->capturing == NULL))
		return;
	copied = frames_copy(w, port, mbufs, n, RTE_PCAPNG_DIRECTION_IN);
	w->stats.capture_missed += n - copied;
	frames_keep(w, w->capturing, copied);
}

void capture_tx_begin(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n)
{
	w->capturing = capture_get(w);
	w->copied =
		w->capturing == NULL ? 0 : frames_copy(w, port, mbufs, n, RTE_PCAPNG_DIRECTION_OUT);
}

void capture_tx_end(struct worker *w, unsigned taken)
{
	unsigned keep = taken < w->copied ? taken : w->copied;

	if (likely(w->capturing == NULL))
		return;
	rte_pktmbuf_free_bulk(w->copies + keep, w->copied - keep);
	w->stats.capture_missed += taken - keep;
	frames_keep(w, w->capturing, keep);
}
