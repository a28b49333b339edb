// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The waiting of calls: for the key source, or for a commit. Whoever ends a wait puts the call into
// a list of its thread, and wakes the thread.

#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "ua_server.h"

void ua_call_wait(struct ua_call *call, enum ua_state state)
{
	call->state = state;
	call->is_waiting = true;
	call->thread->waiting++;
}

void ua_call_wake(struct ua_call *call)
{
	struct ua_thread *t = call->thread;
	uint64_t one = 1;
	bool is_first;

	pthread_mutex_lock(&t->woken_lock);
	is_first = t->woken == NULL;
	call->next_woken = t->woken;
	t->woken = call;
	pthread_mutex_unlock(&t->woken_lock);
	if (is_first && write(t->wake_fd, &one, sizeof(one)) < 0)
		log_debug("ua-wake", "errno=%d", errno);
}

struct ua_call *ua_thread_woken(struct ua_thread *t)
{
	struct ua_call *woken;

	pthread_mutex_lock(&t->woken_lock);
	woken = t->woken;
	t->woken = NULL;
	pthread_mutex_unlock(&t->woken_lock);
	for (struct ua_call *call = woken; call != NULL; call = call->next_woken) {
		call->is_waiting = false;
		t->waiting--;
	}
	return woken;
}

// In the writer's thread.
static void on_job(void *arg, int result, uint64_t version)
{
	struct ua_call *call = arg;

	call->job_result = result;
	call->job_version = version;
	ua_call_wake(call);
}

bool ua_call_may_wait(const struct ua_call *call)
{
	const struct ua_thread *t = call->thread;

	return t->waiting < t->ua->conf->ua.waiting && !atomic_load(&t->ua->stop_requested);
}

bool ua_call_post(
	struct ua_call *call, enum ua_state state, int (*fn)(struct store_txn *txn, void *arg))
{
	struct ua_thread *t = call->thread;

	if (!ua_call_may_wait(call))
		return false;
	call->job = (struct ctl_job){.fn = fn, .done = on_job, .arg = call};
	ua_call_wait(call, state);
	if (ctl_writer_post(t->ua->ctl, &call->job) == 0)
		return true;
	call->is_waiting = false;
	t->waiting--;
	return false;
}
