// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// An import that dies: after each of its calls, and at any moment. What is found then is the
// store before it or the store after it, and nothing else.

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subscriber.h"
#include "support_import.h"

#define OLD 1000 // subscribers before
#define GONE 130 // who were removed, and whose places are free
#define SPAN (OLD + GONE)
#define CHANGED 400 // of them get another B-TID
#define NEW 3000 // subscribers after
#define CHUNK 250

// Counts down to the call after which the process ends, -1 = never.
static int calls_left;

static void call_made(void)
{
	if (calls_left == 0)
		_exit(0);
	calls_left--;
}

static void import_chunk(struct store_import *imp, uint32_t from, uint32_t to, uint32_t shift)
{
	while (from < to) {
		uint32_t end = from + CHUNK < to ? from + CHUNK : to;

		test_import_many(imp, from, end, shift);
		call_made();
		from = end;
	}
}

static void import(const char *dir)
{
	struct store_env *env = test_open(dir);
	struct store_import *imp;
	int rc = store_import_begin(env, 0, &imp);

	call_made();
	store_import_reuse_ids(imp);
	import_chunk(imp, 0, CHANGED, 50000);
	import_chunk(imp, OLD, NEW, 0);
	while (rc == 0 && store_import_publish(imp) == 1)
		call_made();
	call_made();
	store_import_end(imp, NULL);
	store_env_close(env);
}

static const char *make_store(void)
{
	const char *dir = test_dir();
	struct store_env *env = test_open(dir);
	struct store_txn *txn;

	test_import_range(env, 0, OLD);
	test_import_range(env, 90000, 90000 + GONE);
	txn = test_begin(env);
	for (store_id id = OLD; id < SPAN; id++)
		assert_int_equal(store_subscriber_remove(txn, id), 0);
	test_commit(txn);
	store_env_close(env);
	return dir;
}

// Opens what a dead process left. Returns whether the import is in.
static bool expect_all_or_nothing(const char *dir)
{
	struct store_env *env = test_open(dir);
	struct store_reader *r = test_reader(env);
	uint32_t span = store_reader_span(r);

	store_reader_destroy(r);
	test_clean(env);
	if (span == SPAN) {
		test_range(env, 0, OLD, 0);
		test_no_range(env, OLD, NEW);
	} else {
		assert_int_equal(span, NEW);
		test_range(env, 0, CHANGED, 50000);
		test_range(env, CHANGED, NEW, 0);
	}
	// And it can be imported into.
	test_import_range(env, NEW, NEW + 100);
	test_range(env, NEW, NEW + 100, 0);
	store_env_close(env);
	return span == NEW;
}

static bool child_finished(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) > 1);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void death_after_any_call_is_all_or_nothing(void **state)
{
	bool is_finished = false, was_in = false;
	unsigned undone = 0, done = 0;

	(void)state;
	for (int calls = 0; !is_finished; calls++) {
		const char *dir = make_store();
		pid_t child = fork();
		bool is_in;

		if (child == 0) {
			calls_left = calls;
			import(dir);
			_exit(1);
		}
		is_finished = child_finished(child);
		is_in = expect_all_or_nothing(dir);
		assert_false(was_in && !is_in);
		was_in = is_in;
		undone += !is_in;
		done += is_in;
	}
	assert_true(undone > 10);
	assert_true(done > 1);
}

static void death_at_any_moment_is_all_or_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 25; i++) {
		const char *dir = make_store();
		struct timespec pause = {.tv_nsec = 1500000L * i + 777 * i};
		pid_t child = fork();

		if (child == 0) {
			calls_left = -1;
			import(dir);
			_exit(1);
		}
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		child_finished(child);
		expect_all_or_nothing(dir);
	}
}

// A process may also die while it cleans up or finishes what another left.
static void death_during_recovery_is_harmless(void **state)
{
	static const int after[] = {5, 20};

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned round = 0; round < 6; round++) {
			const char *dir = make_store();
			struct timespec pause = {.tv_nsec = 700000L * round};
			pid_t child = fork();

			if (child == 0) {
				calls_left = after[i];
				import(dir);
				_exit(1);
			}
			child_finished(child);
			child = fork();
			if (child == 0) {
				test_open(dir);
				_exit(1);
			}
			nanosleep(&pause, NULL);
			kill(child, SIGKILL);
			child_finished(child);
			expect_all_or_nothing(dir);
		}
}

// Secrets of subscribers that were never published do not stay in the block that others use.
static void cleanup_wipes_the_shared_cold_block(void **state)
{
	const char *dir = make_store();
	struct cold_block cold;
	static const struct store_secret32 zero;
	struct store_env *env;
	struct store_txn *txn;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		calls_left = 6; // begin, two chunks of changes, three of new ones
		import(dir);
		_exit(1);
	}
	assert_false(child_finished(child));
	env = test_open(dir);
	txn = test_begin(env);
	assert_int_equal(cold_block_load(&txn->view, SPAN / COLD_BLOCK_SUBSCRIBERS, &cold), 0);
	assert_int_equal(cold.seat.count, SPAN % COLD_BLOCK_SUBSCRIBERS);
	for (unsigned i = SPAN % COLD_BLOCK_SUBSCRIBERS; i < COLD_BLOCK_SUBSCRIBERS; i++) {
		assert_memory_equal(&cold.secret.muk[i], &zero, sizeof(zero));
		assert_memory_equal(&cold.secret.mrk[i], &zero, sizeof(zero));
		assert_true(cold.impi[i] == 0);
	}
	store_txn_abort(txn);
	store_env_close(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(death_after_any_call_is_all_or_nothing),
		cmocka_unit_test(death_at_any_moment_is_all_or_nothing),
		cmocka_unit_test(death_during_recovery_is_harmless),
		cmocka_unit_test(cleanup_wipes_the_shared_cold_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
