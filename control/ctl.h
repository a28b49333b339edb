// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// What the files of control share: the context, the way to the store and to the workers.

#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter.h"
#include "reader.h"
#include "writer.h"

struct conf;
struct conf_campaign;
struct dp;
struct dp_cmd;
struct writer;
struct campaigns;
struct admin_http;
struct audit;
struct pulse;
struct ua;
struct rewrap;
struct bearers;
struct history;

// One per daemon. Filled by the start ladder, step by step, and const while the daemon serves;
// what the pointers lead to has locks of its own.
struct ctl {
	const struct conf *conf; // what reload.c may change: under conf_lock
	struct store_env *env;
	struct dp *dp; // NULL: not started, or stopped. Under dp_lock
	struct writer *writer;
	struct campaigns *campaigns;
	struct ua *ua; // NULL: phones are not served
	struct rewrap *rewrap; // NULL: not started
	struct bearers *bearers; // MTKs
	struct history *history; // NULL: none is kept
	pthread_mutex_t conf_lock;
	pthread_mutex_t dp_lock; // the calls of dp.h that take one thread at a time
	pthread_mutex_t msk_lock; // held by who makes or changes MSKs, or starts a campaign
	struct meters meters;
	int64_t started_ms; // Unix milliseconds
	struct admin_http *admin;
	struct audit *audit; // NULL: none is kept
	struct pulse *pulse; // main thread; NULL: nobody listens
	int wake_fd; // eventfd of the main loop: written to end the daemon
	bool has_failed; // main thread: the daemon has to end, with status 1
};

// CLOCK_BOOTTIME, milliseconds.
uint64_t ctl_clock_ms(void);

// --- The store writer (writer_thread.c) -----------------------------------------------------
// One thread changes the store. Jobs run in the order they came; those that wait at the same
// moment share one commit. Any thread but the writer's own may call these; they block.

// Runs fn in a nested transaction and returns its result once that is durable. What fn did is
// dropped when it returns other than 0; the jobs beside it are not touched. When the commit
// itself fails, the commit's error is returned.
int ctl_writer_run(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg);

// The same, ahead of all jobs that wait; for the main loop alone. -EBUSY: one waits there already.
int ctl_writer_run_first(struct ctl *ctl, int (*fn)(struct store_txn *txn, void *arg), void *arg);

// Commits what waits, or nothing at all: each commit carries the counter mark.
int ctl_writer_commit(struct ctl *ctl);

// Runs fn in the writer thread with no transaction open, for work that makes transactions of its
// own. Keep fn under 50 ms and call again: other jobs run in between.
int ctl_writer_exclusive(struct ctl *ctl, int (*fn)(struct store_env *env, void *arg), void *arg);

// The same as ctl_writer_run() for callers that must not wait. The job belongs to the writer until
// it calls done, in its own thread, when the commit is durable and the workers were told of it.
// result is what fn returned, or the error of the commit; version is the commit's number. done must
// be quick. -ESHUTDOWN: the writer has ended, done is not called.
struct ctl_job {
	int (*fn)(struct store_txn *txn, void *arg);
	void (*done)(void *arg, int result, uint64_t version);
	void *arg;
	// The rest is the writer's.
	int (*exclusive)(struct store_env *env, void *arg);
	int result;
	bool is_done;
	struct ctl_job *next;
};
int ctl_writer_post(struct ctl *ctl, struct ctl_job *job);

// Tells the workers that subscribers [first, first + n) are new or changed (n = 0: something
// else they read did). Best called inside the job that makes the change: the command then goes
// out right after its commit, and no worker sees the change before. Called by another
// thread after the commit, it returns when the command is out. Ranges are merged to the smallest
// one that covers them: raising the counters of ids between them does no harm.
void ctl_store_changed(struct ctl *ctl, store_id first, uint32_t n);

// --- Reading (ctl.c) ------------------------------------------------------------------------

// A reader of the newest snapshot, for the calling thread. Give it back soon: the store cannot
// reuse pages that a reader sees.
int ctl_reader_get(struct ctl *ctl, struct store_reader **out);
void ctl_reader_put(struct ctl *ctl, struct store_reader *r);

// --- The workers (ctl.c) --------------------------------------------------------------------

// Hands a command to all workers; waits a fifth of a second while a ring is full, then -EAGAIN.
int ctl_command(struct ctl *ctl, const struct dp_cmd *cmd);

// --- The configuration (ctl.c) --------------------------------------------------------------

// The values in force now. Any thread.
void ctl_campaign_defaults(struct ctl *ctl, struct conf_campaign *out);

// --- Subscribers ----------------------------------------------------------------------------

// Highest number of ids the counter table has room for: no subscriber may get a higher id.
uint32_t ctl_max_subscribers(const struct ctl *ctl);

// -E2BIG, with the arithmetic in why, when an MSK message to a subscriber whose B-TID has
// btid_len octets does not fit the UICC's 253 octets. profile: enum store_profile.
#define CTL_UICC_MAX 253
int ctl_uicc_check(const struct ctl *ctl, unsigned profile, size_t btid_len, char why[256]);

// The open campaign that holds a subscriber's id, 0 when none does: the id must stay then.
uint32_t ctl_campaign_holding(struct ctl *ctl, store_id id);
// Whether freed ids may be given out again: only while no campaign is open or scheduled. Ask inside
// a writer job: a campaign counts as open before it looks for its members.
bool ctl_may_reuse_ids(struct ctl *ctl);
