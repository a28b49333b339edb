// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "rewrap.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "ctl.h"
#include "log.h"

#define PAUSE_MS 10 // between steps of some 5: the disk is for others too
#define RETRY_MS 10000 // after a step that failed

struct rewrap {
	struct ctl *ctl;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_wanted;
	bool stop_requested;
	struct store_rewrap at; // written by the thread with the lock held
};

static int step_job(struct store_env *env, void *at)
{
	return store_rewrap_step(env, at);
}

// With the lock held. Returns early when asked to stop.
static void pause_ms(struct rewrap *r, unsigned ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	while (!r->stop_requested && pthread_cond_timedwait(&r->changed, &r->lock, &end) == 0)
		;
}

// With the lock held, but for the step itself. Returns what the step did.
static int step(struct rewrap *r)
{
	struct store_rewrap at = r->at;
	int ret;

	r->is_wanted = false;
	pthread_mutex_unlock(&r->lock);
	ret = ctl_writer_exclusive(r->ctl, step_job, &at);
	pthread_mutex_lock(&r->lock);
	// A kick in between begins anew.
	if (!r->is_wanted)
		r->at = at;
	return ret;
}

static void report(const struct rewrap *r, int ret)
{
	if (ret < 0)
		log_warning("rewrap-failed", "errno=%d sealed=%u", -ret, r->at.sealed);
	else if (r->at.sealed > 0 || r->at.damaged > 0)
		log_info("rewrapped", "sealed=%u damaged=%u", r->at.sealed, r->at.damaged);
}

static void *rewrap_main(void *arg)
{
	struct rewrap *r = arg;

	pthread_setname_np(pthread_self(), "rewrap");
	pthread_mutex_lock(&r->lock);
	while (!r->stop_requested) {
		int ret;

		if (!r->is_wanted) {
			pthread_cond_wait(&r->changed, &r->lock);
			continue;
		}
		ret = step(r);
		if (ret != 1)
			report(r, ret);
		if (ret != 0)
			r->is_wanted = true;
		if (ret < 0)
			r->at = (struct store_rewrap){0};
		pause_ms(r, ret < 0 ? RETRY_MS : PAUSE_MS);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

int rewrap_create(struct ctl *ctl, struct rewrap **out)
{
	struct rewrap *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	int ret;

	*out = NULL;
	if (r == NULL)
		return -ENOMEM;
	r->ctl = ctl;
	r->is_wanted = true;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
	ret = -pthread_create(&r->thread, NULL, rewrap_main, r);
	if (ret != 0) {
		free(r);
		return ret;
	}
	*out = r;
	return 0;
}

void rewrap_destroy(struct rewrap *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop_requested = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void rewrap_kick(struct rewrap *r)
{
	pthread_mutex_lock(&r->lock);
	r->is_wanted = true;
	r->at = (struct store_rewrap){0};
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void rewrap_view(struct rewrap *r, struct rewrap_view *out)
{
	pthread_mutex_lock(&r->lock);
	out->sealed = r->at.sealed;
	out->damaged = r->at.damaged;
	pthread_mutex_unlock(&r->lock);
}
