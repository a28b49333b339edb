// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// The table of questions to the key source: one stands in it by its B-TID from the moment somebody
// asks until its answer is there, so that others who ask for the same wait for the same; and what
// was not known a moment ago. Any thread, unless said otherwise.

#pragma once

#include <sys/queue.h>

#include "key_source.h"

struct key_table;

struct key_question {
	char btid[STORE_NAI_MAX + 1];
	// The table's.
	TAILQ_ENTRY(key_question) in_queue; // of those not taken yet
	struct key_question *next; // in its bucket
	struct key_waiter *waiters;
	int64_t deadline_ms;
};

int key_table_create(struct key_table **out);
void key_table_destroy(struct key_table *t);

// KEY_KNOWN: the waiter waits for the answer to come; a question that is not there yet is put at
// the end of the queue, where it may stand for so long. Else it is answered at once by the verdict.
enum key_verdict key_table_ask(
	struct key_table *t, const char *btid, int64_t wait_ms, struct key_waiter *waiter);
// The question whose turn it is, for whoever sends it; NULL: none.
struct key_question *key_table_take(struct key_table *t);
// One whose turn has not come in time, or once it was stopped any that was not taken; NULL: none.
struct key_question *key_table_overdue(struct key_table *t);
// Ends a question that was taken or overdue: who asks from now on asks anew. All who wait get the
// answer.
void key_table_answer(
	struct key_table *t, struct key_question *question, const struct key_answer *answer);

// From now on nothing is asked: KEY_BUSY.
void key_table_stop(struct key_table *t);
bool key_table_is_stopped(struct key_table *t);
void key_table_stats_read(struct key_table *t, struct key_source_stats *out);
