// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Start and stop of the dataplane, commands, events, counters: what dp.h promises to control.

#include "dp_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pdump.h>

#include "capture.h"

static int workers_launch(struct dp *dp, char why[256])
{
	for (unsigned i = 0; i < dp->shared.workers; i++) {
		int ret = rte_eal_remote_launch(worker_loop, dp->shared.worker[i], i + 1);

		if (ret != 0) {
			snprintf(why, 256, "worker %u cannot be launched: %s", i, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

int dp_begin(
	struct dp *dp, struct store_env *env, const struct dp_counter_start *counter, char why[256])
{
	int ret = shared_init(&dp->shared, &dp->conf, counter, why);

	if (ret == 0)
		ret = shared_workers_create(&dp->shared, env, why);
	if (ret == 0)
		ret = ports_start(&dp->shared, why);
	if (ret != 0)
		shared_fini(&dp->shared);
	return ret;
}

void dp_end(struct dp *dp)
{
	ports_stop(&dp->shared);
	shared_fini(&dp->shared);
}

static void dp_free(struct dp *dp)
{
	rte_eal_cleanup();
	free(dp);
}

int dp_start(const struct dp_conf *conf, struct store_env *env,
	const struct dp_counter_start *counter, struct dp **out, char why[256])
{
	struct dp *dp = calloc(1, sizeof(*dp));
	int ret;

	why[0] = '\0';
	if (dp == NULL)
		return -ENOMEM;
	dp->conf = *conf;
	ret = port_eal_start(&dp->conf, dp->cpu, why);
	if (ret != 0) {
		free(dp);
		return ret;
	}
	ret = dp_begin(dp, env, counter, why);
	if (ret != 0) {
		dp_free(dp);
		return ret;
	}
	// Other processes may capture when they can see our memory.
	if (dp->conf.is_huge && rte_pdump_init() == 0)
		dp->has_pdump = true;
	ret = workers_launch(dp, why);
	if (ret == 0)
		ret = port_watch_start(&dp->shared, &dp->watch);
	if (ret != 0) {
		dp_stop(dp);
		return ret;
	}
	*out = dp;
	return 0;
}

void dp_stop(struct dp *dp)
{
	dp_capture_stop(dp);
	port_watch_stop(dp->watch);
	atomic_store(&dp->shared.stop_requested, true);
	rte_eal_mp_wait_lcore();
	if (dp->has_pdump)
		rte_pdump_uninit();
	dp_end(dp);
	dp_free(dp);
}

int dp_command(struct dp *dp, const struct dp_cmd *cmd)
{
	return shared_command(&dp->shared, cmd);
}

size_t dp_events(struct dp *dp, struct dp_event *events, size_t n)
{
	return rte_ring_dequeue_burst_elem(
		dp->shared.events, events, sizeof(*events), (unsigned)n, NULL);
}

size_t dp_singles(struct dp *dp, const struct dp_single *orders, size_t n)
{
	return shared_singles(&dp->shared, orders, n);
}

void dp_push_note(const struct dp *dp, uint32_t id, struct dp_push_note *out)
{
	push_note_read(&dp->shared.notes, id, out);
}

size_t dp_push_events(struct dp *dp, struct dp_push_event *out, size_t n)
{
	size_t got = 0;

	for (unsigned i = 0; i < dp->shared.workers && got < n; i++)
		got += rte_ring_dequeue_burst_elem(dp->shared.worker[i]->push_events, out + got,
			sizeof(*out), (unsigned)(n - got), NULL);
	return got;
}

size_t dp_verifications(struct dp *dp, struct dp_verification *out, size_t n)
{
	size_t got = 0;

	for (unsigned i = 0; i < dp->shared.workers && got < n; i++)
		got += rte_ring_dequeue_burst_elem(dp->shared.worker[i]->verifications, out + got,
			sizeof(*out), (unsigned)(n - got), NULL);
	return got;
}

const char *dp_fault(const struct dp *dp)
{
	return atomic_load_explicit(&dp->shared.fault, memory_order_relaxed);
}

void dp_mark_set(struct dp *dp, uint32_t mark)
{
	atomic_store_explicit(&dp->shared.mark, mark, memory_order_release);
}

uint32_t dp_counter_highest(const struct dp *dp)
{
	return shared_counter_highest(&dp->shared);
}

uint32_t dp_counter_last(const struct dp *dp, uint32_t id)
{
	return id < dp->shared.counter.ids ? counter_last(&dp->shared.counter, id) : 0;
}

uint32_t dp_counter_now(const struct dp *dp)
{
	struct dp_now now;

	worker_now(&dp->shared, &now);
	return now.counter;
}

// All counters are 64 bits wide, so a struct of them can be added up as an array.
static void stats_add(struct dp_stats *sum, const struct dp_stats *add)
{
	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "statistics are 64-bit counters");
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)add;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void dp_stats_read(const struct dp *dp, int worker, struct dp_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < dp->shared.workers; i++)
		if (worker < 0 || (unsigned)worker == i)
			stats_add(out, &dp->shared.worker[i]->stats);
}

void dp_area_stats_read(const struct dp *dp, unsigned area, struct dp_area_stats *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < dp->shared.workers; i++) {
		const struct dp_area_stats *add = &dp->shared.worker[i]->area[area];

		out->sent += __atomic_load_n(&add->sent, __ATOMIC_RELAXED);
		out->verified += __atomic_load_n(&add->verified, __ATOMIC_RELAXED);
		out->unreachable += __atomic_load_n(&add->unreachable, __ATOMIC_RELAXED);
	}
}

void dp_queue_stats_read(
	const struct dp *dp, unsigned port, unsigned queue, struct dp_port_stats *out)
{
	port_queue_stats(&dp->shared, port, queue, out);
}

_Static_assert(DP_RATE_NOTHING == PACE_NOTHING, "control's rates are the pace's");

void dp_area_rate_set(struct dp *dp, unsigned area, uint32_t rate)
{
	atomic_store_explicit(&dp->shared.area_pace[area].rate, rate, memory_order_relaxed);
}

uint32_t dp_area_rate(const struct dp *dp, unsigned area)
{
	return atomic_load_explicit(&dp->shared.area_pace[area].rate, memory_order_relaxed);
}

void dp_solicit_rate_set(struct dp *dp, uint32_t rate)
{
	atomic_store_explicit(&dp->shared.solicit_pace.rate, rate, memory_order_relaxed);
}

uint32_t dp_solicit_rate(const struct dp *dp)
{
	return atomic_load_explicit(&dp->shared.solicit_pace.rate, memory_order_relaxed);
}

void dp_areas_find(const struct dp *dp, const struct dp_addr *addr, unsigned n, uint8_t *area)
{
	const struct routes *r = &dp->shared.routes;
	uint16_t way[BURST];

	for (unsigned done = 0; done < n; done += BURST) {
		unsigned part = n - done < BURST ? n - done : BURST;

		routes_find_burst(r, addr + done, part, way);
		for (unsigned i = 0; i < part; i++) {
			uint16_t its = routes_way(r, way[i])->area;

			area[done + i] = (uint8_t)(its == AREA_NONE ? dp->conf.areas : its);
		}
	}
}

// Why a next hop cannot be used: what one worker at least says.
static uint32_t hop_stall(const struct dp_shared *s, unsigned hop)
{
	uint32_t stall = DP_STALL_NONE;

	for (unsigned i = 0; i < s->workers && stall == DP_STALL_NONE; i++)
		stall = __atomic_load_n(&s->worker[i]->hop_stall[hop], __ATOMIC_RELAXED);
	return stall;
}

static void hop_status(const struct dp_shared *s, unsigned number, struct dp_hop_status *out)
{
	const struct hop *hop = &s->routes.hop[number];
	struct rte_ether_addr mac;

	*out = (struct dp_hop_status){
		.port = hop->port,
		.via = hop->via,
		.source = hop->source,
		.has_mac = neigh_mac(&hop->neigh, &mac),
		.is_mac_fixed = hop->neigh.is_fixed,
		.mtu = RTE_MIN(hop->mtu, s->port[hop->port].mtu),
		.stall = hop_stall(s, number),
	};
	memcpy(out->mac, mac.addr_bytes, sizeof(out->mac));
}

void dp_status_read(struct dp *dp, struct dp_status *out)
{
	struct dp_shared *s = &dp->shared;

	memset(out, 0, sizeof(*out));
	out->ports = s->ports;
	pthread_mutex_lock(&s->ports_lock);
	for (unsigned p = 0; p < s->ports; p++)
		port_status(s, p, &out->port[p]);
	pthread_mutex_unlock(&s->ports_lock);
	out->hops = s->routes.hops;
	for (unsigned h = 0; h < s->routes.hops; h++)
		hop_status(s, h, &out->hop[h]);
	out->workers = s->workers;
	memcpy(out->cpu, dp->cpu, sizeof(out->cpu));
	snprintf(out->crypto, sizeof(out->crypto), "%s", crypto_path_text(s->worker[0]->crypto));
	out->tsc_hz = rte_get_tsc_hz();
	out->counter_now = dp_counter_now(dp);
	out->counter_highest = dp_counter_highest(dp);
	out->counter_mark = atomic_load(&s->mark);
	out->counter_bytes = s->counter.bytes;
}

void dp_stages_measure(struct dp *dp, int is_on)
{
	atomic_store(&dp->shared.is_measuring, is_on != 0);
}

int dp_capture_start(struct dp *dp, const struct dp_capture *capture)
{
	int ret;

	if (dp->capture != NULL && !capture_is_over(dp->capture))
		return -EBUSY;
	dp_capture_stop(dp);
	ret = capture_create(&dp->shared, capture, &dp->capture);
	if (ret == 0)
		atomic_store(&dp->shared.capture, dp->capture);
	return ret;
}

void dp_capture_stop(struct dp *dp)
{
	if (dp->capture == NULL)
		return;
	atomic_store(&dp->shared.capture, NULL);
	shared_workers_pass(&dp->shared);
	capture_destroy(dp->capture);
	dp->capture = NULL;
}
