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
#define STAMP_HIGH 3 // word of an enhanced packet block (pcapng)

struct capture {
	struct dp_shared *shared;
	rte_pcapng_t *file;
	struct rte_mempool *pool;
	struct rte_ring *ring;
	pthread_t writer;
	uint64_t left; // frames still to be written
	struct dp_addr address; // only frames from or to it; none: all
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
	rte_pktmbuf_free_bulk(mbufs, n);
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
	// It describes all devices there are.
	pthread_mutex_lock(&c->shared->ports_lock);
	c->file = rte_pcapng_fdopen(fd, NULL, NULL, "mskpushd", NULL);
	pthread_mutex_unlock(&c->shared->ports_lock);
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

int capture_create(struct dp_shared *shared, const struct dp_capture *conf, struct capture **out)
{
	struct capture *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c != NULL) {
		c->shared = shared;
		c->left = conf->count == 0 ? UINT64_MAX : conf->count;
		c->address = conf->address;
		ret = capture_start(c, conf->fd);
	}
	if (ret == 0) {
		*out = c;
		return 0;
	}
	if (c != NULL && c->file != NULL)
		rte_pcapng_close(c->file);
	else
		close(conf->fd);
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

// Type of what stands behind the tags of a frame, and where.
static uint16_t frame_type(const uint8_t *data, unsigned len, unsigned *at)
{
	uint16_t type;

	for (*at = 12; *at + 2 <= len; *at += 4) {
		type = (uint16_t)(data[*at] << 8 | data[*at + 1]);
		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ) {
			*at += 2;
			return type;
		}
	}
	return 0;
}

// Whether a frame has the address as its source or destination.
static bool frame_is_wanted(const struct capture *c, const struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	bool is_v4 = dp_addr_is_v4(&c->address);
	const uint8_t *address = c->address.byte + (is_v4 ? 12 : 0);
	unsigned size = is_v4 ? 4 : 16, at, from = is_v4 ? 12 : 8;

	if (dp_addr_is_none(&c->address))
		return true;
	if (frame_type(data, m->data_len, &at) !=
			(is_v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6) ||
		at + from + 2 * size > m->data_len)
		return false;
	return memcmp(data + at + from, address, size) == 0 ||
		memcmp(data + at + from + size, address, size) == 0;
}

// DPDK 22.11 takes its time base after the first frame's cycles, and stamps all frames 2^64 cycles
// late. The stamp is in the head of the packet block that the copy begins with.
static void frame_stamp(struct rte_mbuf *copy, uint64_t ns)
{
	uint32_t *block = rte_pktmbuf_mtod(copy, uint32_t *);

	block[STAMP_HIGH] = (uint32_t)(ns >> 32);
	block[STAMP_HIGH + 1] = (uint32_t)ns;
}

// Copies what is wanted; a copy that cannot be had is NULL.
static void frames_copy(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n,
	enum rte_pcapng_direction direction)
{
	struct capture *c = w->capturing;
	uint64_t ns = worker_clock_ns(CLOCK_REALTIME);
	struct rte_mbuf *copy;

	w->copied = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!frame_is_wanted(c, mbufs[i]))
			continue;
		w->copy_of[w->copied] = (uint8_t)i;
		copy = rte_pcapng_copy(w->shared->port[port].id, w->queue, mbufs[i], c->pool,
			FRAME_BYTES_MAX, rte_rdtsc(), direction);
		if (copy != NULL)
			frame_stamp(copy, ns);
		w->copies[w->copied++] = copy;
	}
}

// Hands over the copies of the first n frames, and frees the others.
static void frames_keep(struct worker *w, unsigned n)
{
	unsigned kept = 0, queued;

	for (unsigned k = 0; k < w->copied; k++) {
		bool is_kept = w->copy_of[k] < n;

		if (w->copies[k] == NULL)
			w->stats.capture_missed += is_kept;
		else if (is_kept)
			w->copies[kept++] = w->copies[k];
		else
			rte_pktmbuf_free(w->copies[k]);
	}
	queued = rte_ring_mp_enqueue_burst(w->capturing->ring, (void **)w->copies, kept, NULL);
	rte_pktmbuf_free_bulk(w->copies + queued, kept - queued);
	w->stats.capture_missed += kept - queued;
}

void capture_rx(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n)
{
	w->capturing = capture_get(w);
	if (likely(w->capturing == NULL))
		return;
	frames_copy(w, port, mbufs, n, RTE_PCAPNG_DIRECTION_IN);
	frames_keep(w, n);
}

void capture_tx_begin(struct worker *w, unsigned port, struct rte_mbuf **mbufs, unsigned n)
{
	w->capturing = capture_get(w);
	if (unlikely(w->capturing != NULL))
		frames_copy(w, port, mbufs, n, RTE_PCAPNG_DIRECTION_OUT);
}

void capture_tx_end(struct worker *w, unsigned taken)
{
	if (unlikely(w->capturing != NULL))
		frames_keep(w, taken);
}
