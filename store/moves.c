// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "moves.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

// The numbers of the steps between two versions, in room for all there are; false when they are not
// known.
static bool numbers_copy(
	struct move_log *log, uint64_t from, uint64_t to, uint32_t *number, uint32_t *n)
{
	bool is_known = true;

	*n = 0;
	pthread_mutex_lock(&log->lock);
	for (uint64_t i = log->first; i < log->end && is_known && from != to; i++) {
		const struct step *s = step_at(log, i);

		if (s->from != from)
			continue;
		is_known = s->moves.n <= MOVES_MAX;
		if (is_known)
			memcpy(number + *n, s->moves.number, s->moves.n * sizeof(*number));
		*n += is_known ? s->moves.n : 0;
		from = s->to;
	}
	pthread_mutex_unlock(&log->lock);
	return is_known && from == to;
}

// Nobody waits for the log meanwhile: what take() looks at may have to come from the disk.
bool move_log_each(struct move_log *log, uint64_t from, uint64_t to,
	bool (*take)(void *arg, uint32_t number), void *arg)
{
	uint32_t *number, n;
	bool is_right;

	if (log == NULL || from == to)
		return log != NULL;
	number = malloc(STEPS * MOVES_MAX * sizeof(*number));
	is_right = number != NULL && numbers_copy(log, from, to, number, &n);
	for (uint32_t i = 0; is_right && i < n; i++)
		is_right = take(arg, number[i]);
	free(number);
	return is_right;
}
