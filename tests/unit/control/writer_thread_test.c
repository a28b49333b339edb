// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "site.h"
#include "test.h"
#include "writer_thread.h"

// The writer is held in a job while others queue up behind it.
struct gate {
	struct ctl *ctl;
	sem_t entered, open;
};

static int gate_job(struct store_env *env, void *arg)
{
	struct gate *gate = arg;

	(void)env;
	sem_post(&gate->entered);
	sem_wait(&gate->open);
	return 0;
}

static void *gate_thread(void *arg)
{
	struct gate *gate = arg;

	ctl_writer_exclusive(gate->ctl, gate_job, gate);
	return NULL;
}

static pthread_t gate_close(struct gate *gate, struct ctl *ctl)
{
	pthread_t thread;

	gate->ctl = ctl;
	sem_init(&gate->entered, 0, 0);
	sem_init(&gate->open, 0, 0);
	pthread_create(&thread, NULL, gate_thread, gate);
	sem_wait(&gate->entered);
	return thread;
}

struct order {
	struct ctl *ctl;
	char name[16];
	bool is_first; // ahead of all others
	int result; // what the job returns after it has written
	int got; // what the caller got
	unsigned *clock, when;
};

static int order_job(struct store_txn *txn, void *arg)
{
	struct order *order = arg;
	struct store_service service = {.group_count = 0};
	int ret;

	order->when = (*order->clock)++;
	snprintf(service.name, sizeof(service.name), "%s", order->name);
	ret = store_service_put(txn, &service);
	return ret != 0 ? ret : order->result;
}

static void *order_thread(void *arg)
{
	struct order *order = arg;

	order->got = order->is_first ? ctl_writer_run_first(order->ctl, order_job, order)
				     : ctl_writer_run(order->ctl, order_job, order);
	return NULL;
}

// Queues an order behind those that wait.
static void order_begin(struct order *order, pthread_t *thread)
{
	unsigned waiting = writer_waiting(order->ctl->writer);

	pthread_create(thread, NULL, order_thread, order);
	while (writer_waiting(order->ctl->writer) == waiting)
		sched_yield();
}

static bool service_is_there(struct site *s, const char *name)
{
	struct store_service service;
	struct store_reader *r;
	bool is_there;

	assert_int_equal(ctl_reader_get(&s->ctl, &r), 0);
	is_there = store_reader_service_by_name(r, name, &service) == 0;
	ctl_reader_put(&s->ctl, r);
	return is_there;
}

static uint64_t version(struct site *s)
{
	struct store_env_info info;

	assert_int_equal(store_env_info(s->ctl.env, &info), 0);
	return info.version;
}

#define JOBS 8

static void jobs_that_wait_together_share_a_commit_and_fail_alone(void **state)
{
	struct site *s = *state;
	struct order orders[JOBS];
	pthread_t threads[JOBS], gate_holder;
	unsigned clock = 0;
	struct gate gate;
	uint64_t before = version(s);

	gate_holder = gate_close(&gate, &s->ctl);
	for (int i = 0; i < JOBS; i++) {
		orders[i] = (struct order){
			.ctl = &s->ctl, .result = i == 3 ? -EDOM : 0, .clock = &clock};
		snprintf(orders[i].name, sizeof(orders[i].name), "s%d", i);
		order_begin(&orders[i], &threads[i]);
	}
	sem_post(&gate.open);
	pthread_join(gate_holder, NULL);
	for (int i = 0; i < JOBS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(orders[i].got, i == 3 ? -EDOM : 0);
		assert_int_equal(service_is_there(s, orders[i].name), i != 3);
		assert_int_equal(orders[i].when, i);
	}
	assert_int_equal(version(s), before + 1);
}

static void job_that_goes_first_overtakes_those_that_wait(void **state)
{
	struct site *s = *state;
	unsigned clock = 0;
	struct order waits = {.ctl = &s->ctl, .name = "waits", .clock = &clock};
	struct order first = {.ctl = &s->ctl, .name = "first", .is_first = true, .clock = &clock};
	pthread_t threads[2], gate_holder;
	struct gate gate;

	gate_holder = gate_close(&gate, &s->ctl);
	order_begin(&waits, &threads[0]);
	order_begin(&first, &threads[1]);
	assert_int_equal(ctl_writer_run_first(&s->ctl, order_job, &first), -EBUSY);
	sem_post(&gate.open);
	pthread_join(gate_holder, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(first.when, 0);
	assert_int_equal(waits.when, 1);
	assert_int_equal(first.got, 0);
	assert_true(service_is_there(s, "first"));
	assert_true(service_is_there(s, "waits"));
}

static int failing_job(struct store_txn *txn, void *arg)
{
	(void)txn;
	(void)arg;
	return -EPERM;
}

static void batch_of_failures_commits_nothing(void **state)
{
	struct site *s = *state;
	uint64_t before = version(s);

	assert_int_equal(ctl_writer_run(&s->ctl, failing_job, NULL), -EPERM);
	assert_int_equal(version(s), before);
}

static int change_job(struct store_txn *txn, void *arg)
{
	struct site *s = arg;
	struct store_service service = {.name = "c"};

	ctl_store_changed(&s->ctl, 7, 2);
	ctl_store_changed(&s->ctl, 100, 1);
	return store_service_put(txn, &service);
}

static void workers_are_told_of_changed_ids_after_the_commit(void **state)
{
	struct site *s = *state;
	unsigned n = s->dp->commands;

	assert_int_equal(ctl_writer_run(&s->ctl, change_job, s), 0);
	assert_int_equal(s->dp->commands, n + 2);
	assert_int_equal(s->dp->command[n].kind, DP_CMD_STORE_CHANGED);
	assert_int_equal(s->dp->command[n].first, 100);
	assert_true(s->dp->command[n].has_more);
	assert_int_equal(s->dp->command[n + 1].first, 7);
	assert_int_equal(s->dp->command[n + 1].n, 2);
	assert_false(s->dp->command[n + 1].has_more);
}

static void change_noted_from_outside_is_told_before_the_call_returns(void **state)
{
	struct site *s = *state;
	unsigned n = s->dp->commands;

	ctl_store_changed(&s->ctl, 3, 4);
	assert_int_equal(s->dp->commands, n + 1);
	assert_int_equal(s->dp->command[n].first, 3);
	assert_int_equal(s->dp->command[n].n, 4);
}

static void changed_ids_wait_while_a_ring_is_full_and_are_not_lost(void **state)
{
	struct site *s = *state;
	unsigned n = s->dp->commands;

	s->dp->is_full = true;
	ctl_store_changed(&s->ctl, 3, 4);
	assert_int_equal(s->dp->commands, n);
	s->dp->is_full = false;
	ctl_store_changed(&s->ctl, 7, 1);
	assert_int_equal(s->dp->commands, n + 1);
	assert_int_equal(s->dp->command[n].first, 3);
	assert_int_equal(s->dp->command[n].n, 5);
}

static void workers_see_any_commit_within_a_second_or_so(void **state)
{
	const struct timespec nap = {.tv_nsec = 100000000};
	struct site *s = *state;
	struct order order = {.ctl = &s->ctl, .name = "late"};
	unsigned n = s->dp->commands, clock = 0;

	order.clock = &clock;
	assert_int_equal(ctl_writer_run(&s->ctl, order_job, &order), 0);
	for (int i = 0; i < 30 && s->dp->commands == n; i++)
		nanosleep(&nap, NULL);
	assert_int_equal(s->dp->commands, n + 1);
	assert_int_equal(s->dp->command[n].n, 0);
}

struct posted {
	struct ctl_job job;
	struct order order;
	unsigned dones;
};

static void posted_done(void *arg, int result, uint64_t version)
{
	struct posted *posted = arg;

	assert_int_equal(result, 0);
	assert_true(version > 0);
	posted->dones++;
}

static int posted_fn(struct store_txn *txn, void *arg)
{
	struct posted *posted = arg;

	return order_job(txn, &posted->order);
}

static void writer_without_a_thread_is_turned_by_who_waits_and_by_hand(void **state)
{
	struct site *s = *state;
	unsigned clock = 0, n = s->dp->commands;
	struct posted posted = {.job = {.fn = posted_fn, .done = posted_done, .arg = &posted},
		.order = {.name = "posted", .clock = &clock}};
	struct order waited = {.ctl = &s->ctl, .name = "waited", .clock = &clock};

	writer_destroy(s->ctl.writer);
	assert_int_equal(writer_create_by_hand(&s->ctl, NULL, &s->ctl.writer), 0);
	assert_int_equal(ctl_writer_post(&s->ctl, &posted.job), 0);
	assert_int_equal(posted.dones, 0);
	writer_turn(s->ctl.writer);
	assert_int_equal(posted.dones, 1);
	assert_int_equal(ctl_writer_post(&s->ctl, &posted.job), 0);
	assert_int_equal(ctl_writer_run(&s->ctl, order_job, &waited), 0);
	assert_int_equal(posted.dones, 2);
	assert_int_equal(waited.when, 2);
	ctl_store_changed(&s->ctl, 5, 1);
	assert_int_equal(s->dp->commands, n + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SITE(jobs_that_wait_together_share_a_commit_and_fail_alone),
		WITH_SITE(job_that_goes_first_overtakes_those_that_wait),
		WITH_SITE(batch_of_failures_commits_nothing),
		WITH_SITE(workers_are_told_of_changed_ids_after_the_commit),
		WITH_SITE(change_noted_from_outside_is_told_before_the_call_returns),
		WITH_SITE(changed_ids_wait_while_a_ring_is_full_and_are_not_lost),
		WITH_SITE(workers_see_any_commit_within_a_second_or_so),
		WITH_SITE(writer_without_a_thread_is_turned_by_who_waits_and_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
