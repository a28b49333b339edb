// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// A worker's life: what it owns, and the loop that turns its pipeline. Idle for a while it
// sleeps, because on a small machine a poller starves everybody else.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>

#include "single.h"

#define IDLE_NS 1000000u // turns go on this long after the last frame
#define LONG_IDLE_NS 100000000u // after this long nobody is in a hurry
#define SLEEP_NS 50000
#define LONG_SLEEP_NS 500000
#define COMMANDS 256 // ring of commands, power of two

uint64_t worker_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void worker_now_at(const struct dp_counter_start *start, uint64_t boottime_ns, int64_t realtime_s,
	struct dp_now *now)
{
	int64_t boot_s = (int64_t)(boottime_ns / 1000000000u);
	int64_t counter = boot_s + start->counter_offset_s;

	now->ns = boottime_ns;
	now->counter = counter > 0 ? (uint32_t)counter : 0;
	now->unix_s = boot_s + start->realtime_offset_s;
	if (realtime_s > now->unix_s)
		now->unix_s = realtime_s;
}

void worker_now(const struct dp_shared *shared, struct dp_now *now)
{
	uint64_t boottime_ns = worker_clock_ns(CLOCK_BOOTTIME);

	worker_now_at(&shared->counter_start, boottime_ns,
		(int64_t)(worker_clock_ns(CLOCK_REALTIME_COARSE) / 1000000000u), now);
}

static int rings_create(struct worker *w)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "commands-%u", w->index);
	w->commands = rte_ring_create_elem(name, sizeof(struct dp_cmd), COMMANDS, SOCKET_ID_ANY,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	return w->commands == NULL ? -ENOMEM : 0;
}

int worker_create(
	struct dp_shared *shared, unsigned index, struct store_env *env, struct worker **out)
{
	struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);
	int ret;

	if (w == NULL)
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	w->shared = shared;
	w->index = index;
	w->queue = (uint16_t)index;
	w->counter.counter = &shared->counter;
	atomic_store(&w->counter.highest, shared->counter.first);
	ret = crypto_create_path((enum crypto_path_id)shared->conf->crypto, &w->crypto);
	if (ret == 0)
		ret = store_reader_create(env, &w->reader);
	if (ret == 0)
		w->known_version = store_reader_version(w->reader);
	if (ret == 0)
		ret = rings_create(w);
	if (ret == 0)
		ret = single_init(w);
	if (ret == 0)
		ret = mtk_init(w);
	if (ret == 0)
		ret = port_pool_create(shared->conf, index, &w->pool);
	if (ret != 0) {
		worker_destroy(w);
		return ret;
	}
	*out = w;
	return 0;
}

void worker_destroy(struct worker *w)
{
	if (w == NULL)
		return;
	while (w->runs > 0)
		run_close(w, w->run[0]);
	burst_discard(w, NULL);
	single_fini(w);
	mtk_fini(w);
	for (unsigned p = 0; p < DP_PORTS_MAX; p++)
		rte_pktmbuf_free_bulk(w->egress[p].out, w->egress[p].out_n);
	rte_ring_free(w->commands);
	if (w->reader != NULL)
		store_reader_destroy(w->reader);
	crypto_destroy(w->crypto);
	rte_mempool_free(w->pool);
	explicit_bzero(w, sizeof(*w));
	free(w);
}

// Nothing moved for some time: let others have the CPU. An order for a single push ends it, because
// a phone waits that has its answer already.
static void worker_rest(struct worker *w, uint64_t idle_ns)
{
	uint32_t ns = idle_ns < LONG_IDLE_NS ? SLEEP_NS : LONG_SLEEP_NS;

	if (w->shared->conf->is_busy_poll || idle_ns < IDLE_NS)
		return;
	w->stats.sleeps++;
	nap_begin(&w->nap);
	nap_sleep(&w->nap, rte_ring_empty(w->orders) ? ns : 0);
}

bool worker_trusts_crypto(struct worker *w)
{
	const char *fault = crypto_fault(w->crypto);

	if (fault != NULL)
		atomic_store(&w->shared->fault, fault);
	return fault == NULL;
}

// Frames that the port has not taken when the daemon ends get one second, if they are right.
static void worker_drain(struct worker *w)
{
	struct dp_now now;
	uint64_t end;

	worker_now(w->shared, &now);
	end = now.ns + 1000000000u;
	for (; now.ns < end && atomic_load(&w->shared->fault) == NULL;
		worker_now(w->shared, &now)) {
		egress_look(w, &now);
		stage_tx(w, &now);
		answer_tx(w, &now);
		if (egress_is_empty(w))
			break;
	}
	burst_discard(w, NULL);
}

int worker_loop(void *worker)
{
	struct worker *w = worker;
	struct dp_now now;
	uint64_t busy_ns;

	worker_now(w->shared, &now);
	busy_ns = now.ns;
	while (!atomic_load_explicit(&w->shared->stop_requested, memory_order_relaxed)) {
		worker_commands(w, &now);
		if (worker_turn(w, &now) > 0)
			busy_ns = now.ns;
		else
			worker_rest(w, now.ns - busy_ns);
		worker_now(w->shared, &now);
	}
	worker_drain(w);
	return 0;
}
