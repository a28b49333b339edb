// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "moves.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define STEPS 64u

struct step {
	uint64_t from, to;
	struct moves moves;
};

struct move_log {
	pthread_mutex_t lock;
	uint64_t first, end; // numbers of the steps that are there
	struct step step[STEPS]; // step i at i % STEPS
};

void moves_add(struct moves *m, uint32_t number)
{
	if (m->n > MOVES_MAX)
		return;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->number[i] == number)
			return;
	if (m->n < MOVES_MAX)
		m->number[m->n] = number;
	m->n++;
}

int move_log_create(struct move_log **out)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return -ENOMEM;
	pthread_mutex_init(&(*out)->lock, NULL);
	return 0;
}

void move_log_destroy(struct move_log *log)
{
	if (log == NULL)
		return;
	pthread_mutex_destroy(&log->lock);
	free(log);
}

static struct step *step_at(struct move_log *log, uint64_t number)
{
	return &log->step[number % STEPS];
}

void move_log_add(struct move_log *log, uint64_t from, uint64_t to, const struct moves *moves)
{
	if (log == NULL || from == to)
		return;
	pthread_mutex_lock(&log->lock);
	*step_at(log, log->end++) = (struct step){from, to, *moves};
	if (log->end - log->first > STEPS)
		log->first++;
	pthread_mutex_unlock(&log->lock);
}

void move_log_take_back(struct move_log *log, uint64_t to)
{
	if (log == NULL)
		return;
	pthread_mutex_lock(&log->lock);
	if (log->end > log->first && step_at(log, log->end - 1)->to == to)
		log->end--;
	pthread_mutex_unlock(&log->lock);
}

static bool step_take(const struct step *s, bool (*take)(void *arg, uint32_t number), void *arg)
{
	bool is_right = s->moves.n <= MOVES_MAX;

	for (uint32_t i = 0; is_right && i < s->moves.n; i++)
		is_right = take(arg, s->moves.number[i]);
	return is_right;
}

bool move_log_each(struct move_log *log, uint64_t from, uint64_t to,
	bool (*take)(void *arg, uint32_t number), void *arg)
{
	bool is_right = log != NULL;

	if (log == NULL)
		return false;
	pthread_mutex_lock(&log->lock);
	for (uint64_t i = log->first; i < log->end && is_right && from != to; i++) {
		const struct step *s = step_at(log, i);

		if (s->from != from)
			continue;
		is_right = step_take(s, take, arg);
		from = s->to;
	}
	pthread_mutex_unlock(&log->lock);
	return is_right && from == to;
}
