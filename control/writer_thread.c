// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Jobs wait in a queue in the order they came, but for one that may go first. The writer, that is
// its thread, takes the transaction jobs at its head, runs each in a nested transaction of one
// outer one, and commits that: one fdatasync for all of them, and a job that fails leaves no trace.
// Then it tells the workers what has changed, then the callers. A job that wants the store to
// itself runs when the queue reaches it.

#include "writer_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "campaign.h"
#include "counter_mark.h"
#include "ctl.h"
#include "log.h"
#include "ua.h"
#include "writer_news.h"

#define BATCH_MAX 256

struct writer {
	struct ctl *ctl;
	struct counter_mark *mark;
	bool has_thread; // else whoever waits turns the writer
	bool is_turned; // just now, by hand
	pthread_t thread; // that turns it
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	pthread_cond_t done;
	struct ctl_job *head, **tail;
	struct ctl_job *first; // goes ahead of them
	bool stop_requested;
	// The rest belongs to the thread.
	struct writer_news news; // for the workers
	bool is_in_batch; // the commit of what runs is still to come
};

static int job_run(struct store_txn *outer, struct ctl_job *job)
{
	struct store_txn *txn;
	int ret = store_txn_nest(outer, &txn);

	if (ret != 0)
		return ret;
	ret = job->fn(txn, job->arg);
	if (ret == 0)
		return store_txn_commit(txn);
	store_txn_abort(txn);
	return ret;
}

static int mark_copy(struct writer *w, struct store_txn *txn)
{
	uint32_t mark = w->mark == NULL ? 0 : counter_mark_value(w->mark);

	return mark == 0 ? 0 : store_mark_put(txn, mark);
}

// A commit that fails takes all its jobs with it.
static void batch_end(struct writer *w, struct store_txn *txn, struct ctl_job **jobs, unsigned n)
{
	unsigned good = 0;
	int ret;

	for (unsigned i = 0; i < n; i++)
		good += jobs[i]->result == 0;
	if (good == 0) {
		store_txn_abort(txn);
		return;
	}
	ret = mark_copy(w, txn);
	if (ret == 0) {
		uint64_t begin_ns = meter_now_ns();

		ret = store_txn_commit(txn);
		meter_time(&w->ctl->meters.commit, begin_ns);
	} else {
		store_txn_abort(txn);
	}
	if (ret == 0) {
		w->news.is_behind = true;
		return;
	}
	atomic_fetch_add(&w->ctl->meters.commits_failed, 1);
	log_error("commit-failed", "errno=%d jobs=%u", -ret, good);
	for (unsigned i = 0; i < n; i++)
		if (jobs[i]->result == 0)
			jobs[i]->result = ret;
}

static void batch_run(struct writer *w, struct ctl_job **jobs, unsigned n)
{
	struct store_txn *txn;
	int ret = store_txn_begin(w->ctl->env, &txn);

	w->is_in_batch = true;
	for (unsigned i = 0; i < n; i++)
		jobs[i]->result = ret != 0 ? ret : job_run(txn, jobs[i]);
	w->is_in_batch = false;
	if (ret == 0)
		batch_end(w, txn, jobs, n);
}

static bool has_jobs(const struct writer *w)
{
	return w->first != NULL || w->head != NULL;
}

// Takes the jobs that can share a commit, or one that cannot. With the lock held.
static unsigned jobs_take(struct writer *w, struct ctl_job *jobs[BATCH_MAX])
{
	unsigned n = 0;

	if (w->first != NULL)
		jobs[n++] = w->first;
	w->first = NULL;
	while (w->head != NULL && n < BATCH_MAX && (n == 0 || w->head->exclusive == NULL)) {
		jobs[n++] = w->head;
		w->head = w->head->next;
		if (jobs[n - 1]->exclusive != NULL)
			break;
	}
	if (w->head == NULL)
		w->tail = &w->head;
	return n;
}

// Waits for jobs, or until the workers have to be told of the newest snapshot. With the lock held.
static void jobs_wait(struct writer *w)
{
	struct timespec end;
	int64_t at = w->news.told_ns + WRITER_FOLLOW_NS;

	if (has_jobs(w) || w->stop_requested)
		return;
	if (!w->news.is_behind) {
		pthread_cond_wait(&w->arrived, &w->lock);
		return;
	}
	end = (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
	pthread_cond_timedwait(&w->arrived, &w->lock, &end);
}

static void jobs_run(struct writer *w, struct ctl_job **jobs, unsigned n)
{
	if (n > 0 && jobs[0]->exclusive != NULL) {
		jobs[0]->result = jobs[0]->exclusive(w->ctl->env, jobs[0]->arg);
		w->news.is_behind = true;
	} else if (n > 0) {
		batch_run(w, jobs, n);
	}
	writer_news_tell(&w->news);
}

// Jobs that nobody waits for go back to their owners; returns how many others there are.
static unsigned jobs_hand_back(struct writer *w, struct ctl_job **jobs, unsigned n)
{
	uint64_t version = writer_version(w->ctl);
	unsigned others = 0;

	for (unsigned i = 0; i < n; i++) {
		if (jobs[i]->done != NULL)
			jobs[i]->done(jobs[i]->arg, jobs[i]->result, version);
		else
			jobs[others++] = jobs[i];
	}
	return others;
}

// Takes the jobs that are there and does them. With the lock held, which is let go meanwhile.
static void turn(struct writer *w)
{
	struct ctl_job *jobs[BATCH_MAX];
	unsigned n = jobs_take(w, jobs);

	pthread_mutex_unlock(&w->lock);
	jobs_run(w, jobs, n);
	n = jobs_hand_back(w, jobs, n);
	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < n; i++)
		jobs[i]->is_done = true;
	pthread_cond_broadcast(&w->done);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	pthread_setname_np(pthread_self(), "store-writer");
	pthread_mutex_lock(&w->lock);
	while (has_jobs(w) || !w->stop_requested) {
		jobs_wait(w);
		turn(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void writer_turn(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->thread = pthread_self();
	w->is_turned = true;
	turn(w);
	w->is_turned = false;
	pthread_mutex_unlock(&w->lock);
}

// With the lock held.
static int job_queue(struct writer *w, struct ctl_job *job, bool is_first)
{
	if (w->stop_requested)
		return -ESHUTDOWN;
	if (is_first && w->first != NULL)
		return -EBUSY;
	job->next = NULL;
	if (is_first) {
		w->first = job;
	} else {
		*w->tail = job;
		w->tail = &job->next;
	}
	pthread_cond_signal(&w->arrived);
	return 0;
}

static int job_wait(struct ctl *ctl, struct ctl_job *job, bool is_first)
{
	struct writer *w = ctl->writer;
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = job_queue(w, job, is_first);
	while (ret == 0 && w->has_thread && !job->is_done)
		pthread_cond_wait(&w->done, &w->lock);
	pthread_mutex_unlock(&w->lock);
	while (ret == 0 && !job->is_done)
		writer_turn(w);
	return ret != 0 ? ret : job->result;
}

int ctl_writer_post(struct ctl *ctl, struct ctl_job *job)
{
	struct writer *w = ctl->writer;
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = job_queue(w, job, false);
	pthread_mutex_unlock(&w->lock);
	return ret;
}

int ctl_writer_run(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg)
{
	struct ctl_job job = {.fn = fn, .arg = arg};

	return job_wait(ctl, &job, false);
}

int ctl_writer_run_first(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg)
{
	struct ctl_job job = {.fn = fn, .arg = arg};

	return job_wait(ctl, &job, true);
}

int ctl_writer_exclusive(struct ctl *ctl, int (*fn)(struct store_env *env, void *arg), void *arg)
{
	struct ctl_job job = {.exclusive = fn, .arg = arg};

	return job_wait(ctl, &job, false);
}

struct change {
	struct ctl *ctl;
	store_id first;
	uint32_t n;
};

static int change_note(struct store_env *env, void *arg)
{
	struct change *change = arg;

	(void)env;
	ctl_store_changed(change->ctl, change->first, change->n);
	return 0;
}

// Whether the caller's thread is the one that writes.
static bool is_writer(const struct writer *w)
{
	return (w->has_thread || w->is_turned) && pthread_equal(pthread_self(), w->thread);
}

void ctl_store_changed(struct ctl *ctl, store_id first, uint32_t n)
{
	struct change change = {ctl, first, n};
	struct writer *w = ctl->writer;

	if (!is_writer(w)) {
		ctl_writer_exclusive(ctl, change_note, &change);
		return;
	}
	writer_news_add(&w->news, first, n);
	campaigns_ids_changed(ctl->campaigns, first, n);
	ua_ids_changed(ctl->ua, first, n, writer_version(ctl) + w->is_in_batch);
}

unsigned writer_waiting(struct writer *w)
{
	unsigned n;

	pthread_mutex_lock(&w->lock);
	n = w->first != NULL;
	for (const struct ctl_job *job = w->head; job != NULL; job = job->next)
		n++;
	pthread_mutex_unlock(&w->lock);
	return n;
}

int writer_create_by_hand(struct ctl *ctl, struct counter_mark *mark, struct writer **out)
{
	struct writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (w == NULL)
		return -ENOMEM;
	w->ctl = ctl;
	w->mark = mark;
	w->tail = &w->head;
	writer_news_init(&w->news, ctl);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->arrived, &attr);
	pthread_cond_init(&w->done, &attr);
	pthread_condattr_destroy(&attr);
	*out = w;
	return 0;
}

int writer_create(struct ctl *ctl, struct counter_mark *mark, struct writer **out)
{
	int ret = writer_create_by_hand(ctl, mark, out);

	if (ret != 0)
		return ret;
	// It may be asked whether it is the writer before this returns.
	(*out)->has_thread = true;
	ret = -pthread_create(&(*out)->thread, NULL, writer_main, *out);
	if (ret == 0)
		return 0;
	(*out)->has_thread = false;
	writer_destroy(*out);
	*out = NULL;
	return ret;
}

void writer_destroy(struct writer *w)
{
	if (w == NULL)
		return;
	while (!w->has_thread && has_jobs(w))
		writer_turn(w);
	pthread_mutex_lock(&w->lock);
	w->stop_requested = true;
	pthread_cond_signal(&w->arrived);
	pthread_mutex_unlock(&w->lock);
	if (w->has_thread)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->arrived);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
