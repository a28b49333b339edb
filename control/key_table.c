// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "key_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ua_hash.h"

#define BUCKETS 1024
#define REMEMBERED 4096

struct remembered {
	uint64_t of; // hash of B-TID and address
	int64_t until_ms;
};

struct key_table {
	uint8_t hash_key[16];
	pthread_mutex_t lock; // of what follows
	TAILQ_HEAD(, key_question) waiting; // not taken yet, in the order they came
	struct key_question *bucket[BUCKETS];
	struct remembered remembered[REMEMBERED];
	struct key_source_stats stats;
	bool is_stopped;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// --- What is remembered ---------------------------------------------------------------------

static uint64_t hash_of(const struct key_table *t, const char *btid, const char *address)
{
	uint8_t digest[UA_HASH_MAX];
	struct ua_hash h;
	uint64_t out;

	ua_hash_begin(&h, UA_ALG_SHA256);
	ua_hash_add(&h, t->hash_key, sizeof(t->hash_key));
	ua_hash_add(&h, btid, strlen(btid) + 1);
	ua_hash_add(&h, address, strlen(address));
	ua_hash_end(&h, digest);
	memcpy(&out, digest, sizeof(out));
	return out;
}

static bool is_remembered(struct key_table *t, uint64_t of)
{
	const struct remembered *seat = &t->remembered[of % REMEMBERED];

	return seat->of == of && seat->until_ms > now_ms();
}

static void remember(struct key_table *t, uint64_t of)
{
	t->remembered[of % REMEMBERED] =
		(struct remembered){.of = of, .until_ms = now_ms() + KEY_NOT_KNOWN_S * 1000};
}

// --- Questions ------------------------------------------------------------------------------

static struct key_question **seat_find(struct key_table *t, const char *btid)
{
	struct key_question **seat = &t->bucket[hash_of(t, btid, "") % BUCKETS];

	while (*seat != NULL && strcmp((*seat)->btid, btid) != 0)
		seat = &(*seat)->next;
	return seat;
}

static struct key_question *question_add(
	struct key_table *t, struct key_question **seat, const char *btid, int64_t wait_ms)
{
	struct key_question *question = calloc(1, sizeof(*question));

	if (question == NULL)
		return NULL;
	snprintf(question->btid, sizeof(question->btid), "%s", btid);
	question->deadline_ms = now_ms() + wait_ms;
	*seat = question;
	TAILQ_INSERT_TAIL(&t->waiting, question, in_queue);
	return question;
}

static enum key_verdict ask_locked(
	struct key_table *t, const char *btid, int64_t wait_ms, struct key_waiter *waiter)
{
	struct key_question **seat, *question;

	if (t->is_stopped)
		return KEY_BUSY;
	if (is_remembered(t, hash_of(t, btid, waiter->address))) {
		t->stats.remembered++;
		return KEY_NOT_KNOWN;
	}
	seat = seat_find(t, btid);
	question = *seat;
	if (question != NULL)
		t->stats.coalesced++;
	else
		question = question_add(t, seat, btid, wait_ms);
	if (question == NULL)
		return KEY_BUSY;
	waiter->next = question->waiters;
	question->waiters = waiter;
	return KEY_KNOWN;
}

enum key_verdict key_table_ask(
	struct key_table *t, const char *btid, int64_t wait_ms, struct key_waiter *waiter)
{
	enum key_verdict verdict;

	pthread_mutex_lock(&t->lock);
	verdict = ask_locked(t, btid, wait_ms, waiter);
	pthread_mutex_unlock(&t->lock);
	return verdict;
}

struct key_question *key_table_take(struct key_table *t)
{
	struct key_question *question;

	pthread_mutex_lock(&t->lock);
	question = TAILQ_FIRST(&t->waiting);
	if (question != NULL) {
		TAILQ_REMOVE(&t->waiting, question, in_queue);
		t->stats.asked++;
	}
	pthread_mutex_unlock(&t->lock);
	return question;
}

struct key_question *key_table_overdue(struct key_table *t)
{
	struct key_question *question;

	pthread_mutex_lock(&t->lock);
	question = TAILQ_FIRST(&t->waiting);
	if (question != NULL && !t->is_stopped && question->deadline_ms > now_ms())
		question = NULL;
	if (question != NULL)
		TAILQ_REMOVE(&t->waiting, question, in_queue);
	pthread_mutex_unlock(&t->lock);
	return question;
}

static void question_close(
	struct key_table *t, struct key_question *question, enum key_verdict verdict)
{
	pthread_mutex_lock(&t->lock);
	*seat_find(t, question->btid) = question->next;
	for (struct key_waiter *w = question->waiters; w != NULL && verdict == KEY_NOT_KNOWN;
		w = w->next)
		remember(t, hash_of(t, question->btid, w->address));
	t->stats.answered[verdict]++;
	pthread_mutex_unlock(&t->lock);
}

void key_table_answer(
	struct key_table *t, struct key_question *question, const struct key_answer *answer)
{
	struct key_waiter *waiter, *next;

	question_close(t, question, answer->verdict);
	for (waiter = question->waiters; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->done(waiter->arg, answer);
	}
	free(question);
}

// --- Life -----------------------------------------------------------------------------------

int key_table_create(struct key_table **out)
{
	struct key_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	if (getrandom(t->hash_key, sizeof(t->hash_key), 0) != sizeof(t->hash_key)) {
		free(t);
		return -EIO;
	}
	pthread_mutex_init(&t->lock, NULL);
	TAILQ_INIT(&t->waiting);
	*out = t;
	return 0;
}

void key_table_destroy(struct key_table *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

void key_table_stop(struct key_table *t)
{
	pthread_mutex_lock(&t->lock);
	t->is_stopped = true;
	pthread_mutex_unlock(&t->lock);
}

bool key_table_is_stopped(struct key_table *t)
{
	bool is_stopped;

	pthread_mutex_lock(&t->lock);
	is_stopped = t->is_stopped;
	pthread_mutex_unlock(&t->lock);
	return is_stopped;
}

void key_table_stats_read(struct key_table *t, struct key_source_stats *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->stats;
	pthread_mutex_unlock(&t->lock);
}
