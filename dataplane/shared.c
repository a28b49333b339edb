// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the workers of a dataplane have in common: set-up and end of it, commands for all of them,
// and what is known over all of them.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_launch.h>

#include "worker.h"

#define EVENTS 4096 // ring of events, power of two

int shared_init(struct dp_shared *s, const struct dp_conf *conf,
	const struct dp_counter_start *counter, char why[256])
{
	int ret;

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->ports_lock, NULL);
	ret = counter_init(&s->counter, counter->first, conf->max_subscribers);
	if (ret != 0) {
		snprintf(why, 256, "no memory for the counters of %u subscribers",
			conf->max_subscribers);
		return ret;
	}
	ret = push_notes_init(&s->notes, conf->max_subscribers);
	if (ret != 0) {
		snprintf(why, 256, "no memory for the notes of %u subscribers",
			conf->max_subscribers);
		return ret;
	}
	s->conf = conf;
	for (unsigned i = 0; i < conf->areas; i++)
		atomic_store(&s->area_pace[i].rate, conf->area[i].rate);
	s->counter_start = *counter;
	atomic_store(&s->mark, counter->first);
	ret = routes_init(&s->routes, conf, why);
	if (ret != 0)
		return ret;
	s->ports = conf->ports;
	for (unsigned p = 0; p < s->ports; p++)
		s->port[p].conf = &conf->port[p];
	s->events = rte_ring_create_elem(
		"events", sizeof(struct dp_event), EVENTS, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (s->events == NULL) {
		snprintf(why, 256, "no memory for the event ring");
		return -ENOMEM;
	}
	return 0;
}

static const char *crypto_why(int error)
{
	if (error == -EIO)
		return " (known answers of the crypto do not hold)";
	return error == -ENOSYS ? " (the CPU cannot run what workers.crypto names)" : "";
}

int shared_workers_create(struct dp_shared *s, struct store_env *env, char why[256])
{
	for (unsigned i = 0; i < s->conf->workers; i++) {
		int ret = worker_create(s, i, env, &s->worker[i]);

		if (ret != 0) {
			snprintf(why, 256, "worker %u cannot start: %s%s", i, strerror(-ret),
				crypto_why(ret));
			return ret;
		}
		s->workers++;
	}
	return 0;
}

void shared_fini(struct dp_shared *s)
{
	for (unsigned i = 0; i < s->workers; i++)
		worker_destroy(s->worker[i]);
	s->workers = 0;
	rte_ring_free(s->events);
	routes_fini(&s->routes);
	push_notes_fini(&s->notes);
	counter_fini(&s->counter);
	pthread_mutex_destroy(&s->ports_lock);
}

int shared_command(struct dp_shared *s, const struct dp_cmd *cmd)
{
	// This is the only thread that adds: what is free stays free.
	for (unsigned i = 0; i < s->workers; i++)
		if (rte_ring_free_count(s->worker[i]->commands) == 0)
			return -EAGAIN;
	for (unsigned i = 0; i < s->workers; i++)
		rte_ring_enqueue_elem(s->worker[i]->commands, (void *)(uintptr_t)cmd, sizeof(*cmd));
	return 0;
}

static void worker_await(const struct dp_shared *s, unsigned i, uint64_t turns)
{
	const struct timespec nap = {.tv_nsec = 200000};
	const uint64_t *done = &s->worker[i]->stats.turns;
	uint64_t before = __atomic_load_n(done, __ATOMIC_ACQUIRE);

	while (rte_eal_get_lcore_state(i + 1) == RUNNING &&
		__atomic_load_n(done, __ATOMIC_ACQUIRE) - before < turns)
		nanosleep(&nap, NULL);
}

void shared_workers_pass(const struct dp_shared *s)
{
	// Two: the one that runs may have looked before.
	for (unsigned i = 0; i < s->workers; i++)
		worker_await(s, i, 2);
}

void shared_workers_drain(const struct dp_shared *s)
{
	shared_workers_pass(s);
	for (unsigned i = 0; i < s->workers && s->workers > 1; i++)
		worker_await(s, i, HANDED / BURST + 1);
}

// Orders that follow each other and have one owner go in together.
size_t shared_singles(struct dp_shared *s, const struct dp_single *orders, size_t n)
{
	size_t at = 0;

	while (at < n) {
		unsigned owner = counter_owner_of(orders[at].id, s->workers), same = 1, taken;

		while (at + same < n && counter_owner_of(orders[at + same].id, s->workers) == owner)
			same++;
		taken = rte_ring_enqueue_burst_elem(
			s->worker[owner]->orders, &orders[at], sizeof(*orders), same, NULL);
		nap_end(&s->worker[owner]->nap);
		at += taken;
		if (taken < same)
			break;
	}
	return at;
}

int shared_mtk(struct dp_shared *s, const struct dp_mtk *order)
{
	int ret = rte_ring_enqueue_elem(
		s->worker[0]->mtk.orders, (void *)(uintptr_t)order, sizeof(*order));

	return ret == 0 ? 0 : -EAGAIN;
}

size_t shared_mtk_notes(struct dp_shared *s, struct dp_mtk_note *out, size_t n)
{
	return rte_ring_dequeue_burst_elem(
		s->worker[0]->mtk.notes, out, sizeof(*out), (unsigned)n, NULL);
}

uint32_t shared_counter_highest(const struct dp_shared *s)
{
	uint32_t highest = s->counter.first;

	for (unsigned i = 0; i < s->workers; i++) {
		uint32_t value = atomic_load(&s->worker[i]->counter.highest);

		if (value > highest)
			highest = value;
		value = atomic_load(&s->worker[i]->mtk.counter.highest);
		if (value > highest)
			highest = value;
	}
	return highest;
}
